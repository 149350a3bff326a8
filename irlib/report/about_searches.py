"""Numbers of analyses A6 and A8: searches in a gallery, and general sets of adults.

Shapes: N searches, M methods, K folds.
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from irlib.evaluation.bootstrap import Interval
from irlib.evaluation.clustered import identity_replicates
from irlib.evaluation.identification import RANKS
from irlib.report import paired
from irlib.report.collected import CONTROL, TABLE, Found

MEAN = "mean of the sets"


def read_searches(found: Found) -> pd.DataFrame:
    """Share of searches whose mate is among the first k: set, series (rank k), and `paired.rows`.

    Intervals are over the people searched for; the mean of the sets stands where a method has
    more than one.
    """
    table = found.read("evaluate", "a6_ranks", ("set", "identity", "rank"))
    rows: list[dict[str, Any]] = []
    drawn: dict[int, list[tuple[list[str], np.ndarray]]] = {rank: [] for rank in RANKS}
    values: dict[paired.Run, Any] = {}
    for place, (title, part) in enumerate(table.groupby("set", sort=False)):
        values, units = paired.by_run(part, "rank", same=("identity",))
        methods = paired.methods_of(values, found.of_kind(TABLE, CONTROL))
        for rank in RANKS:
            hits = {run: ranks <= rank for run, ranks in values.items()}
            replicates = identity_replicates(
                paired.columns(hits, methods), units["identity"].astype(str),
                seed=paired.SEED + place, repeats=paired.REPEATS,
            )  # fmt: skip
            names = {"set": title, "series": f"rank {rank}"}
            rows += paired.rows(replicates, values, methods, **names)
            drawn[rank].append((methods, replicates))
    for rank, sets in drawn.items():
        if len(sets) > 1 and all(methods == sets[0][0] for methods, _ in sets):
            # people of one set are in no other, so the sets are drawn apart
            mean = np.mean([replicates for _, replicates in sets], axis=0)
            names = {"set": MEAN, "series": f"rank {rank}"}
            rows += paired.rows(mean, values, sets[0][0], **names)
    return paired.table_of(rows, "set", "series")


def read_benchmarks(found: Found) -> pd.DataFrame:
    """Accuracy over ten folds on each general set: set, and `paired.rows`.

    Intervals are Student's over the folds, which share no person in the field's sets.
    """
    table = found.read("evaluate", "a8_folds", ("set", "fold", "accuracy"))
    rows: list[dict[str, Any]] = []
    for title, part in table.groupby("set", sort=False):
        values, _ = paired.by_run(part, "accuracy", same=("fold",))
        methods = paired.methods_of(values, found.of_kind(TABLE, CONTROL))
        over_folds = [_over_folds(column) for column in paired.columns(values, methods).T]
        rows += paired.rows_of(over_folds, values, methods, set=title)
    return paired.table_of(rows, "set")


def _over_folds(values: np.ndarray) -> Interval:
    folds, mean = len(values), float(values.mean())
    half = float(student.ppf(0.975, folds - 1) * values.std(ddof=1) / np.sqrt(folds))
    return Interval(mean, mean - half, mean + half, folds)
