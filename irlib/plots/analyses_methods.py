"""Figures that compare methods: a share with its interval, or a course over some cases.

Units: shares and gains are fractions in tables, percent and points on axes.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from irlib.plots.style import DARK, Look, Picture, legend, method_looks, panels, percent, styled

_SERIES = (DARK, "#6E8CA0", "#B9C6CF")


@styled
def method_dots(table: pd.DataFrame, *, xlabel: str) -> Picture:
    """A share of each method with its interval, methods in rows, a panel a set.

    Args:
        table: `set` (title), `method` (title), `value`, `low` and `high`, and perhaps `series`
            where a method has several values, at most three.
        xlabel: what the share is.
    """
    titles, methods = (list(dict.fromkeys(table[name])) for name in ("set", "method"))
    series = list(dict.fromkeys(table["series"])) if "series" in table else [""]
    looks = method_looks(methods)
    size = (2.1 if len(titles) > 1 else 5.0, 1.0 + 0.24 * len(methods))
    figure, drawn = panels(len(titles), across=4, size=size, share=True)
    for axes, title in zip(drawn, titles, strict=True):
        for name, shade in zip(series, _SERIES, strict=False):
            rows = table[table["set"] == title]
            rows = rows[rows["series"] == name] if name else rows
            height = [methods.index(method) for method in rows["method"]]
            colors = [shade if name else looks[method].color for method in rows["method"]]
            axes.hlines(height, rows["low"], rows["high"], color=colors, lw=2, alpha=0.5)
            axes.scatter(rows["value"], height, c=colors, s=22, zorder=3, label=name)
        axes.set(title=title, xlabel=xlabel, ylim=(len(methods) - 0.5, -0.5))
        axes.set_yticks(range(len(methods)), methods)
        axes.tick_params(labelleft=axes in drawn[::4])
        percent(axes.xaxis)
    if series != [""]:
        legend(figure, drawn[0], 3)
    return figure


@styled
def method_lines(table: pd.DataFrame, *, xlabel: str, ylabel: str) -> Picture:
    """What becomes of each method along a row of cases, a panel a question.

    Where methods are many, only those that stand in front have intervals.

    Args:
        table: `panel` (title), `method` (title), `x` (case, a text), `value`, `low` and `high`
            (NaN for no interval), `joined` (whether a line leads through the case) and `signed`
            (whether the panel shows gains).
        xlabel: what the cases are that a line leads through.
        ylabel: what the shares are, of panels that show no gains.
    """
    titles = list(dict.fromkeys(table["panel"]))
    looks = method_looks(table["method"])
    figure, drawn = panels(len(titles), across=2, size=(4.4, 2.7))
    for axes, title in zip(drawn, titles, strict=True):
        rows = table[table["panel"] == title]
        _lines(axes, rows, looks)
        signed = bool(rows["signed"].iloc[0])
        if signed:
            axes.axhline(0, color=DARK, lw=1)
        axes.set(title=title, xlabel=xlabel if rows["joined"].any() else "")
        axes.set(ylabel="gain, points" if signed else ylabel)
        percent(axes.yaxis, signed=signed)
    for name, look in looks.items():
        drawn[0].plot([], [], label=name, marker=look.marker, ms=4, **look.curve)
    legend(figure, drawn[0], 4)
    return figure


def _lines(axes: Axes, rows: pd.DataFrame, looks: dict[str, Look]) -> None:
    cases = list(dict.fromkeys(rows["x"]))
    names = [name for name in looks if name in set(rows["method"])]
    shifts = dict(zip(names, (np.arange(len(names)) - (len(names) - 1) / 2) * 0.03, strict=True))
    for name in names:
        look, own = looks[name], rows[rows["method"] == name]
        at = np.array([cases.index(case) for case in own["x"]]) + shifts[name]
        through = own["joined"].to_numpy(dtype=bool)
        axes.plot(at[through], own["value"][through], **look.curve)
        axes.plot(at, own["value"], look.marker, color=look.color, ms=4, alpha=look.alpha,
                  zorder=look.order)  # fmt: skip
        if look.in_front:
            axes.vlines(at, own["low"], own["high"], color=look.color, lw=2, alpha=0.4)
    turned = max(map(len, cases)) > 6
    axes.set_xticks(range(len(cases)), cases, rotation=35 if turned else 0,
                    ha="right" if turned else "center")  # fmt: skip
