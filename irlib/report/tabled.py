"""The numbers of analyses A6, A8 and A9 as tables of text, for the page, CSV and LaTeX.

Units: fractions come in; percent (shares, accuracies) and points (gains) come out.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from irlib.evaluation.gap_bands import BANDS
from irlib.evaluation.identification import RANKS
from irlib.report.about_gaps import NARROW, TREND, WIDE
from irlib.tables import NONE, points, rate, signed


def table_searches(table: pd.DataFrame) -> pd.DataFrame:
    """Shares by rank and the gain at rank 1, a row a set and method.

    Args:
        table: as `irlib.report.about_searches.read_searches` gives it.
    """
    rows = []
    for names, part in _grouped(table, ["set"]):
        by_rank = part.set_index("series")
        shares = {f"rank {rank}": f"rank {rank}" for rank in RANKS}
        first = by_rank.loc["rank 1"]
        rows.append(
            names
            | {f"{title} [95 %]": _share(by_rank.loc[name]) for title, name in shares.items()}
            | {"gain at rank 1 [95 %]": _gain(first), "single seeds": _single(first)}
        )
    return pd.DataFrame(rows)


def table_benchmarks(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy over ten folds and the gain, a row a set and method.

    Args:
        table: as `irlib.report.about_searches.read_benchmarks` gives it.
    """
    rows = []
    for names, part in _grouped(table, ["set"]):
        row = part.iloc[0]
        told = {"accuracy [95 %]": _share(row), "gain [95 %]": _gain(row)}
        rows.append(names | told | {"single seeds": _single(row)})
    return pd.DataFrame(rows)


def table_bands(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy by gap, gains at both ends and how they grow, a row a set, kind and method.

    Args:
        table: as `irlib.report.about_gaps.read_bands` gives it.
    """
    rows = []
    for names, part in _grouped(table, ["set", "kind"]):
        by_band = {row["band"]: row for _, row in part.iterrows()}
        levels = {band: _percent(by_band[band]) if band in by_band else NONE for band in BANDS}
        gains = {
            title: _gain(by_band[band]) if band in by_band else NONE
            for title, band in {
                f"gain at {NARROW} [95 %]": NARROW, f"gain at {WIDE} [95 %]": WIDE,
                "gain grows by [95 %]": TREND,
            }.items()
        }  # fmt: skip
        rows.append(names | levels | gains)
    return pd.DataFrame(rows)


def _grouped(table: pd.DataFrame, by: Sequence[str]) -> list[tuple[dict[str, Any], pd.DataFrame]]:
    groups = table.groupby([*by, "method"], sort=False)
    return [
        (
            dict(zip([*by, "method"], at, strict=True))
            | {"over": part["baseline"].iloc[0] or NONE, "seeds": str(part["seeds"].iloc[0])},
            part,
        )
        for at, part in groups
    ]


def _percent(row: pd.Series) -> str:
    return f"{100 * row['value']:.1f}"


def _share(row: pd.Series) -> str:
    return rate(row["value"], row["low"], row["high"])


def _gain(row: pd.Series) -> str:
    return points(row["gain"], row["gain_low"], row["gain_high"])


def _single(row: pd.Series) -> str:
    if np.isnan(row["least"]):
        return NONE
    return f"{signed(100 * row['least'], 1)} to {signed(100 * row['most'], 1)}"
