"""Spearman's rank correlation with an interval over people.

Shapes: N values, I people, R replicates.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from irlib.evaluation.bootstrap import Interval, identity_counts

_UPPER = 0.975  # of an interval of 95 %
_NEAR_ONE = 1 - 1e-9  # z of a correlation of 1 would be infinite


def rank_correlation(
    first: ArrayLike, second: ArrayLike, identity: ArrayLike, *, seed: int, repeats: int = 1_000
) -> Interval:
    """Spearman's correlation of two series, NaN where one does not vary.

    Equal values share their middle rank. The interval is Student's of Fisher's z = artanh(rho),
    with the spread of z over draws of people, each of whom brings all their values: percentiles
    of the draws are too short for few people (docs/statistics.md).

    Args:
        first: (N,).
        second: (N,).
        identity: (N,) the person of each value.
        seed: of the draws.
        repeats: R.

    Raises:
        ValueError: lengths differ, or a value is not finite.
    """
    value, *drawn = rank_replicates(first, second, identity, seed=seed, repeats=repeats).tolist()
    used, people = np.array(drawn)[~np.isnan(drawn)], len(np.unique(identity))
    if people < 2 or len(used) < 2 or np.isnan(value):
        return Interval(value, np.nan, np.nan, 0)
    spread = _fisher(used).std(ddof=1) * np.sqrt(people / (people - 1))
    reach = float(stdtrit(people - 1, _UPPER) * spread)
    low, high = np.tanh(_fisher(value) - reach), np.tanh(_fisher(value) + reach)
    return Interval(value, float(min(low, value)), float(max(high, value)), len(used))


def rank_replicates(
    first: ArrayLike, second: ArrayLike, identity: ArrayLike, *, seed: int, repeats: int = 1_000
) -> NDArray[np.float64]:
    """(1 + R,) Spearman's correlation as it is and under draws of people; see `rank_correlation`.

    It is NaN where a series does not vary.
    """
    series = np.array([first, second], dtype=np.float64)
    people, person = np.unique(identity, return_inverse=True)
    if series.shape != (2, len(person)) or not np.isfinite(series).all():
        raise ValueError(f"series {series.shape}: expected (2, {len(person)}) finite values")
    places = [np.unique(each, return_inverse=True)[1] for each in series]
    drawn = identity_counts(len(people), repeats=repeats, seed=seed)
    once = np.ones(len(people), dtype=np.int64)
    return np.array([_weighted(places, row[person]) for row in (once, *drawn)])


def _fisher(correlation: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return np.arctanh(np.clip(correlation, -_NEAR_ONE, _NEAR_ONE))


def _weighted(places: list[NDArray[np.int64]], weights: NDArray[np.number]) -> float:
    # as if every value stood there as often as its weight says
    centered = []
    for place in places:
        at_place = np.bincount(place, weights=weights)
        middle = (np.cumsum(at_place) - at_place / 2)[place]
        centered.append(middle - weights @ middle / weights.sum())
    a, b = centered
    spread = (weights @ (a * a)) * (weights @ (b * b))
    return float(weights @ (a * b) / np.sqrt(spread)) if spread > 0 else np.nan
