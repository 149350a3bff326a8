"""What each pair adds to a statistic of the curve: means over pairs that move as it does.

The variance of such a mean is that of the statistic, and `irlib.evaluation.sharing` knows it for
pairs that share people. It holds for any balance of the list, as every kind of pair has a part of
its own; one factor for both, such as what the vertex bootstrap overcounts, would shrink them alike.

Shapes: P pairs.
Source: area under the curve, DeLong, DeLong and Clarke-Pearson, Biometrics 1988 (placements), by
    ranks as in Sun and Xu, IEEE Signal Processing Letters 2014; TAR at a FAR, Hsieh and Turnbull,
    Annals of Statistics 1996.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from irlib.evaluation.roc import (
    Roc,
    equal_error_rate,
    equal_error_threshold,
    operating_point,
    resolves,
    roc,
)


@dataclass(frozen=True, eq=False)
class Influence:
    """A statistic, and a mean over pairs that moves as it does under draws of people.

    Args:
        value: the statistic; NaN if the pairs cannot show it.
        values: (P,) whose mean over the pairs moves with it, but need not be equal to it.
        events: (2,) genuine and impostor pairs that it rests on, such as errors.
    """

    value: float
    values: NDArray[np.float64]
    events: NDArray[np.float64]


def curve_influence(
    similarity: NDArray, is_same: NDArray[np.bool_], fars: Sequence[float]
) -> dict[str, Influence]:
    """Area under the curve, equal error rate and tar at each rate, by name.

    Args:
        similarity: (P,) cosine of each pair.
        is_same: (P,) bool.
        fars: false accept rates; tar is NaN at those below 1/impostor pairs.
    """
    curve = roc(similarity, is_same)
    found = {
        "area_under_roc": area_influence(similarity, is_same),
        "equal_error_rate": _equal_error(similarity, is_same, curve),
    }
    num_other = int((~is_same).sum())
    for far in fars:
        enough = resolves(num_other, far)
        told = tar_influence(similarity, is_same, curve, far) if enough else _unknown(is_same)
        found[f"tar_at_far_{far:g}"] = told
    return found


def area_influence(similarity: NDArray, is_same: NDArray[np.bool_]) -> Influence:
    """The area under the curve: a pair adds the share of the other kind that it is right about.

    Args:
        similarity: (P,) cosine of each pair.
        is_same: (P,) bool.
    """
    rank, placement = rankdata(similarity), np.empty(len(is_same))
    for kind, sign in ((is_same, 1), (~is_same, -1)):
        within = rankdata(similarity[kind])
        lower = (rank[kind] - within) / (~kind).sum()  # of the other kind; equal ones count half
        placement[kind] = lower if sign > 0 else 1 - lower
    # a few pairs may hold nearly all that lacks from 1; both kinds see the same lack
    few = min(_held_by(1 - placement[kind]) for kind in (is_same, ~is_same))
    area = float(placement[is_same].mean())
    return Influence(area, placement * _weights(is_same), np.array([few, few]))


def tar_influence(
    similarity: NDArray, is_same: NDArray[np.bool_], curve: Roc, far: float
) -> Influence:
    """The true accept rate at a false accept rate: an impostor accepted raises the threshold.

    Args:
        similarity: (P,) cosine of each pair.
        is_same: (P,) bool.
        curve: of these pairs.
        far: in (0, 1], at least 1/impostor pairs.
    """
    at = operating_point(curve, far)
    accepted = similarity >= curve.threshold[at]
    pull = np.where(is_same, 1.0, -slope(curve, far)) * _weights(is_same)
    return Influence(float(curve.tar[at]), accepted * pull, _rarer(accepted, is_same))


def slope(curve: Roc, far: float) -> float:
    """Rise of tar over far about a rate, from half of it to one and a half; 0 at rate 0."""
    ends = np.array([0.5 * far, min(1.5 * far, 1.0)])
    if not far > 0:
        return 0.0
    rise = np.diff(curve.tar[[operating_point(curve, end) for end in ends]])
    return float(rise[0] / np.diff(ends)[0])


def _equal_error(similarity: NDArray, is_same: NDArray[np.bool_], curve: Roc) -> Influence:
    # the threshold moves until both errors are equal: the steeper the curve, the less is left of
    # what the genuine pairs do
    rate = float(equal_error_rate(curve))
    wrong = (similarity >= equal_error_threshold(curve)) != is_same
    steep = slope(curve, rate)
    part = np.where(is_same, 1.0, steep) / (1 + steep) * _weights(is_same)
    events = np.array([(wrong & is_same).sum(), (wrong & ~is_same).sum()], dtype=np.float64)
    return Influence(rate, wrong * part, events)


def _unknown(is_same: NDArray[np.bool_]) -> Influence:
    return Influence(np.nan, np.zeros(len(is_same)), np.zeros(2))


def _weights(is_same: NDArray[np.bool_]) -> NDArray[np.float64]:
    # a mean over all pairs of weighted values is the sum of the means of both kinds
    return len(is_same) / np.where(is_same, is_same.sum(), (~is_same).sum())


def _rarer(accepted: NDArray[np.bool_], is_same: NDArray[np.bool_]) -> NDArray[np.float64]:
    kinds = (accepted[is_same], accepted[~is_same])
    return np.array([min(kind.sum(), (~kind).sum()) for kind in kinds], dtype=np.float64)


def _held_by(lack: NDArray[np.float64]) -> float:
    # pairs that would hold the sum if they had equal parts: of errors, their number
    square = float((lack**2).sum())
    return float(lack.sum()) ** 2 / square if square > 0 else 0.0
