"""How many images and identities of a training set show children, by its age labels.

Shapes: N images.
Units: ages in years.
"""

from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from irlib.analyses.about_sample import ADULT_FROM

EDGES = (19.0, 26.0, 36.0, 46.0, 56.0, 66.0)  # least ages of the groups, as in the authors' code
UNKNOWN = "no label"


def age_groups(
    labels: NDArray[np.int64], ages: NDArray[np.floating], *, child_below: float
) -> pd.DataFrame:
    """Images and identities of each age: `group`, `images`, `identities`, `is_child`.

    The first group are the children; the last counts what has no age.

    Args:
        labels: (N,) identity of each image.
        ages: (N,) years, NaN where unknown.
        child_below: a younger image shows a child.
    """
    least = [child_below, *(edge for edge in EDGES if edge > child_below)]
    names = [f"below {child_below:g}"]
    names += [f"{low:g} to {high - 1:g}" for low, high in pairwise(least)]
    names += [f"{least[-1]:g} and above", UNKNOWN]
    index = np.searchsorted(least, ages, side="right")
    index[np.isnan(ages)] = len(least) + 1
    whose = [labels[index == number] for number in range(len(names))]
    return pd.DataFrame(
        {
            "group": names,
            "images": [len(each) for each in whose],
            "identities": [len(np.unique(each)) for each in whose],
            "is_child": [True] + [False] * (len(names) - 1),
        }
    )


def age_counts(
    labels: NDArray[np.int64], ages: NDArray[np.floating], *, child_below: float
) -> dict[str, int | float]:
    """How rare children are, and whom the set shows both as a child and as an adult.

    Args:
        labels: (N,) identity of each image.
        ages: (N,) years, NaN where unknown.
        child_below: a younger image shows a child; from 18 years on, and not below this, it shows
            an adult.

    Returns:
        images, labeled_images, child_images, child_share (of the labeled images), identities,
        child_identities and adult_identities (with an image of that kind), and both.
    """
    is_child, is_adult = ages < child_below, ages >= max(ADULT_FROM, child_below)
    with_child, with_adult = np.unique(labels[is_child]), np.unique(labels[is_adult])
    labeled = int(np.isfinite(ages).sum())
    return {
        "images": len(labels),
        "labeled_images": labeled,
        "child_images": int(is_child.sum()),
        "child_share": float(is_child.sum() / max(labeled, 1)),
        "identities": len(np.unique(labels)),
        "child_identities": len(with_child),
        "adult_identities": len(with_adult),
        "both": len(np.intersect1d(with_child, with_adult)),
    }
