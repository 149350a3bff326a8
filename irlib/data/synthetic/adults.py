"""Verification pairs of adults of like age, in the form in which LFW is handed out.

The portraits are those of the test people, so nothing is painted for it.

Units: ages and gaps in years.
"""

import pickle
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irlib.data.pairs.rules import adult_pairs
from irlib.data.synthetic.population import Plan
from irlib.data.synthetic.spec import SyntheticSpec
from irlib.runs import atomic_path

FILE = "test/bin/adults.bin"  # below the folder of a set

FOLDS = 10  # blocks of pairs that share no person
PAIRS_OF_A_KIND = 30  # in a block, at most: 600 pairs
GAP_BELOW = 10.0
ADULT_FROM = 18.0
_PARTS = ("test/AgeDB-aligned", "test/LAG-aligned")


def is_due(spec: SyntheticSpec, root: Path) -> bool:
    """Whether the pairs of a set are missing though it has the people for them."""
    people = spec.agedb_identities + spec.lag_identities
    return people >= 2 * FOLDS and not (root / FILE).exists()


def write_adults(spec: SyntheticSpec, root: Path, whole: Plan) -> None:
    """Write the pairs of a set whose portraits are there; none where a block would be empty.

    Ten blocks of equal size, each of pairs of one person and then of as many pairs of two, as in
    LFW. No person is in two blocks.

    Args:
        spec: description of the set.
        root: folder of the portraits.
        whole: the set's images.
    """
    blocks = adult_blocks(spec, whole)
    if not blocks:
        return
    rows = np.concatenate(blocks).ravel()  # image 2k and 2k + 1 are pair k
    files = [(root / whole.names[row]).read_bytes() for row in rows]
    half = len(blocks[0]) // 2
    is_same = ([True] * half + [False] * half) * len(blocks)
    with atomic_path(root / FILE) as temporary:
        temporary.write_bytes(pickle.dumps((files, is_same), protocol=4))


def adult_blocks(spec: SyntheticSpec, whole: Plan) -> list[NDArray[np.int64]]:
    """Rows of the images of each block's pairs, (2n, 2), those of one person first.

    Both images show an adult, and their ages differ by less than ten years.

    Args:
        spec: description of the set.
        whole: its images.

    Returns:
        Ten blocks of one size, or none where one would be empty.
    """
    members = [_rows_of(people, whole) for people in _people_of_blocks(spec, whole)]
    found = [_pairs(spec, rows, whole, PAIRS_OF_A_KIND) for rows in members]
    half = min(len(pairs) // 2 for pairs in found)
    return [_pairs(spec, rows, whole, half) for rows in members] if half else []


def _people_of_blocks(spec: SyntheticSpec, whole: Plan) -> list[NDArray[np.int64]]:
    # of each test set in turn, so that every block has its share of both
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([spec.seed, 5])))
    people = [rng.permutation(np.unique(whole.person[whole.parts[part]])) for part in _PARTS]
    order = np.concatenate(people)
    return [order[block::FOLDS] for block in range(FOLDS)]


def _rows_of(people: NDArray[np.int64], whole: Plan) -> NDArray[np.int64]:
    return np.flatnonzero(np.isin(whole.person, people))


def _pairs(
    spec: SyntheticSpec, rows: NDArray[np.int64], whole: Plan, most: int
) -> NDArray[np.int64]:
    with warnings.catch_warnings(category=UserWarning, action="ignore"):  # told by the count
        try:
            made = adult_pairs(
                whole.person[rows], whole.age[rows], 0.0, max_gap=GAP_BELOW, limit=most,
                adult_from=ADULT_FROM, seed=spec.seed,
            )  # fmt: skip
        except ValueError:  # too few people for a pair of each kind
            return np.empty((0, 2), dtype=np.int64)
    return rows[made.pairs]
