"""Where the methods in question fail: bands of pairs, and strangers at a carried threshold.

All numbers are of the first complete seed of each. Units: rates are fractions.
"""

import pandas as pd

from irlib import tables
from irlib.evaluation.breakdowns import COLUMNS as BANDS
from irlib.evaluation.false_matches import ADULTS, CHILDREN
from irlib.evaluation.false_matches import COLUMNS as STRANGERS
from irlib.evaluation.gap_bands import CHILD
from irlib.report.cautions import with_doubt
from irlib.report.collected import Found
from irlib.report.rows import in_question

CONTROL = "adult control"  # in the title of a set of adult pairs
OF = "strangers, threshold of "  # before the set that a threshold was fitted on


def breakdowns(found: Found) -> pd.DataFrame:
    """Accuracy and both errors by band: method, the columns of `BANDS`, errors and doubt."""
    rows = _in_question(found, "breakdown", BANDS)
    wrong = rows["fnmr"] * rows["genuine"] + rows["fmr"] * rows["impostor"]
    errors = pd.concat([wrong, rows["pairs"] - wrong], axis=1).min(axis=1)
    return with_doubt(rows.assign(errors=errors.astype(float).round()))


def drawn_sets(table: pd.DataFrame) -> list[str]:
    """Titles of the sets to draw: of each collection the first whose pairs show a child.

    Args:
        table: as `breakdowns` gives it.
    """
    children = table[(table["kind"] == CHILD) & table["by"].str.startswith("child age")]
    first = {title.partition("-C")[0]: title for title in reversed(list(children["set"]))}
    return [title for title in dict.fromkeys(children["set"]) if title in first.values()]


def bands_of(table: pd.DataFrame, title: str) -> pd.DataFrame:
    """The rows of one set that a figure can draw.

    Args:
        table: as `breakdowns` gives it.
        title: of the set.
    """
    rows = table[table["set"] == title]
    return rows[rows[["accuracy", "fnmr", "fmr"]].notna().any(axis=1)].reset_index(drop=True)


def band_table(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy by band as text: a row a set and band, a column a method.

    Args:
        table: as `breakdowns` gives it.
    """
    rows = table.dropna(subset="accuracy")
    cells = [
        tables.rate(row.accuracy, row.low, row.high) + (tables.DOUBT if row.doubt else "")
        for row in rows.itertuples()
    ]
    return tables.crossed(rows.assign(cell=cells), ["set", "by", "band"], "method", "cell")


def strangers(found: Found) -> pd.DataFrame:
    """Share of strangers accepted at carried thresholds: method and the columns of `STRANGERS`."""
    return _in_question(found, "strangers", STRANGERS)


def stranger_table(table: pd.DataFrame) -> pd.DataFrame:
    """The same as text, percent: a row a set, threshold and method.

    Args:
        table: as `strangers` gives it.
    """
    cells = [tables.rate(row.fmr, row.fmr_low, row.fmr_high) for row in table.itertuples()]
    named = table.assign(cell=cells, fitted=table["by"].str.removeprefix(OF))
    named = named.rename(columns={"fitted": "threshold of"})
    return tables.crossed(named, ["set", "threshold of", "method"], "band", "cell")


def tell_strangers(table: pd.DataFrame) -> str:
    """How much more often two children are accepted than two adults, at the adults' thresholds.

    Args:
        table: as `strangers` gives it.
    """
    told = []
    adults = table[table["by"].str.contains(CONTROL, regex=False)]
    for (method, title), part in adults.groupby(["method", "set"], sort=False):
        own = part[part["by"].str.startswith(f"{OF}{title}-")]
        rates = own.set_index("band")["fmr"]
        if {CHILDREN, ADULTS} <= set(rates.index):
            told.append(
                f"{method} on {title}: {tables.rate(rates[CHILDREN])} % of two children, "
                f"{tables.rate(rates[ADULTS])} % of two adults"
            )
    if not told:
        return ""
    return f"Strangers taken for one person at the threshold of adults: {'; '.join(told)}."


def _in_question(found: Found, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
    titles = in_question(found)
    table = found.read_first("evaluate", name, columns)
    table = table[table["method"].isin(titles)].reset_index(drop=True)
    absent = {column: float("nan") for column in columns if column not in table}
    return table.assign(**absent)
