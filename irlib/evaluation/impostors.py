"""How alike different people look to a network, among children and among adults.

The paper starts from the claim that impostor cosines are higher among children.

Shapes: N images, D embedding size, I identities, R replicates.
Units: ages in years.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.data.ages import CHILD_BELOW
from irlib.evaluation.bootstrap import Interval, identity_counts, percentile_interval

MAX_IMAGES = 1_500  # for quantiles: 1.1 million cosines at most


@dataclass(frozen=True, eq=False)
class ImpostorCosines:
    """Cosines between images of different people within one group.

    Args:
        mean: over all such pairs of the group, with its interval over identities.
        quantiles: (5,) at 5, 25, 50, 75 and 95 percent, of `cosines`.
        cosines: of each pair once; of pairs among a seeded draw of 1,500 images where the group
            has more.
        num_images: images of the group.
        num_identities: people in the group.
    """

    mean: Interval
    quantiles: NDArray[np.float64]
    cosines: NDArray[np.float32]
    num_images: int
    num_identities: int


@dataclass(frozen=True, eq=False)
class Impostors:
    """Impostor cosines of children beside those of adults.

    Args:
        child: among images below the child's age.
        adult: among images at or above the adult's age.
        difference: mean of child less mean of adult, with its interval over identities, drawn
            together: one person's child and adult images come and go together.
    """

    child: ImpostorCosines
    adult: ImpostorCosines
    difference: Interval


def impostor_cosines(
    embeddings: NDArray[np.floating],
    identity: ArrayLike,
    age: ArrayLike,
    *,
    seed: int,
    adult_from: float = 18.0,
    repeats: int = 1_000,
) -> Impostors:
    """Impostor cosines among child images and among adult images of a test set.

    Args:
        embeddings: (N, D), of any length.
        identity: (N,) person in each image.
        age: (N,) years; images of unknown age are left out.
        seed: of the identity draws and of the draw of images for the quantiles.
        adult_from: least age of an adult image; the child's is below 13.
        repeats: R, identity draws.

    Raises:
        ValueError: a group shows fewer than two people.
    """
    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    people, person = np.unique(identity, return_inverse=True)
    counts = identity_counts(len(people), repeats=repeats, seed=seed)
    age = np.asarray(age)
    rng = np.random.default_rng([seed, 1])

    groups, means = [], []
    for name, members in (("child", age < CHILD_BELOW), ("adult", age >= adult_from)):
        num_identities = len(np.unique(person[members]))
        if num_identities < 2:
            raise ValueError(f"{name} images show {num_identities} people; expected at least two")
        value, replicates = _means(unit[members], person[members], counts)
        cosines = _cosines(unit[members], person[members], rng)
        groups.append(
            ImpostorCosines(
                mean=percentile_interval(value, replicates),
                quantiles=np.quantile(cosines, [0.05, 0.25, 0.5, 0.75, 0.95]),
                cosines=cosines,
                num_images=int(members.sum()),
                num_identities=num_identities,
            )
        )
        means.append((value, replicates))
    difference = percentile_interval(means[0][0] - means[1][0], means[0][1] - means[1][1])
    return Impostors(groups[0], groups[1], difference)


def _means(
    unit: NDArray, person: NDArray, counts: NDArray[np.int64]
) -> tuple[float, NDArray[np.float64]]:
    # The sum of the cosines between all images of two people is the product of the sums of their
    # unit vectors, so the exact mean needs I x I numbers only; likewise in each replicate.
    num_identities = counts.shape[1]
    sums = np.zeros((num_identities, unit.shape[1]))
    np.add.at(sums, person, unit)
    images = np.bincount(person, minlength=num_identities).astype(np.float64)
    cosine, pairs = sums @ sums.T, np.outer(images, images)  # (I, I)
    np.fill_diagonal(cosine, 0.0)
    np.fill_diagonal(pairs, 0.0)
    drawn = counts.astype(np.float64)
    total = ((drawn @ pairs) * drawn).sum(axis=1)
    replicates = np.full(len(drawn), np.nan)
    np.divide(((drawn @ cosine) * drawn).sum(axis=1), total, out=replicates, where=total > 0)
    return float(cosine.sum() / pairs.sum()), replicates


def _cosines(unit: NDArray, person: NDArray, rng: np.random.Generator) -> NDArray[np.float32]:
    if len(unit) > MAX_IMAGES:
        drawn = np.sort(rng.choice(len(unit), size=MAX_IMAGES, replace=False))
        unit, person = unit[drawn], person[drawn]
    first, second = np.triu_indices(len(unit), k=1)
    different = person[first] != person[second]
    cosine = unit @ unit.T
    return cosine[first[different], second[different]].astype(np.float32)
