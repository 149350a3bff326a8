"""Figures of the class prototypes, child ones red and others blue as in the paper."""

import pandas as pd

from irlib.plots.style import GROUPS, Picture, bins, density, group_names, legend, panels, styled

TITLES = {"child": "child prototypes", "other": "other prototypes"}


@styled
def projection(table: pd.DataFrame) -> Picture:
    """Prototypes in the plane, a panel a method, children on top.

    Args:
        table: `x`, `y`, `group` (child or other), and perhaps `panel` (its title).
    """
    titles = list(dict.fromkeys(table["panel"])) if "panel" in table else [""]
    figure, drawn = panels(len(titles), across=5 if len(titles) == 5 else 3, size=(3.5, 3.5))
    for axes, title in zip(drawn, titles, strict=True):
        points = table[table["panel"] == title] if title else table
        for order, name in enumerate(group_names(table)):
            dots = points[points["group"] == name]
            axes.scatter(
                dots["x"], dots["y"], s=10, c=GROUPS[name], alpha=0.75, linewidths=0,
                label=TITLES.get(name, name), zorder=3 - 0.1 * order,
            )  # fmt: skip
        axes.set(title=title, xticks=[], yticks=[], box_aspect=1)
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
