"""How much a published accuracy owes to choices that were made on the test pairs.

Shapes: E checkpoints, the last one last; P pairs; K folds.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.data.pairs.rules import PairList
from irlib.evaluation.paired import Difference, paired_difference
from irlib.evaluation.verification import Folds, fit_thresholds, grouped_folds
from irlib.evaluation.weighted import rightly_judged


def flattery(
    similarity: ArrayLike, pairs: PairList, *, folds: int = 10, level: float = 0.95
) -> dict[str, Difference]:
    """What the best threshold and the best checkpoint add, with paired intervals over people.

    The choices are taken as they were made. Two numbers of the same checkpoints:

    - threshold: the last checkpoint at its best threshold on the test pairs, less the same at
      thresholds chosen on other people;
    - checkpoint: the checkpoint that is best on the test pairs, less the last, both at their best
      thresholds. It holds the real gain of stopping early beside the luck of the choice;
    - luck: the best checkpoint at its best threshold, less what checkpoint and threshold chosen on
      other people reach;
    - both: the best checkpoint at its best threshold, less the last one at thresholds chosen on
      other people.

    A training of this suite keeps two checkpoints, its best on validation identities and its last,
    so that its report shows the threshold's part alone. With the checkpoints of every epoch, such
    as another suite leaves behind::

        similarity = [pairs.cosine(names, embed(model)) for model in checkpoints]  # (E, P)
        parts = flattery(similarity, pairs)
        parts["luck"].value, parts["luck"].low, parts["luck"].high

    Args:
        similarity: (E, P) cosine of each pair by each checkpoint, in order of training.
        pairs: P pairs.
        folds: K.
        level: coverage aimed at, in (0, 1).

    Raises:
        ValueError: arrays that do not fit, or folds as in `grouped_folds`.
    """
    runs = np.asarray(similarity, dtype=np.float64)
    if runs.ndim != 2 or not len(runs) or runs.shape[1] != len(pairs):
        raise ValueError(f"similarity {runs.shape}: expected (E, {len(pairs)}), a row a checkpoint")
    split = grouped_folds(pairs.first_identity, pairs.second_identity, folds)
    right = np.array([rightly_judged(run, pairs.is_same, split)[:2] for run in runs])  # (E, 2, P)
    oracle, elsewhere = right[:, 0], right[-1, 1]
    best = oracle[int(np.argmax(oracle.sum(axis=1)))]
    fair = chosen_elsewhere(runs, pairs.is_same, split)
    parts = {
        "threshold": (oracle[-1], elsewhere),
        "checkpoint": (best, oracle[-1]),
        "luck": (best, fair),
        "both": (best, elsewhere),
    }
    people = pairs.first_identity, pairs.second_identity
    return {
        name: paired_difference(more, less, pairs.is_same, *people, level=level)
        for name, (more, less) in parts.items()
    }


def chosen_elsewhere(
    similarity: NDArray[np.float64], is_same: NDArray[np.bool_], split: Folds
) -> NDArray[np.bool_]:
    """(P,) whether a pair is judged rightly by checkpoint and threshold chosen on other people.

    Args:
        similarity: (E, P) cosine of each pair by each checkpoint.
        is_same: (P,) bool.
        split: the folds; of equally good checkpoints each takes the last.
    """
    thresholds = np.array([fit_thresholds(run, is_same, split.fitted) for run in similarity])
    right = np.zeros(len(is_same), dtype=bool)
    for fold, (tested, fitted) in enumerate(zip(split.tested, split.fitted, strict=True)):
        judged = (similarity >= thresholds[:, fold, None]) == is_same  # (E, P)
        share = judged[:, fitted].sum(axis=1)
        chosen = len(share) - 1 - int(np.argmax(share[::-1]))
        right[tested] = judged[chosen, tested]
    return right
