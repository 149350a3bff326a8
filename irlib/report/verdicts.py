"""When a difference counts as told apart from zero: one rule for the whole report."""

from typing import NamedTuple

LEAST_SEEDS = 2  # trainings a method

ONE_SEED = "one training a method"
INCLUDES_ZERO = "the interval includes zero"
DISAGREE = "the training seeds disagree in sign"

JUDGED = ("A1", "A2", "A3", "A4", "A5", "A6", "A8", "A9")  # analyses with intervals of their own
UNCORRECTED = f"95 % intervals, uncorrected for the {len(JUDGED)} analyses that are judged by them"


class Verdict(NamedTuple):
    """What the data tell of a difference.

    Args:
        sign: 1 if it is above zero, -1 if below, 0 if that cannot be told.
        reason: why it cannot be told, e.g. `ONE_SEED`; empty where it is told.
    """

    sign: int
    reason: str

    def text(self, above: str, below: str) -> str:
        """``above`` or ``below`` by the sign, or "cannot be told here (reason)"."""
        told = {1: above, -1: below}
        return told.get(self.sign, f"cannot be told here ({self.reason})")


def verdict_of(low: float, high: float, *, seeds: int, least: float, most: float) -> Verdict:
    """Whether a difference is told apart from zero.

    It is if its interval excludes zero, and two training seeds or more all agree in its sign.

    Args:
        low: lower end of the interval over people.
        high: upper end.
        seeds: training seeds that both methods share.
        least: the smallest difference of a single seed.
        most: the largest.
    """
    if seeds < LEAST_SEEDS:
        return Verdict(0, ONE_SEED)
    if not (low > 0 or high < 0):
        return Verdict(0, INCLUDES_ZERO)
    sign = 1 if low > 0 else -1
    agree = least > 0 if sign > 0 else most < 0
    return Verdict(sign, "") if agree else Verdict(0, DISAGREE)
