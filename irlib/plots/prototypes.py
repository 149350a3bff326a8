"""Figures of the class prototypes, child ones red and others blue as in the paper."""

import pandas as pd

from irlib.plots.style import (
    DARK,
    GROUPS,
    Picture,
    bins,
    density,
    group_names,
    legend,
    panels,
    styled,
)

TITLES = {"child": "child prototypes", "other": "other prototypes"}


@styled
def projection(table: pd.DataFrame) -> Picture:
    """Prototypes in the plane, a panel a method, children on top.

    Args:
        table: `x`, `y`, `group` (child or other), and perhaps `panel` (its title) and `note`
            (numbers to stand below the panel).
    """
    titles = list(dict.fromkeys(table["panel"])) if "panel" in table else [""]
    small = len(titles) > 3
    figure, drawn = panels(len(titles), across=5, size=(2.25, 2.5) if small else (3.5, 3.5))
    for axes, title in zip(drawn, titles, strict=True):
        points = table[table["panel"] == title] if title else table
        for order, name in enumerate(group_names(table)):
            dots = points[points["group"] == name]
            axes.scatter(
                dots["x"], dots["y"], s=6 if small else 10, c=GROUPS[name], alpha=0.75,
                linewidths=0, label=TITLES.get(name, name), zorder=3 - 0.1 * order,
            )  # fmt: skip
        axes.set_title(title, fontsize=8.5 if small else 10)
        axes.set(xticks=[], yticks=[], box_aspect=1)
        axes.set_xlabel(points["note"].iloc[0] if "note" in table else "")
        axes.spines[:].set_visible(True)
        axes.spines[:].set_color("#CCCCCC")
    legend(figure, drawn[0], 2)
    return figure


@styled
def cosine_histogram(table: pd.DataFrame) -> Picture:
    """Cosines between prototypes of two groups, a panel a method.

    Args:
        table: `group` (child-child, other-other or child-other), `cosine`, and perhaps `panel`.
    """
    titles = list(dict.fromkeys(table["panel"])) if "panel" in table else [""]
    figure, drawn = panels(len(titles), across=2, size=(4.6, 2.6), share=True)
    edges = bins(table["cosine"])
    for axes, title in zip(drawn, titles, strict=True):
        cosines = table[table["panel"] == title] if title else table
        for name in group_names(table):
            cosine = cosines.loc[cosines["group"] == name, "cosine"].to_numpy()
            density(axes, cosine, edges, GROUPS[name], name)
            axes.axvline(cosine.mean(), color=GROUPS[name], linestyle="--", linewidth=1)
        axes.set(title=title, xlabel="cosine of two prototypes", ylabel="density")
    legend(figure, drawn[0], 3)
    return figure


@styled
def cosine_ranges(table: pd.DataFrame) -> Picture:
    """Cosines between prototypes of two groups, a row a method and a dot with a range a group.

    Args:
        table: `method` (title), `group` (child-child, other-other or child-other), `mean`, and
            the ends `low` and `high` of the range.
    """
    methods = list(dict.fromkeys(table["method"]))
    groups = group_names(table)
    figure, (axes,) = panels(1, across=1, size=(7.6, 1.0 + 0.3 * len(methods)))
    for place, name in enumerate(groups):
        rows = table[table["group"] == name]
        shift = 0.22 * (place - (len(groups) - 1) / 2)
        height = [methods.index(method) + shift for method in rows["method"]]
        axes.hlines(height, rows["low"], rows["high"], color=GROUPS[name], lw=2.2, alpha=0.45)
        axes.plot(rows["mean"], height, "o", color=GROUPS[name], markersize=4.5, label=name)
    axes.axvline(0, color=DARK, linewidth=1)
    axes.set_yticks(range(len(methods)), methods)
    axes.set(xlabel="cosine of two prototypes", ylim=(len(methods) - 0.4, -0.6))
    axes.grid(visible=False, axis="y")
    legend(figure, axes, 3)
    return figure
