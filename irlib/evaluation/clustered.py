"""Means with intervals that know which people stand behind the values; thresholds stay as they are.

Several means over one set, such as those of several methods or their differences, take the same
draws of people, so that they are paired.

A share by itself has a better interval than the percentiles of its draws, which hold it far too
seldom where few people decide it: `share_intervals`. The draws are for differences, and for means
over several sets.

Shapes: N values of each of M means, P pairs, I identities, R replicates. Replicates are (1 + R, M):
    the values as they are, then those of each draw.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.evaluation.bootstrap import Interval, VertexDraws, identity_counts, percentile_interval
from irlib.evaluation.sharing import clustered_mean
from irlib.evaluation.wilson import wilson_ends

_CHUNK = 64  # replicates at once


def identity_replicates(
    values: ArrayLike, identity: ArrayLike, *, seed: int, repeats: int = 1_000
) -> NDArray[np.float64]:
    """(1 + R, M) means of values that each belong to one person, under draws of people.

    Args:
        values: (N, M).
        identity: (N,) the person of each.
        seed: of the draws.
        repeats: R.
    """
    people, person = np.unique(identity, return_inverse=True)
    values = _table(values, len(person))
    totals = np.zeros((len(people), values.shape[1]))
    np.add.at(totals, person, values)
    counts = identity_counts(len(people), repeats=repeats, seed=seed)
    counts = np.concatenate([np.ones((1, len(people))), counts])
    return (counts @ totals) / (counts @ np.bincount(person))[:, None]


def pair_replicates(
    values: ArrayLike,
    is_same: ArrayLike,
    first_identity: ArrayLike,
    second_identity: ArrayLike,
    *,
    seed: int,
    people: Sequence[str] | NDArray[np.str_] | None = None,
    repeats: int = 1_000,
) -> NDArray[np.float64]:
    """(1 + R, M) means over pairs under draws of people, by the vertex bootstrap.

    A draw without pairs of one kind gives NaN.

    Args:
        values: (P, M), such as whether each pair is judged rightly.
        is_same: (P,) bool, True where both images show one person.
        first_identity: (P,) person in the first image.
        second_identity: (P,) person in the second image.
        seed: of the draws.
        people: (I,) whom to draw from, so that several lists have the same draws; None takes
            those in the pairs.
        repeats: R.
    """
    truth = np.asarray(is_same)
    values = _table(values, len(truth))
    sides = np.concatenate([first_identity, second_identity])
    drawn = np.unique(sides if people is None else people)
    index = np.searchsorted(drawn, sides)
    counts = identity_counts(len(drawn), repeats=repeats, seed=seed)
    draws = VertexDraws(counts, index[: len(truth)], index[len(truth) :], truth)
    means = [values.mean(axis=0, keepdims=True)]
    means += [
        draws.weights(slice(start, start + _CHUNK)) @ values / len(values)
        for start in range(0, repeats, _CHUNK)
    ]
    return np.concatenate(means)


def share_intervals(
    shares: ArrayLike, is_same: ArrayLike, first_identity: ArrayLike, second_identity: ArrayLike
) -> list[Interval]:
    """M shares of the same pairs with Wilson's 95 % intervals over people; they need no draws.

    Args:
        shares: (P, M) bool, or numbers in [0, 1].
        is_same: (P,) bool, True where both images show one person, and where a value belongs to
            one person, such as a search; both identities are that person then.
        first_identity: (P,) person in the first image.
        second_identity: (P,) person in the second image.
    """
    table = _table(shares, len(np.asarray(is_same))).T
    events = np.minimum(table.sum(axis=1), (1 - table).sum(axis=1))
    mean = clustered_mean(table, is_same, first_identity, second_identity, events=events)
    ends = zip(mean.value.tolist(), *(each.tolist() for each in wilson_ends(mean)), strict=True)
    return [Interval(value, low, high, 0) for value, low, high in ends]


def intervals(replicates: NDArray[np.float64]) -> list[Interval]:
    """The M means with their 95 % intervals, the percentiles of the draws.

    Args:
        replicates: (1 + R, M).
    """
    return [percentile_interval(float(column[0]), column[1:]) for column in replicates.T]


def _table(values: ArrayLike, count: int) -> NDArray[np.float64]:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or len(table) != count or not table.size:
        raise ValueError(f"values {table.shape}: expected ({count}, M), at least one of each")
    return table
