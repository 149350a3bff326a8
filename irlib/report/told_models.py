"""What the page says of models made elsewhere, made from the numbers."""

from typing import Any

import pandas as pd

from irlib.report.collected import Found
from irlib.report.gains import CONTROL, GROUPED, MEAN
from irlib.report.phrases import count, names
from irlib.tables import rate
from irlib.tables.crossed import LEVEL

FILES = (
    "One file is one training: what is told apart here are the files, not the recipes behind them."
)


def of_models(found: Found, accuracies: pd.DataFrame, *, synthetic: bool) -> str:
    """How well the models judge child-adult pairs, the best first.

    Args:
        found: the runs.
        accuracies: as `Replicates.accuracies` gives them; may be empty.
        synthetic: whether the faces are.
    """
    rows = _means(found, accuracies)
    if not rows:
        done = len({run.method for run in found.complete("evaluate")} & set(found.brought))
        return (
            f"No model can be told of yet: {done} of {len(found.brought)} evaluations are "
            "complete, and a mean needs every set."
        )
    each = "; ".join(f"{row.method} {rate(row.value, row.low, row.high)} %" for row in rows)
    number = accuracies.loc[~accuracies["set"].isin([MEAN, CONTROL]), "set"]
    number = number[~number.str.contains("control")].nunique()
    faces = "synthetic faces" if synthetic else "the test faces"
    return (
        f"On {faces}, of child\u2013adult pairs judged rightly on average over "
        f"{count(number, 'set')}, with thresholds chosen on other people: {each}."
    )


def tiles_of_models(found: Found, accuracies: pd.DataFrame) -> list[tuple[str, str]]:
    """The mean child-adult accuracy of up to four models, each with what it is."""
    return [
        (f"{100 * row.value:.1f} %", f"{row.method}: child\u2013adult accuracy, mean of the sets")
        for row in _means(found, accuracies)[:4]
    ]


def tell_comparisons(table: pd.DataFrame) -> str:
    """Which models are told apart, where, and in how many comparisons.

    Args:
        table: as `irlib.report.side_by_side.comparisons` gives it.
    """
    if table.empty:
        return "No two models were judged on the same set."
    apart = table[table["p_holm"] < LEVEL]
    told = []
    for better, worse, sign in (("first", "second", 1), ("second", "first", -1)):
        rows = apart[apart["value"] * sign > 0]
        for (one, other), part in rows.groupby([better, worse], sort=False):
            told.append(f"{one} is better than {other} on {names(part['set'])}")
    found = "; ".join(told) or "none"
    return (
        f"Family of {count(len(table), 'comparison')}, all corrected for together. Told apart "
        f"(adjusted p below {LEVEL}): {found}."
    )


def _means(found: Found, accuracies: pd.DataFrame) -> list[Any]:
    wanted = (accuracies["set"] == MEAN) & (accuracies["rule"] == GROUPED)
    rows = accuracies[wanted & accuracies["method"].isin(found.brought)]
    return list(rows.sort_values("value", ascending=False, kind="stable").itertuples())
