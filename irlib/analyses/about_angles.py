"""Angles between images and prototypes: to those of other identities, and to the own one.

Shapes: n images, K identities, D embedding size, R replicates.
Units: degrees.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from irlib.analyses.about_estimates import Estimate, identity_mean, pair_mean
from irlib.analyses.about_sample import Sample
from irlib.prototypes import unit_rows

IMAGES = 10  # of either kind that an identity needs, as in the authors' code
ENOUGH = 20  # identities; where fewer have so many images, fewer images are asked for


@dataclass(frozen=True, eq=False)
class OwnAngles:
    """Angles to the own prototype, identity by identity.

    Args:
        table: `class`, `child` and `adult` (mean degrees), a row an identity.
        images: of either kind that an identity needs to be here.
        estimates: child, adult and difference (child less adult), means over identities.
    """

    table: pd.DataFrame
    images: int
    estimates: dict[str, Estimate]


def image_angles(
    embeddings: NDArray[np.floating], prototypes: NDArray[np.floating], sample: Sample
) -> pd.DataFrame:
    """Mean angle of each child image to other identities' prototypes: `class`, `child`, `other`.

    Args:
        embeddings: (n, D) of the sample's images, of any length.
        prototypes: (K, D) of its identities, of any length.
        sample: the images; a row each that shows a child. `child` is the mean over the child
            identities' prototypes without the own one, `other` that over the rest, in degrees.
    """
    owner, angle = _child_angles(embeddings, prototypes, sample)
    angle[np.arange(len(owner)), owner] = np.nan
    means = [np.nanmean(angle[:, kind], axis=1) for kind in (sample.is_child, ~sample.is_child)]
    return pd.DataFrame({"class": sample.classes[owner], "child": means[0], "other": means[1]})


def other_angles(
    embeddings: NDArray[np.floating],
    prototypes: NDArray[np.floating],
    sample: Sample,
    counts: NDArray[np.int64],
) -> dict[str, Estimate]:
    """Mean angle of child images to other identities' prototypes: child, other, difference.

    Args:
        embeddings: (n, D) of the sample's images, of any length.
        prototypes: (K, D) of its identities, of any length.
        sample: the images.
        counts: (R, K) times each identity is drawn, with its images and its prototype.
    """
    owner, angle = _child_angles(embeddings, prototypes, sample)
    total = np.zeros((len(prototypes), len(prototypes)))
    np.add.at(total, owner, angle)
    images = np.bincount(owner, minlength=len(prototypes))
    child, other = (
        pair_mean(total * kind, np.outer(images, kind), counts)
        for kind in (sample.is_child, ~sample.is_child)
    )
    return {"child": child, "other": other, "difference": child - other}


def own_angles(
    embeddings: NDArray[np.floating],
    prototypes: NDArray[np.floating],
    sample: Sample,
    counts: NDArray[np.int64],
) -> OwnAngles:
    """Angle of child images and of adult images to their own prototype.

    Identities count that have 10 images of either kind, as in the authors' code. Where fewer than
    20 have, the largest number of images is taken that 20 have, or 1.

    Args:
        embeddings: (n, D) of the sample's images, of any length.
        prototypes: (K, D) of its identities, of any length.
        sample: the images.
        counts: (R, K) times each identity is drawn.
    """
    cosine = (unit_rows(embeddings) * unit_rows(prototypes)[sample.owner]).sum(axis=1)
    angle, num = _degrees(cosine), len(prototypes)
    kinds = (sample.shows_child, ~sample.shows_child)
    images = np.stack([np.bincount(sample.owner[kind], minlength=num) for kind in kinds])
    fewest = images.min(axis=0)  # (K,)
    needed = next((m for m in range(IMAGES, 1, -1) if (fewest >= m).sum() >= ENOUGH), 1)
    sums = np.stack([np.bincount(sample.owner[k], angle[k], minlength=num) for k in kinds])
    means = np.where(fewest >= needed, sums / np.maximum(images, 1), np.nan)  # (2, K)
    child, adult = (identity_mean(each, counts) for each in means)
    table = pd.DataFrame({"class": sample.classes, "child": means[0], "adult": means[1]})
    estimates = {"child": child, "adult": adult, "difference": child - adult}
    return OwnAngles(table.dropna(ignore_index=True), needed, estimates)


def _child_angles(
    embeddings: NDArray, prototypes: NDArray, sample: Sample
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    # owner and angles to all K prototypes of each image that shows a child
    unit = unit_rows(embeddings[sample.shows_child])
    return sample.owner[sample.shows_child], _degrees(unit @ unit_rows(prototypes).T)


def _degrees(cosine: NDArray) -> NDArray[np.float64]:
    return np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))).astype(np.float64)
