"""What methods gain over others, with intervals, as text.

Units: fractions come in, percent and points come out.
"""

import numpy as np
import pandas as pd

from irlib.tables.numbers import NONE, interval, points, rate, signed

HELD = "*"  # marks a gain whose interval for all comparisons together excludes zero


def gains(table: pd.DataFrame) -> pd.DataFrame:
    """What each method gains, in points with the interval: a row a method, a column a set.

    Args:
        table: `method`, `baseline`, `set` (titles), `gain`, `low`, `high`, `wide_low`, `wide_high`,
            of one rule of the threshold.

    Returns:
        `method`, `over` and the sets; see `HELD`.
    """
    rows = []
    for (method, baseline), part in table.groupby(["method", "baseline"], sort=False):
        cells = {row.set: told(row) for row in part.itertuples()}
        rows.append({"method": method, "over": baseline, **cells})
    columns = ["method", "over", *dict.fromkeys(table["set"])]
    return pd.DataFrame(rows, columns=columns).fillna(NONE)


def comparisons(oracle: pd.DataFrame, grouped: pd.DataFrame) -> pd.DataFrame:
    """Each method against what it is compared with, by one number: a row a comparison.

    Args:
        oracle: rows of `irlib.report.Replicates.gains` for one set, with the paper's threshold.
        grouped: the same with thresholds from other people.

    Returns:
        Before and after in percent; the gain in points with its interval, with the interval that
        holds for all comparisons together and that one's p; Student's interval over trainings and
        the gains of single seeds, and the gain with thresholds from other people.
    """
    others = {(row.method, row.baseline): row for row in grouped.itertuples()}
    rows = []
    for row in oracle.itertuples():
        other = others.get((row.method, row.baseline))
        rows.append({
            "method": row.method,
            "over": row.baseline,
            "seeds": str(row.seeds),
            "before": f"{100 * row.before:.1f}",
            "after": f"{100 * row.after:.1f}",
            "gain [95 %]": points(row.gain, row.low, row.high),
            "all together [95 %]": _ends(row.wide_low, row.wide_high),
            "p, all together": p_value(row.p),
            "over trainings [95 %]": _ends(row.train_low, row.train_high),
            "single seeds": f"{signed(100 * row.least, 1)} to {signed(100 * row.most, 1)}",
            "thresholds from others": points(other.gain, other.low, other.high) if other else NONE,
        })  # fmt: skip
    return pd.DataFrame(rows)


def ablation(table: pd.DataFrame) -> pd.DataFrame:
    """One family of settings as `irlib.plots.ablation` draws it: a row a method.

    Args:
        table: `method`, `seeds`, `value`, `low`, `high`, `gain`, `gain_low`, `gain_high`, `less`
            (a variant less the setting it is compared with), `less_low`, `less_high`,
            `less_wide_low`, `less_wide_high` and `child_mean`.
    """
    rows = [
        {
            "method": row.method,
            "seeds": str(row.seeds),
            "accuracy [95 %]": rate(row.value, row.low, row.high),
            "gain over the plain head [95 %]": points(row.gain, row.gain_low, row.gain_high),
            "less the setting in question [95 %]": points(row.less, row.less_low, row.less_high)
            + _mark(row.less_wide_low, row.less_wide_high),
            "child\u2013child cosine": NONE
            if np.isnan(row.child_mean)
            else signed(row.child_mean, 3),
        }
        for row in table.itertuples()
    ]
    return pd.DataFrame(rows)


def told(row: tuple) -> str:
    """A gain with its interval, marked where the interval for all together excludes zero."""
    return points(row.gain, row.low, row.high) + _mark(row.wide_low, row.wide_high)


def p_value(p: float) -> str:
    """A chance with two digits after the point, three below 0.01."""
    if np.isnan(p):
        return NONE
    if p < 0.0005:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.0095 else f"{p:.2f}"


def _mark(low: float, high: float) -> str:
    return HELD if low > 0 or high < 0 else ""


def _ends(low: float, high: float) -> str:
    return NONE if np.isnan(low) else interval(low, high)
