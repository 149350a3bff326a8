"""Thresholds on verification pairs, and folds that keep the pairs of a person together.

Shapes: P pairs, R sets of weights (bootstrap replicates), K folds.
Units: thresholds are cosines.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


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


def pair_people(identities: ArrayLike, is_same: NDArray[np.bool_]) -> NDArray:
    """(P, 2) people of the pairs, once they agree with what the pairs are said to be.

    Args:
        identities: (P, 2) people in the two images.
        is_same: (P,) whether both are one.

    Raises:
        ValueError: another shape, a genuine pair of two people or an impostor pair of one.
    """
    people = np.asarray(identities)
    if people.shape != (len(is_same), 2):
        raise ValueError(
            f"identities {people.shape}: expected ({len(is_same)}, 2), both people of each pair"
        )
    wrong = np.flatnonzero((people[:, 0] == people[:, 1]) != is_same)
    if len(wrong):
        at = int(wrong[0])
        first, second = people[at].tolist()
        raise ValueError(
            f"identities: {len(wrong)} of {len(people)} pairs contradict is_same, the first of "
            f"them pair {at}: is_same is {bool(is_same[at])} of {first} and {second}"
        )
    return people


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


def fit_threshold(
    similarity: NDArray, is_same: NDArray, chosen: NDArray, weights: NDArray | None = None
) -> NDArray[np.floating]:
    """(...) threshold that judges most of the chosen pairs rightly, the highest if several do.

    Args:
        similarity: (P,) cosine of each pair.
        is_same: (P,) bool, True where both images show one person.
        chosen: (P,) bool, the pairs to fit on.
        weights: (P,) or (R, P), one each if not given.
    """
    order = np.flatnonzero(chosen)
    order = order[np.argsort(-similarity[order], kind="stable")]
    return _best(similarity[order], is_same[order], 1 if weights is None else weights[..., order])


def fit_thresholds(similarity: NDArray, is_same: NDArray, fitted: NDArray) -> NDArray[np.floating]:
    """(K,) threshold that each fold chooses, as `fit_threshold` does, from one sort of the pairs.

    Args:
        similarity: (P,) cosine of each pair.
        is_same: (P,) bool, True where both images show one person.
        fitted: (K, P) bool, the pairs that each fold fits on.
    """
    order = np.argsort(-similarity, kind="stable")
    chosen = (order[own[order]] for own in fitted)
    return np.array([_best(similarity[each], is_same[each], 1) for each in chosen])


def _best(falling: NDArray, is_same: NDArray, weights: NDArray | int) -> NDArray[np.floating]:
    ends = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))
    gain = np.where(is_same, 1, -1) * weights  # of accepting a pair over rejecting it
    right = np.cumsum(gain, axis=-1)[..., ends]  # less that of accepting nothing
    return falling[ends][np.argmax(right, axis=-1)]
