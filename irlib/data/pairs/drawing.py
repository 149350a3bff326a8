"""How positive pairs are listed and negative ones drawn, for any range of ages.

Shapes: N images, P pairs, Y younger images.
Units: ages and gaps in years.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irlib.data.pairs.arguments import require_seed


@dataclass(frozen=True, eq=False)
class IndexPairs:
    """Pairs of images by their positions, as many positive as negative ones.

    Args:
        pairs: (P, 2) int64, the younger image first; positive pairs before negative ones.
        is_same: (P,) bool, True where both images show one person.
        dropped: positive pairs given up because there are too few negative ones.
    """

    pairs: NDArray[np.int64]
    is_same: NDArray[np.bool_]
    dropped: int = 0

    def __iter__(self) -> Iterator[NDArray]:
        """Pairs and truths, so that the two can be taken apart."""
        return iter((self.pairs, self.is_same))

    def __len__(self) -> int:
        """Number of pairs, P."""
        return len(self.pairs)


@dataclass(frozen=True)
class Window:
    """Which difference in age the images of a pair may have.

    Args:
        min_gap: least difference.
        max_gap: the difference stays below it, None for no bound.
        younger: what is asked of the younger image, for the message that there is none.
    """

    min_gap: float
    max_gap: float | None
    younger: str

    def positions(
        self, ages: NDArray, since: NDArray, low: NDArray, high: NDArray
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the partners of each image start and stop among the sorted ages.

        Args:
            ages: (M,) in ascending order.
            since: (Y,) age of each image.
            low: (Y,) first position that counts.
            high: (Y,) end of the positions that count.
        """
        start = _first_reaching(ages, since, self.min_gap, low, high)
        if self.max_gap is None:
            return start, high
        return start, _first_reaching(ages, since, self.max_gap, start, high)


def balanced(
    codes: NDArray,
    ages: NDArray,
    younger: NDArray,
    window: Window,
    rng: np.random.Generator,
    limit: int | None = None,
) -> IndexPairs:
    """All positive pairs in a window of ages, and as many negative ones drawn uniformly.

    Args:
        codes: (N,) the person in each image.
        ages: (N,) NaN where unknown.
        younger: (Y,) images that may stand first in a pair, ascending.
        window: the differences in age.
        rng: of the draws.
        limit: most positive pairs, None for all.

    Raises:
        ValueError: there is no positive or no negative pair.
    """
    # Sorted by age, the partners of one image are a stretch of the list: pairs are numbered
    # without building the N x N table, which AgeDB's adults would make 10^8 entries.
    known = np.flatnonzero(~np.isnan(ages))
    order = known[np.argsort(ages[known], kind="stable")]
    positive = _positive(codes, ages, order, younger, window)
    if not len(positive):
        band = "" if window.max_gap is None else f" and less than {window.max_gap:g}"
        raise ValueError(
            f"no person has an image {window.younger} and another one at least "
            f"{window.min_gap:g}{band} years older"
        )
    after = _positions(order, len(ages))[younger] + 1
    start, stop = window.positions(
        ages[order], ages[younger], after, np.full(len(younger), len(order))
    )
    end = np.cumsum(stop - start)  # (Y,) pair numbers below end[y] start in 0..y
    total, num_same = int(end[-1]), len(positive)
    kept, dropped = kept_pairs(positive, total - num_same, limit, rng)

    # Of the drawn numbers at most num_same are positive pairs, so enough negative ones remain.
    number = rng.choice(total, size=min(total, len(kept) + num_same), replace=False)
    row = np.searchsorted(end, number, side="right")
    pairs = np.stack([younger[row], order[stop[row] - (end[row] - number)]], axis=1)
    negative = pairs[codes[pairs[:, 0]] != codes[pairs[:, 1]]][: len(kept)]
    return joined(kept, negative, dropped)


def _positive(
    codes: NDArray, ages: NDArray, order: NDArray, younger: NDArray, window: Window
) -> NDArray[np.int64]:
    # (P, 2), in the order of the images
    by_person = order[np.argsort(codes[order], kind="stable")]  # within a person by age
    stop = np.searchsorted(codes[by_person], codes[younger], side="right")
    after = _positions(by_person, len(ages))[younger] + 1
    start, stop = window.positions(ages[by_person], ages[younger], after, stop)
    count = stop - start
    # positions start[y] to stop[y] of every y, one after the other
    at = np.arange(count.sum()) + np.repeat(stop - np.cumsum(count), count)
    pairs = np.stack([np.repeat(younger, count), by_person[at]], axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _positions(order: NDArray, size: int) -> NDArray[np.int64]:
    # (N,) where each image stands in the order
    positions = np.zeros(size, dtype=np.int64)
    positions[order] = np.arange(len(order))
    return positions


def _first_reaching(
    ages: NDArray, since: NDArray, gap: float, low: NDArray, high: NDArray
) -> NDArray[np.int64]:
    # First position in [low, high) that is `gap` after `since`, by halving. The difference is what
    # is compared: since + gap can round to the other side of an age.
    low, high = low.copy(), high.copy()
    while (is_open := low < high).any():
        middle = (low + high) // 2
        reached = ages[np.minimum(middle, len(ages) - 1)] - since >= gap
        high = np.where(is_open & reached, middle, high)
        low = np.where(is_open & ~reached, middle + 1, low)
    return low


def kept_pairs(
    positive: NDArray, num_other: int, limit: int | None, rng: np.random.Generator
) -> tuple[NDArray[np.int64], int]:
    """The positive pairs that stay, and how many are given up for want of negative ones.

    Args:
        positive: (P, 2) all of them.
        num_other: negative pairs there are.
        limit: most pairs asked for, None for all; those beyond it do not count as given up.
        rng: of the draw.

    Raises:
        ValueError: there is no negative pair.
    """
    if not num_other:
        raise ValueError(f"no pair of two people fits the rule, but {len(positive)} of one do")
    wanted = min(len(positive), limit or len(positive))
    size = min(wanted, num_other)
    if size < wanted:
        warnings.warn(
            f"{wanted - size} of {wanted} positive pairs are given up: only {num_other} negative "
            "pairs fit the rule",
            UserWarning,
            stacklevel=4,
        )
    if size < len(positive):
        positive = positive[np.sort(rng.choice(len(positive), size=size, replace=False))]
    return positive, wanted - size


def joined(positive: NDArray, negative: NDArray, dropped: int) -> IndexPairs:
    """The pairs, those of one person first."""
    pairs = np.concatenate([positive, negative]).astype(np.int64)
    return IndexPairs(pairs, np.arange(len(pairs)) < len(positive), dropped)


def stream(seed: int, min_gap: float, kind: int, max_gap: float | None) -> np.random.Generator:
    """The draws of one rule and range of whole years; ValueError unless the seed is a number."""
    band = [] if max_gap is None else [int(max_gap)]
    return np.random.default_rng([require_seed(seed), int(min_gap), kind, *band])
