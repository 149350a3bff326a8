"""Curves over training and over thresholds.

Units: accuracies and rates are fractions in tables, percent on axes.
"""

from collections.abc import Iterator, Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.special import ndtri

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
# Rates with a tick on the axes of `det`: of small panels, and of a large one.
SPARSE = (1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999)
DENSE = tuple(sorted({*SPARSE, 3e-3, 0.02, 0.1, 0.3, 0.7, 0.9}))
MOST_FAR = 0.5  # no system works beyond it


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
    figure, drawn, looks = _a_panel_or_one_a_set(table)
    for title, label, curve in _curves(table):
        axes = drawn[title]
        axes.step(curve["far"], curve["tar"], where="post", label=label, **looks[label].curve)
    least = table.loc[table["far"] > 0, "far"].min()
    for place, axes in enumerate(figure.axes):
        axes.set(xscale="log", xlim=(max(least, 1e-5), 1), ylim=(0, 1.01))
        axes.set(xlabel="false accept rate, %", ylabel="" if place % 4 else "true accept rate, %")
        percent(axes.xaxis)
        percent(axes.yaxis)
    _name_curves(figure, drawn)
    return figure


@styled
def det(table: pd.DataFrame) -> Picture:
    """False non-match rate over false match rate, both on normal-deviate axes.

    There the curve of two normal distributions is a straight line, and low rates, where a system
    works, have room. One panel, or one a set where methods are compared. A dotted line marks equal
    rates. Points where a rate is 0 or 1 lie at infinity and are not drawn, nor are those beyond a
    false match rate of one half.

    Args:
        table: `set` (title), `far`, `tar`, in the order of the curve, and perhaps `method`, as for
            `roc`.

    Source: Martin et al., "The DET curve in assessment of detection task performance",
        Eurospeech 1997.
    """
    figure, drawn, looks = _a_panel_or_one_a_set(table)
    far, tar = table["far"], table["tar"]
    inner = table[(far > 0) & (far <= MOST_FAR) & (tar > 0) & (tar < 1)]
    for title, label, curve in _curves(inner):
        deviates = ndtri(curve["far"].to_numpy()), ndtri(1 - curve["tar"].to_numpy())
        drawn[title].plot(*deviates, label=label, **looks[label].curve)
    rates = SPARSE if len(figure.axes) > 1 else DENSE
    far_ticks, frr_ticks = _ticks(inner["far"], rates), _ticks(1 - inner["tar"], rates)
    for place, axes in enumerate(figure.axes):
        equal = ndtri([far_ticks[0], far_ticks[-1]])
        axes.plot(equal, equal, color=GREY, linewidth=0.8, linestyle=":", zorder=1)
        axes.set_xticks(ndtri(far_ticks), [f"{100 * rate:g}" for rate in far_ticks])
        axes.set_yticks(ndtri(frr_ticks), [f"{100 * rate:g}" for rate in frr_ticks])
        axes.set(xlim=ndtri(far_ticks)[[0, -1]], ylim=ndtri(frr_ticks)[[0, -1]])
        axes.set(xlabel="false match rate, %")
        axes.set(ylabel="" if place % 4 else "false non-match rate, %")
    _name_curves(figure, drawn)
    return figure


def _ticks(values: pd.Series, rates: Sequence[float]) -> list[float]:
    # those within the values, and one beyond each end
    first = np.searchsorted(rates, values.min(), side="right") - 1
    last = np.searchsorted(rates, values.max(), side="left")
    return list(rates[max(first, 0) : last + 1])


def _a_panel_or_one_a_set(table: pd.DataFrame) -> tuple[Picture, dict[str, Axes], dict[str, Look]]:
    # the panel of each set, and the look of each label: of the sets or of the methods compared
    compared = "method" in table
    titles = list(dict.fromkeys(table["set"]))
    size = (2.9, 2.6) if compared else (6.2, 4.2)
    figure, drawn = panels(len(titles) if compared else 1, across=4, size=size, share=True)
    at = dict(zip(titles, drawn if compared else drawn * len(titles), strict=True))
    if compared:
        for title, axes in at.items():
            axes.set_title(title)
        return figure, at, method_looks(table["method"])
    ramp = mpl.colormaps["viridis"](np.linspace(0.0, 0.85, len(titles)))
    return figure, at, {
        title: Look(color, "--" if "control" in title else "-")
        for title, color in zip(titles, ramp, strict=True)
    }  # fmt: skip


def _curves(table: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    # title of the set, label and rows of each curve
    names = ["set", "method"] if "method" in table else ["set"]
    for name, curve in table.groupby(names, sort=False):
        yield name[0], name[-1], curve


def _name_curves(figure: Picture, drawn: Mapping[str, Axes]) -> None:
    first = figure.axes[0]
    several = len(figure.axes) > 1 or first.get_title(loc="left")
    legend(figure, first, 4) if several else first.legend()


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
