"""Verification pairs of test faces, made by the published rules.

Shapes: N images, P pairs.
Units: ages and gaps in years.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.data.testsets import CHILD_BELOW, TestFaces


@dataclass(frozen=True, eq=False)
class PairList:
    """Pairs of test images, the younger image first, all genuine pairs before the others.

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


def child_adult_pairs(faces: TestFaces, *, gap: float, seed: int) -> PairList:
    """All genuine pairs of a child and the same person older, with as many impostor pairs.

    Impostor pairs are drawn uniformly, without replacement, from all pairs of a child and
    another person that satisfy the same conditions.

    Args:
        faces: images with ages.
        gap: least difference in age, in years.
        seed: of the impostor draw; draws for other gaps are independent of it.

    Raises:
        ValueError: there is no genuine pair, or too few impostor pairs.

    Source: rule verified on the released lists of Lee et al., BMVC 2021: a child is below 13.
    """
    rng = np.random.default_rng([seed, int(gap), 0])
    return _balanced(faces, np.flatnonzero(faces.age < CHILD_BELOW), gap, rng, limit=None)


def adult_pairs(
    faces: TestFaces, *, gap: float, seed: int, limit: int, adult_from: float = 18.0
) -> PairList:
    """Control pairs of adults under the same gap rule: genuine ones and as many impostor pairs.

    Args:
        faces: images with ages.
        gap: least difference in age, in years.
        seed: of the draws.
        limit: most genuine pairs; a set with more keeps a uniform draw of this size.
        adult_from: age of the younger image at least, in years.

    Raises:
        ValueError: there is no genuine pair, or too few impostor pairs.
    """
    rng = np.random.default_rng([seed, int(gap), 1])
    return _balanced(faces, np.flatnonzero(faces.age >= adult_from), gap, rng, limit=limit)


def lag_pairs(faces: TestFaces, *, seed: int) -> PairList:
    """One-to-one pairs of a young and an adult image of each person, with as many impostor pairs.

    Each person gives min(young, adult) genuine pairs, each image used once. In impostor pairs a
    young image appears at most once, beside an adult image of another person drawn uniformly.

    Args:
        faces: images marked young or not.
        seed: of the matching and the draw.

    Raises:
        ValueError: there is no genuine pair, or only one person has adult images.

    Source: rule verified on the released list of Lee et al., BMVC 2021.
    """
    rng = np.random.default_rng([seed, 0, 2])
    young, adult = np.flatnonzero(faces.young), np.flatnonzero(~faces.young)
    adult = adult[np.argsort(faces.identity[adult], kind="stable")]
    start = np.searchsorted(faces.identity[adult], faces.identity, side="left")
    stop = np.searchsorted(faces.identity[adult], faces.identity, side="right")

    genuine = []
    for person in np.unique(faces.identity[young]):
        of_person = rng.permutation(young[faces.identity[young] == person])
        adults = rng.permutation(adult[start[of_person[0]] : stop[of_person[0]]])
        genuine.extend(zip(of_person.tolist(), adults.tolist(), strict=False))
    if not genuine:
        raise ValueError(f"{faces.root}: no person has both a young and an adult image")

    child = np.sort(rng.choice(young, size=len(genuine), replace=False))
    others = len(adult) - (stop - start)[child]  # adult images of other people
    if not others.all():
        raise ValueError(f"{faces.root}: all adult images show one person; expected several")
    # Skip the person's own block of the sorted adults, so that every other image is as likely.
    drawn = rng.integers(0, others)
    drawn += np.where(drawn >= start[child], (stop - start)[child], 0)
    return _pair_list(faces, np.array(sorted(genuine)), np.stack([child, adult[drawn]], axis=1))


def _balanced(
    faces: TestFaces,
    younger: NDArray[np.int64],
    gap: float,
    rng: np.random.Generator,
    limit: int | None,
) -> PairList:
    # Sorted by age, the images at least `gap` older than one are the end of the list: pairs are
    # numbered without building the N x N table, which AgeDB's adults would make 10^8 entries.
    order = np.argsort(faces.age, kind="stable")
    first_older = np.searchsorted(faces.age[order], faces.age[younger] + gap)  # (Y,)
    end = np.cumsum(len(order) - first_older)  # (Y,) pair numbers below end[y] start in 0..y

    genuine = _genuine(faces, younger, gap)
    if not len(genuine):
        raise ValueError(f"{faces.root}: no person has two images {gap:g} years apart as asked")
    num_same = len(genuine)
    if limit is not None and num_same > limit:
        genuine = genuine[np.sort(rng.choice(num_same, size=limit, replace=False))]

    # Of the drawn numbers at most num_same are genuine pairs, so enough impostors remain.
    total = int(end[-1])
    number = rng.choice(total, size=min(total, len(genuine) + num_same), replace=False)
    row = np.searchsorted(end, number, side="right")
    pairs = np.stack([younger[row], order[len(order) - (end[row] - number)]], axis=1)
    impostor = pairs[faces.identity[pairs[:, 0]] != faces.identity[pairs[:, 1]]][: len(genuine)]
    if len(impostor) < len(genuine):
        raise ValueError(
            f"{faces.root}: {len(impostor)} impostor pairs {gap:g} years apart; "
            f"expected as many as genuine ones, {len(genuine)}"
        )
    return _pair_list(faces, genuine, impostor)


def _genuine(faces: TestFaces, younger: NDArray[np.int64], gap: float) -> NDArray[np.int64]:
    # (pairs, 2) image indices, in the order of the names
    by_person = np.argsort(faces.identity, kind="stable")
    person = faces.identity[by_person]
    start = np.searchsorted(person, faces.identity[younger], side="left")
    stop = np.searchsorted(person, faces.identity[younger], side="right")
    pairs = [
        (first, second)
        for first, low, high in zip(younger.tolist(), start, stop, strict=True)
        for second in by_person[low:high].tolist()
        if faces.age[second] - faces.age[first] >= gap
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _pair_list(faces: TestFaces, genuine: NDArray, impostor: NDArray) -> PairList:
    first, second = np.concatenate([genuine, impostor]).T
    return PairList(
        first=faces.names[first],
        second=faces.names[second],
        is_same=np.arange(len(first)) < len(genuine),
        first_identity=faces.identity[first],
        second_identity=faces.identity[second],
        first_age=faces.age[first],
        second_age=faces.age[second],
    )


def _rows(names: ArrayLike, wanted: NDArray[np.str_]) -> NDArray[np.int64]:
    names = np.asarray(names)
    rows = np.minimum(np.searchsorted(names, wanted), len(names) - 1)
    if (absent := names[rows] != wanted).any():
        raise ValueError(f"{wanted[absent][0]}: no embedding; expected one for every listed image")
    return rows
