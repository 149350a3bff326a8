"""What analyses A6, A8, A9 and A12 show, in sentences made from the numbers.

Units: fractions come in, percent and points stand in the text.
"""

import numpy as np
import pandas as pd

from irlib.evaluation.gap_bands import ADULT, CHILD
from irlib.report.about_gaps import ACCEPTS, CONTRAST, NARROW, REJECTS, TREND, WIDE
from irlib.report.basis import OURS, chosen, note_of
from irlib.report.paired import OVER_SETS
from irlib.report.verdicts import UNCORRECTED, Verdict, verdict_of
from irlib.tables import points

ALONE = "The claim needs runs of Inter-Prototype and of its plain head with a seed in common."
ERRORS = {REJECTS: ("rejects", "genuine"), ACCEPTS: ("accepts", "impostor")}


def tell_searches(table: pd.DataFrame) -> str:
    """Rank-1 shares of both methods, and whether the gain is told from zero."""
    first = table[table["series"] == "rank 1"]
    told = f"The mate comes first in {_values(first[first['set'] != OVER_SETS])}."
    title = OVER_SETS if OVER_SETS in set(table["set"]) else table["set"].iloc[0]
    gain = _gain(first[first["set"] == title])
    if gain is None:
        return f"{told} {ALONE}{note_of(table)}"
    verdict = _verdict(gain).text("holds here", "does not hold here, they get worse")
    return (
        f"{told} {gain['method']} changes that by {_points(gain)} points ({title}): the claim that "
        f"it makes searches better {verdict}. {_seeds(gain, 'people')}{note_of(table)}"
    )


def tell_benchmarks(table: pd.DataFrame) -> str:
    """Accuracies on adults, and how large a loss the folds leave possible."""
    told = f"Accuracy over ten folds: {_values(table)}."
    gains = {title: _gain(part) for title, part in table.groupby("set", sort=False)}
    known = {title: gain for title, gain in gains.items() if gain is not None}
    if not known:
        return f"{told} {ALONE}{note_of(table)}"
    changes = "; ".join(f"{title} {_points(gain)}" for title, gain in known.items())
    one = next(iter(known.values()))
    return (
        f"{told} {one['method']} changes it by (points): {changes}; {_loss(known)}. "
        f"{_seeds(one, 'folds')}{note_of(table)}"
    )


def tell_bands(table: pd.DataFrame) -> str:
    """Accuracy from the narrowest to the widest gap, and whether the gain grows with it.

    The claim holds if the gain at the widest gap is above zero, grows with the gap, and grows by
    more than on adults.
    """
    own = table[table["set"] == _set_with_trend(table)]
    told = filter(None, (_course(own, kind) for kind in (CHILD, ADULT)))
    text = f"Accuracy of {chosen(own)[0]} ({own['set'].iloc[0]}): {'; '.join(told)}."
    steps = {
        f"gain at {WIDE} years": _gain(_rows(own, CHILD, WIDE)),
        "growth of the gain": _gain(_rows(own, CHILD, TREND)),
        "growth beyond that on adults": _gain(_rows(own, CONTRAST, TREND)),
    }
    wide, trend, contrast = steps.values()
    if wide is None or trend is None:
        return f"{text} {ALONE}{note_of(table)}"
    narrow, adult = _gain(_rows(own, CHILD, NARROW)), _gain(_rows(own, ADULT, TREND))
    beside = (
        "adults of these gaps to compare with are absent"
        if adult is None or contrast is None
        else f"on adults it grows by {_points(adult)}, and on children by {_points(contrast)} more"
    )
    return (
        f"{text} On child-adult pairs {wide['method']} gains {_points(narrow)} at {NARROW} and "
        f"{_points(wide)} at {WIDE} years (points): the gain grows by {_points(trend)}; {beside}. "
        f"The claim {_all_of(steps)}. {_seeds(trend, 'people')}{note_of(table)}"
    )


def tell_errors(table: pd.DataFrame) -> str:
    """Both kinds of error on child-adult pairs and adults, and where false rejects lie."""
    methods = chosen(table)
    told = "; ".join(f"{method} {_errors(table, method)}" for method in methods)
    text = f"At the oracle thresholds {told} (means of the sets)."
    for panel, rows in table[table["joined"].astype(bool)].groupby("panel", sort=False):
        ends = {m: own.iloc[[0, -1]] for m in methods if len(own := rows[rows["method"] == m]) > 1}
        spans = [
            f"{' to '.join(f'{100 * value:.1f} %' for value in each['value'])} for {method}"
            for method, each in ends.items()
        ]
        if spans:
            cases = " to ".join(next(iter(ends.values()))["x"])
            text += f" {panel} go, from {cases} years, from {', '.join(spans)}."
    return text + note_of(table)


def _errors(table: pd.DataFrame, method: str) -> str:
    told = []
    for panel, (verb, pairs) in ERRORS.items():
        rows = table[(table["panel"] == panel) & (table["method"] == method)]
        means = rows.groupby("kind", sort=False)["value"].mean()
        shares = [f"{100 * mean:.1f} % of {pairs} {_words(kind)}" for kind, mean in means.items()]
        told += [f"{verb} falsely {' and '.join(shares)}"] if shares else []
    return ", and ".join(told)


def _words(kind: str) -> str:
    return {CHILD: "child-adult pairs", ADULT: "pairs of adults"}[kind]


def _set_with_trend(table: pd.DataFrame) -> str:
    # the mean of the sets or else one set, with a control rather than without
    for kind in (CONTRAST, CHILD):
        titles = _rows(table, kind, TREND)["set"].tolist()
        if titles:
            return OVER_SETS if OVER_SETS in titles else titles[0]
    return table["set"].iloc[0]


def _course(table: pd.DataFrame, kind: str) -> str:
    # of the plain head, from the narrowest to the widest gap
    ends = pd.concat(_rows(table, kind, band) for band in (NARROW, WIDE))
    values = ends.loc[ends["method"] == chosen(table)[0], "value"].tolist()
    if len(values) < 2:
        return ""
    return (
        f"on {_words(kind)} from {100 * values[0]:.1f} % at {NARROW} years to "
        f"{100 * values[1]:.1f} % at {WIDE}"
    )


def _loss(gains: dict[str, pd.Series]) -> str:
    verdicts = {title: _verdict(gain) for title, gain in gains.items()}
    worse = [title for title, verdict in verdicts.items() if verdict.sign < 0]
    if worse:
        return f"the claim of no loss does not hold on {', '.join(worse)}"
    least = max(-100 * min(gain["gain_low"] for gain in gains.values()), 0)
    fits = f"a loss of up to {least:.1f} points would fit the intervals"
    open_ = [verdict for verdict in verdicts.values() if verdict.reason]
    if not open_:
        return "every change is a gain, so the claim of no loss holds here"
    return f"whether there is a loss {open_[0].text('', '')}: {fits}"


def _all_of(steps: dict[str, pd.Series | None]) -> str:
    verdicts = {what: _verdict(gain) for what, gain in steps.items() if gain is not None}
    for what, verdict in verdicts.items():
        if verdict.sign < 0:
            return f"does not hold here: the {what} is below zero"
    for what, verdict in verdicts.items():
        if verdict.sign == 0:
            return f"{verdict.text('', '')}, as to the {what}"
    if len(verdicts) < len(steps):
        return "cannot be told here: the control is absent"
    return "holds here"


def _values(table: pd.DataFrame) -> str:
    told = []
    for method in chosen(table):
        rows = table[table["method"] == method]
        each = [f"{100 * row['value']:.1f} % ({row['set']})" for _, row in rows.iterrows()]
        told.append(f"{', '.join(each)} for {method}")
    return "; ".join(told)


def _rows(table: pd.DataFrame, kind: str, band: str) -> pd.DataFrame:
    return table[(table["kind"] == kind) & (table["band"] == band)]


def _gain(table: pd.DataFrame) -> pd.Series | None:
    rows = table[(table["role"] == OURS) & table["gain"].notna()]
    return rows.iloc[0] if len(rows) else None


def _points(gain: pd.Series | None) -> str:
    return points(
        *(np.nan if gain is None else gain[name] for name in ("gain", "gain_low", "gain_high"))
    )


def _verdict(gain: pd.Series) -> Verdict:
    return verdict_of(
        gain["gain_low"], gain["gain_high"], seeds=int(gain["gain_seeds"]), least=gain["least"],
        most=gain["most"],
    )  # fmt: skip


def _seeds(gain: pd.Series, units: str) -> str:
    count = int(gain["gain_seeds"])
    seeds = "1 training seed" if count == 1 else f"{count} training seeds, averaged first"
    return f"{seeds}; brackets are over {units}: {UNCORRECTED}."
