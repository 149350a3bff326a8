"""Tables as a reader wants them: percent, mean and deviation over seeds, who says so.

Units: fractions come in; percent (accuracies, rates) and points (gains) come out, as text.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

NONE = "\u2013"  # a cell without a number
MINUS = "\u2212"

# Of `irlib.prototypes.summary`, as the tables call it.
PROTOTYPES = {
    "child_mean": "child\u2013child cosine, mean",
    "sampled_mean": "other\u2013other cosine, mean",
    "across_mean": "child\u2013other cosine, mean",
    "child_rms": "child\u2013child cosine, root mean square",
    "sampled_rms": "other\u2013other cosine, root mean square",
    "child_max": "child\u2013child cosine, largest",
    "sampled_max": "other\u2013other cosine, largest",
    "loss": "Inter-Prototype loss",
    "loss_floor": "least loss possible (Welch)",
    "child_max_abs": "child\u2013child |cosine|, largest",
    "max_abs_floor": "least possible (Welch)",
    "purity": "child share of child prototypes' nearest neighbours",
    "purity_by_chance": "the same by chance",
}


# Of the impostor cosines that an evaluation tells.
IMPOSTORS = {
    "child_child": "two different children",
    "adult_adult": "two different adults",
    "excess": "children above adults by",
}


def spread(values: Sequence[float], *, scale: float = 100.0, digits: int = 1) -> str:
    """Mean and sample deviation, e.g. ``83.5 ± 0.4``; one number has no deviation.

    Args:
        values: one a seed; those that are NaN or None are left out.
        scale: 100 for percent.
        digits: after the point.
    """
    found = np.array([value for value in values if value is not None], dtype=float) * scale
    found = found[~np.isnan(found)]
    if not len(found):
        return NONE
    deviation = f" ± {found.std(ddof=1):.{digits}f}" if len(found) > 1 else ""
    return f"{found.mean():.{digits}f}".replace("-", MINUS) + deviation


def points(gain: float, low: float, high: float, *, digits: int = 1) -> str:
    """A gain with its interval, in points, e.g. ``+1.2 [+0.3, +2.6]``."""
    if np.isnan(gain):
        return NONE
    told = signed(100 * gain, digits)
    return told if np.isnan(low) else f"{told} {interval(low, high, digits=digits)}"


def interval(low: float, high: float, *, digits: int = 1) -> str:
    """Both ends in points, e.g. ``[+0.3, +2.6]``."""
    return f"[{signed(100 * low, digits)}, {signed(100 * high, digits)}]"


def signed(value: float, digits: int) -> str:
    """A number with its sign; zero has a plus, also where rounding makes it."""
    return f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", MINUS)


def by_method(
    scores: pd.DataFrame, value: str, *, sets: Sequence[str], source: str, digits: int = 1
) -> pd.DataFrame:
    """The paper's table: a row a method, a column a set, mean and deviation over seeds.

    Args:
        scores: `method`, `set` (titles), `seed` and the value, a fraction; one row each.
        value: name of the column to tell.
        sets: titles in the order of the columns; those without any score are left out.
        source: what the numbers come from, e.g. ``synthetic faces``.
        digits: after the point.

    Returns:
        `method`, `source`, `seeds` (how many went in) and the sets, as text.
    """
    columns = [title for title in sets if title in set(scores["set"])]
    rows = []
    for method, runs in scores.groupby("method", sort=False):
        cells = {
            title: spread(runs.loc[runs["set"] == title, value], digits=digits) for title in columns
        }
        seeds = runs.loc[runs[value].notna(), "seed"].nunique()
        if seeds:
            rows.append({"method": method, "source": source, "seeds": str(seeds), **cells})
    return pd.DataFrame(rows, columns=["method", "source", "seeds", *columns])


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


def _published(
    method: str, cells: Mapping[str, tuple[float, float]], sets: Mapping[str, str]
) -> dict[str, str]:
    told = {sets[key]: f"{mean:.2f} ± {deviation:.2f}" for key, (mean, deviation) in cells.items()}
    return {"method": method, "source": "published", "seeds": "3", **told}


def gains(table: pd.DataFrame) -> pd.DataFrame:
    """What each method gains over its baseline, in points with the interval; a row a set.

    Args:
        table: `method`, `baseline`, `rule`, `set` (titles), `seeds`, `gain`, `low`, `high`.

    Returns:
        `method`, `over`, `set`, `seeds`, and a column a rule of the threshold.
    """
    rows = []
    for (method, baseline, title), part in table.groupby(["method", "baseline", "set"], sort=False):
        cells = {row.rule: points(row.gain, row.low, row.high) for row in part.itertuples()}
        seeds = str(part["seeds"].iloc[0])
        rows.append({"method": method, "over": baseline, "set": title, "seeds": seeds, **cells})
    return pd.DataFrame(rows)


def by_quantity(
    values: pd.DataFrame, quantities: Mapping[str, str], *, digits: int = 3
) -> pd.DataFrame:
    """Named quantities in rows, methods in columns, mean and deviation over seeds.

    Args:
        values: `method` (title), `seed` and the quantities, one row a run.
        quantities: name of a column to how the table calls it; those without numbers are left out.
        digits: after the point.
    """
    groups = dict(list(values.groupby("method", sort=False)))
    rows = [
        {"quantity": title}
        | {method: spread(runs[name], scale=1.0, digits=digits) for method, runs in groups.items()}
        for name, title in quantities.items()
        if name in values and values[name].notna().any()
    ]
    return pd.DataFrame(rows, columns=["quantity", *groups])


def pair_cards(cards: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Cards of pair sets side by side, as texts: a row a property, a column a set.

    Args:
        cards: by key of the set; `title`, counts, shares, gaps in years. Long lists of names, and
            what other properties tell too, are left out.
    """
    left_out = {"title", "identity_shares", "overlap", "seed", "sha256"}
    columns = {
        card["title"]: {
            name.replace("_", " "): _in_words(value)
            for name, value in card.items()
            if name not in left_out
        }
        for card in cards.values()
    }
    return pd.DataFrame(columns).rename_axis("property").reset_index()


def _in_words(value: Any) -> str:
    if value is None:
        return NONE
    if isinstance(value, list | tuple):
        return " ".join(f"{item:.0f}" for item in value) or NONE
    return f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value}"
