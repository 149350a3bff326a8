"""The sentences of the report page, made from the numbers and no stronger than they are.

Units: fractions come in, percent and points stand in the text.
"""

from typing import Any

import numpy as np
import pandas as pd

from irlib.report.collected import Found
from irlib.report.gains import CONTROL, GROUPED, MEAN, ORACLE
from irlib.tables import interval, signed

ARROW = " \u2192 "

SYNTHETIC = (
    "Synthetic faces. Every image here was drawn by this suite; none shows a real person. The "
    "numbers compare methods in a made world and cannot stand beside published ones."
)

PROTOCOL = (
    "The paper's rule chooses the threshold on the very pairs it is judged on. It flatters every "
    "method, most on small sets, and is told here because the published tables use it.",
    "The 10-fold accuracy chooses each threshold on pairs that touch none of the people it is "
    "judged on. It is the number to expect on new people.",
    "Intervals are 95 % percentile intervals of the vertex bootstrap: they speak of other people "
    "from the same population, not of other training runs. The deviation after ± is over training "
    "seeds: it speaks of other training runs, not of other people.",
    "A gain is paired: both methods are judged on the same draws of people and on the same seeds. "
    "Its threshold is chosen anew in each draw.",
    "The child\u2013adult sets share people, and some share images: five sets are not five "
    "independent confirmations. Nothing here is corrected for looking at several sets.",
    "A true accept rate is told only where the set has enough pairs of different people to show "
    "such a false accept rate at all.",
    "The last checkpoint of a training is the one reported. The best one was chosen on identities "
    "kept for validation, never on a test set.",
)


def answer(
    found: Found, accuracies: pd.DataFrame, gains: pd.DataFrame, *, synthetic: bool
) -> list[str]:
    """What was found, in a sentence or two a comparison.

    Args:
        found: the runs.
        accuracies: as `Replicates.accuracies` gives them; may be empty, as the next.
        gains: as `Replicates.gains` gives them.
        synthetic: whether the faces are.
    """
    compared = _compared(gains)
    if not compared:
        return [_no_answer(found)]
    faces = "synthetic faces" if synthetic else "the test faces"
    titles = accuracies.loc[~accuracies["set"].isin([MEAN, CONTROL]), "set"]
    sets = _count(titles[~titles.str.contains("control")].nunique(), "set")
    told = []
    for method in compared:
        gain = _row(gains, method=method, rule=ORACLE, set=MEAN)
        told.append(
            f"On {faces}, {_change(method, gain['baseline'])} changed the child\u2013adult "
            f"accuracy by {_points(gain)} on average over {sets}. {verdict(gain)}"
        )
    return told


def details(gains: pd.DataFrame) -> list[str]:
    """The numbers behind each answer: before and after, other thresholds, adults."""
    told = []
    for method in _compared(gains):
        gain, grouped = (
            _row(gains, method=method, rule=rule, set=MEAN) for rule in (ORACLE, GROUPED)
        )
        text = (
            f"From {100 * gain['before']:.1f} % to {100 * gain['after']:.1f} % by the paper's "
            "rule, which chooses the "
            f"threshold on the test pairs; {_count(gain['seeds'], 'training seed')} a method; "
            "brackets are 95 % intervals over people. With thresholds chosen on other people the "
            f"change is {_points(grouped)}."
        )
        if CONTROL in set(gains.loc[gains["method"] == method, "set"]):
            adults = _row(gains, method=method, rule=ORACLE, set=CONTROL)
            text += f" On adult\u2013adult pairs, the control, it is {_points(adults)}."
        told.append(text)
    return told


def _no_answer(found: Found) -> str:
    done = len(found.complete("evaluate"))
    return (
        f"No comparison can be told yet: {done} of {len(found.methods) * len(found.seeds)} "
        "evaluations are complete, and a gain needs a method and its plain head on one seed and "
        "the same sets."
    )


def tiles(found: Found, gains: pd.DataFrame) -> list[tuple[str, str]]:
    """The numbers to see first, each with what it is, for the first comparison."""
    if not _compared(gains):
        return []
    gain = _row(gains, rule=ORACLE, set=MEAN)
    pair = (gain["baseline"], gain["method"])
    numbers = [
        (
            _arrow(gain),
            f"child\u2013adult accuracy, {ARROW.join(pair)}",
        ),
        (
            f"{signed(100 * gain['gain'], 1)} points",
            f"{interval(gain['low'], gain['high'])}, gain with its 95 % interval over people",
        ),
    ]
    if CONTROL in set(gains.loc[gains["method"] == gain["method"], "set"]):
        adults = _row(gains, method=gain["method"], rule=ORACLE, set=CONTROL)
        numbers.append((_arrow(adults), "adult\u2013adult accuracy at a like age gap, the control"))
    if "child_mean" in found.prototypes:
        cosines = found.prototypes.groupby("method")["child_mean"].mean()
        if set(pair) <= set(cosines.index):
            fell = ARROW.join(signed(cosines[name], 2) for name in pair)
            numbers.append((fell, "mean cosine between two child prototypes"))
    return numbers


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


def premise(data: dict[str, Any]) -> str:
    """Whether the paper's premise holds on the data, by the data run's short ArcFace training."""
    told = data.get("premise")
    if not told:
        return (
            "The data run did not check the premise; the cosines between different people of the "
            "trained networks stand in the section on what the loss changes."
        )
    low, high = told["difference_interval"]
    holds = (
        "holds" if low > 0 else "is not told apart from chance" if high >= 0 else "does not hold"
    )
    text = (
        f"The premise that children look more alike {holds} on these data: for a plain ArcFace, "
        f"images of two different children have a mean cosine of {signed(told['child_child'], 3)}, "
        f"of two different adults {signed(told['adult_adult'], 3)} (difference "
        f"[{signed(low, 3)}, {signed(high, 3)}])."
    )
    children, adults = (
        list(told[name].values()) for name in ("child_adult_accuracy", "adult_adult_accuracy")
    )
    if not (children and adults):
        return text
    return (
        f"{text} It judges {100 * np.mean(children):.1f} % of child\u2013adult pairs rightly and "
        f"{100 * np.mean(adults):.1f} % of adult\u2013adult pairs."
    )


def completeness(found: Found) -> str:
    """How many runs the numbers rest on."""
    total = len(found.runs)
    if not found.absent:
        return f"All {total} runs are complete."
    names = ", ".join(f"{run.folder.name} ({run.status})" for run in found.absent[:6])
    more = len(found.absent) - 6
    rest = f" and {more} more" if more > 0 else ""
    return (
        f"{len(found.absent)} of {total} runs are not complete and count nowhere: {names}{rest}. "
        "The tables say how many seeds went into each number."
    )


def _change(method: str, baseline: str) -> str:
    added = method.removeprefix(f"{baseline} + ")
    return (
        f"adding the {added} loss to {baseline}" if added != method else f"{method} for {baseline}"
    )


def _arrow(gain: dict[str, Any]) -> str:
    return f"{100 * gain['before']:.1f}{ARROW}{100 * gain['after']:.1f} %"


def _single(gain: dict[str, Any]) -> str:
    return " to ".join(signed(100 * gain[end], 1) for end in ("least", "most"))


def _points(gain: dict[str, Any]) -> str:
    return f"{signed(100 * gain['gain'], 1)} points {interval(gain['low'], gain['high'])}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _compared(gains: pd.DataFrame) -> list[str]:
    # a method whose baseline lacks a set has gains on the others and no mean
    return list(gains.loc[gains["set"] == MEAN, "method"].unique())


def _row(table: pd.DataFrame, **where: str) -> dict[str, Any]:
    for name, value in where.items():
        table = table[table[name] == value]
    return table.iloc[0].to_dict()
