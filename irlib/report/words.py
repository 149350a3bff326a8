"""The answer of the report page, made from the numbers and no stronger than they are.

Units: fractions come in, percent and points stand in the text.
"""

from typing import Any

import pandas as pd

from irlib.report.collected import CONTROL as CONTROL_KIND
from irlib.report.collected import Found
from irlib.report.gains import CONTROL, GROUPED, MEAN, ORACLE, Pairs
from irlib.tables import interval, points, signed

QUESTION = "inter_prototype"  # name of the method that the page is about


def answer(
    found: Found,
    accuracies: pd.DataFrame,
    gains: pd.DataFrame,
    controls: pd.DataFrame,
    *,
    synthetic: bool,
) -> list[str]:
    """What was found, in a sentence or two: the page's question, then its controls.

    Args:
        found: the runs.
        accuracies: as `Replicates.accuracies` gives them; may be empty, as the next two.
        gains: as `Replicates.gains` gives them, of each method over its baseline.
        controls: the same of the page's method over each of its controls.
        synthetic: whether the faces are.
    """
    gain = question(found, gains)
    if gain is None:
        return [_no_answer(found)]
    faces = "synthetic faces" if synthetic else "the test faces"
    titles = accuracies.loc[~accuracies["set"].isin([MEAN, CONTROL]), "set"]
    sets = count(titles[~titles.str.contains("control")].nunique(), "set")
    told = (
        f"On {faces}, {_change(gain['method'], gain['baseline'])} changed the child\u2013adult "
        f"accuracy by {_points(gain)} on average over {sets}. {verdict(gain)}"
    )
    return [told, *_beats_controls(controls)]


def control_pairs(found: Found) -> Pairs:
    """The page's method with each control that was run, to be compared with."""
    ours = found.title(QUESTION)
    return [(ours, control) for control in found.of_kind(CONTROL_KIND) if ours]


def details(found: Found, gains: pd.DataFrame) -> list[str]:
    """The numbers behind the answer: before and after, other thresholds, adults, other methods."""
    gain = question(found, gains)
    if gain is None:
        return []
    method = gain["method"]
    grouped = row_of(gains, method=method, rule=GROUPED, set=MEAN)
    text = (
        f"From {100 * gain['before']:.1f} % to {100 * gain['after']:.1f} % by the paper's "
        "rule, which chooses the "
        f"threshold on the test pairs; {count(gain['seeds'], 'training seed')} a method; "
        "brackets are 95 % intervals over people. With thresholds chosen on other people the "
        f"change is {_points(grouped)}."
    )
    if CONTROL in set(gains.loc[gains["method"] == method, "set"]):
        adults = row_of(gains, method=method, rule=ORACLE, set=CONTROL)
        text += f" On adult\u2013adult pairs, the control, it is {_points(adults)}."
    return [text, *_other_methods(gains, method)]


def question(found: Found, gains: pd.DataFrame) -> dict[str, Any] | None:
    """The gain that the page is about; where it was not compared, the first that was."""
    rows = gains[(gains["rule"] == ORACLE) & (gains["set"] == MEAN)]
    asked = rows[rows["method"] == found.title(QUESTION)]
    rows = asked if len(asked) else rows
    return None if rows.empty else rows.iloc[0].to_dict()


def _beats_controls(controls: pd.DataFrame) -> list[str]:
    rows = controls[(controls["rule"] == ORACLE) & (controls["set"] == MEAN)]
    if rows.empty:
        return []
    apart = _apart(rows, 1)["baseline"].tolist()
    worse = _apart(rows, -1)["baseline"].tolist()
    told = "; ".join(
        f"{row.baseline} {points(row.gain, row.low, row.high)}" for row in rows.itertuples()
    )
    beaten = f"better than {_names(apart)}" if apart else "better than none of them"
    lost = f" and worse than {_names(worse)}" if worse else ""
    return [
        f"Against its controls, the same loss on other classes (Inter-Prototype less the control, "
        f"points): {told}. By intervals that hold for all controls together, "
        f"Inter-Prototype is {beaten}{lost}."
    ]


def _other_methods(gains: pd.DataFrame, method: str) -> list[str]:
    rows = gains[(gains["rule"] == ORACLE) & (gains["set"] == MEAN) & (gains["method"] != method)]
    if rows.empty:
        return []
    better, worse = (_names(_apart(rows, sign)["method"].tolist()) for sign in (1, -1))
    seeds = " One training a method says nothing of the chance in training."
    return [
        f"Of {count(len(rows), 'other method')} compared with their baselines by the same mean, "
        f"these gain: {better or 'none'}; these lose: {worse or 'none'} (by 95 % intervals over "
        "people that hold for all methods together, and seeds that agree in sign)."
        f"{seeds if rows['seeds'].min() == 1 else ''}"
    ]


def _apart(rows: pd.DataFrame, sign: int) -> pd.DataFrame:
    # told apart from zero on one side, corrected for all comparisons, by seeds of one mind
    if sign > 0:
        return rows[(rows["wide_low"] > 0) & (rows["least"] > 0)]
    return rows[(rows["wide_high"] < 0) & (rows["most"] < 0)]


def _names(titles: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(titles[:-1]), *titles[-1:]]))


def _no_answer(found: Found) -> str:
    done = len(found.complete("evaluate"))
    return (
        f"No comparison can be told yet: {done} of {len(found.methods) * len(found.seeds)} "
        "evaluations are complete, and a gain needs a method and its plain head on one seed and "
        "the same sets."
    )


def verdict(gain: dict[str, Any]) -> str:
    """What a gain with its interval and its seeds does or does not show, in one sentence.

    Args:
        gain: `gain`, `low`, `high`, `least`, `most` (of single seeds) and `seeds`.
    """
    if not (gain["low"] > 0 or gain["high"] < 0):
        return "The interval includes zero: these data do not tell the change apart from zero."
    if gain["seeds"] == 1:
        return (
            "The interval excludes zero, but one training a method says nothing of the chance in "
            "training: this does not yet tell the change apart from zero."
        )
    if gain["least"] < 0 < gain["most"]:
        return (
            "The interval over people excludes zero, but single seeds disagree in sign "
            f"({_single(gain)}): these data do not tell the change apart from chance in training."
        )
    return (
        "The interval excludes zero and every seed agrees in sign "
        f"({_single(gain)}): these data tell the change apart from zero, "
        "on these faces and with this recipe."
    )


def _change(method: str, baseline: str) -> str:
    added = method.removeprefix(f"{baseline} + ")
    return (
        f"adding the {added} loss to {baseline}" if added != method else f"{method} for {baseline}"
    )


def _single(gain: dict[str, Any]) -> str:
    return " to ".join(signed(100 * gain[end], 1) for end in ("least", "most"))


def _points(gain: dict[str, Any]) -> str:
    return f"{signed(100 * gain['gain'], 1)} points {interval(gain['low'], gain['high'])}"


def count(number: int, noun: str) -> str:
    """How many of a thing, e.g. ``2 sets``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def row_of(table: pd.DataFrame, **where: str) -> dict[str, Any]:
    """The first row of a table that has these values."""
    for name, value in where.items():
        table = table[table[name] == value]
    return table.iloc[0].to_dict()
