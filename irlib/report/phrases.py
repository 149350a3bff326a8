"""Small parts of sentences, and the rows that they are about."""

from collections.abc import Iterable
from typing import Any

import pandas as pd


def names(titles: Iterable[str]) -> str:
    """Titles in a row, e.g. ``A, B and C``."""
    *first, last = list(titles) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def count(number: int, noun: str) -> str:
    """How many of a thing, e.g. ``2 sets``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def row_of(table: pd.DataFrame, **where: str) -> dict[str, Any]:
    """The first row of a table that has these values."""
    for name, value in where.items():
        table = table[table[name] == value]
    return table.iloc[0].to_dict()
