"""Numbers as a reader wants them, as text.

Units: fractions come in; percent (accuracies, rates) and points (gains) come out.
"""

from collections.abc import Sequence

import numpy as np

NONE = "\u2013"  # a cell without a number
MINUS = "\u2212"
ARROW = " \u2192 "


def spread(values: Sequence[float], *, scale: float = 100.0, digits: int = 1) -> str:
    """Mean and sample deviation, e.g. ``83.5 ± 0.4``; one number has no deviation.

    Args:
        values: one a seed; those that are NaN or None are left out.
        scale: 100 for percent.
        digits: after the point.
    """
    found = np.array([value for value in values if value is not None], dtype=float) * scale
    found = found[~np.isnan(found)]
    if not len(found):
        return NONE
    deviation = f" ± {found.std(ddof=1):.{digits}f}" if len(found) > 1 else ""
    mean = round(found.mean(), digits) + 0.0  # no minus before a zero
    return f"{mean:.{digits}f}".replace("-", MINUS) + deviation


def points(gain: float, low: float, high: float, *, digits: int = 1) -> str:
    """A gain with its interval, in points, e.g. ``+1.2 [+0.3, +2.6]``."""
    if np.isnan(gain):
        return NONE
    told = signed(100 * gain, digits)
    return told if np.isnan(low) else f"{told} {interval(low, high, digits=digits)}"


def rate(value: float, low: float = np.nan, high: float = np.nan, *, digits: int = 1) -> str:
    """A share with its interval, in percent, e.g. ``82.2 [79.1, 84.9]``."""
    if np.isnan(value):
        return NONE
    told = f"{100 * value:.{digits}f}"
    if np.isnan(low):
        return told
    return f"{told} [{100 * low:.{digits}f}, {100 * high:.{digits}f}]"


def interval(low: float, high: float, *, digits: int = 1) -> str:
    """Both ends in points, e.g. ``[+0.3, +2.6]``.

    An end next to zero gets one or two digits more where rounding would hide that the interval
    excludes zero.
    """
    nearest = 100 * (low if low > 0 else high)
    if low > 0 or high < 0:
        digits += sum(round(nearest, digits + more) == 0 for more in (0, 1))
    return f"[{signed(100 * low, digits)}, {signed(100 * high, digits)}]"


def signed(value: float, digits: int) -> str:
    """A number with its sign; zero has a plus, also where rounding makes it."""
    return f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", MINUS)
