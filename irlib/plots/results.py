"""The results: accuracies with their intervals, what a method gains, and what a setting changes.

Units: accuracies and gains are fractions in tables, percent and points on axes.
"""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from irlib.plots.style import DARK, Look, Picture, method_looks, panels, percent, styled

ROW = 0.2  # height of a method's row, inches
ENDS, WIDE = ("low", "high"), ("wide_low", "wide_high")


@styled
def accuracy_intervals(table: pd.DataFrame) -> Picture:
    """Accuracy of each method on each set with its interval: a panel a set, a row a method.

    Args:
        table: `set`, `method` (titles), `value`, `low` and `high`.
    """
    figure, drawn = _panel_a_set(table)
    looks = method_looks(table["method"])
    for axes, (_, rows) in zip(drawn, table.groupby("set", sort=False), strict=True):
        _dots(axes, rows, "value", looks)
        percent(axes.xaxis)
    figure.supxlabel("accuracy, %", fontsize=9)
    return figure


@styled
def gains(table: pd.DataFrame) -> Picture:
    """What a method gains over its baseline on each set: a panel a set, with a line at zero.

    Args:
        table: `set`, `method` (titles), `gain`, `low`, `high`, and perhaps `wide_low` and
            `wide_high`, the ends of an interval that holds for all rows together (a thin line).
    """
    figure, drawn = _panel_a_set(table)
    looks = method_looks(table["method"])
    ends = table[[name for name in (*ENDS, *WIDE) if name in table]].stack()
    reach = 1.05 * ends.abs().max() or None  # one scale for all panels
    for axes, (_, rows) in zip(drawn, table.groupby("set", sort=False), strict=True):
        _dots(axes, rows, "gain", looks)
        axes.axvline(0, color=DARK, linewidth=1)
        axes.set_xlim(reach and -reach, reach)
        percent(axes.xaxis, signed=True)
    figure.supxlabel("gain, points of accuracy", fontsize=9)
    return figure


@styled
def ablation(table: pd.DataFrame) -> Picture:
    """One family of settings: accuracy, gains over two others, and child prototypes.

    Args:
        table: `method` (title), `value`, `low`, `high` (mean accuracy on the child-adult sets),
            `gain`, `gain_low`, `gain_high` (NaN for a plain head; `wide_low` and `wide_high` as
            for `gains`), `less` (a variant less the setting in question, with `less_low`,
            `less_high`, `less_wide_low` and `less_wide_high`; NaN for others) and `child_mean`
            (mean cosine between two child prototypes, NaN where unknown); a row a method.
    """
    size = (3.0, 0.9 + 0.26 * len(table))
    figure, (accuracy, gain, less, cosine) = panels(4, across=4, size=size)
    looks = method_looks(table["method"])
    paired = table.drop(columns=[*ENDS]).rename(columns={"gain_low": "low", "gain_high": "high"})
    beside = table[["method", *(name for name in table if name.startswith("less"))]]
    beside = beside.rename(columns=lambda name: name.removeprefix("less_"))
    _dots(accuracy, table[["method", "value", *ENDS]], "value", looks)
    _dots(gain, paired.dropna(subset="gain"), "gain", looks)
    _dots(less, beside.dropna(subset="less"), "less", looks)
    _dots(cosine, table[["method", "child_mean"]], "child_mean", looks)
    for axes in (gain, less, cosine):
        axes.axvline(0, color=DARK, linewidth=1)
        _name_rows(axes, looks, shown=False)
    _name_rows(accuracy, looks, shown=True)
    percent(accuracy.xaxis)
    percent(gain.xaxis, signed=True)
    percent(less.xaxis, signed=True)
    accuracy.set_xlabel("child\u2013adult accuracy, %")
    gain.set_xlabel("gain over the plain head, points")
    less.set_xlabel("less the setting in question, points")
    cosine.set_xlabel("mean cosine of two child prototypes")
    return figure


def _panel_a_set(table: pd.DataFrame) -> tuple[Picture, list[Axes]]:
    titles = list(dict.fromkeys(table["set"]))
    methods = method_looks(table["method"])
    size = (3.4, 0.75 + max(ROW * len(methods), 0.55))
    figure, drawn = panels(len(titles), across=3, size=size)
    for place, (axes, title) in enumerate(zip(drawn, titles, strict=True)):
        axes.set_title(title)
        _name_rows(axes, methods, shown=place % 3 == 0)
    return figure, drawn


def _name_rows(axes: Axes, methods: dict[str, Look], *, shown: bool) -> None:
    axes.set_yticks(range(len(methods)), list(methods))
    axes.tick_params(axis="y", length=0, labelleft=shown)
    axes.set_ylim(len(methods) - 0.4, -0.6)
    if shown and not all(look.in_front for look in methods.values()):
        for label, look in zip(axes.get_yticklabels(), methods.values(), strict=True):
            label.set_fontweight("bold" if look.in_front else "normal")


def _dots(axes: Axes, rows: pd.DataFrame, value: str, looks: dict[str, Look]) -> None:
    # a dot a method at its row, on its interval; a wider interval as a hairline behind both
    heights = {method: height for height, method in enumerate(looks)}
    for row in rows.to_dict("records"):
        look, height = looks[row["method"]], heights[row["method"]]
        _line(axes, row, WIDE, height, color=look.color, lw=0.8)
        _line(axes, row, ENDS, height, color=look.color, lw=2.4, alpha=0.5)
        size = 5.5 if look.in_front else 4.5
        axes.plot([row[value]], [height], look.marker, color=look.color, markersize=size)


def _line(
    axes: Axes, row: dict[str, float], ends: Sequence[str], height: int, **look: str | float
) -> None:
    if ends[0] in row:
        axes.hlines(height, row[ends[0]], row[ends[1]], **look)
