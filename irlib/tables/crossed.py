"""Texts laid out in two ways, and comparisons of every two models."""

from collections.abc import Sequence

import pandas as pd

from irlib.tables.gains import HELD, p_value
from irlib.tables.numbers import NONE, points

DOUBT = "\u2020"  # marks an interval that rests on few people or few errors
LEVEL = 0.05  # of a comparison that is told apart


def crossed(table: pd.DataFrame, rows: Sequence[str], column: str, cell: str) -> pd.DataFrame:
    """One column of texts spread over many: a row for each value of `rows`.

    Rows that begin alike stand together, in the order in which they are first met.

    Args:
        table: the columns below, a row a cell.
        rows: columns that stay on the left.
        column: whose values become columns; `NONE` stands where there is no cell.
        cell: the texts.
    """
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for told in table.to_dict("records"):
        found.setdefault(tuple(told[name] for name in rows), {})[told[column]] = told[cell]
    met: dict[tuple[str, ...], int] = {}
    for at in found:
        for depth in range(1, len(rows)):
            met.setdefault(at[:depth], len(met))
    order = sorted(found, key=lambda at: [met[at[:depth]] for depth in range(1, len(rows))])
    lines = [dict(zip(rows, at, strict=True)) | found[at] for at in order]
    columns = [*rows, *dict.fromkeys(table[column])]
    return pd.DataFrame(lines, columns=columns).fillna(NONE)


def pairwise(table: pd.DataFrame) -> pd.DataFrame:
    """Comparisons of two models each, in points: a row a set and comparison.

    Args:
        table: `set`, `first`, `second` (titles), `value` (first less second), `low`, `high`, `p`,
            `p_holm` (adjusted for the family), `first_only`, `second_only` (pairs that one alone
            judges rightly) and `doubt` (why the interval is to be doubted, else empty).

    Returns:
        The same as text; `HELD` stands where the adjusted p is below `LEVEL`, `DOUBT` where the
        interval is to be doubted.
    """
    rows = [
        {
            "set": row.set,
            "first": row.first,
            "second": row.second,
            "first less second [95 %]": points(row.value, row.low, row.high)
            + (DOUBT if row.doubt else "")
            + (HELD if row.p_holm < LEVEL else ""),
            "p": p_value(row.p),
            "p, all together": p_value(row.p_holm),
            "pairs for the first": f"{row.first_only:,}",
            "pairs for the second": f"{row.second_only:,}",
        }
        for row in table.itertuples()
    ]
    return pd.DataFrame(rows)
