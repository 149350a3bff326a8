"""Intervals that know that pairs share people: the vertex bootstrap of verification statistics.

A replicate draws as many identities as there are, with replacement. An impostor pair then counts
as often as the product of its two identities' draws; a genuine pair as often as its one identity
was drawn. Each kind is scaled back to its own number of pairs, so that the balance of the list,
which its maker chose, does not vary. An interval speaks of other people from the same population,
not of other training runs.

Source: Fogliato, Patil and Perona, "Confidence Intervals for Error Rates in 1:1 Matching Tasks",
    IJCV 2024; genuine pairs as in its released code, R-code/utils.R, get_bootstrap_vertex. That
    code fills the cells where an identity meets itself with the mean; here they hold no pairs.

Shapes: P pairs, R replicates, I identities, S training runs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.data.pairs.rules import PairList
from irlib.evaluation.roc import area_under_roc, equal_error_rate, operating_point, resolves, roc
from irlib.evaluation.verification import Folds, fit_threshold, grouped_folds

FARS = (1e-1, 1e-2, 1e-3)

Statistics = Callable[[NDArray], Mapping[str, NDArray]]  # (R, P) weights to (R,) of each name

_CHUNK = 64  # replicates at once: 64 x 4,000 weights are 2 MB, which a cache holds


@dataclass(frozen=True)
class Interval:
    """A statistic with its percentile interval.

    Args:
        value: the statistic on the pairs as they are.
        low: lower end; NaN if no replicate has the statistic.
        high: upper end.
        repeats: replicates used: those that drew pairs of both kinds.
    """

    value: float
    low: float
    high: float
    repeats: int


@dataclass(frozen=True, eq=False)
class VertexDraws:
    """Draws of identities, and the weights they give to pairs.

    Args:
        counts: (R, I) times each identity is drawn.
        first: (P,) index of the identity in each pair's first image.
        second: (P,) index of the identity in each pair's second image.
        is_same: (P,) bool.
    """

    counts: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    is_same: NDArray[np.bool_]

    def weights(self, replicates: slice) -> NDArray[np.float64]:
        """(R', P) weight of each pair in some replicates; NaN where a kind was not drawn."""
        counts = self.counts[replicates].astype(np.float64)
        weights = counts[:, self.first]
        weights *= np.where(self.is_same, 1.0, counts[:, self.second])
        for kind in (self.is_same, ~self.is_same):
            total = weights[:, kind].sum(axis=1)
            scale = np.full_like(total, np.nan)
            np.divide(kind.sum(), total, out=scale, where=total > 0)
            weights *= np.where(kind, scale[:, None], 1.0)
        return weights


def vertex_draws(pairs: PairList, *, repeats: int, seed: int) -> VertexDraws:
    """Draws of the identities of a pair list; the same seed gives the same draws.

    Args:
        pairs: P pairs.
        repeats: R.
        seed: of the draws.
    """
    both = np.concatenate([pairs.first_identity, pairs.second_identity])
    people, index = np.unique(both, return_inverse=True)
    return VertexDraws(
        identity_counts(len(people), repeats=repeats, seed=seed),
        index[: len(pairs)],
        index[len(pairs) :],
        pairs.is_same,
    )


def identity_counts(num_identities: int, *, repeats: int, seed: int) -> NDArray[np.int64]:
    """(R, I) times each of I identities is drawn in R draws of I with replacement."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(num_identities, np.full(num_identities, 1 / num_identities), repeats)


def vertex_intervals(
    similarity: ArrayLike,
    pairs: PairList,
    *,
    seed: int,
    fars: Sequence[float] = FARS,
    folds: int = 10,
    repeats: int = 1_000,
    level: float = 0.95,
) -> dict[str, Interval]:
    """Every verification statistic of a method, with its interval over identities.

    The thresholds are chosen anew in each replicate. A replicate holds about 40 % of the impostor
    pairs, so the intervals of the accuracy at the best threshold, and of tar at rates near
    1/num_other, lie somewhat high: the optimism of the rule grows as the pairs grow fewer.

    Args:
        similarity: (P,) cosine of each pair, or (S, P) of S training runs, whose statistics are
            averaged.
        pairs: P pairs.
        seed: of the identity draws.
        fars: false accept rates to report tar at.
        folds: of the accuracy at thresholds chosen on other identities.
        repeats: R.
        level: coverage aimed at, in (0, 1).

    Returns:
        best_threshold_accuracy, fold_accuracy, area_under_roc, equal_error_rate and, for each
        rate, tar_at_far_<rate>: NaN where there are fewer than 1/rate impostor pairs.
    """
    statistics = _averaged(similarity, pairs, fars, folds)
    draws = vertex_draws(pairs, repeats=repeats, seed=seed)
    return _intervals(statistics, draws, level)


def percentile_interval(value: float, replicates: NDArray, level: float = 0.95) -> Interval:
    """The interval between the outer percentiles of the replicates, without those that are NaN."""
    if not 0 < level < 1:
        raise ValueError(f"level {level!r}: expected a share in (0, 1)")
    used = replicates[~np.isnan(replicates)]
    if not len(used) or np.isnan(value):
        return Interval(float(value), np.nan, np.nan, 0)
    low, high = np.quantile(used, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(value), float(low), float(high), len(used))


def weighted_statistics(
    similarity: NDArray, is_same: NDArray, weights: NDArray, *, split: Folds, fars: Sequence[float]
) -> dict[str, NDArray[np.float64]]:
    """Every verification statistic under each set of weights, (R,) by name.

    Args:
        similarity: (P,) cosine of each pair.
        is_same: (P,) bool.
        weights: (R, P), at least one positive for each kind of pair, else the result is NaN.
        split: the folds.
        fars: false accept rates to report tar at.
    """
    curve = roc(similarity, is_same, weights)
    num_other = int((~is_same).sum())
    values = {
        "best_threshold_accuracy": curve.accuracy[:, 1:].max(axis=-1),
        "fold_accuracy": _fold_accuracy(similarity, is_same, weights, split),
        "area_under_roc": area_under_roc(curve),
        "equal_error_rate": equal_error_rate(curve),
    }
    for far in fars:
        at = operating_point(curve, far)
        tar = np.take_along_axis(curve.tar, at[:, None], axis=-1)[:, 0]
        values[f"tar_at_far_{far:g}"] = tar if resolves(num_other, far) else tar * np.nan
    return values


def _fold_accuracy(
    similarity: NDArray, is_same: NDArray, weights: NDArray, split: Folds
) -> NDArray[np.float64]:
    right = np.zeros(len(weights))
    for tested, fitted in zip(split.tested, split.fitted, strict=True):
        threshold = fit_threshold(similarity, is_same, fitted, weights)  # (R,)
        is_right = (similarity[tested] >= threshold[:, None]) == is_same[tested]
        right += (weights[:, tested] * is_right).sum(axis=-1)
    return right / weights.sum(axis=-1)


def _averaged(
    similarity: ArrayLike, pairs: PairList, fars: Sequence[float], folds: int
) -> Statistics:
    runs = np.atleast_2d(np.asarray(similarity, dtype=np.float64))  # (S, P)
    split = grouped_folds(pairs.first_identity, pairs.second_identity, folds)

    def statistics(weights: NDArray) -> dict[str, NDArray]:
        each = [
            weighted_statistics(run, pairs.is_same, weights, split=split, fars=fars) for run in runs
        ]
        return {name: np.mean([values[name] for values in each], axis=0) for name in each[0]}

    return statistics


def _intervals(statistics: Statistics, draws: VertexDraws, level: float) -> dict[str, Interval]:
    values = statistics(np.ones((1, len(draws.first))))
    chunks = [
        statistics(draws.weights(slice(start, start + _CHUNK)))
        for start in range(0, len(draws.counts), _CHUNK)
    ]
    return {
        name: percentile_interval(
            float(value[0]), np.concatenate([chunk[name] for chunk in chunks]), level
        )
        for name, value in values.items()
    }
