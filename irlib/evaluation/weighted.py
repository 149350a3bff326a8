"""Verification statistics of pairs that count unequally, such as under draws of people.

Shapes: P pairs, R sets of weights.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from irlib.evaluation.protocols import accuracy
from irlib.evaluation.roc import (
    area_under_roc,
    equal_error_rate,
    equal_error_threshold,
    operating_point,
    resolves,
    roc,
)
from irlib.evaluation.verification import Folds, fit_threshold, fit_thresholds


def curve_statistics(
    similarity: NDArray, is_same: NDArray, weights: NDArray, fars: Sequence[float]
) -> dict[str, NDArray[np.float64]]:
    """Area under the curve, equal error rate and tar at each rate: (R,) by name.

    Args:
        similarity: (P,) cosine of each pair.
        is_same: (P,) bool.
        weights: (R, P), at least one positive for each kind of pair, else the result is NaN.
        fars: false accept rates to report tar at; NaN where they are below 1/impostor pairs.
    """
    curve = roc(similarity, is_same, weights)
    values = {
        "area_under_roc": area_under_roc(curve),
        "equal_error_rate": equal_error_rate(curve),
    }
    num_other = int((~is_same).sum())
    for far in fars:
        at = operating_point(curve, far)
        tar = np.take_along_axis(curve.tar, at[:, None], axis=-1)[:, 0]
        values[f"tar_at_far_{far:g}"] = tar if resolves(num_other, far) else tar * np.nan
    return values


def weighted_accuracies(
    similarity: NDArray, is_same: NDArray, weights: NDArray, split: Folds
) -> dict[str, NDArray[np.float64]]:
    """Accuracy at the best threshold on the pairs themselves and on other people: (R,) by name.

    Args:
        similarity: (P,) cosine of each pair.
        is_same: (P,) bool.
        weights: (R, P).
        split: the folds.
    """
    right = np.zeros(len(weights))
    for tested, fitted in zip(split.tested, split.fitted, strict=True):
        threshold = fit_threshold(similarity, is_same, fitted, weights)  # (R,)
        is_right = (similarity[tested] >= threshold[:, None]) == is_same[tested]
        right += (weights[:, tested] * is_right).sum(axis=-1)
    best = roc(similarity, is_same, weights).accuracy[:, 1:].max(axis=-1)
    return {
        "best_threshold_accuracy": best,
        "fold_accuracy": right / weights.sum(axis=-1),
    }


def rightly_judged(similarity: NDArray, is_same: NDArray, split: Folds) -> NDArray[np.bool_]:
    """(3, P) whether each pair is judged rightly: best threshold, own fold's, that of equal errors.

    Args:
        similarity: (P,) cosine of each pair.
        is_same: (P,) bool.
        split: the folds.
    """
    best = accuracy(similarity, is_same, "oracle").threshold
    even = equal_error_threshold(roc(similarity, is_same))
    own = fit_thresholds(similarity, is_same, split.fitted)[split.tested.argmax(axis=0)]
    chosen = np.stack([np.full_like(own, best), own, np.full_like(own, even)])
    return (similarity >= chosen) == is_same
