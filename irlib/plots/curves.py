"""Curves over training and over thresholds.

Units: accuracies and rates are fractions in tables, percent on axes.
"""

import matplotlib as mpl
import numpy as np
import pandas as pd

from irlib.plots.style import (
    CYAN,
    GREY,
    Look,
    Picture,
    bins,
    density,
    legend,
    method_looks,
    panels,
    percent,
    styled,
)

CURVES = {
    "id_loss": "Identity loss", "child_loss": "Inter-Prototype loss",
    "accuracy": "Training accuracy, %", "val_accuracy": "Validation accuracy, %",
}  # fmt: skip


@styled
def training_curves(table: pd.DataFrame) -> Picture:
    """Losses and accuracies over training, a line a run.

    Args:
        table: `method` (title), `seed`, `images` seen, and any of `id_loss`, `child_loss`,
            `accuracy`, `val_accuracy`; NaN where a line of the history has none.
    """
    names = [name for name in CURVES if name in table and table[name].notna().any()]
    looks = method_looks(table["method"])
    figure, drawn = panels(len(names), across=2, size=(4.9, 2.9))
    for axes, name in zip(drawn, names, strict=True):
        lines = table.dropna(subset=name)
        for (method, _), run in lines.groupby(["method", "seed"], sort=False):
            marker = "o" if len(run) < 40 else ""
            axes.plot(run["images"] / 1e3, run[name], marker=marker, ms=2.5, **looks[method].curve)
        axes.set(title=CURVES[name], xlabel="images seen, thousands")
        axes.set(xlim=(0, 1.02 * table["images"].max() / 1e3))
        if name.endswith("accuracy"):
            percent(axes.yaxis)
    for method, look in looks.items():
        drawn[0].plot([], [], label=method, **look.curve)
    legend(figure, drawn[0], 4)
    return figure


@styled
def roc(table: pd.DataFrame) -> Picture:
    """True accept rate over false accept rate: one panel, or one a set where methods are compared.

    Args:
        table: `set` (title), `far`, `tar`, in the order of the curve, and perhaps `method`.
    """
    compared = "method" in table
    titles = list(dict.fromkeys(table["set"]))
    size = (2.9, 2.6) if compared else (6.2, 4.2)
    figure, drawn = panels(len(titles) if compared else 1, across=4, size=size, share=True)
    ramp = mpl.colormaps["viridis"](np.linspace(0.0, 0.85, len(titles)))
    looks = (
        method_looks(table["method"])
        if compared
        else {
            title: Look(color, "--" if "control" in title else "-")
            for title, color in zip(titles, ramp, strict=True)
        }
    )
    at = dict(zip(titles, drawn if compared else drawn * len(titles), strict=True))
    for names, curve in table.groupby(["set", "method"] if compared else ["set"], sort=False):
        title, label = names[0], names[-1]
        axes = at[title]
        axes.step(curve["far"], curve["tar"], where="post", label=label, **looks[label].curve)
    least = table.loc[table["far"] > 0, "far"].min()
    for place, axes in enumerate(drawn):
        axes.set(xscale="log", xlim=(max(least, 1e-5), 1), ylim=(0, 1.01))
        axes.set(xlabel="false accept rate, %", ylabel="" if place % 4 else "true accept rate, %")
        percent(axes.xaxis)
        percent(axes.yaxis)
    for title in titles if compared else ():
        at[title].set_title(title)
    legend(figure, drawn[0], 4) if compared else drawn[0].legend()
    return figure


@styled
def similarity_histogram(table: pd.DataFrame) -> Picture:
    """Cosines of genuine and of impostor pairs, a panel a set.

    Args:
        table: `set` (title), `is_same` and `similarity`, a row a pair.
    """
    titles = list(dict.fromkeys(table["set"]))
    figure, drawn = panels(len(titles), across=4, size=(2.7, 2.2))
    edges = bins(table["similarity"], 50)
    for axes, title in zip(drawn, titles, strict=True):
        pairs = table[table["set"] == title]
        for is_same, color, label in ((True, CYAN, "genuine"), (False, GREY, "impostor")):
            similarity = pairs.loc[pairs["is_same"].astype(bool) == is_same, "similarity"]
            density(axes, similarity.to_numpy(), edges, color, label)
        axes.set(title=title, xlabel="cosine of the pair", yticks=[])
    legend(figure, drawn[0], 2)
    return figure
