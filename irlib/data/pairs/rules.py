"""Verification pairs by the published rules, and pairs of named images.

Shapes: N images, P pairs.
Units: ages and gaps in years.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.data.ages import CHILD_BELOW
from irlib.data.pairs.arguments import age_array, identity_codes, is_number, require_gaps
from irlib.data.pairs.drawing import IndexPairs, Window, balanced, joined, kept_pairs, stream


@dataclass(frozen=True, eq=False)
class PairList:
    """Pairs of test images, the younger image first, all positive pairs before the others.

    Args:
        first: (P,) str, path of the younger image, the child's in the paper's sets.
        second: (P,) str, path of the older image.
        is_same: (P,) bool, True where both images show one person.
        first_identity: (P,) str, the person in the first image.
        second_identity: (P,) str, the person in the second image.
        first_age: (P,) years, NaN in LAG.
        second_age: (P,) years, NaN in LAG.
    """

    first: NDArray[np.str_]
    second: NDArray[np.str_]
    is_same: NDArray[np.bool_]
    first_identity: NDArray[np.str_]
    second_identity: NDArray[np.str_]
    first_age: NDArray[np.float64]
    second_age: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of pairs, P."""
        return len(self.first)

    @cached_property
    def images(self) -> NDArray[np.str_]:
        """Every image once, sorted."""
        return distinct_images([self])

    @cached_property
    def sha256(self) -> str:
        """Hash of the pairs in their order, as 64 hexadecimal digits."""
        lines = zip(self.is_same.tolist(), self.first.tolist(), self.second.tolist(), strict=True)
        text = "".join(f"{int(is_same)}\t{first}\t{second}\n" for is_same, first, second in lines)
        return hashlib.sha256(text.encode()).hexdigest()

    def taken(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> "PairList":
        """Some of the pairs, in the order of the rows.

        Args:
            rows: positions, or (P,) bool.
        """
        columns = {each.name: getattr(self, each.name)[rows] for each in fields(self)}
        return PairList(**columns)

    def among(self, names: ArrayLike) -> "PairList":
        """The pairs both of whose images are among the names."""
        return self.taken(np.isin(self.first, names) & np.isin(self.second, names))

    def cosine(self, names: ArrayLike, embeddings: NDArray[np.floating]) -> NDArray[np.float64]:
        """Cosine similarity of each pair, (P,).

        Args:
            names: (N,) str, image of each row, sorted and without repeats (see `images`).
            embeddings: (N, D), of any length.

        Raises:
            ValueError: an image of a pair is not among the names, or an embedding is not finite.
        """
        unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
        if not np.isfinite(unit).all():
            raise ValueError("embeddings: some are not finite; expected real numbers")
        first, second = unit[_rows(names, self.first)], unit[_rows(names, self.second)]
        return np.einsum("pd,pd->p", first, second, dtype=np.float64)


def distinct_images(pair_lists: Sequence[PairList]) -> NDArray[np.str_]:
    """Every image of several pair lists once, sorted, so that each is embedded only once."""
    return np.unique(np.concatenate([side for p in pair_lists for side in (p.first, p.second)]))


def child_adult_pairs(
    identities: ArrayLike,
    ages: ArrayLike,
    min_gap: float,
    *,
    max_gap: float | None = None,
    child_below: float = CHILD_BELOW,
    seed: int = 0,
) -> IndexPairs:
    """All pairs of a child and the same person older, with as many pairs of different people.

    Negative pairs are drawn uniformly, without replacement, from all pairs of a child and another
    person that satisfy the same conditions. Where there are too few of them, positive pairs are
    given up, drawn uniformly, and a warning says how many.

    Args:
        identities: (N,) the person in each image, texts or whole numbers.
        ages: (N,) years, NaN where unknown; such an image is in no pair.
        min_gap: least difference in age.
        max_gap: the difference stays below it, None for no bound.
        child_below: a child is younger than this.
        seed: of the draws; those for other gaps, in whole years, are independent.

    Raises:
        ValueError: an argument is out of range, or there is no positive or no negative pair.

    Source: rule verified on the released lists of Lee et al., BMVC 2021.
    """
    years = age_array(ages)
    codes = identity_codes(identities, len(years))
    require_gaps(min_gap, max_gap)
    if not (is_number(child_below) and child_below > 0):
        raise ValueError(f"child_below {child_below!r}: expected years above 0")
    rng = stream(seed, min_gap, 0, max_gap)
    window = Window(min_gap, max_gap, f"younger than {child_below:g}")
    return balanced(codes, years, np.flatnonzero(years < child_below), window, rng)


def adult_pairs(
    identities: ArrayLike,
    ages: ArrayLike,
    min_gap: float,
    *,
    max_gap: float | None = None,
    limit: int | None = None,
    adult_from: float = 18.0,
    seed: int = 0,
) -> IndexPairs:
    """Control pairs of adults under the rule of `child_adult_pairs`.

    Args:
        identities: (N,) the person in each image, texts or whole numbers.
        ages: (N,) years, NaN where unknown; such an image is in no pair.
        min_gap: least difference in age.
        max_gap: the difference stays below it, None for no bound.
        limit: most positive pairs; of more, a uniform draw is kept. None keeps all.
        adult_from: age of the younger image at least.
        seed: of the draws; those for other gaps, in whole years, are independent.

    Raises:
        ValueError: an argument is out of range, or there is no positive or no negative pair.
    """
    years = age_array(ages)
    codes = identity_codes(identities, len(years))
    require_gaps(min_gap, max_gap)
    if limit is not None and limit < 1:
        raise ValueError(f"limit {limit!r}: expected at least 1 pair")
    if not (is_number(adult_from) and adult_from >= 0):
        raise ValueError(f"adult_from {adult_from!r}: expected years, 0 or more")
    rng = stream(seed, min_gap, 1, max_gap)
    window = Window(min_gap, max_gap, f"{adult_from:g} or older")
    return balanced(codes, years, np.flatnonzero(years >= adult_from), window, rng, limit)


def young_adult_pairs(identities: ArrayLike, young: ArrayLike, *, seed: int = 0) -> IndexPairs:
    """One-to-one pairs of a young and an adult image of each person, and as many of two people.

    Each person gives min(young, adult) positive pairs, each image used once. In negative pairs a
    young image appears at most once, beside an adult image of another person drawn uniformly.

    Args:
        identities: (N,) the person in each image, texts or whole numbers.
        young: (N,) bool, True for the young images.
        seed: of the matching and the draws.

    Raises:
        ValueError: an argument is out of range, or there is no positive or no negative pair.

    Source: rule verified on the released list for LAG of Lee et al., BMVC 2021.
    """
    is_young = np.asarray(young)
    if is_young.ndim != 1 or is_young.dtype != bool:
        raise ValueError(f"young: {is_young.dtype} {is_young.shape}; expected bool (N,)")
    codes = identity_codes(identities, len(is_young))
    rng = stream(seed, 0, 2, None)
    younger, adult = np.flatnonzero(is_young), np.flatnonzero(~is_young)
    adult = adult[np.argsort(codes[adult], kind="stable")]
    start = np.searchsorted(codes[adult], codes, side="left")
    stop = np.searchsorted(codes[adult], codes, side="right")

    positive: list[tuple[int, int]] = []
    for person in np.unique(codes[younger]):
        of_person = rng.permutation(younger[codes[younger] == person])
        adults = rng.permutation(adult[start[of_person[0]] : stop[of_person[0]]])
        positive.extend(zip(of_person.tolist(), adults.tolist(), strict=False))
    if not positive:
        raise ValueError("no person has both a young and an adult image")

    others = len(adult) - (stop - start)  # (N,) adult images of other people
    met = younger[others[younger] > 0]
    kept, dropped = kept_pairs(np.array(sorted(positive)), len(met), None, rng)
    child = np.sort(rng.choice(met, size=len(kept), replace=False))
    # Skip the person's own block of the sorted adults, so that every other image is as likely.
    drawn = rng.integers(0, others[child])
    drawn += np.where(drawn >= start[child], (stop - start)[child], 0)
    return joined(kept, np.stack([child, adult[drawn]], axis=1), dropped)


def _rows(names: ArrayLike, wanted: NDArray[np.str_]) -> NDArray[np.int64]:
    names = np.asarray(names)
    rows = np.minimum(np.searchsorted(names, wanted), len(names) - 1)
    if (absent := names[rows] != wanted).any():
        raise ValueError(f"{wanted[absent][0]}: no embedding; expected one for every listed image")
    return rows
