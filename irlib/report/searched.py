"""Searches and templates of every method and model, a mean over seeds.

Units: shares are fractions, as text percent.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from irlib import tables
from irlib.data.sets import catalog
from irlib.report.collected import Found
from irlib.report.readings import as_table, title_of
from irlib.report.result import Result

TEMPLATES = ("ijbb", "ijbc")  # keys of the catalog


def search_table(found: Found) -> pd.DataFrame:
    """Shares of searches whose mate is found, a row a search and method, as text.

    An interval over people stands where one run was made, the deviation over seeds where several
    were.
    """
    rows = [
        {"search": search, "method": run.method, "seed": run.seed, "measure": name, **told}
        for run in found.complete("evaluate")
        for search, name, told in (*_gallery(run), *_further(run))
    ]
    return _crossed(rows, ["search", "method", "seeds"])


def template_table(found: Found) -> pd.DataFrame:
    """True accept rate of pairs of templates at each false accept rate, as text."""
    rows = []
    for run in found.complete("evaluate"):
        for key in TEMPLATES:
            told = ((run.metrics.get("further") or {}).get(key) or {}).get("verification") or {}
            rows += [
                {
                    "set": catalog.find(key).title, "method": run.method, "seed": run.seed,
                    "measure": f"FAR {100 * float(far):g} %", "value": value, "ends": None,
                }
                for far, value in (told.get("tar") or {}).items()
                if value is not None
            ]  # fmt: skip
    return _crossed(rows, ["set", "method", "seeds"])


def _gallery(run: Result) -> Iterator[tuple[str, str, dict[str, Any]]]:
    # a child among the adults of its set: analysis A6
    for key, told in ((run.metrics.get("analyses") or {}).get("a6") or {}).items():
        yield from _measures(f"{title_of(key)}, child among adults", told)


def _further(run: Result) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for key, told in (run.metrics.get("further") or {}).items():
        title = catalog.find(key).title
        parts = told.get("identification") or told
        named = {n: part for n, part in parts.items() if isinstance(part, Mapping)}
        for name, part in (named or {"": parts}).items():
            yield from _measures(f"{title}, {name}" if name else title, part)


def _measures(search: str, told: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, value in told.items():
        if value is not None and name.startswith(("rank_", "tpir_")) and "interval" not in name:
            shown = name.replace("tpir_at_fpir_", "TPIR at FPIR ").replace("_", " ")
            yield search, shown, {"value": value, "ends": told.get(f"{name}_interval")}


def _crossed(rows: list[dict[str, Any]], names: list[str]) -> pd.DataFrame:
    table = as_table(rows, *names[:-1], "seed", "measure", "value", "ends")
    lines = []
    for at, part in table.groupby([*names[:-1], "measure"], sort=False):
        told = dict(zip([*names[:-1], "measure"], at, strict=True))
        seeds = {"seeds": tables.count_of_seeds(set(part["seed"]))}
        lines.append(told | seeds | {"cell": _cell(part)})
    found = pd.DataFrame(lines, columns=[*names, "measure", "cell"])
    return tables.crossed(found, names, "measure", "cell")


def _cell(part: pd.DataFrame) -> str:
    if len(part) > 1:
        return tables.spread(part["value"])
    low, high = (np.nan if end is None else end for end in part["ends"].iloc[0] or (None, None))
    return tables.rate(float(part["value"].iloc[0]), low, high)
