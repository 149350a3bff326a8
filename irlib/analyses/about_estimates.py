"""Means with their draws of identities, so that two methods can be compared draw by draw.

A replicate draws as many identities as there are, with replacement; a pair of two of them counts
as often as the product of their draws. See `irlib.evaluation.bootstrap`.

Shapes: K identities, R replicates.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from irlib.evaluation.bootstrap import percentile_interval

Estimates = Mapping[str, "Estimate"]  # of one analysis, by name


@dataclass(frozen=True, eq=False)
class Estimate:
    """A mean over identities.

    Args:
        value: on the identities as they are; NaN if there is nothing to average.
        replicates: (R,) the same in each draw; NaN where a draw has nothing to average.
    """

    value: float
    replicates: NDArray[np.float64]

    def __sub__(self, other: "Estimate") -> "Estimate":
        """The difference of two means in the same draws."""
        return Estimate(self.value - other.value, self.replicates - other.replicates)


def pair_mean(total: NDArray, pairs: NDArray, counts: NDArray[np.int64]) -> Estimate:
    """Mean over all pairs of two different identities.

    Args:
        total: (K, K) sum over the pairs between two identities; the diagonal is not read.
        pairs: (K, K) number of these pairs.
        counts: (R, K) times each identity is drawn.
    """
    apart = ~np.eye(len(total), dtype=bool)
    total, pairs = np.where(apart, total, 0.0), np.where(apart, pairs, 0.0)
    drawn = counts.astype(np.float64)
    sums = ((drawn @ total) * drawn).sum(axis=1)
    return _ratio(total.sum(), pairs.sum(), sums, ((drawn @ pairs) * drawn).sum(axis=1))


def identity_mean(values: NDArray, counts: NDArray[np.int64]) -> Estimate:
    """Mean of one value an identity.

    Args:
        values: (K,), NaN for an identity that has none.
        counts: (R, K) times each identity is drawn.
    """
    has = np.isfinite(values)
    known, drawn = np.where(has, values, 0.0), counts.astype(np.float64)
    return _ratio(known.sum(), float(has.sum()), drawn @ known, drawn @ has.astype(np.float64))


def metrics(estimates: Estimates) -> dict[str, dict[str, float]]:
    """Value and 95 % interval over identities of each estimate, by name."""
    told = {}
    for name, each in estimates.items():
        interval = percentile_interval(each.value, each.replicates)
        told[name] = {"value": each.value, "low": interval.low, "high": interval.high}
    return told


def replicates(analyses: Mapping[str, Estimates]) -> pd.DataFrame:
    """Every estimate in each draw, a row a draw, for paired comparisons of two methods.

    Args:
        analyses: estimates by analysis; columns are called ``<analysis>/<name>``.
    """
    columns = {
        f"{analysis}/{name}": each.replicates
        for analysis, estimates in analyses.items()
        for name, each in estimates.items()
    }
    return pd.DataFrame(columns).round(6)


def _ratio(sum_: float, number: float, sums: NDArray, numbers: NDArray) -> Estimate:
    drawn = np.full(len(sums), np.nan)
    np.divide(sums, numbers, out=drawn, where=numbers > 0)
    return Estimate(float(sum_ / number) if number else np.nan, drawn)
