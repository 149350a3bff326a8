"""p values for a family of comparisons."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p: ArrayLike, *, family: int | None = None) -> NDArray[np.float64]:
    """(M,) p values adjusted for their number: rejecting those at most 0.05 errs anywhere in 5 %.

    The smallest p is multiplied by the size of the family, the next by one less, and so on; none
    falls below one before it. Nothing is supposed of how the comparisons depend on each other.

    Args:
        p: (M,) in [0, 1]; NaN stays NaN and does not count.
        family: comparisons that were looked at, if more than those given.

    Raises:
        ValueError: a p outside [0, 1], or a family smaller than the p values given.

    Source: Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal
        of Statistics 1979.
    """
    p = np.asarray(p, dtype=np.float64)
    known = p[~np.isnan(p)]
    if p.ndim != 1 or ((known < 0) | (known > 1)).any():
        raise ValueError(f"p {p.shape}: expected numbers in [0, 1], one a comparison")
    size = len(known) if family is None else family
    if size < len(known):
        raise ValueError(f"family {family!r}: expected at least {len(known)}, the p values given")
    order = np.argsort(known, kind="stable")
    scaled = known[order] * (size - np.arange(len(known)))
    adjusted = np.full(len(p), np.nan)
    places = np.flatnonzero(~np.isnan(p))[order]
    adjusted[places] = np.minimum(np.maximum.accumulate(scaled), 1)
    return adjusted
