"""Accuracy on verification pairs, at a threshold chosen on the same pairs or on other people's.

Shapes: P pairs, R sets of weights (bootstrap replicates), K folds.
Units: accuracies are fractions in [0, 1]; thresholds are cosines.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.evaluation.roc import checked, roc, thresholds


@dataclass(frozen=True, eq=False)
class FoldAccuracy:
    """Accuracy at thresholds chosen without the identities they are judged on.

    Args:
        accuracy: share of all pairs judged rightly, each once, by its own fold's threshold.
        std: standard deviation of the folds' accuracies, over K - 1.
        fold_accuracy: (K,) accuracy within each fold.
        thresholds: (K,) similarity at or above which a pair of the fold is accepted.
        num_pairs: (K,) pairs in each fold.
    """

    accuracy: float
    std: float
    fold_accuracy: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    num_pairs: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Folds:
    """A split of the pairs by the identity of their first image.

    Args:
        tested: (K, P) bool, the pairs that each fold judges; every pair is in one fold.
        fitted: (K, P) bool, the pairs that its threshold is chosen on: those that touch, on
            neither side, an identity of the pairs it judges by their first image.
    """

    tested: NDArray[np.bool_]
    fitted: NDArray[np.bool_]


def best_threshold_accuracy(similarity: ArrayLike, is_same: ArrayLike) -> tuple[float, float]:
    """Accuracy by the paper's rule: the threshold is chosen on the very pairs it is judged on.

    Every observed similarity is tried; of several best ones the first pair's is taken. The result
    is optimistic: by about 1 point on 400 pairs (see `grouped_fold_accuracy`).

    Args:
        similarity: (P,) cosine of each pair.
        is_same: (P,) bool, True where both images show one person.

    Returns:
        Accuracy and threshold.

    Source: learner.py of the code released with Lee et al., BMVC 2021.
    """
    similarity = np.asarray(similarity, dtype=np.float64)
    curve = roc(similarity, is_same)
    at_pair = len(curve.threshold) - 1 - np.searchsorted(curve.threshold[::-1], similarity)
    accuracy = curve.accuracy[at_pair]  # (P,) with each pair's similarity as the threshold
    best = int(np.argmax(accuracy))
    return float(accuracy[best]), float(similarity[best])


def grouped_folds(first_identity: ArrayLike, second_identity: ArrayLike, folds: int = 10) -> Folds:
    """Folds that keep the pairs of one first identity together, about equal in pairs.

    Identities go, the one with most pairs first, to the fold that has fewest: no chance in it.

    Args:
        first_identity: (P,) person in the first image, the child's.
        second_identity: (P,) person in the second image.
        folds: K, at least 2.

    Raises:
        ValueError: fewer than two folds, fewer first identities than folds, or a fold that
            leaves only pairs of one kind to choose a threshold on.
    """
    person, first, pairs = np.unique(first_identity, return_inverse=True, return_counts=True)
    if not 2 <= folds <= len(person):
        raise ValueError(
            f"folds {folds}: expected 2 to {len(person)}, the number of identities they group"
        )
    fold_of = np.zeros(len(person), dtype=np.int64)
    size = np.zeros(folds, dtype=np.int64)
    for index in np.argsort(-pairs, kind="stable"):
        fold_of[index] = np.argmin(size)
        size[fold_of[index]] += pairs[index]
    tested = fold_of[first] == np.arange(folds)[:, None]  # (K, P)
    touched = [tested[k] | np.isin(second_identity, person[fold_of == k]) for k in range(folds)]
    fitted = ~np.array(touched)
    genuine = (fitted & (np.asarray(first_identity) == second_identity)).sum(axis=1)
    if not ((genuine > 0) & (genuine < fitted.sum(axis=1))).all():
        raise ValueError(f"folds {folds}: one leaves no pairs of both kinds to choose on")
    return Folds(tested, fitted)


def grouped_fold_accuracy(
    similarity: ArrayLike,
    is_same: ArrayLike,
    first_identity: ArrayLike,
    second_identity: ArrayLike,
    *,
    folds: int = 10,
) -> FoldAccuracy:
    """Accuracy at a threshold chosen on other identities, fold by fold.

    Args:
        similarity: (P,) cosine of each pair.
        is_same: (P,) bool, True where both images show one person.
        first_identity: (P,) person in the first image, the child's: it decides the fold.
        second_identity: (P,) person in the second image.
        folds: K, at least 2.

    Raises:
        ValueError: arrays that do not fit, or as in `grouped_folds`.
    """
    similarity, is_same = checked(similarity, is_same)
    split = grouped_folds(first_identity, second_identity, folds)
    chosen = np.array([fit_threshold(similarity, is_same, fit) for fit in split.fitted])  # (K,)
    right = (similarity >= chosen[:, None]) == is_same  # (K, P)
    num_pairs = split.tested.sum(axis=1)
    right_in_fold = (right & split.tested).sum(axis=1)
    accuracy = right_in_fold / num_pairs
    return FoldAccuracy(
        accuracy=float(right_in_fold.sum() / num_pairs.sum()),
        std=float(accuracy.std(ddof=1)),
        fold_accuracy=accuracy,
        thresholds=chosen,
        num_pairs=num_pairs,
    )


def fit_threshold(
    similarity: NDArray, is_same: NDArray, chosen: NDArray, weights: NDArray | None = None
) -> NDArray[np.float64]:
    """(...) threshold that judges most of the chosen pairs rightly, the highest if several do.

    Args:
        similarity: (P,) cosine of each pair.
        is_same: (P,) bool, True where both images show one person.
        chosen: (P,) bool, the pairs to fit on.
        weights: (P,) or (R, P), one each if not given.
    """
    order, ends = thresholds(similarity[chosen])
    order = np.flatnonzero(chosen)[order]
    sign = np.where(is_same[order], 1.0, -1.0)  # of a pair judged rightly or wrongly if accepted
    ordered = sign if weights is None else weights[..., order] * sign
    right = np.cumsum(ordered, axis=-1)[..., ends]  # less that of accepting nothing
    return similarity[order[ends]][np.argmax(right, axis=-1)]
