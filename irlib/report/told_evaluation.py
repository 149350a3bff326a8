"""What analyses A6, A8, A9 and A12 show, in sentences made from the numbers.

Units: fractions come in, percent and points stand in the text.
"""

import numpy as np
import pandas as pd

from irlib.evaluation.gap_bands import ADULT, CHILD
from irlib.report.about_gaps import ACCEPTS, MEAN, NARROW, REJECTS, TREND, WIDE
from irlib.report.paired import OURS, PLAIN
from irlib.tables import points

ALONE = f"The claim needs runs of {PLAIN} and of {OURS} with a seed in common."

_GAINS = ("gain", "gain_low", "gain_high")


def tell_searches(table: pd.DataFrame) -> str:
    """Rank-1 shares of ArcFace and Inter-Prototype, and whether the gain is told from zero."""
    first = table[table["series"] == "rank 1"]
    told = _values(first[first["set"] != MEAN])
    title = MEAN if MEAN in set(table["set"]) else table["set"].iloc[0]
    gain = _gain(first[first["set"] == title])
    if gain is None:
        return f"The mate comes first in {told}. {ALONE}"
    return (
        f"The mate comes first in {told}. {OURS} changes that by {_points(gain)} points "
        f"({title}): {_better(gain, 'searches')}. {_seeds(gain)}"
    )


def tell_benchmarks(table: pd.DataFrame) -> str:
    """Accuracies on adults, and how large a loss the folds leave possible."""
    told = f"Accuracy over ten folds: {_values(table)}."
    gains = {title: _gain(part) for title, part in table.groupby("set", sort=False)}
    known = {title: gain for title, gain in gains.items() if gain is not None}
    if not known:
        return f"{told} {ALONE}"
    changes = "; ".join(f"{title} {_points(gain)}" for title, gain in known.items())
    worse = [title for title, gain in known.items() if gain["gain_high"] < 0]
    least = 100 * min(gain["gain_low"] for gain in known.values())
    verdict = (
        f"the claim of no loss does not hold on {', '.join(worse)}"
        if worse
        else "no loss is told apart from zero, so the claim stands here, though a loss of up to "
        f"{max(-least, 0):.1f} points would fit the intervals"
    )
    seeds = _seeds(next(iter(known.values())))
    return f"{told} {OURS} changes it by (points): {changes}; {verdict}. {seeds}"


def tell_bands(table: pd.DataFrame) -> str:
    """Accuracy from the narrowest to the widest gap, and whether the gain grows with it."""
    title = MEAN if MEAN in set(table["set"]) else table["set"].iloc[0]
    own = table[table["set"] == title]
    told = []
    for kind, words in ((CHILD, "child-adult pairs"), (ADULT, "adults")):
        ends = [own[(own["kind"] == kind) & (own["band"] == band)] for band in (NARROW, WIDE)]
        shown = _shown(pd.concat(ends))[:1]
        for method in shown:
            values = [_of(part, method, "value") for part in ends]
            if not np.isnan(values).any():
                span = f"{100 * values[0]:.1f} % at {NARROW} years to {100 * values[1]:.1f} %"
                told.append(f"on {words} from {span} at {WIDE}")
    text = f"Accuracy of {_shown(own)[0]} ({title}) goes {' and '.join(told)}." if told else ""
    trend = _gain(own[(own["kind"] == CHILD) & (own["band"] == TREND)])
    if trend is None:
        return f"{text} {ALONE}".strip()
    bands = [own[(own["kind"] == CHILD) & (own["band"] == band)] for band in (NARROW, WIDE)]
    ends = [
        f"{_points(_gain(part))} at {band}"
        for part, band in zip(bands, (NARROW, WIDE), strict=True)
    ]
    return (
        f"{text} On child-adult pairs {OURS} gains {' and '.join(ends)} years (points); from the "
        f"narrowest to the widest gap the gain grows by {_points(trend)}: "
        f"{_claim(trend)}. {_seeds(trend)}"
    ).strip()


def tell_errors(table: pd.DataFrame) -> str:
    """Both kinds of error on child-adult pairs and adults, and where false rejects lie."""
    method = _shown(table)[0]
    told = []
    for panel, words in ((REJECTS, "rejects falsely"), (ACCEPTS, "accepts falsely")):
        rows = table[(table["panel"] == panel) & (table["method"] == method)]
        adults = rows["x"].str.contains("-A20")
        shares = [
            f"{100 * part['value'].mean():.1f} % of {kind}"
            for kind, part in (("child-adult", rows[~adults]), ("adult", rows[adults]))
            if len(part)
        ]
        told.append(f"{words} {' and '.join(shares)}")
    text = f"At the oracle thresholds {method} {', and '.join(told)} pairs (means of the sets)."
    for panel, rows in table[table["joined"].astype(bool)].groupby("panel", sort=False):
        own = rows[rows["method"] == method]
        if len(own) > 1:
            first, last = own.iloc[0], own.iloc[-1]
            text += (
                f" {panel} go from {100 * first['value']:.1f} % at {first['x']} years to "
                f"{100 * last['value']:.1f} % at {last['x']}."
            )
    return text


def _shown(table: pd.DataFrame) -> list[str]:
    found = list(dict.fromkeys(table["method"]))
    return [method for method in (PLAIN, OURS) if method in found] or found[:1]


def _values(table: pd.DataFrame) -> str:
    told = []
    for method in _shown(table):
        rows = table[table["method"] == method]
        each = [f"{100 * row['value']:.1f} % ({row['set']})" for _, row in rows.iterrows()]
        told.append(f"{', '.join(each)} for {method}")
    return "; ".join(told)


def _of(table: pd.DataFrame, method: str, name: str) -> float:
    rows = table[table["method"] == method]
    return float(rows[name].iloc[0]) if len(rows) else np.nan


def _gain(table: pd.DataFrame) -> pd.Series | None:
    rows = table[(table["method"] == OURS) & table["gain"].notna()]
    return rows.iloc[0] if len(rows) else None


def _points(gain: pd.Series) -> str:
    return points(*(gain[name] for name in _GAINS))


def _better(gain: pd.Series, what: str) -> str:
    if gain["gain_low"] > 0:
        return f"the claim that it makes {what} better holds here"
    if gain["gain_high"] < 0:
        return f"the claim that it makes {what} better does not hold here, they get worse"
    return f"whether it makes {what} better cannot be told here, as the interval includes zero"


def _claim(trend: pd.Series) -> str:
    if trend["gain_low"] > 0:
        return "the claim holds here"
    if trend["gain_high"] < 0:
        return "the claim does not hold here, the gain shrinks"
    return "the claim cannot be told here, as the interval includes zero"


def _seeds(gain: pd.Series) -> str:
    count = int(gain["seeds"])
    return f"{count} training seed{'s' if count > 1 else ''}; brackets are 95 % intervals."
