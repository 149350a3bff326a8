"""Age groups of faces, as arrays.

Shapes: N faces, G age groups. Unit of ages: years.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.age_invariant.ages import thresholds


def groups_of(ages: ArrayLike, num_groups: int) -> NDArray[np.int64]:
    """(N,) group of each age, from 0: how many thresholds it exceeds, strictly.

    Args:
        ages: (N,) known ages.
        num_groups: G, 4 to 8.

    Raises:
        ValueError: an age is not finite, or no thresholds are known for that many groups.
    """
    years = np.asarray(ages, dtype=np.float64)
    if unknown := int((~np.isfinite(years)).sum()):
        raise ValueError(f"ages: {unknown} of {years.size} are unknown; expected years")
    return (years[..., None] > np.array(thresholds(num_groups))).sum(axis=-1)


def central_ages(ages: ArrayLike, num_groups: int) -> NDArray[np.float64]:
    """(G,) median age of the faces of each group, which an open-ended group has too.

    Args:
        ages: (N,) of the training faces; unknown ones, NaN, do not count.
        num_groups: G, 4 to 8.

    Raises:
        ValueError: a group has no face.
    """
    years = np.asarray(ages, dtype=np.float64)
    years = years[np.isfinite(years)]
    group = groups_of(years, num_groups)
    if empty := sorted(set(range(num_groups)) - set(group.tolist())):
        raise ValueError(
            f"ages: no face in group {empty[0]} of {num_groups}, which end at "
            f"{', '.join(map(str, thresholds(num_groups)))} years; expected one in each"
        )
    return np.array([np.median(years[group == each]) for each in range(num_groups)])
