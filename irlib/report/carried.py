"""Thresholds carried over from one set to another, a mean over seeds.

Units: accuracies and losses are fractions.
"""

import pandas as pd

from irlib import tables
from irlib.data.pairs.sets import PAIR_SETS
from irlib.report.collected import Found
from irlib.report.rows import in_question

COLUMNS = ("fitted_on", "set", "threshold", "accuracy", "lost")
_ADULTS = [pair_set.title for key, pair_set in PAIR_SETS.items() if key.endswith("_adult")]


def transfers(found: Found) -> pd.DataFrame:
    """Accuracy on each set at the best threshold of each: method, seeds and `COLUMNS`.

    Args:
        found: the runs; those that did not keep it add nothing.
    """
    table = found.read("evaluate", "transfer", COLUMNS)
    if table.empty:
        return pd.DataFrame(columns=["method", *COLUMNS, "seeds"])
    each = table.groupby(["method", "fitted_on", "set"], sort=False)
    means = each[["threshold", "accuracy", "lost"]].mean()
    return means.assign(seeds=each["seed"].agg(_seeds)).reset_index()


def transfer_of(found: Found, table: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Whose thresholds a figure shows, and its rows: the page's method, else the first model.

    Args:
        found: the runs.
        table: as `transfers` gives it.
    """
    had = [title for title in in_question(found) if title in set(table["method"])]
    trained = [title for title in had if title in found.trained]
    title = (trained[-1:] or had or list(table["method"]) or [""])[0]
    return title, table[table["method"] == title]


def carried_table(table: pd.DataFrame) -> pd.DataFrame:
    """Child-adult accuracy at thresholds that fit pairs of adults, a row a method and control.

    Args:
        table: as `transfers` gives it.

    Returns:
        method, seeds, "threshold of" and the child-adult sets: percent, and in brackets what is
        lost against the set's own best threshold, points.
    """
    rows = table[table["fitted_on"].isin(_ADULTS) & ~table["set"].isin(_ADULTS)]
    told = [
        f"{tables.rate(row.accuracy)} ({tables.signed(-100 * row.lost, 1)})"
        for row in rows.itertuples()
    ]
    named = rows.rename(columns={"fitted_on": "threshold of"}).assign(cell=told)
    return tables.crossed(named, ["method", "seeds", "threshold of"], "set", "cell")


def tell_carried(table: pd.DataFrame) -> str:
    """What the adults' threshold costs on child-adult pairs of other people, on average.

    Args:
        table: as `transfers` gives it.
    """
    rows = table[table["fitted_on"].isin(_ADULTS) & ~table["set"].isin(_ADULTS)]
    collection = {pair_set.title: pair_set.layout for pair_set in PAIR_SETS.values()}
    own, other = (rows[name].map(collection) for name in ("fitted_on", "set"))
    strangers = rows[own != other]
    if strangers.empty:
        return ""
    lost = strangers.groupby("method", sort=False)["lost"].mean()
    ends = dict.fromkeys(f"{100 * end:.1f}" for end in (lost.min(), lost.max()))
    worst = strangers.loc[strangers["lost"].idxmax()]
    return (
        "A threshold that fits pairs of adults costs child\u2013adult pairs of other people "
        f"{' to '.join(ends)} points on average, by method; most, "
        f"{100 * worst['lost']:.1f} points, {worst['method']} on {worst['set']} with the threshold "
        f"of {worst['fitted_on']}."
    )


def _seeds(seeds: pd.Series) -> str:
    return tables.count_of_seeds(set(seeds))
