"""A10: what each setting of the Inter-Prototype loss changes, one family of settings at a time.

Units: accuracies and gains are fractions.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from irlib import plots, tables
from irlib.report.analyses import Analysis
from irlib.report.collected import Found
from irlib.report.gains import MEAN, ORACLE, Pairs, Replicates
from irlib.report.phrases import names
from irlib.report.trainings import WIDE, judged
from irlib.report.words import BOTH, few_seeds
from irlib.tables import points, signed

# Title of a family to what we expect of it, where it is more than the rule.
HYPOTHESES = {
    "controls": "The gain comes from the children: the same loss on other classes gains less.",
    "controls at lambda 100": (
        "At a weight of 100 too the gain comes from the children: the same loss on other classes "
        "gains less."
    ),
    "other heads": "The loss can be added to any margin head, and it gains there too.",
}
RULE = "The published setting ({ours}) does best in this family."
REFERENCES = {"controls at lambda 100": "ip_x100"}  # what a family is set against, if not ours
OWN_HEADS = "other heads"  # the family whose methods are judged against their own plain heads

_GAIN = ("gain", "gain_low", "gain_high", "wide_low", "wide_high", "gain_sign")
_LESS = ("less", "less_low", "less_high", "less_wide_low", "less_wide_high", "less_sign")
COLUMNS = ("method", "seeds", "value", "low", "high", *_GAIN, *_LESS, "child_mean")


def ablations(
    draws: Replicates,
    families: Mapping[str, Sequence[str]],
    *,
    ours: str,
    command: str,
) -> list[Analysis]:
    """One analysis a family, each with its own figure; all of them are A10.

    Args:
        draws: the runs, and their accuracies.
        families: title of a family to names of its methods in order.
        ours: name of the method with the published settings.
        command: what to type for the study.
    """
    found = draws.found
    references = {title: REFERENCES.get(title, ours) for title in families}
    pairs = {
        title: [
            (found.title(name), found.title(references[title]))
            for name in methods
            if name not in (ours, references[title])
        ]
        for title, methods in families.items()
    }
    compared = [pair for of_family in pairs.values() for pair in of_family if all(pair)]
    beside = _signed(draws.gains(list(dict.fromkeys(compared))), _LESS)
    told = _levels(draws)
    made = []
    for title, methods in families.items():
        reference = found.title(references[title])
        rows = _members(told, found, methods, ours)
        less = beside[_are_among(beside, pairs[title])]
        rows = rows.merge(less[["method", *_LESS]], on="method", how="left")[list(COLUMNS)]
        made.append(_analysis(title, rows, found.title(ours) or ours, reference, command))
    return made


def _analysis(title: str, rows: pd.DataFrame, ours: str, reference: str, command: str) -> Analysis:
    finding = partial(_beside, reference=reference) if title != OWN_HEADS else _over_own_heads
    return Analysis(
        id="A10",
        name="a10_" + re.sub(r"\W+", "_", title),
        title=f"Ablation: {title}",
        label="Our hypothesis",
        claim=HYPOTHESES.get(title, RULE.format(ours=ours)),
        read=partial(_given, rows),
        draw=plots.ablation,
        finding=finding,
        absent=f"Not run: {command} --methods all,controls,ablations.",
        table=tables.ablation,
    )


def _levels(draws: Replicates) -> pd.DataFrame:
    # every method's mean accuracy on the child-adult sets by the paper's rule, its gain over its
    # plain head, and the mean cosine of two child prototypes
    levels = draws.accuracies()
    levels = levels[(levels["rule"] == ORACLE) & (levels["set"] == MEAN)]
    gains = _signed(draws.gains(), _GAIN)
    table = levels.merge(gains[["method", *_GAIN]], on="method", how="left")
    means = draws.found.prototypes
    cosine = means.groupby("method")["child_mean"].mean() if "child_mean" in means else {}
    return table.assign(child_mean=table["method"].map(cosine).astype(float))


def _signed(gains: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    # gains by the mean under other names, with the side of zero on which they are told to be
    rows = gains[(gains["rule"] == ORACLE) & (gains["set"] == MEAN)]
    signs = [judged(row, WIDE).sign for row in rows.to_dict("records")]
    named = dict(zip(("gain", "low", "high", "wide_low", "wide_high"), columns, strict=False))
    return rows.rename(columns=named).assign(**{columns[-1]: np.array(signs, dtype=float)})


def _are_among(rows: pd.DataFrame, pairs: Pairs) -> NDArray[np.bool_]:
    told = zip(rows["method"], rows["baseline"], strict=True)
    return np.array([pair in pairs for pair in told], dtype=bool)


def _members(told: pd.DataFrame, found: Found, methods: Sequence[str], ours: str) -> pd.DataFrame:
    # each method below the plain head it adds to; nothing where only the published one was run
    titles: dict[str, None] = {}
    for title in filter(None, map(found.title, methods)):
        titles |= dict.fromkeys([found.baselines.get(title, title), title])
    rows = told.set_index("method").reindex([t for t in titles if t in set(told["method"])])
    varied = {found.title(name) for name in methods if name != ours} & set(rows.index)
    return rows.rename_axis("method").reset_index() if varied else told.iloc[:0]


def _given(rows: pd.DataFrame, _: Found) -> pd.DataFrame:
    return rows


def _beside(rows: pd.DataFrame, *, reference: str) -> str:
    compared = rows.dropna(subset="less")
    if compared.empty:
        return f"No variant has a run of {reference or 'the published setting'} to compare with."
    worse, better = (names(compared.loc[compared["less_sign"] == s, "method"]) for s in (-1, 1))
    return (
        f"Variant less {reference}, in points: {_each(compared, _LESS)}. {BOTH}, told to be better "
        f"than it: {better or 'none'}; worse: {worse or 'none'}. "
        f"{_held(compared['less_sign'], -1)}{few_seeds(compared)}{_cosines(rows)}"
    )


def _over_own_heads(rows: pd.DataFrame) -> str:
    compared = rows.dropna(subset="gain")
    if compared.empty:
        return "No method of this family has a run of its plain head to compare with."
    gaining, losing = (names(compared.loc[compared["gain_sign"] == s, "method"]) for s in (1, -1))
    return (
        f"Gain over the plain head, in points: {_each(compared, _GAIN)}. {BOTH}, told to gain: "
        f"{gaining or 'none'}; to lose: {losing or 'none'}. "
        f"{_held(compared['gain_sign'], 1)}{few_seeds(compared)}{_cosines(rows)}"
    )


def _held(signs: pd.Series, wanted: int) -> str:
    if (signs == wanted).all():
        return "The hypothesis holds here."
    if (signs == -wanted).any():
        return "The hypothesis does not hold here."
    return "Whether the hypothesis holds cannot be told here."


def _each(rows: pd.DataFrame, columns: Sequence[str]) -> str:
    told = rows[["method", *columns[:3]]].itertuples(index=False)
    return "; ".join(f"{method} {points(*numbers)}" for method, *numbers in told)


def _cosines(rows: pd.DataFrame) -> str:
    cosines = rows["child_mean"].dropna()
    if cosines.nunique() < 2:
        return ""
    return (
        " The mean cosine between child prototypes ranges from "
        f"{signed(cosines.min(), 3)} to {signed(cosines.max(), 3)}."
    )
