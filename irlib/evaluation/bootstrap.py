"""Intervals that know that pairs share people: the vertex bootstrap of verification statistics.

A replicate draws as many identities as there are, with replacement. An impostor pair then counts
as often as the product of its two identities' draws; a genuine pair as often as its one identity
was drawn. Each kind is scaled back to its own number of pairs, so that the balance of the list,
which its maker chose, does not vary. An interval speaks of other people from the same population,
not of other training runs.

The percentiles of the replicates hold too little of a rate near 0 or 1 that few people decide, and
too much where impostor pairs hardly go together: a product of two draws counts the noise of a pair
three times. `vertex_intervals` therefore takes only the variance from the replicates, scales it by
what the same draws overcount for the accuracy (`overcounting`), and gives Wilson's interval with
it. docs/statistics.md has the coverage of both.

Source: Fogliato, Patil and Perona, "Confidence Intervals for Error Rates in 1:1 Matching Tasks",
    IJCV 2024; genuine pairs as in its released code, R-code/utils.R, get_bootstrap_vertex. That
    code fills the cells where an identity meets itself with the mean; here they hold no pairs.
    Three times: Owen, "The Pigeonhole Bootstrap", Annals of Applied Statistics 2007.

Shapes: P pairs, R replicates, I identities, S training runs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.data.pairs.rules import PairList
from irlib.evaluation.sharing import clustered_mean
from irlib.evaluation.verification import Folds, grouped_folds
from irlib.evaluation.weighted import curve_statistics, rightly_judged, weighted_accuracies
from irlib.evaluation.wilson import ends_of, require_level, wilson_interval

FARS = (1e-1, 1e-2, 1e-3)

Statistic = Callable[[NDArray], NDArray]  # (R, P) weights to (R,), or to (R, M) of several

_CHUNK = 64  # replicates at once: 64 x 4,000 weights are 2 MB, which a cache holds


@dataclass(frozen=True)
class Interval:
    """A statistic with its interval over identities.

    Args:
        value: the statistic on the pairs as they are.
        low: lower end; NaN if no replicate has the statistic.
        high: upper end.
        repeats: replicates used: those that drew pairs of both kinds; 0 if none were needed.
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


@dataclass(frozen=True)
class Overcounting:
    """How the variance of a mean over pairs compares with that of the vertex bootstrap.

    Args:
        factor: the former over the latter, at most 1.
        degrees: of freedom of the former.
        common_pairs: pairs that share nobody and tell as much of any common rate.
    """

    factor: float
    degrees: float
    common_pairs: float


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

    An accuracy is a share of pairs, and its interval Wilson's with the thresholds as they are: it
    is flat at its best threshold. The other statistics choose their thresholds anew in each draw.
    The accuracy at the best threshold flatters, and its interval with it. Tar needs some ten
    impostor pairs above the threshold: with fewer, the interval lies too high.

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
    runs = np.atleast_2d(np.asarray(similarity, dtype=np.float64))  # (S, P)
    split = grouped_folds(pairs.first_identity, pairs.second_identity, folds)
    draws = vertex_draws(pairs, repeats=repeats, seed=seed)
    best, fold, even = np.mean([rightly_judged(run, pairs.is_same, split) for run in runs], axis=0)
    found = {}
    for name, right in (("best_threshold_accuracy", best), ("fold_accuracy", fold)):
        rate = wilson_interval(right, draws.is_same, draws.first, draws.second, level=level)
        found[name] = Interval(rate.value, rate.low, rate.high, 0)

    def statistic(weights: NDArray) -> NDArray[np.float64]:  # (R, statistics)
        each = [curve_statistics(run, pairs.is_same, weights, fars) for run in runs]
        return np.mean([list(values.values()) for values in each], axis=0).T

    excess = overcounting(even, draws, events=min(even.sum(), (1 - even).sum()))
    whole, columns = np.ones((1, len(pairs))), replicates(statistic, draws).T
    names = curve_statistics(runs[0], pairs.is_same, whole, fars)
    for name, value, column in zip(names, statistic(whole)[0].tolist(), columns, strict=True):
        found[name] = _scaled_interval(value, column, excess, level)
    return found


def overcounting(values: NDArray, draws: VertexDraws, *, events: float) -> Overcounting:
    """What the draws overcount of a mean over pairs: 1 if a person's pairs all go together.

    Args:
        values: (P,) such as whether each pair is judged rightly.
        draws: of the identities.
        events: pairs that differ from what most have.
    """
    mean = clustered_mean(
        values[None], draws.is_same, draws.first, draws.second, events=np.array([events])
    )
    drawn = replicate_variance(lambda weights: weights @ values / len(values), draws)
    factor = min(float(mean.variance[0]) / drawn, 1.0) if drawn > 0 else 1.0
    return Overcounting(factor, float(mean.degrees[0]), float(1 / mean.unit_variance[0]))


def replicates(statistic: Statistic, draws: VertexDraws) -> NDArray[np.float64]:
    """(R,) or (R, M) values of a statistic, NaN where a draw lacks one kind of pair.

    Args:
        statistic: of (R', P) weights.
        draws: of the identities.
    """
    starts = range(0, len(draws.counts), _CHUNK)
    return np.concatenate([statistic(draws.weights(slice(at, at + _CHUNK))) for at in starts])


def replicate_variance(statistic: Statistic, draws: VertexDraws) -> float:
    """Variance of one of `replicates` over the draws that have it; 0 if fewer than two do."""
    values = replicates(statistic, draws)
    used = values[~np.isnan(values)]
    return float(used.var(ddof=1)) if len(used) > 1 else 0.0


def percentile_interval(value: float, replicates: NDArray, level: float = 0.95) -> Interval:
    """The interval between the outer percentiles of the replicates, without those that are NaN."""
    require_level(level)
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
    return {
        **weighted_accuracies(similarity, is_same, weights, split),
        **curve_statistics(similarity, is_same, weights, fars),
    }


def _scaled_interval(value: float, drawn: NDArray, excess: Overcounting, level: float) -> Interval:
    used = drawn[~np.isnan(drawn)]
    if len(used) < 2 or np.isnan(value):
        return Interval(value, np.nan, np.nan, 0)
    variance, spread = excess.factor * float(used.var(ddof=1)), value * (1 - value)
    effective = spread / variance if variance > 0 and spread > 0 else excess.common_pairs
    low, high = ends_of(np.array([value]), np.array([effective]), excess.degrees, level)
    return Interval(value, float(low[0]), float(high[0]), len(used))
