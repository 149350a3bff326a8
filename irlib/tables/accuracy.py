"""Accuracies and rates by method and set, ours and published ones, as text.

Units: fractions come in, percent come out.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from irlib.tables.numbers import MINUS, NONE, spread

NO_SEED = -1  # of a model made elsewhere, of which there is one file
FILE = "file"  # stands for the number of its seeds


def by_method(
    scores: pd.DataFrame, value: str, *, sets: Sequence[str], source: str, digits: int = 1
) -> pd.DataFrame:
    """The paper's table: a row a method, a column a set, mean and deviation over seeds.

    Args:
        scores: `method`, `set` (titles), `seed` (or `NO_SEED`) and the value, a fraction; one row
            each.
        value: name of the column to tell.
        sets: titles in the order of the columns; those without any score are left out.
        source: what the numbers come from, e.g. ``synthetic faces``.
        digits: after the point.

    Returns:
        `method`, `source`, `seeds` (how many went in, or `FILE`) and the sets, as text.
    """
    columns = [title for title in sets if title in set(scores["set"])]
    rows = []
    for method, runs in scores.groupby("method", sort=False):
        cells = {
            title: spread(runs.loc[runs["set"] == title, value], digits=digits) for title in columns
        }
        seeds = set(runs.loc[runs[value].notna(), "seed"])
        if seeds:
            told = {"method": method, "source": source, "seeds": count_of_seeds(seeds)}
            rows.append(told | cells)
    return pd.DataFrame(rows, columns=["method", "source", "seeds", *columns])


def count_of_seeds(seeds: Collection[int]) -> str:
    """How many seeds went into a number, or `FILE` for a model made elsewhere."""
    return FILE if NO_SEED in seeds else str(len(seeds))


def stacked(
    scores: pd.DataFrame, values: Mapping[str, str], *, sets: Sequence[str], kind: str
) -> pd.DataFrame:
    """Several values of each method below each other, as `by_method` tells them.

    Args:
        scores: as for `by_method`.
        values: name of a column to what stands beside its numbers.
        sets: titles in the order of the columns.
        kind: heading of what stands beside the numbers.
    """
    parts = [by_method(scores, name, sets=sets, source=told) for name, told in values.items()]
    order = {method: place for place, method in enumerate(dict.fromkeys(scores["method"]))}
    table = pd.concat(parts).rename(columns={"source": kind})
    return table.sort_values(
        "method", key=lambda names: names.map(order), kind="stable", ignore_index=True
    )


def with_published(
    table: pd.DataFrame,
    published: Mapping[str, Mapping[str, tuple[float, float]]],
    *,
    sets: Mapping[str, str],
) -> pd.DataFrame:
    """Our rows, each followed by the published one of that method, then the other published ones.

    Args:
        table: as `by_method` makes it.
        published: method title to key of a set to mean and deviation, percent.
        sets: key of a set to its title.
    """
    columns = [title for title in sets.values() if title in table]
    theirs = {method: _published(method, cells, sets) for method, cells in published.items()}
    rows = []
    for ours in table.to_dict("records"):
        rows += [ours, theirs.pop(ours["method"], None)]
    rows = [row for row in [*rows, *theirs.values()] if row]
    return pd.DataFrame(rows, columns=["method", "source", "seeds", *columns]).fillna(NONE)


def as_printed(
    published: Mapping[str, Mapping[str, tuple[float, float]]], *, sets: Mapping[str, str]
) -> pd.DataFrame:
    """Published rows by themselves, laid out as ours.

    Args:
        published: as for `with_published`.
        sets: key of a set to its title; those that nobody published are left out.
    """
    rows = [_published(method, cells, sets) for method, cells in published.items()]
    printed = {key for cells in published.values() for key in cells}
    columns = [title for key, title in sets.items() if key in printed]
    return pd.DataFrame(rows, columns=["method", "source", "seeds", *columns]).fillna(NONE)


def _published(
    method: str, cells: Mapping[str, tuple[float, float]], sets: Mapping[str, str]
) -> dict[str, str]:
    told = {sets[key]: f"{mean:.2f} ± {deviation:.2f}" for key, (mean, deviation) in cells.items()}
    return {"method": method, "source": "published", "seeds": "3", **told}


def best_cells(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Which cells are the largest of their column among the rows of their `source`, as bools.

    Args:
        table: cells as texts that begin with their number.
        columns: to look at; the cells of all others are False, as are those of a lone row.
    """
    marks = pd.DataFrame(False, index=table.index, columns=table.columns)
    sources = table["source"] if "source" in table else pd.Series("", index=table.index)
    for name in [name for name in columns if name in table]:
        value = pd.Series([_number(cell) for cell in table[name]], index=table.index)
        groups = value.groupby(sources)
        marks[name] = (value == groups.transform("max")) & (groups.transform("count") > 1)
    return marks


def _number(cell: str) -> float:
    words = cell.replace(MINUS, "-").split()
    return np.nan if cell == NONE or not words else float(words[0])
