"""Intervals and p-values that hold for many comparisons at once.

With 95 % intervals one in twenty comparisons of equal methods excludes zero by chance. The
correction used is the maximum-T method: of each replicate the largest error of all comparisons,
in their own standard errors, is kept, and every interval is made as wide as 95 % of these maxima.
Sets share people and methods share a baseline, so comparisons go up and down together; the maxima
know that, and the intervals are narrower than Bonferroni's. Bonferroni's or Holm's percentiles
would besides need far more replicates than comparisons: 0.05 / 270 is less than one in 1,000.

Source: Westfall and Young, "Resampling-Based Multiple Testing", 1993, single-step maxT; Romano and
    Wolf, "Exact and Approximate Stepdown Methods for Multiple Hypothesis Testing", JASA 2005.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Together:
    """Intervals that hold together, a row a comparison.

    Args:
        low: (M,) lower ends; NaN where there are too few replicates.
        high: (M,) upper ends.
        p: (M,) chance, if nothing had changed anywhere, of a difference as large as this one, in
            its own standard error, in any of the comparisons.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p: NDArray[np.float64]


def together(samples: NDArray[np.float64], level: float = 0.95) -> Together:
    """Intervals that all hold at once with a probability of `level`.

    Args:
        samples: (M, 1 + R) differences: as they are, then in each replicate, the same draw for
            all; a replicate that lacks one of them is not used.
        level: in (0, 1).
    """
    value = samples[:, 0]
    draws = samples[:, 1:][:, ~np.isnan(samples[:, 1:]).any(axis=0)]  # (M, R')
    if not len(value) or draws.shape[1] < 2:
        nothing = np.full(len(value), np.nan)
        return Together(nothing, nothing, nothing)
    error = draws.std(axis=1, ddof=1)  # (M,)
    moves = error > 0  # a method against its equal never does
    if not moves.any():
        return Together(value, value, np.where(value == 0, 1.0, 0.0))
    largest = (np.abs(draws - value[:, None])[moves] / error[moves, None]).max(axis=0)  # (R',)
    reach = np.quantile(largest, level) * error
    size = np.divide(np.abs(value), error, out=np.zeros_like(value), where=moves)
    exceeding = (largest >= size[:, None]).sum(axis=1)
    return Together(value - reach, value + reach, (1 + exceeding) / (1 + draws.shape[1]))
