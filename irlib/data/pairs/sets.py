"""The sets of pairs that the studies report: the authors' lists where they are, else the rules."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from irlib.data.ages import CHILD_BELOW
from irlib.data.pairs.cards import card
from irlib.data.pairs.lists import Rejected, read_pairs, write_pairs
from irlib.data.pairs.matching import matched, named, stored_list
from irlib.data.pairs.rules import (
    IndexPairs,
    PairList,
    adult_pairs,
    child_adult_pairs,
    young_adult_pairs,
)
from irlib.data.sets.crossage import FOLDERS, TestFaces, read_faces
from irlib.data.walking import real

AUTHORS = "pairs"  # folder in a test folder for lists that others made; it is only read


@dataclass(frozen=True)
class PairSet:
    """One set of pairs of the paper's tables, or a control.

    Args:
        title: name in tables and figures.
        layout: agedb, fgnet or lag (see `irlib.data.sets.crossage`).
        file: name of its list, in the authors' release too.
        build: makes the pairs from the faces and a seed.
        min_gap: least difference in age that its rule asks for, in years.
        first_age: ages of the younger image, from the first to below the second, in years.
    """

    title: str
    layout: str
    file: str
    build: Callable[..., IndexPairs]
    min_gap: float = 0.0
    first_age: tuple[float, float] = (0.0, math.inf)

    def outside(self, pairs: PairList) -> int:
        """Pairs that its rule would not have made, as far as ages are known."""
        gap, (low, high) = pairs.second_age - pairs.first_age, self.first_age
        wrong = (gap < self.min_gap) | (pairs.first_age < low) | (pairs.first_age >= high)
        return int(wrong.sum())


@dataclass(frozen=True, eq=False)
class PreparedPairs:
    """A set of pairs, and how it came about.

    Args:
        pairs: P pairs.
        origin: ``list <file>`` or ``rule, seed <seed>``.
        outside_rule: pairs of a list that the set's rule would not have made.
        seed: of the draws, None for a list.
        dropped: positive pairs that the rule gave up for want of negative ones.
        rejected: (line number, text, reason) of the lines of a list that are not used.
        gender: m or f by image, where the set tells.
    """

    pairs: PairList
    origin: str
    seed: int | None = None
    dropped: int = 0
    outside_rule: int = 0
    rejected: tuple[Rejected, ...] = ()
    gender: Mapping[str, str] = field(default_factory=dict)

    def card(self, overlap: Collection[str] | None = None) -> dict[str, Any]:
        """What the set holds, as plain values; see `irlib.data.pairs.cards`.

        Args:
            overlap: people of the training set, None where names do not tell.
        """
        about = {"origin": self.origin, "seed": self.seed, "dropped": self.dropped}
        values = card(self.pairs, gender=self.gender, overlap=overlap)
        return {
            **values,
            **about,
            "rejected": len(self.rejected),
            "outside_rule": self.outside_rule,
        }


def _children(faces: TestFaces, *, gap: float, seed: int) -> IndexPairs:
    return child_adult_pairs(faces.identity, faces.age, gap, seed=seed)


def _adults(faces: TestFaces, *, gap: float, limit: int, seed: int) -> IndexPairs:
    return adult_pairs(faces.identity, faces.age, gap, limit=limit, seed=seed)


def _young(faces: TestFaces, *, seed: int) -> IndexPairs:
    return young_adult_pairs(faces.identity, faces.young, seed=seed)


_C20 = partial(_children, gap=20)
_C30 = partial(_children, gap=30)
_A20 = partial(_adults, gap=20, limit=2_000)  # about as many pairs as AgeDB-C20 has

_CHILD, _ADULT = (0.0, CHILD_BELOW), (18.0, math.inf)

PAIR_SETS: Mapping[str, PairSet] = MappingProxyType(
    {
        "agedb20_child": PairSet("AgeDB-C20", "agedb", "agedb20_child.txt", _C20, 20, _CHILD),
        "fgnet20_child": PairSet("FG-NET-C20", "fgnet", "fgnet20_child.txt", _C20, 20, _CHILD),
        "agedb30_child": PairSet("AgeDB-C30", "agedb", "agedb30_child.txt", _C30, 30, _CHILD),
        "fgnet30_child": PairSet("FG-NET-C30", "fgnet", "fgnet30_child.txt", _C30, 30, _CHILD),
        "lag": PairSet("LAG", "lag", "lag.txt", _young),
        "agedb20_adult": PairSet(
            "AgeDB-A20 (adult control)", "agedb", "agedb20_adult.txt", _A20, 20, _ADULT
        ),
        "fgnet20_adult": PairSet(
            "FG-NET-A20 (adult control)", "fgnet", "fgnet20_adult.txt", _A20, 20, _ADULT
        ),
    }
)


def prepare_pairs(
    test_dir: Path,
    out_dir: Path,
    *,
    seed: int,
    keys: Iterable[str] = tuple(PAIR_SETS),
    quarantined: Mapping[str, str] = MappingProxyType({}),
    exclude_identities: Collection[str] = frozenset(),
) -> dict[str, PreparedPairs]:
    """The pairs of each set, from the authors' list in ``test_dir/pairs`` or else by its rule.

    Each is written to ``out_dir/<key>.txt``, always anew, once all could be made. Sets whose
    images are absent are left out, and a list of them that an earlier run wrote is removed;
    `missing_sets` names them.

    Args:
        test_dir: folder that holds the image folders.
        out_dir: folder for the lists.
        seed: of the draws, where a list is made.
        keys: names in `PAIR_SETS`.
        quarantined: reason by name below test_dir, of images that are not to be used.
        exclude_identities: people who are in no pair, such as those of the training set.

    Raises:
        FileNotFoundError: no image folder of any asked set is there.
        ValueError: an unknown key, a set without both kinds of pairs, or an out_dir that is the
            place of the authors' lists.
    """
    keys = list(keys)
    missing = missing_sets(test_dir, keys)
    if len(missing) == len(keys):
        folders = ", ".join(sorted({folder.name for folder in missing.values()}))
        raise FileNotFoundError(f"{test_dir}: no test images; expected one of {folders}")
    if real(out_dir) == real(test_dir / AUTHORS):
        raise ValueError(f"{out_dir}: the place of lists that others made; expected another one")
    layouts = {key: PAIR_SETS[key].layout for key in keys if key not in missing}
    faces = {layout: read_faces(test_dir, layout) for layout in {*layouts.values()}}
    people = frozenset(exclude_identities)
    left_out = {own: _excluded(each, people) | dict(quarantined) for own, each in faces.items()}
    made = {
        key: _prepared(test_dir, key, seed, faces[layout], left_out[layout])
        for key, layout in layouts.items()
    }
    for key in missing:
        _stored_path(out_dir, key).unlink(missing_ok=True)
    for key, prepared in made.items():
        write_pairs(_stored_path(out_dir, key), prepared.pairs)
    return made


def stored_pairs(out_dir: Path, test_dir: Path | None = None) -> dict[str, PairList]:
    """The pairs that `prepare_pairs` left in a folder, by key, in the order of `PAIR_SETS`.

    Args:
        out_dir: folder of the lists.
        test_dir: folder that the names are relative to; where given, every image must be there.

    Raises:
        FileNotFoundError: there is no list, or an image is missing.
        ValueError: a list was damaged.
    """
    paths = {key: _stored_path(out_dir, key) for key in PAIR_SETS}
    found = {key: stored_list(path, test_dir) for key, path in paths.items() if path.is_file()}
    if not found:
        raise FileNotFoundError(f"{out_dir}: no pair list; notebooks/01_data_prep.ipynb makes them")
    return found


def missing_sets(test_dir: Path, keys: Iterable[str] = tuple(PAIR_SETS)) -> dict[str, Path]:
    """The sets that cannot be had, by key, each with the image folder that is absent or empty."""
    folders = {key: test_dir / FOLDERS[_pair_set(key).layout] for key in keys}
    return {key: folder for key, folder in folders.items() if not any(folder.glob("*"))}


def _excluded(faces: TestFaces, people: frozenset[str]) -> dict[str, str]:
    # images that stay out of every pair for whom they show, each with the reason
    own = zip(faces.names.tolist(), faces.identity.tolist(), strict=True)
    return {name: f"{person} is excluded" for name, person in own if person in people}


def _prepared(
    test_dir: Path, key: str, seed: int, faces: TestFaces, left_out: Mapping[str, str]
) -> PreparedPairs:
    pair_set = PAIR_SETS[key]
    path = test_dir / AUTHORS / pair_set.file
    gender = {n: g for n, g in zip(faces.names.tolist(), faces.gender.tolist(), strict=True) if g}
    try:
        if path.is_file():
            pairs, rejected = matched(read_pairs(path), faces, left_out=left_out)
            return PreparedPairs(
                pairs,
                f"list {AUTHORS}/{path.name}",
                outside_rule=pair_set.outside(pairs),
                rejected=tuple(rejected),
                gender=gender,
            )
        usable = faces.without(left_out)
        made = pair_set.build(usable, seed=seed)
    except ValueError as error:
        raise ValueError(f"pair set {key} ({pair_set.title}): {error}") from error
    pairs = named(usable, made)
    return PreparedPairs(pairs, f"rule, seed {seed}", seed, made.dropped, gender=gender)


def _stored_path(out_dir: Path, key: str) -> Path:
    return out_dir / f"{key}.txt"


def _pair_set(key: str) -> PairSet:
    if key not in PAIR_SETS:
        raise ValueError(f"pair set {key!r}: expected one of {', '.join(PAIR_SETS)}")
    return PAIR_SETS[key]
