"""Pairs joined with the images of a test set, and with what the names of the images tell.

Shapes: P pairs.
Units: ages in years.
"""

import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from irlib.data.pairs.lists import ListedPairs, Rejected, read_pairs
from irlib.data.pairs.rules import IndexPairs, PairList
from irlib.data.sets.crossage import Face, TestFaces, below_root, face_of

_Found = tuple[str, Face]  # the image's name in the test folder, and what it tells


def matched(
    listed: ListedPairs, faces: TestFaces, *, left_out: Mapping[str, str] | None = None
) -> tuple[PairList, list[Rejected]]:
    """The listed pairs whose images are there and agree with the label.

    Folders above the set's own are dropped, as they differ by machine. An image is the listed one
    too if only the suffix, the case or the composition of accents differs. Rejected are pairs of
    which an image is absent, whose label contradicts the identities, or whose older image stands
    first.

    Args:
        listed: as read from a list.
        faces: the images that are there.
        left_out: reason by name, of images that are in the set but not to be used.

    Returns:
        The pairs, those of one person first, and every rejected line, those that could not be
        read among them, in the order of the list.

    Raises:
        ValueError: no pair of one person or none of two people remains.
    """
    find = _finder(faces, left_out or {})
    kept: list[tuple[bool, _Found, _Found]] = []
    rejected = list(listed.rejected)
    lines: dict[tuple[str, ...], int] = {}  # of the pairs so far, however their names are written
    rows = zip(listed.line_numbers.tolist(), listed.is_same.tolist(), strict=True)
    for (number, is_same), left, right in zip(rows, listed.left, listed.right, strict=True):
        try:
            first, second = find(str(left)), find(str(right))
            _require_pair(is_same, first, second)
            _require_new(lines, number, first[0], second[0])
        except ValueError as error:
            rejected.append((number, f"{int(is_same)} {left} {right}", str(error)))
        else:
            kept.append((is_same, first, second))
    return _pair_list(str(faces.root), kept), sorted(rejected)


def stored_list(path: Path, root: Path | None = None) -> PairList:
    """The pairs of a list that this library wrote, where every line must be sound.

    Args:
        path: the list.
        root: folder that the names are relative to; where it is given, the images must be there.

    Raises:
        FileNotFoundError: the list is missing, or an image that it names.
        ValueError: a line is no pair, or its label or order does not fit the names.
    """
    listed = read_pairs(path)
    if listed.rejected:
        number, text, reason = listed.rejected[0]
        raise ValueError(f"{path}, line {number}: {reason}: {text!r}")
    names = sorted({*listed.left.tolist(), *listed.right.tolist()})
    absent = [name for name in names if root and not (root / name).is_file()]
    if absent:
        raise FileNotFoundError(f"{root}/{absent[0]}: no such image, listed in {path}")
    rows = []
    for number, is_same, *pair in zip(
        listed.line_numbers, listed.is_same.tolist(), listed.left, listed.right, strict=True
    ):
        try:
            first, second = ((str(name), face_of(str(name))) for name in pair)
            _require_pair(is_same, first, second)
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from None
        rows.append((is_same, first, second))
    return _pair_list(str(path), rows)


def named(faces: TestFaces, found: IndexPairs) -> PairList:
    """Pairs of the faces of a test set, with names, identities and ages for positions."""
    first, second = found.pairs.T
    return PairList(
        first=faces.names[first],
        second=faces.names[second],
        is_same=found.is_same,
        first_identity=faces.identity[first],
        second_identity=faces.identity[second],
        first_age=faces.age[first],
        second_age=faces.age[second],
    )


def _finder(faces: TestFaces, left_out: Mapping[str, str]) -> Callable[[str], _Found]:
    exact = {name: row for row, name in enumerate(faces.names.tolist())}
    loose: dict[str, int] = {}  # -1 where two images differ in nothing but suffix or case
    for name, row in exact.items():
        loose[_loose(name)] = -1 if _loose(name) in loose else row

    def find(listed: str) -> _Found:
        name = below_root(listed)
        row = exact.get(name, loose.get(_loose(name), -1))
        if row < 0:
            raise ValueError(f"{name}: no such image")
        found = str(faces.names[row])
        if found in left_out:
            raise ValueError(f"{found}: left out: {left_out[found]}")
        age, young = float(faces.age[row]), bool(faces.young[row])
        return found, Face(str(faces.identity[row]), age, young, str(faces.gender[row]), found)

    return find


def _loose(name: str) -> str:
    return unicodedata.normalize("NFC", name.rpartition(".")[0]).casefold()


def _require_pair(is_same: bool, first: _Found, second: _Found) -> None:
    (_, younger), (_, older) = first, second
    if first[0] == second[0]:
        raise ValueError("the same image twice")
    if is_same != (younger.identity == older.identity):
        raise ValueError(
            f"label {int(is_same)} for {younger.identity} and {older.identity}; expected 1 for "
            "one person and 0 for two"
        )
    if younger.age > older.age or younger.young < older.young:
        raise ValueError(f"{first[0]} is the older image; expected the younger one first")


def _require_new(lines: dict[tuple[str, ...], int], number: int, *names: str) -> None:
    earlier = lines.setdefault(tuple(sorted(names)), number)
    if earlier != number:
        raise ValueError(f"it repeats line {earlier}")


def _pair_list(place: str, rows: list[tuple[bool, _Found, _Found]]) -> PairList:
    num_same = sum(is_same for is_same, *_ in rows)
    if not 0 < num_same < len(rows):
        raise ValueError(f"{place}: {num_same} of {len(rows)} pairs show one person; expected some")
    rows = sorted(rows, key=lambda row: not row[0])  # keeps the order within each kind
    is_same, first, second = zip(*rows, strict=True)
    return PairList(
        first=np.array([name for name, _ in first]),
        second=np.array([name for name, _ in second]),
        is_same=np.array(is_same),
        first_identity=np.array([face.identity for _, face in first]),
        second_identity=np.array([face.identity for _, face in second]),
        first_age=np.array([face.age for _, face in first]),
        second_age=np.array([face.age for _, face in second]),
    )
