"""Gains over trainings: an interval of their own, and when a gain counts as told from zero.

The bootstrap draws people and keeps the trained networks as they are. Whether other trainings of
both methods would gain too is another question, which only the seeds can answer.
"""

from collections.abc import Mapping
from typing import Any

from irlib.report.verdicts import Verdict, verdict_of

FEWEST = 3  # trainings a method that an interval over them can rest on
FEW = "two trainings a method are too few seeds"
CHANCE = "the interval over trainings includes zero"

PEOPLE, WIDE = ("low", "high"), ("wide_low", "wide_high")


def judged(gain: Mapping[str, Any], ends: tuple[str, str] = PEOPLE) -> Verdict:
    """Whether a gain is told apart from zero, by people and by trainings.

    Both intervals exclude zero, and the single seeds, three or more, agree in sign.

    Args:
        gain: a row of `irlib.report.Replicates.gains`.
        ends: names of the interval over people: `PEOPLE`, or `WIDE` for many comparisons.
    """
    told = verdict_of(
        gain[ends[0]], gain[ends[1]],
        seeds=gain["seeds"], least=gain["least"], most=gain["most"],
    )  # fmt: skip
    if told.sign and gain["seeds"] < FEWEST:
        return Verdict(0, FEW)
    if told.sign and gain["train_low"] <= 0 <= gain["train_high"]:
        return Verdict(0, CHANCE)
    return told
