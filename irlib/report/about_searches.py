"""Numbers of analyses A6 and A8: searches in a gallery, and general sets of adults.

Shapes: N searches, K folds.
"""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from irlib.evaluation.bootstrap import Interval
from irlib.evaluation.clustered import identity_replicates
from irlib.evaluation.identification import RANKS
from irlib.evaluation.student import student_interval
from irlib.report import paired
from irlib.report.basis import basis_of, marked
from irlib.report.collected import Found
from irlib.report.paired import OVER_SETS


def read_searches(found: Found) -> pd.DataFrame:
    """Share of searches whose mate is among the first k: set, series (rank k), and `paired.rows`.

    Intervals are over the people searched for; the mean of the sets stands where all runs have
    more than one. People of one set are in no other, so the sets are drawn apart.
    """
    basis = basis_of(found)
    table = found.read("evaluate", "a6_ranks", ("set", "identity", "rank"))
    table, stale = paired.same_units(table, found, ("identity",))
    drawn: dict[tuple[str, int], paired.Compared] = {}
    for place, (title, part) in enumerate(table.groupby("set", sort=False)):
        people = paired.units_of(part)["identity"].astype(str)
        replicate = partial(
            identity_replicates, identity=people, seed=basis.seed + place, repeats=basis.repeats
        )
        for rank in RANKS:
            hits = {run: found <= rank for run, found in paired.by_run(part, "rank").items()}
            drawn[title, rank] = paired.compared(hits, basis, replicate)
    titles = list(dict.fromkeys(title for title, _ in drawn))
    for rank in RANKS:
        mean = paired.mean_of([drawn[title, rank] for title in titles])
        if mean is not None:
            drawn[OVER_SETS, rank] = mean
    rows: list[dict[str, Any]] = []
    for (title, rank), each in drawn.items():
        rows += paired.rows(each, basis, {"set": title, "series": f"rank {rank}"})
    return marked(paired.table_of(rows, "set", "series"), stale)


def read_benchmarks(found: Found) -> pd.DataFrame:
    """Accuracy over ten folds on each general set: set, and `paired.rows`.

    Intervals are Student's over the folds, which share no person in the field's sets. Runs have
    to agree in the images of a set, by the hash of its file.
    """
    basis = basis_of(found)
    table = found.read("evaluate", "a8_folds", ("set", "fold", "accuracy"))
    hashes = _hashes(found)
    keys = zip(table["method"], table["seed"], table["set"], strict=True)
    table = table.assign(images=[hashes.get(key, "") for key in keys])
    table, stale = paired.same_units(table, found, ("fold", "images"))
    rows: list[dict[str, Any]] = []
    for title, part in table.groupby("set", sort=False):
        each = paired.compared(paired.by_run(part, "accuracy"), basis, np.asarray)
        over_folds = [_over_folds(column) for column in each.replicates.T]
        rows += paired.rows(each, basis, {"set": title}, over_folds)
    return marked(paired.table_of(rows, "set"), stale)


def _hashes(found: Found) -> dict[tuple[str, int | None, str], str]:
    # by method, seed and title of a set
    from irlib.evaluation.benchmarks import title_of  # brings torch: only who asks waits

    return {
        (run.method, run.seed, title_of(key)): told.get("images", "")
        for run in found.complete("evaluate")
        for key, told in ((run.metrics.get("analyses") or {}).get("a8") or {}).items()
    }


def _over_folds(values: np.ndarray) -> Interval:
    return Interval(float(values.mean()), *student_interval(values), len(values))
