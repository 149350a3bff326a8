"""Every number that is reported of one pair set, as plain values for ``metrics.json``."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from irlib.data.pairs.rules import PairList
from irlib.evaluation.bootstrap import FARS, Interval
from irlib.evaluation.intervals import verification_intervals
from irlib.evaluation.protocols import accuracy
from irlib.evaluation.roc import equal_error_threshold, roc


def set_metrics(similarity: ArrayLike, pairs: PairList) -> dict[str, Any]:
    """Accuracy by the paper's rule and by folds of people, TAR at FAR, AUC and EER, with intervals.

    Args:
        similarity: (P,) cosine of each pair.
        pairs: P pairs.

    Returns:
        pairs, positives, identities; oracle_accuracy (threshold chosen on these very pairs),
        oracle_threshold, oracle_interval; fold_accuracy, fold_deviation, fold_interval; flattery:
        how much higher the first accuracy is than the second; auc, auc_interval, eer,
        eer_threshold; tar and tar_interval by FAR, NaN where there are too few impostor pairs to
        tell. Rates are fractions, intervals cover 95 %.
    """
    people = np.stack([pairs.first_identity, pairs.second_identity], axis=1)
    oracle = accuracy(similarity, pairs.is_same, "oracle")
    folds = accuracy(similarity, pairs.is_same, "identity_folds", people)
    found = verification_intervals(similarity, pairs)
    tars = {f"{far:g}": found[f"tar_at_far_{far:g}"] for far in FARS}
    return {
        **counts(pairs),
        "oracle_accuracy": oracle.mean,
        "oracle_threshold": oracle.threshold,
        "oracle_interval": _ends(found["best_threshold_accuracy"]),
        "fold_accuracy": folds.mean,
        "fold_deviation": folds.deviation,
        "fold_interval": _ends(found["fold_accuracy"]),
        "flattery": oracle.mean - folds.mean,
        "auc": found["area_under_roc"].value,
        "auc_interval": _ends(found["area_under_roc"]),
        "eer": found["equal_error_rate"].value,
        "eer_threshold": equal_error_threshold(roc(similarity, pairs.is_same)),
        "tar": {far: interval.value for far, interval in tars.items()},
        "tar_interval": {far: _ends(interval) for far, interval in tars.items()},
    }


def counts(pairs: PairList) -> dict[str, int]:
    """Pairs, genuine pairs and people of a list."""
    people = np.unique(np.concatenate([pairs.first_identity, pairs.second_identity]))
    return {
        "pairs": len(pairs), "positives": int(pairs.is_same.sum()), "identities": len(people),
    }  # fmt: skip


def _ends(interval: Interval) -> list[float]:
    return [interval.low, interval.high]
