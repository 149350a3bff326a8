"""Pair lists on disk, and the sets of pairs that the studies report.

A line is `<1|0> <first path> <second path>`, the younger image first; 1 means one person. Paths
are relative to the folder that holds `pairs/`. Fields are separated by one space, or by tabs
where a file name contains a space.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np

from irlib.data.pair_rules import (
    PairList,
    adult_pairs,
    child_adult_pairs,
    distinct_images,
    lag_pairs,
)
from irlib.data.testsets import FOLDERS, Face, TestFaces, below_root, face_of, read_faces
from irlib.runs import atomic_path

__all__ = [
    "PAIR_SETS",
    "PairList",
    "PairSet",
    "adult_pairs",
    "child_adult_pairs",
    "distinct_images",
    "ensure_pairs",
    "lag_pairs",
    "missing_sets",
    "read_pairs",
    "write_pairs",
]


@dataclass(frozen=True)
class PairSet:
    """One set of pairs of the paper's tables, or a control.

    Args:
        title: name in tables and figures.
        layout: agedb, fgnet or lag (see `irlib.data.testsets`).
        file: name of its list below `pairs/`.
        build: makes the list from the faces and a seed.
    """

    title: str
    layout: str
    file: str
    build: Callable[..., PairList]


_C20 = partial(child_adult_pairs, gap=20)
_C30 = partial(child_adult_pairs, gap=30)
_A20 = partial(adult_pairs, gap=20, limit=2_000)  # about as many pairs as AgeDB-C20 has

PAIR_SETS: Mapping[str, PairSet] = MappingProxyType(
    {
        "agedb20_child": PairSet("AgeDB-C20", "agedb", "agedb20_child.txt", _C20),
        "fgnet20_child": PairSet("FG-NET-C20", "fgnet", "fgnet20_child.txt", _C20),
        "agedb30_child": PairSet("AgeDB-C30", "agedb", "agedb30_child.txt", _C30),
        "fgnet30_child": PairSet("FG-NET-C30", "fgnet", "fgnet30_child.txt", _C30),
        "lag": PairSet("LAG", "lag", "lag.txt", lag_pairs),
        "agedb20_adult": PairSet("AgeDB-A20 (adult control)", "agedb", "agedb20_adult.txt", _A20),
        "fgnet20_adult": PairSet("FG-NET-A20 (adult control)", "fgnet", "fgnet20_adult.txt", _A20),
    }
)


def ensure_pairs(
    test_dir: Path, seed: int, keys: Iterable[str] = tuple(PAIR_SETS)
) -> dict[str, PairList]:
    """The pair lists of a test folder: read where they exist, else made and written.

    Sets whose images are absent are left out; `missing_sets` names them.

    Args:
        test_dir: folder that holds the image folders and `pairs/`.
        seed: of the draws, where a list is made.
        keys: names in `PAIR_SETS`.

    Raises:
        FileNotFoundError: no image folder of any asked set is there.
        ValueError: an unknown key, a broken list, or a set without any genuine pair.
    """
    keys = list(keys)
    missing = missing_sets(test_dir, keys)
    if len(missing) == len(keys):
        folders = ", ".join(sorted({folder.name for folder in missing.values()}))
        raise FileNotFoundError(f"{test_dir}: no test images; expected one of {folders}")
    faces: dict[str, TestFaces] = {}  # a folder is listed once for all its sets
    return {key: _read_or_make(test_dir, key, seed, faces) for key in keys if key not in missing}


def missing_sets(test_dir: Path, keys: Iterable[str] = tuple(PAIR_SETS)) -> dict[str, Path]:
    """The sets that cannot be had, by key, each with the image folder that is absent or empty."""
    folders = {key: test_dir / FOLDERS[_pair_set(key).layout] for key in keys}
    return {key: folder for key, folder in folders.items() if not any(folder.glob("*"))}


def write_pairs(path: Path, pairs: PairList) -> None:
    """Writes a pair list, all of it or nothing; missing folders are made."""
    lines = []
    for is_same, first, second in zip(pairs.is_same, pairs.first, pairs.second, strict=True):
        separator = "\t" if " " in first or " " in second else " "
        lines.append(f"{int(is_same)}{separator}{first}{separator}{second}\n")
    with atomic_path(path) as draft:
        draft.write_text("".join(lines), encoding="utf-8", newline="\n")


def read_pairs(path: Path, *, root: Path) -> PairList:
    """The pairs of a list, each line checked against what the two file names tell.

    Args:
        path: the list. Folders before a set's own, as in the authors' files, are dropped.
        root: folder that the paths are relative to.

    Raises:
        FileNotFoundError: the list, or an image it names, does not exist.
        ValueError: a line cannot be a pair, or there is no genuine or no impostor pair.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such pair list")
    rows = [
        _pair(f"{path}, line {number}", line)
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1)
        if line.strip()
    ]
    num_same = sum(is_same for is_same, *_ in rows)
    if not 0 < num_same < len(rows):
        raise ValueError(f"{path}: {num_same} of {len(rows)} pairs are genuine; expected some")
    is_same, names, faces = zip(*rows, strict=True)
    first, second = zip(*names, strict=True)
    for name in sorted({*first, *second}):
        if not (root / name).is_file():
            raise FileNotFoundError(f"{root / name}: no such image, listed in {path}")
    return PairList(
        first=np.array(first),
        second=np.array(second),
        is_same=np.array(is_same),
        first_identity=np.array([younger.identity for younger, _ in faces]),
        second_identity=np.array([older.identity for _, older in faces]),
        first_age=np.array([younger.age for younger, _ in faces]),
        second_age=np.array([older.age for _, older in faces]),
    )


def _read_or_make(test_dir: Path, key: str, seed: int, faces: dict[str, TestFaces]) -> PairList:
    pair_set = _pair_set(key)
    path = test_dir / "pairs" / pair_set.file
    if path.is_file():
        return read_pairs(path, root=test_dir)
    if pair_set.layout not in faces:
        faces[pair_set.layout] = read_faces(test_dir, pair_set.layout)
    try:
        pairs = pair_set.build(faces[pair_set.layout], seed=seed)
    except ValueError as error:
        raise ValueError(f"pair set {key} ({pair_set.title}): {error}") from error
    write_pairs(path, pairs)
    return pairs


def _pair_set(key: str) -> PairSet:
    if key not in PAIR_SETS:
        raise ValueError(f"pair set {key!r}: expected one of {', '.join(PAIR_SETS)}")
    return PAIR_SETS[key]


def _pair(place: str, line: str) -> tuple[bool, tuple[str, str], tuple[Face, Face]]:
    fields = line.rstrip("\r").split("\t" if "\t" in line else " ")
    if len(fields) != 3 or fields[0] not in ("0", "1"):
        raise ValueError(f"{place}: {line!r}; expected `<1|0> <younger image> <older image>`")
    is_same, names = fields[0] == "1", (below_root(fields[1]), below_root(fields[2]))
    try:
        younger, older = face_of(names[0]), face_of(names[1])
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error
    if is_same != (younger.identity == older.identity):
        raise ValueError(
            f"{place}: {fields[0]} for {younger.identity} and {older.identity}; "
            "expected 1 for one person and 0 for two"
        )
    if younger.age > older.age or younger.young < older.young:
        raise ValueError(f"{place}: {names[0]} is the older image; expected the younger one first")
    return is_same, names, (younger, older)
