"""The faces of the cross-age test sets: AgeDB, FG-NET and LAG, by their file names.

A set is read as its owners hand it out or as aligned crops. Crops of several sets lie in one test
folder, each under the name in `FOLDERS`, which the paths in pair lists carry.

Shapes: N images.
Units: ages in years.
"""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irlib.data.ages import CHILD_BELOW
from irlib.data.folders import is_image
from irlib.data.sets import names
from irlib.data.walking import is_text, printable, walk

FOLDERS = {"agedb": "AgeDB-aligned", "fgnet": "FGNET-aligned", "lag": "LAG-aligned"}

EXAMPLES = {
    "agedb": "JohnnyCash/6472_JohnnyCash_10.jpg or 6472_JohnnyCash_10_m.jpg",
    "fgnet": "047A05.JPG or images/047A05.JPG",
    "lag": "jack_black/y/photo_2.png (young) or jack_black/photo_1.png",
}

_LAG = re.compile(r"([^/]+)/(y/)?[^/]+\.\w+")

_GENDERS = "faces.csv"  # what the names of AgeDB's crops no longer tell
_NO_STRAY = {_GENDERS, "manifest.json", ".alignment/"}  # left there by the alignment


@dataclass(frozen=True)
class Face:
    """What a file name tells of a test image.

    Args:
        identity: the person, by the name the set uses.
        age: years, NaN in LAG.
        young: below 13 years; in LAG, marked young by the set.
        gender: m or f, empty where the name does not tell.
        key: what no other image of the set has: AgeDB's number, the stem in FG-NET.
    """

    identity: str
    age: float
    young: bool
    gender: str
    key: str


@dataclass(frozen=True, eq=False)
class TestFaces:
    """The images of one test set.

    Args:
        root: the folder that the names are relative to.
        names: (N,) str, paths below root with forward slashes, sorted.
        identity: (N,) str, the person in each image.
        age: (N,) years, NaN in LAG.
        young: (N,) bool, below 13 years; in LAG, marked young by the set.
        gender: (N,) str, m or f, empty where unknown.
        stray: what lies there and is no image named as in that set, sorted; folders that were not
            entered end in a slash.
    """

    root: Path
    names: NDArray[np.str_]
    identity: NDArray[np.str_]
    age: NDArray[np.float64]
    young: NDArray[np.bool_]
    gender: NDArray[np.str_]
    stray: tuple[str, ...]

    def __len__(self) -> int:
        """Number of images, N."""
        return len(self.names)

    def without(self, names: Iterable[str]) -> "TestFaces":
        """The same set less some images; names of no image change nothing."""
        kept = ~np.isin(self.names, np.array(list(names), dtype=np.str_))
        columns = ("names", "identity", "age", "young", "gender")
        return replace(self, **{name: getattr(self, name)[kept] for name in columns})


def read_faces(folder: Path, layout: str) -> TestFaces:
    """The faces of one test set, with what their names tell.

    Args:
        folder: the set's own, or a test folder that holds it under its name in `FOLDERS`.
        layout: agedb, fgnet or lag.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: no such layout, no image named as in that set, or two with one number or stem.
    """
    if layout not in FOLDERS:
        raise ValueError(f"layout {layout!r}: expected one of {', '.join(FOLDERS)}")
    own, prefix = _own_folder(folder, layout)
    genders = _noted_genders(own / _GENDERS)
    faces: dict[str, Face] = {}
    stray = []
    for name, is_file in walk(own):
        if is_file and (face := _face(name, layout)):
            noted = face.gender or genders.get(name, "")
            faces[prefix + name] = replace(face, gender=noted)
        elif name not in _NO_STRAY and not (layout == "fgnet" and name.lower().endswith(".pts")):
            stray.append(prefix + printable(name))
    if not faces:
        raise ValueError(f"{own}: no image of this set; expected {EXAMPLES[layout]}")
    _require_distinct(own, faces)
    return TestFaces(
        own if not prefix else folder,
        np.array(list(faces)),
        np.array([face.identity for face in faces.values()]),
        np.array([face.age for face in faces.values()]),
        np.array([face.young for face in faces.values()]),
        np.array([face.gender for face in faces.values()]),
        tuple(stray),
    )


def face_of(name: str) -> Face:
    """What the name of an aligned crop tells; the set is known by its folder, as in `FOLDERS`.

    Args:
        name: path with forward slashes that begins with the set's folder, such as AgeDB-aligned.

    Raises:
        ValueError: it is no image of a known set.
    """
    folder, _, rest = name.partition("/")
    for layout, known in FOLDERS.items():
        if folder == known and (face := _face(rest, layout)):
            return face
    examples = " or ".join(f"{FOLDERS[layout]}/{EXAMPLES[layout]}" for layout in FOLDERS)
    raise ValueError(f"{name!r}: no image of a test set; expected {examples}")


def below_root(name: str) -> str:
    """A listed path without the folders above the test set's own, as they differ by machine."""
    parts = name.split("/")
    starts = [row for row, part in enumerate(parts) if part in FOLDERS.values()]
    return "/".join(parts[starts[0] :]) if starts else name


def _own_folder(folder: Path, layout: str) -> tuple[Path, str]:
    own = folder / FOLDERS[layout]
    if own.is_dir():
        return own, f"{FOLDERS[layout]}/"
    # a test folder without this set: its other sets would pass for people of LAG
    if not folder.is_dir() or any((folder / other).is_dir() for other in FOLDERS.values()):
        raise FileNotFoundError(f"{own}: no such folder; expected {EXAMPLES[layout]} in it")
    return folder, ""


def _face(name: str, layout: str) -> Face | None:
    if not is_image(name.rpartition("/")[2]) or not is_text(name):
        return None
    if layout == "lag":
        match = _LAG.fullmatch(name)
        return match and Face(match[1], float("nan"), match[2] is not None, "", name)
    if layout == "fgnet":
        told = names.fgnet(name)
        return told and _dated(told.person, told.age, "", told.stem.upper())
    if not (told := names.agedb(name)):
        return None
    *_, folder = name.split("/")[:-1] or [told.person]
    if not told.gender and folder.strip() != told.person:  # a crop in another person's folder
        return None
    return _dated(told.person, told.age, told.gender, str(int(told.number)))


def _dated(identity: str, age: str, gender: str, key: str) -> Face:
    return Face(identity, float(age), float(age) < CHILD_BELOW, gender, key)


def _require_distinct(own: Path, faces: dict[str, Face]) -> None:
    named: dict[str, str] = {}
    for name, face in faces.items():
        if face.key in named:
            raise ValueError(
                f"{own}: {named[face.key]} and {name} are both image {face.key}; take one away"
            )
        named[face.key] = name


def _noted_genders(path: Path) -> dict[str, str]:
    # m or f by name below the set's folder
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as rows:
            genders = {row["name"]: row["gender"] or "" for row in csv.DictReader(rows)}
    except (KeyError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: expected columns name and gender ({error!r})") from None
    if wrong := {*genders.values()} - {"m", "f", ""}:
        raise ValueError(f"{path}: gender {min(wrong)!r}; expected m or f, or nothing")
    return genders
