"""The results: accuracies with their intervals, and what a method gains.

Units: accuracies and gains are fractions in tables, percent and points on axes.
"""

import numpy as np
import pandas as pd

from irlib.plots.style import DARK, Picture, legend, method_colors, panels, percent, styled


@styled
def accuracy_intervals(table: pd.DataFrame) -> Picture:
    """Accuracy of each method on each set with its interval: a row a set, a colour a method.

    Args:
        table: `set`, `method` (titles), `value`, `low` and `high`.
    """
    titles = list(dict.fromkeys(table["set"]))
    colors = method_colors(table["method"])
    figure, (axes,) = panels(1, across=1, size=(7.6, 0.9 + 0.42 * len(titles)))
    shifts = (np.arange(len(colors)) - (len(colors) - 1) / 2) * 0.5 / max(len(colors), 2)
    for shift, (method, color) in zip(shifts, colors.items(), strict=True):
        rows = table[table["method"] == method]
        height = [titles.index(title) + shift for title in rows["set"]]
        axes.hlines(height, rows["low"], rows["high"], color=color, linewidth=2.2, alpha=0.55)
        axes.plot(rows["value"], height, "o", color=color, markersize=5.5, label=method)
    axes.set_yticks(range(len(titles)), titles)
    axes.set(xlabel="accuracy, %", ylim=(len(titles) - 0.5, -0.5))
    axes.grid(visible=False, axis="y")
    percent(axes.xaxis)
    legend(figure, axes, 4)
    return figure


@styled
def gains(table: pd.DataFrame) -> Picture:
    """What a method gains over its baseline on each set, with the interval and a line at zero.

    Args:
        table: `set` (title), `gain`, `low`, `high`, and perhaps `method` (title, for its colour).
    """
    titles = list(dict.fromkeys(table["set"]))
    named = table if "method" in table else table.assign(method="gain")
    colors = method_colors(named["method"]) if "method" in table else {"gain": DARK}
    figure, (axes,) = panels(1, across=1, size=(7.6, 0.9 + 0.36 * len(titles)))
    shifts = (np.arange(len(colors)) - (len(colors) - 1) / 2) * 0.4 / max(len(colors), 2)
    axes.axvline(0, color=DARK, linewidth=1)
    for shift, (method, color) in zip(shifts, colors.items(), strict=True):
        rows = named[named["method"] == method]
        height = [titles.index(title) + shift for title in rows["set"]]
        axes.hlines(height, rows["low"], rows["high"], color=color, linewidth=2.2, alpha=0.55)
        axes.plot(rows["gain"], height, "o", color=color, markersize=5.5, label=method)
    axes.set_yticks(range(len(titles)), titles)
    axes.set(xlabel="gain, points of accuracy", ylim=(len(titles) - 0.5, -0.5))
    axes.grid(visible=False, axis="y")
    percent(axes.xaxis, signed=True)
    if "method" in table:
        legend(figure, axes, 4)
    return figure
