"""Numbers of the page in words: what to see first, how much was compared, what the loss does.

Units: fractions come in, percent and points stand in the text.
"""

from typing import Any

import pandas as pd

from irlib.report.collected import Found
from irlib.report.gains import CONTROL, MEAN, ORACLE
from irlib.report.phrases import count, row_of
from irlib.report.words import QUESTION, question
from irlib.tables import ARROW, interval, signed


def tiles(found: Found, gains: pd.DataFrame) -> list[tuple[str, str]]:
    """The numbers to see first, each with what it is, for the page's question."""
    gain = question(found, gains)
    if gain is None:
        return []
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
        adults = row_of(gains, method=gain["method"], rule=ORACLE, set=CONTROL)
        numbers.append((_arrow(adults), "adult\u2013adult accuracy at a like age gap, the control"))
    if "child_mean" in found.prototypes:
        cosines = found.prototypes.groupby("method")["child_mean"].mean()
        if set(pair) <= set(cosines.index):
            fell = ARROW.join(signed(cosines[name], 2) for name in pair)
            numbers.append((fell, "mean cosine between two child prototypes"))
    return numbers


def comparisons_made(gains: pd.DataFrame) -> str:
    """How many comparisons a table of gains makes, and how many of them exclude zero."""
    if not len(gains):
        return "No comparison can be made yet."
    pairs = len(gains.drop_duplicates(["method", "baseline"]))
    means = gains["set"].isin([MEAN, CONTROL])
    plain = int(((gains["low"] > 0) | (gains["high"] < 0)).sum())
    wide = int(((gains["wide_low"] > 0) | (gains["wide_high"] < 0)).sum())
    return (
        f"{count(len(gains), 'comparison')}: {count(pairs, 'pair')} of methods, on "
        f"{count(gains.loc[~means, 'set'].nunique(), 'set')} and on "
        f"{count(gains.loc[means, 'set'].nunique(), 'mean')} over sets, by "
        f"{count(gains['rule'].nunique(), 'rule')} for the threshold. If all methods were equal, "
        f"about {len(gains) / 20:.0f} of the 95 % intervals would exclude zero by chance; here "
        f"{plain} do. The wider intervals hold for a whole family of comparisons together, which "
        "is either the means over the child\u2013adult sets, what this page is about, or all other "
        f"rows, by one rule; {wide} of them exclude zero and are marked *."
    )


def mechanism(found: Found) -> str:
    """What the loss did to the child prototypes, in one or two sentences."""
    ours, means = found.title(QUESTION), found.prototypes
    if "left_out" in means:
        return f"Child prototypes were not compared: {means['left_out'].dropna().iloc[0]}."
    plain = found.baselines.get(ours, "")
    if "child_mean" not in means or not {ours, plain} <= set(means["method"]):
        return ""
    means = means.groupby("method").mean(numeric_only=True)
    before, after = means.loc[plain], means.loc[ours]
    text = (
        f"The mean cosine between two child prototypes goes from {signed(before['child_mean'], 3)} "
        f"({plain}) to {signed(after['child_mean'], 3)} ({ours}), the largest from "
        f"{before['child_max']:.2f} to {after['child_max']:.2f}."
    )
    if not {"ip_gradient", "decay_gradient"} <= set(means):
        return text
    loss, decay = after["ip_gradient"], after["decay_gradient"]
    text += (
        " At the end of training the loss pulls a child prototype with a gradient of mean length "
        f"{loss:.1e}, weight decay with {decay:.1e}"
    )
    return f"{text}: {loss / decay:.2g} times as much." if decay > 0 else f"{text}."


def _arrow(gain: dict[str, Any]) -> str:
    return f"{100 * gain['before']:.1f}{ARROW}{100 * gain['after']:.1f} %"
