"""Intervals that know that pairs share people: the vertex bootstrap of verification statistics.

A replicate draws as many identities as there are, with replacement. An impostor pair then counts
as often as the product of its two identities' draws; a genuine pair as often as its one identity
was drawn. Each kind is scaled back to its own number of pairs, so that the balance of the list,
which its maker chose, does not vary. An interval speaks of other people from the same population,
not of other training runs.

The percentiles of the replicates hold too little of a rate near 0 or 1 that few people decide, and
too much where impostor pairs hardly go together: a product of two draws counts the noise of a pair
three times. They serve means over several sets and differences under the same draws; a statistic of
one list has a better interval in `irlib.evaluation.intervals`. docs/statistics.md has the coverage.

Source: Fogliato, Patil and Perona, "Confidence Intervals for Error Rates in 1:1 Matching Tasks",
    IJCV 2024; genuine pairs as in its released code, R-code/utils.R, get_bootstrap_vertex. That
    code fills the cells where an identity meets itself with the mean; here they hold no pairs.
    Three times: Owen, "The Pigeonhole Bootstrap", Annals of Applied Statistics 2007.

Shapes: P pairs, R replicates, I identities.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irlib.data.pairs.rules import PairList
from irlib.evaluation.verification import Folds
from irlib.evaluation.weighted import curve_statistics, weighted_accuracies
from irlib.evaluation.wilson import require_level

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


def replicates(statistic: Statistic, draws: VertexDraws) -> NDArray[np.float64]:
    """(R,) or (R, M) values of a statistic, NaN where a draw lacks one kind of pair.

    Args:
        statistic: of (R', P) weights.
        draws: of the identities.
    """
    starts = range(0, len(draws.counts), _CHUNK)
    return np.concatenate([statistic(draws.weights(slice(at, at + _CHUNK))) for at in starts])


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
