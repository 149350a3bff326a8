"""A10: what each setting of the Inter-Prototype loss changes, one family of settings at a time.

Units: accuracies and gains are fractions.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd

from irlib import plots
from irlib.report.analyses import Analysis
from irlib.report.collected import Found
from irlib.report.gains import MEAN, ORACLE
from irlib.tables import points, signed

# Title of a family to what the paper's setting would show by it, where it is more than the rule.
CLAIMS = {
    "weight lambda": "The weight of 1 does best, and a loss this small suffices.",
    "controls": "The gain comes from the children: the same loss on other classes gains less.",
    "other heads": "The loss can be added to any margin head, and it gains there too.",
}
RULE = "The published setting ({ours}) does best in this family."
COLUMNS = (
    "method", "seeds", "value", "low", "high", "gain", "gain_low", "gain_high", "wide_low",
    "wide_high", "child_mean",
)  # fmt: skip


def ablations(
    found: Found,
    accuracies: pd.DataFrame,
    gains: pd.DataFrame,
    families: Mapping[str, Sequence[str]],
    *,
    ours: str,
) -> list[Analysis]:
    """One analysis a family, each with its own figure; all of them are A10.

    Args:
        found: the runs.
        accuracies: as `Replicates.accuracies` gives them.
        gains: as `Replicates.gains` gives them, of each method over its baseline.
        families: title of a family to names of its methods in order.
        ours: name of the method with the published settings.
    """
    told = family_rows(found, accuracies, gains)
    study = found.folder.name.partition("+")[0]
    absent = f"Not run: ./run_all.sh {study} --methods all,controls,ablations."
    made = []
    for title, names in families.items():
        rows = _members(told, found, names, ours)
        made.append(
            Analysis(
                id="A10",
                name="a10_" + re.sub(r"\W+", "_", title),
                title=f"Ablation: {title}",
                claim=CLAIMS.get(title, RULE.format(ours=found.title(ours) or ours)),
                read=partial(_given, rows),
                draw=plots.ablation,
                finding=partial(_finding, title=found.title(ours)),
                absent=absent,
            )
        )
    return made


def family_rows(found: Found, accuracies: pd.DataFrame, gains: pd.DataFrame) -> pd.DataFrame:
    """Every method's mean accuracy on the child-adult sets, its gain, and its child prototypes.

    Returns:
        `COLUMNS`: accuracy and gain by the paper's rule with 95 % intervals over people, the
        interval of the gain for all comparisons together, and the mean cosine between two child
        prototypes; the gain of a method without a baseline is NaN.
    """
    level = accuracies[(accuracies["rule"] == ORACLE) & (accuracies["set"] == MEAN)]
    gain = gains[(gains["rule"] == ORACLE) & (gains["set"] == MEAN)]
    gain = gain.rename(columns={"low": "gain_low", "high": "gain_high"})
    kept = ["method", "gain", "gain_low", "gain_high", "wide_low", "wide_high"]
    table = level.merge(gain[kept], on="method", how="left")
    means = found.prototypes
    cosine = means.groupby("method")["child_mean"].mean() if "child_mean" in means else {}
    return table.assign(child_mean=table["method"].map(cosine).astype(float))[list(COLUMNS)]


def _members(told: pd.DataFrame, found: Found, names: Sequence[str], ours: str) -> pd.DataFrame:
    # each method below the plain head it adds to; nothing where only the published one was run
    titles: dict[str, None] = {}
    for title in filter(None, map(found.title, names)):
        titles |= dict.fromkeys([found.baselines.get(title, title), title])
    rows = told.set_index("method").reindex([t for t in titles if t in set(told["method"])])
    varied = {found.title(name) for name in names if name != ours} & set(rows.index)
    return rows.rename_axis("method").reset_index() if varied else told.iloc[:0]


def _given(rows: pd.DataFrame, _: Found) -> pd.DataFrame:
    return rows


def _finding(rows: pd.DataFrame, *, title: str) -> str:
    compared = rows.dropna(subset="gain").set_index("method", drop=False)
    if compared.empty:
        return "No method of this family has a run of its plain head to compare with."
    best = compared.loc[compared["gain"].idxmax()]
    text = f"{best['method']} gains most over its plain head, {_gain(best)} points."
    if title in compared.index and title != best["method"]:
        text += f" The published setting gains {_gain(compared.loc[title])}."
    apart = compared[(compared["wide_low"] > 0) | (compared["wide_high"] < 0)]
    text += (
        " Told apart from zero, corrected for all methods of the page: "
        f"{', '.join(apart['method']) or 'none'}."
    )
    cosines = rows["child_mean"].dropna()
    if cosines.nunique() < 2:
        return text
    return (
        f"{text} The mean cosine between child prototypes ranges from "
        f"{signed(cosines.min(), 3)} to {signed(cosines.max(), 3)}."
    )


def _gain(row: pd.Series) -> str:
    return points(row["gain"], row["gain_low"], row["gain_high"])
