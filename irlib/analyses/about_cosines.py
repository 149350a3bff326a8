"""Cosines between different identities: children, others, and one of each.

Shapes: n points, D embedding size, K identities, R replicates.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from irlib.analyses.about_estimates import Estimate, pair_mean
from irlib.analyses.about_sample import Sample
from irlib.prototypes import unit_rows

MEAN_IMAGES = 5  # behind each mean embedding
SHOWN = 10_000  # cosines of a kind in a histogram


def mean_embeddings(
    embeddings: NDArray[np.floating], sample: Sample, *, images: int = MEAN_IMAGES
) -> tuple[NDArray[np.floating], NDArray[np.int64], NDArray[np.bool_]]:
    """One normalised mean embedding an identity from its child images, and one from adult ones.

    Each is made of equally many images: a mean of more is less noisy, and so closer to others.
    An identity with fewer images of a kind has no mean of that kind.

    Args:
        embeddings: (n, D) of the sample's images, of any length.
        sample: the images.
        images: behind each mean, the first of the identity in the sample.

    Returns:
        The means (m, D), whose each is (m,), and whether it is of child images (m,).
    """
    unit = unit_rows(embeddings)
    means, owners, kinds = [], [], []
    for shows_child in (True, False):
        rows = np.flatnonzero(sample.shows_child == shows_child)
        rows = rows[np.argsort(sample.owner[rows], kind="stable")]
        whose, first, number = np.unique(sample.owner[rows], return_index=True, return_counts=True)
        first, whose = first[number >= images], whose[number >= images]
        chosen = rows[first[:, None] + np.arange(images)]  # (m, images)
        means.append(unit_rows(unit[chosen].mean(axis=1)))
        owners.append(whose)
        kinds.append(np.full(len(whose), shows_child))
    return np.concatenate(means), np.concatenate(owners), np.concatenate(kinds)


def pair_cosines(
    points: NDArray[np.floating],
    owner: NDArray[np.int64],
    is_child: NDArray[np.bool_],
    counts: NDArray[np.int64],
    *,
    rest: str,
) -> dict[str, Estimate]:
    """Mean cosine of two points of different identities, by kind.

    Args:
        points: (n, D), of any length.
        owner: (n,) identity of each, below K.
        is_child: (n,) whether it is one of a child.
        counts: (R, K) times each identity is drawn.
        rest: what the points are that are none of a child, adult or other.

    Returns:
        child_child, <rest>_<rest> and child_<rest>.
    """
    unit, num = unit_rows(points), counts.shape[1]
    sums = np.zeros((2, num, unit.shape[1]))  # of the unit vectors of an identity, by kind
    np.add.at(sums, ((~is_child).astype(int), owner), unit)
    numbers = [np.bincount(owner[kind], minlength=num) for kind in (is_child, ~is_child)]
    kinds = {"child_child": (0, 0), f"{rest}_{rest}": (1, 1), f"child_{rest}": (0, 1)}
    # the cosines between two identities add up to the product of their sums
    return {
        name: pair_mean(sums[one] @ sums[two].T, np.outer(numbers[one], numbers[two]), counts)
        for name, (one, two) in kinds.items()
    }


def rms_cosines(
    points: NDArray[np.floating],
    is_child: NDArray[np.bool_],
    counts: NDArray[np.int64],
    *,
    rest: str,
) -> dict[str, Estimate]:
    """Root mean square cosine of two identities, by kind: child_rms and <rest>_rms.

    The Inter-Prototype loss is the square of it, but for the diagonal; it can fall while the mean
    cosine rises.

    Args:
        points: (K, D), one an identity, of any length.
        is_child: (K,) whether it is one of a child.
        counts: (R, K) times each identity is drawn.
        rest: what the points are that are none of a child, adult or other.
    """
    square = np.square(unit_rows(points) @ unit_rows(points).T)
    means = {
        f"{name}_rms": pair_mean(square * np.outer(kind, kind), np.outer(kind, kind), counts)
        for name, kind in (("child", is_child), (rest, ~is_child))
    }
    return {n: Estimate(np.sqrt(e.value), np.sqrt(e.replicates)) for n, e in means.items()}


def shown_cosines(
    points: NDArray[np.floating],
    owner: NDArray[np.int64],
    is_child: NDArray[np.bool_],
    *,
    rest: str,
    seed: int,
    shown: int = SHOWN,
) -> pd.DataFrame:
    """Single cosines of two points of different identities, for a histogram: `group`, `value`.

    Args:
        points: (n, D), of any length.
        owner: (n,) identity of each.
        is_child: (n,) whether it is one of a child.
        rest: what the points are that are none of a child, adult or other.
        seed: of the draw where a kind has more pairs than are shown.
        shown: most cosines of a kind: child-child, <rest>-<rest> or child-<rest>.
    """
    rng, unit = np.random.default_rng(seed), unit_rows(points)
    child, other = np.flatnonzero(is_child), np.flatnonzero(~is_child)
    kinds = {
        "child-child": (child, child),
        f"{rest}-{rest}": (other, other),
        f"child-{rest}": (child, other),
    }
    parts = []
    for group, (one, two) in kinds.items():
        if len(one) * len(two) > 8 * shown:  # then few draws meet twice
            first, second = rng.choice(one, 8 * shown), rng.choice(two, 8 * shown)
        else:
            first, second = (grid.ravel() for grid in np.meshgrid(one, two, indexing="ij"))
        apart = np.flatnonzero(
            (owner[first] != owner[second]) & ((one is not two) | (first < second))
        )
        chosen = rng.permutation(apart)[:shown]
        first, second = first[chosen], second[chosen]
        cosine = (unit[first] * unit[second]).sum(axis=1)
        parts.append(pd.DataFrame({"group": group, "value": cosine}))
    return pd.concat(parts, ignore_index=True)
