"""Figures of the analyses of prototypes and training images, children red and others blue.

Units: angles in degrees.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from irlib.plots.style import (
    BLUE,
    DARK,
    GREY,
    GROUPS,
    RED,
    TEAL,
    Picture,
    bins,
    density,
    legend,
    panels,
    styled,
)

DIFFERENCE = "difference"
COLORS = {
    **GROUPS, "adult": BLUE, "child-adult": GREY, "child-rms": RED, "other-rms": BLUE,
    DIFFERENCE: DARK,
}  # fmt: skip
MILLION = 1e6


@styled
def group_histogram(table: pd.DataFrame, *, xlabel: str) -> Picture:
    """Values of some groups over each other; dashed lines are their means.

    Args:
        table: `group` (e.g. child, child-child or child-adult) and `value`.
        xlabel: what the values are, with their unit.
    """
    figure, (axes,) = panels(1, across=1, size=(7.2, 2.8))
    edges = bins(table["value"])
    for name in _groups(table):
        value = table.loc[table["group"] == name, "value"].to_numpy()
        density(axes, value, edges, COLORS[name], name)
        axes.axvline(value.mean(), color=COLORS[name], linestyle="--", linewidth=1)
    axes.set(xlabel=xlabel, ylabel="density")
    axes.legend()
    return figure


@styled
def own_angles(table: pd.DataFrame) -> Picture:
    """Angle of an identity's child images to its prototype over that of its adult images.

    Args:
        table: `child` and `adult`, degrees, a row an identity; may be empty.
    """
    figure, (axes,) = panels(1, across=1, size=(4.2, 4.0))
    axes.plot(table["adult"], table["child"], "o", color=RED, markersize=4, alpha=0.7)
    if len(table):
        values = table[["child", "adult"]].to_numpy()
        ends = [values.min() - 1, values.max() + 1]
        axes.plot(ends, ends, color=DARK, linewidth=1, linestyle=":")
    axes.set(xlabel="adult images to own prototype, degrees", box_aspect=1)
    axes.set(ylabel="child images to own prototype, degrees")
    return figure


@styled
def analysis_means(table: pd.DataFrame, *, parts: Mapping[str, tuple[str, ...]]) -> Picture:
    """Means of groups of each method with their intervals, a row a method.

    Args:
        table: `method`, `group`, `value`, `low` and `high`.
        parts: what a panel shows, with its unit, and the groups in it; a difference is drawn with
            a line at zero. The legend names the groups of the first.
    """
    methods = list(dict.fromkeys(table["method"]))
    height = 1.0 + 0.3 * len(methods)
    figure, drawn = panels(len(parts), across=len(parts), size=(9.2 / len(parts), height))
    for axes, (xlabel, names) in zip(drawn, parts.items(), strict=True):
        if DIFFERENCE in names:
            axes.axvline(0, color=DARK, linewidth=1)
        for shift, name in zip(_shifts(len(names)), names, strict=True):
            rows = table[table["group"] == name]
            middle = [methods.index(method) + shift for method in rows["method"]]
            color = COLORS[name]
            axes.hlines(middle, rows["low"], rows["high"], color=color, linewidth=2.2, alpha=0.55)
            axes.plot(rows["value"], middle, "o", color=color, markersize=4.5, label=name)
        axes.set_yticks(range(len(methods)), methods if axes is drawn[0] else [""] * len(methods))
        axes.set(xlabel=xlabel, ylim=(len(methods) - 0.5, -0.5))
        axes.grid(visible=False, axis="y")
    legend(figure, drawn[0], 3)
    return figure


@styled
def age_groups(table: pd.DataFrame) -> Picture:
    """Training images by age group, children red.

    Args:
        table: `group`, `images`, `identities` and `is_child`, a row a group.
    """
    figure, (axes,) = panels(1, across=1, size=(7.2, 0.8 + 0.3 * len(table)))
    colors = [RED if child else BLUE for child in table["is_child"]]
    height = np.arange(len(table))
    axes.barh(height, table["images"], color=colors, height=0.7)
    for row, (images, people) in enumerate(zip(table["images"], table["identities"], strict=True)):
        axes.annotate(
            f"{images:,} images of {people:,} identities", (images, row), (4, 0),
            textcoords="offset points", va="center", fontsize=8,
        )  # fmt: skip
    axes.set_yticks(height, table["group"])
    axes.set(xlabel="images", ylim=(len(table) - 0.5, -0.5), xlim=(0, 1.5 * table["images"].max()))
    axes.grid(visible=False, axis="y")
    return figure


@styled
def costs(table: pd.DataFrame) -> Picture:
    """What each method costs where it is used, and what only its training holds, in millions.

    Args:
        table: `method`, `parameters`, `multiply_adds` and `training_only`, a row a method.
    """
    figure, drawn = panels(3, across=3, size=(3.3, 1.0 + 0.26 * len(table)))
    height = np.arange(len(table))
    titles = {
        "parameters": ("Deployed: parameters, millions", DARK),
        "multiply_adds": ("Deployed: multiply-adds, millions", TEAL),
        "training_only": ("In training only: numbers, millions", GREY),
    }
    for axes, (column, (title, color)) in zip(drawn, titles.items(), strict=True):
        values = table[column] / MILLION
        axes.barh(height, values, color=color, height=0.6)
        for row, value in enumerate(values):
            text = f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
            axes.annotate(text, (value, row), (3, 0), textcoords="offset points", va="center")
        axes.set_yticks(height, table["method"] if axes is drawn[0] else [""] * len(table))
        axes.set(
            title=title, ylim=(len(table) - 0.5, -0.5), xlim=(0, 1.3 * max(values.max(), 1e-6))
        )
        axes.grid(visible=False, axis="y")
    return figure


def _shifts(count: int) -> np.ndarray:
    return (np.arange(count) - (count - 1) / 2) * 0.44 / max(count, 2)


def _groups(table: pd.DataFrame) -> list[str]:
    names = list(dict.fromkeys(table["group"]))
    unknown = sorted(set(names) - set(COLORS))
    if unknown:
        raise ValueError(f"group {unknown[0]!r}: expected one of {', '.join(COLORS)}")
    return names
