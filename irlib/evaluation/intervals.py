"""Every verification statistic of a method with its interval over people.

An accuracy is a share of pairs and has Wilson's interval, with the thresholds as they are: it is
flat at its best threshold. The others choose their thresholds on the list; their variance is that
of their influence values (`irlib.evaluation.influence`). Tar and the equal error rate then have
Wilson's interval, the area under the curve, which comes close to 1, Student's of its log odds.
At 0 or 1 the interval is Wilson's with the pairs that could tell: the genuine ones for tar, the
kind that tells less for the others. docs/statistics.md has the coverage of all.

Shapes: P pairs, S training runs.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, stdtrit

from irlib.data.pairs.rules import PairList
from irlib.evaluation.bootstrap import FARS, Interval
from irlib.evaluation.influence import Influence, curve_influence
from irlib.evaluation.sharing import ClusteredMean, clustered_mean
from irlib.evaluation.verification import grouped_folds
from irlib.evaluation.weighted import rightly_judged
from irlib.evaluation.wilson import degrees_of, ends_of, require_level, wilson_interval

_AREA = "area_under_roc"
_PARTS = ("values", "events")


def verification_intervals(
    similarity: ArrayLike,
    pairs: PairList,
    *,
    fars: Sequence[float] = FARS,
    folds: int = 10,
    level: float = 0.95,
) -> dict[str, Interval]:
    """Every verification statistic of a method, with its interval over people; no draws needed.

    The accuracy at the best threshold flatters, and its interval with it. Tar needs some ten
    impostor pairs above the threshold: with fewer, the interval lies too high.

    Args:
        similarity: (P,) cosine of each pair, or (S, P) of S training runs, whose statistics are
            averaged.
        pairs: P pairs.
        fars: false accept rates to report tar at.
        folds: of the accuracy at thresholds chosen on other identities.
        level: coverage aimed at, in (0, 1).

    Returns:
        best_threshold_accuracy, fold_accuracy, area_under_roc, equal_error_rate and, for each
        rate, tar_at_far_<rate>: NaN where there are fewer than 1/rate impostor pairs.
    """
    require_level(level)
    runs = np.atleast_2d(np.asarray(similarity, dtype=np.float64))  # (S, P)
    split = grouped_folds(pairs.first_identity, pairs.second_identity, folds)
    people = pairs.first_identity, pairs.second_identity
    best, fold, _ = np.mean([rightly_judged(run, pairs.is_same, split) for run in runs], axis=0)
    found = {}
    for name, right in (("best_threshold_accuracy", best), ("fold_accuracy", fold)):
        rate = wilson_interval(right, pairs.is_same, *people, level=level)
        found[name] = Interval(rate.value, rate.low, rate.high, 0)
    each = [curve_influence(run, pairs.is_same, fars) for run in runs]
    for name in each[0]:
        told = _averaged([run[name] for run in each])
        found[name] = curve_intervals(name, [told], pairs, level=level)[0]
    return found


def curve_intervals(
    name: str, told: Sequence[Influence], pairs: PairList, *, level: float = 0.95
) -> list[Interval]:
    """Intervals over people of one statistic of the curve, by several methods; NaN where unknown.

    Args:
        name: area_under_roc, equal_error_rate or tar_at_far_<rate>.
        told: (M,) of the statistic by each method, on the same pairs.
        pairs: P pairs.
        level: coverage aimed at, in (0, 1).
    """
    people = pairs.first_identity, pairs.second_identity
    values, events = (np.array([getattr(each, part) for each in told]) for part in _PARTS)
    mean = clustered_mean(values, pairs.is_same, *people, events=events.T)
    mean = replace(mean, value=np.array([each.value for each in told]))
    spread = mean.value * (1 - mean.value)
    telling = (spread > 0) & (mean.variance > 0)  # not at an end of the scale
    if name == _AREA:
        ends = _log_odds_ends(mean, level)
    else:
        variance = np.where(telling, mean.variance, 1.0)
        ends = ends_of(mean.value, np.maximum(spread / variance, 1e-6), degrees_of(mean), level)
    if not telling.all():
        kinds = [pairs.is_same] if name.startswith("tar") else [pairs.is_same, ~pairs.is_same]
        effective = min(_pairs_that_tell(pairs, kind) for kind in kinds)
        at_end = ends_of(mean.value, np.full(len(told), effective), mean.degrees, level)
        ends = [np.where(telling, *both) for both in zip(ends, at_end, strict=True)]
    # rounding may put the end of the scale a hair beyond it
    ends = np.minimum(ends[0], mean.value), np.maximum(ends[1], mean.value)
    rows = zip(mean.value.tolist(), *(end.tolist() for end in ends), strict=True)
    return [Interval(value, low, high, 0) for value, low, high in rows]


def _log_odds_ends(mean: ClusteredMean, level: float) -> tuple[NDArray, NDArray]:
    value = np.clip(mean.value, 1e-9, 1 - 1e-9)
    reach = stdtrit(mean.degrees, (1 + level) / 2) * np.sqrt(mean.variance) / (value * (1 - value))
    return expit(logit(value) - reach), expit(logit(value) + reach)


def _pairs_that_tell(pairs: PairList, kind: NDArray[np.bool_]) -> float:
    # of pairs that are all alike: as many that share nobody tell as much
    people = pairs.first_identity[kind], pairs.second_identity[kind]
    ones = np.ones((1, int(kind.sum())))
    mean = clustered_mean(ones, pairs.is_same[kind], *people, events=np.zeros(1))
    return max(float(1 / mean.unit_variance[0]), 1e-6)


def _averaged(runs: list[Influence]) -> Influence:
    return Influence(
        float(np.mean([run.value for run in runs])),
        np.mean([run.values for run in runs], axis=0),
        np.mean([run.events for run in runs], axis=0),
    )
