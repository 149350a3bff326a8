"""The faces of the cross-age test sets: AgeDB, FG-NET and LAG, by their file names.

Shapes: N images.
Units: ages in years.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irlib.data.folders import is_image

CHILD_BELOW = 13.0  # years; Lee et al., BMVC 2021

FOLDERS = {"agedb": "AgeDB-aligned", "fgnet": "FGNET-aligned", "lag": "LAG-aligned"}

EXAMPLES = {
    "agedb": "AgeDB-aligned/JohnnyCash/6472_JohnnyCash_10.jpg",
    "fgnet": "FGNET-aligned/047A05.JPG",
    "lag": "LAG-aligned/jack_black/y/photo_2.png (young) or LAG-aligned/jack_black/photo_1.png",
}

# The first group is the identity, the second the age or, in LAG, the folder of young images.
_PATTERNS = {
    "agedb": re.compile(r"AgeDB-aligned/([^/]+)/\d+_[^/]*_(\d+)(?:_[mf])?\.\w+"),
    "fgnet": re.compile(r"FGNET-aligned/(\d{3})A(\d{2})[a-z]?\.\w+", re.IGNORECASE),
    "lag": re.compile(r"LAG-aligned/([^/]+)/(y/)?[^/]+\.\w+"),
}


@dataclass(frozen=True)
class Face:
    """What a file name tells of a test image.

    Args:
        identity: the person, by the name the set uses.
        age: years, NaN in LAG.
        young: below 13 years; in LAG, marked young by the set.
    """

    identity: str
    age: float
    young: bool


@dataclass(frozen=True, eq=False)
class TestFaces:
    """The images of one test set.

    Args:
        root: the folder that holds the set's folder, and its pair lists.
        names: (N,) str, paths below root with forward slashes, sorted.
        identity: (N,) str, the person in each image.
        age: (N,) years, NaN in LAG.
        young: (N,) bool, below 13 years; in LAG, marked young by the set.
        stray: files whose name is not of the set's form, sorted.
    """

    root: Path
    names: NDArray[np.str_]
    identity: NDArray[np.str_]
    age: NDArray[np.float64]
    young: NDArray[np.bool_]
    stray: tuple[str, ...]


def read_agedb(root: Path) -> TestFaces:
    """The faces in root/AgeDB-aligned/<Name>/<number>_<Name>_<age>.jpg."""
    return read_faces(root, "agedb")


def read_fgnet(root: Path) -> TestFaces:
    """The faces in root/FGNET-aligned/<subject>A<age><letter>.JPG, the letter optional."""
    return read_faces(root, "fgnet")


def read_lag(root: Path) -> TestFaces:
    """The faces in root/LAG-aligned/<person>/, adult, and its sub-folder y/, young."""
    return read_faces(root, "lag")


def read_faces(root: Path, layout: str) -> TestFaces:
    """The faces of one test set, with what their names tell.

    Args:
        root: folder that holds the set's folder, see `FOLDERS`.
        layout: agedb, fgnet or lag.

    Raises:
        FileNotFoundError: the set's folder is missing.
        ValueError: it holds no image named as in that set.
    """
    folder = root / FOLDERS[layout]
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; expected {EXAMPLES[layout]}")
    files = sorted(path.relative_to(root).as_posix() for path in folder.rglob("*.*"))
    files = [name for name in files if not (root / name).is_dir()]
    faces = {name: face for name in files if (face := _face(name, layout))}
    if not faces:
        raise ValueError(f"{folder}: no image of this set; expected {EXAMPLES[layout]}")
    return TestFaces(
        root,
        np.array(list(faces)),
        np.array([face.identity for face in faces.values()]),
        np.array([face.age for face in faces.values()]),
        np.array([face.young for face in faces.values()]),
        tuple(name for name in files if name not in faces),
    )


def face_of(name: str) -> Face:
    """What the name of a test image tells; the set is known by its folder in the path.

    Args:
        name: path with forward slashes that contains the set's folder, such as AgeDB-aligned.

    Raises:
        ValueError: it is no image of a known set.
    """
    for layout in FOLDERS:
        if face := _face(name, layout):
            return face
    raise ValueError(f"{name!r}: no image of a test set; expected {' or '.join(EXAMPLES.values())}")


def identity_of(name: str) -> str:
    """The person in a test image, by its path; raises ValueError as `face_of` does."""
    return face_of(name).identity


def below_root(name: str) -> str:
    """A listed path without the folders above the test set's own, as they differ by machine."""
    starts = [at for folder in FOLDERS.values() if (at := name.find(f"{folder}/")) >= 0]
    return name[min(starts) :] if starts else name


def _face(name: str, layout: str) -> Face | None:
    match = _PATTERNS[layout].fullmatch(name)
    if not match or not is_image(name.rpartition("/")[2]):
        return None
    identity, detail = match.groups()
    if layout == "lag":
        return Face(identity, float("nan"), detail is not None)
    age = float(detail)
    return Face(identity.strip(), age, age < CHILD_BELOW)  # some AgeDB names end in a space
