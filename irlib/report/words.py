"""The answer of the report page, made from the numbers and no stronger than they are.

Units: fractions come in, percent and points stand in the text.
"""

from typing import Any

import numpy as np
import pandas as pd

from irlib.report.collected import ABLATION, PUBLISHED, TABLE, Found
from irlib.report.collected import CONTROL as CONTROL_KIND
from irlib.report.gains import CONTROL, GROUPED, MEAN, ORACLE, Pairs
from irlib.report.phrases import count, names, row_of
from irlib.report.told_models import of_models
from irlib.report.trainings import FEWEST, WIDE, judged
from irlib.tables import interval, points, signed

QUESTION = "inter_prototype"  # name of the method that the page is about
ABSENT = "Inter-Prototype was not run or is not complete;"
BOTH = (
    "By 95 % intervals over people that hold for all comparisons together, and by intervals over "
    "trainings"
)
KINDS = {
    TABLE: "other rows of the tables",
    CONTROL_KIND: "controls",
    ABLATION: "ablations",
    PUBLISHED: "rows by their authors' settings",
}


def heading(found: Found, gains: pd.DataFrame) -> str:
    """Title of the page: its question, where it has an answer.

    Args:
        found: the runs.
        gains: as `Replicates.gains` gives them, of each method over its baseline.
    """
    if is_asked(found, question(found, gains)):
        return "Does the Inter-Prototype loss help to recognise children?"
    return f"How well do these {'methods' if found.trained else 'models'} recognise children?"


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
    if not found.trained:
        return [of_models(found, accuracies, synthetic=synthetic)]
    gain = question(found, gains)
    if gain is None:
        return [_no_answer(found)]
    faces = "synthetic faces" if synthetic else "the test faces"
    titles = accuracies.loc[~accuracies["set"].isin([MEAN, CONTROL]), "set"]
    sets = count(titles[~titles.str.contains("control")].nunique(), "set")
    told = (
        f"{faces}, {_change(gain['method'], gain['baseline'])} changed the child\u2013adult "
        f"accuracy by {_points(gain)} on average over {sets}. {verdict(gain)}"
    )
    begun = "On" if is_asked(found, gain) else f"{ABSENT} on"
    return [f"{begun} {told}", *_beats_controls(controls)]


def control_pairs(found: Found) -> Pairs:
    """The page's method with each control that was run, to be compared with."""
    ours = found.title(QUESTION)
    return [(ours, control) for control in found.of_kind(CONTROL_KIND) if ours]


def published_pairs(found: Found) -> Pairs:
    """The page's method with its plain head by the authors' settings, if both are there."""
    ours = found.title(QUESTION)
    plain = found.names.get(found.baselines.get(ours, ""), "")
    theirs = found.title(f"{plain}_published")
    return [(ours, theirs)] if ours and theirs else []


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
    if gain["seeds"] > 1:
        text += f" By {_trainings(gain)}."
    if CONTROL in set(gains.loc[gains["method"] == method, "set"]):
        adults = row_of(gains, method=method, rule=ORACLE, set=CONTROL)
        text += f" On adult\u2013adult pairs, the control, it is {_points(adults)}."
    return [text, *_other_methods(found, gains, method)]


def question(found: Found, gains: pd.DataFrame) -> dict[str, Any] | None:
    """The gain that the page is about; where it was not compared, the first that was."""
    rows = gains[(gains["rule"] == ORACLE) & (gains["set"] == MEAN)]
    asked = rows[rows["method"] == found.title(QUESTION)]
    rows = asked if len(asked) else rows
    return None if rows.empty else rows.iloc[0].to_dict()


def is_asked(found: Found, gain: dict[str, Any] | None) -> bool:
    """Whether a gain is that of the page's own method, which may still be to come."""
    ours = found.title(QUESTION)
    return bool(ours) and (gain is None or gain["method"] == ours)


def _beats_controls(controls: pd.DataFrame) -> list[str]:
    rows = controls[(controls["rule"] == ORACLE) & (controls["set"] == MEAN)]
    if rows.empty:
        return []
    told = "; ".join(
        f"{row.baseline} {points(row.gain, row.low, row.high)}" for row in rows.itertuples()
    )
    better, worse = (names(apart(rows, sign)["baseline"]) for sign in (1, -1))
    found = f"better than {better or 'none of them'}{f' and worse than {worse}' if worse else ''}"
    return [
        f"Against its controls, the same loss on other classes (Inter-Prototype less the control, "
        f"points): {told}. {BOTH}, Inter-Prototype is told to be {found}.{few_seeds(rows)}"
    ]


def _other_methods(found: Found, gains: pd.DataFrame, method: str) -> list[str]:
    rows = gains[(gains["rule"] == ORACLE) & (gains["set"] == MEAN) & (gains["method"] != method)]
    if rows.empty:
        return []
    told = []
    for kind, noun in KINDS.items():
        part = rows[rows["method"].isin(found.of_kind(kind))]
        if len(part):
            better, worse = (names(apart(part, sign)["method"]) or "none" for sign in (1, -1))
            told.append(f"{noun} ({len(part)}): told to gain {better}, to lose {worse}")
    begun = f"{BOTH}, each over its own baseline by the same mean"
    return [f"{begun}: {'; '.join(told)}.{few_seeds(rows)}"]


def apart(rows: pd.DataFrame, sign: int) -> pd.DataFrame:
    """The gains told apart from zero on one side, corrected for all comparisons."""
    return rows[
        np.array([judged(row, WIDE).sign == sign for row in rows.to_dict("records")], dtype=bool)
    ]


def few_seeds(rows: pd.DataFrame) -> str:
    """A sentence where some gains rest on too few trainings to be told apart; else empty."""
    least = rows["seeds"].min()
    if least >= FEWEST:
        return ""
    return (
        f" With {count(least, 'training seed')} a method nothing is told apart from chance in "
        f"training: that takes {FEWEST} or more."
    )


def _no_answer(found: Found) -> str:
    done = sum(run.method in found.trained for run in found.complete("evaluate"))
    return (
        f"No comparison can be told yet: {done} of {len(found.trained) * len(found.seeds)} "
        "evaluations are complete, and a gain needs a method and its plain head on one seed and "
        "the same sets."
    )


def verdict(gain: dict[str, Any]) -> str:
    """What a gain with its intervals and its seeds does or does not show, in one sentence.

    Args:
        gain: a row of `Replicates.gains`.
    """
    found = judged(gain)
    single = f" ({_single(gain)} by single seeds)" if gain["seeds"] > 1 else ""
    if not found.sign:
        return f"These data do not tell the change apart from zero: {found.reason}{single}."
    return (
        "The intervals over people and over trainings exclude zero and every seed agrees in sign"
        f"{single}: these data tell the change apart from zero, on these faces and with this "
        "recipe."
    )


def _change(method: str, baseline: str) -> str:
    added = method.removeprefix(f"{baseline} + ")
    return (
        f"adding the {added} loss to {baseline}" if added != method else f"{method} for {baseline}"
    )


def _single(gain: dict[str, Any]) -> str:
    return " to ".join(signed(100 * gain[end], 1) for end in ("least", "most"))


def _trainings(gain: dict[str, Any]) -> str:
    ends = interval(gain["train_low"], gain["train_high"])
    return f"the spread of {gain['seeds']} trainings alone its 95 % interval is {ends} points"


def _points(gain: dict[str, Any]) -> str:
    return f"{signed(100 * gain['gain'], 1)} points {interval(gain['low'], gain['high'])}"
