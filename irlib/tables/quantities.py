"""Named quantities by method, and the cards of pair sets, as text."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from irlib.tables.numbers import ARROW, MINUS, NONE, spread

# Of `irlib.prototypes.summary`, as the tables call it.
COSINES = {
    "child_mean": "child\u2013child, mean",
    "sampled_mean": "other\u2013other, mean",
    "across_mean": "child\u2013other, mean",
    "child_rms": "child\u2013child, root mean square",
    "sampled_rms": "other\u2013other, root mean square",
    "child_max": "child\u2013child, largest",
    "sampled_max": "other\u2013other, largest",
}
NEIGHBOURS = {
    "loss": "Inter-Prototype loss",
    "loss_floor": "least loss possible (Welch)",
    "child_max_abs": "child\u2013child |cosine|, largest",
    "max_abs_floor": "least possible (Welch)",
    "purity": "child share of child prototypes' nearest neighbours",
    "purity_by_chance": "the same by chance",
}
# Of these, what the Inter-Prototype loss should move.
CHANGES = {
    "child_mean": "child\u2013child cosine, mean",
    "child_max": "child\u2013child cosine, largest",
    "loss": "Inter-Prototype loss",
    "purity": "child share of neighbours",
}

# Of the impostor cosines that an evaluation tells.
IMPOSTORS = {
    "child_child": "two different children",
    "adult_adult": "two different adults",
    "excess": "children above adults by",
}


def by_quantity(
    values: pd.DataFrame, quantities: Mapping[str, str], *, digits: int = 3
) -> pd.DataFrame:
    """Named quantities in columns, a row a method, mean and deviation over seeds.

    Args:
        values: `method` (title), `seed` and the quantities, one row a run.
        quantities: name of a column to how the table calls it; those without numbers are left out.
        digits: after the point.
    """
    told = {n: title for n, title in quantities.items() if n in values and values[n].notna().any()}
    rows = [
        {"method": method}
        | {title: spread(runs[name], scale=1.0, digits=digits) for name, title in told.items()}
        for method, runs in values.groupby("method", sort=False)
    ]
    return pd.DataFrame(rows if told else [], columns=["method", *told.values()])


def changes(values: pd.DataFrame, pairs: Mapping[str, str]) -> pd.DataFrame:
    """What a method changes in the prototypes against its plain head, and how hard it pulls.

    Args:
        values: `method` (title), `seed`, the quantities of `CHANGES`, and perhaps `ip_gradient`
            (NaN for a method without the loss, 0 where it is off at the end) and `decay_gradient`
            of `irlib.prototypes.pull`; one row a run.
        pairs: title of a method to that of its plain head.

    Returns:
        `method`, `over`, means over seeds before and after, and the gradients with their ratio;
        a row for each pair of which both have runs.
    """
    means = values.groupby("method", sort=False).mean(numeric_only=True)
    rows = []
    for method, plain in pairs.items():
        if {method, plain} <= set(means.index):
            before, after = means.loc[plain], means.loc[method]
            cells = {
                title: f"{_plain(before[name])}{ARROW}{_plain(after[name])}"
                for name, title in CHANGES.items()
                if name in means
            }
            rows.append({"method": method, "over": plain, **cells, **_pulls(after)})
    return pd.DataFrame(rows)


def _pulls(mean: pd.Series) -> dict[str, str]:
    if not {"ip_gradient", "decay_gradient"} <= set(mean.index):
        return {}
    loss, decay = mean["ip_gradient"], mean["decay_gradient"]
    return {
        "gradient of the loss": _size(loss),
        "of weight decay": _size(decay),
        "ratio": NONE if np.isnan(loss) or not decay > 0 else f"{loss / decay:.2g}",
    }


def _size(gradient: float) -> str:
    if np.isnan(gradient):
        return NONE
    return f"{gradient:.1e}" if gradient > 0 else "0"


def _plain(value: float) -> str:
    return NONE if np.isnan(value) else f"{value:.3f}".replace("-", MINUS)


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
