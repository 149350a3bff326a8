"""Figures of the analyses of a trained network: searches, general sets, age gaps, errors.

Units: shares and accuracies are fractions in tables, percent on axes; ages and gaps in years.
"""

import matplotlib as mpl
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from irlib.plots.style import (
    BLUE,
    DARK,
    GROUPS,
    RED,
    Picture,
    legend,
    panels,
    percent,
    styled,
)

KINDS = {"child-adult": RED, "adults": BLUE}
PLACES = 20  # of a match curve


@styled
def match_curve(table: pd.DataFrame) -> Picture:
    """Share of searches that find their mate among the first k, a line a set.

    Args:
        table: `set` (title) and `rank` of the mate, a row a search.
    """
    titles = list(dict.fromkeys(table["set"]))
    figure, (axes,) = panels(1, across=1, size=(6.2, 3.2))
    ramp = mpl.colormaps["viridis"](np.linspace(0.0, 0.85, len(titles)))
    places = np.arange(1, PLACES + 1)
    for title, color in zip(titles, ramp, strict=True):
        rank = table.loc[table["set"] == title, "rank"].to_numpy()
        share = (rank[:, None] <= places).mean(axis=0)
        axes.plot(places, share, "o-", color=color, markersize=3, label=title)
    axes.set(xlabel="rank", ylabel="mate found, %", ylim=(0, 1.01), xticks=[1, 5, 10, 15, 20])
    percent(axes.yaxis)
    axes.legend()
    return figure


@styled
def fold_accuracy(table: pd.DataFrame) -> Picture:
    """Accuracy of each fold, with the mean as a line, a row a set.

    Args:
        table: `set` (title), `fold` and `accuracy`.
    """
    titles = list(dict.fromkeys(table["set"]))
    figure, (axes,) = panels(1, across=1, size=(6.2, 1.0 + 0.4 * len(titles)))
    for height, title in enumerate(titles):
        accuracy = table.loc[table["set"] == title, "accuracy"]
        axes.plot(accuracy, np.full(len(accuracy), height), "o", color=BLUE, alpha=0.45, ms=5,
                  label="a fold")  # fmt: skip
        axes.plot([accuracy.mean()] * 2, [height - 0.3, height + 0.3], color=DARK, lw=2,
                  label="mean")  # fmt: skip
    axes.set_yticks(range(len(titles)), titles)
    axes.set(xlabel="accuracy, %", ylim=(len(titles) - 0.4, -0.6))
    axes.grid(visible=False, axis="y")
    percent(axes.xaxis)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles[:2], labels[:2], loc="outside upper left", ncols=2)
    return figure


@styled
def gap_accuracy(table: pd.DataFrame) -> Picture:
    """Accuracy of one network by age gap, child-adult pairs beside adults, a panel a set.

    Args:
        table: `set` (title), `kind` (child-adult or adults), `band` (years), `folds`,
            `folds_low` and `folds_high`.
    """
    titles = list(dict.fromkeys(table["set"]))
    bands = list(dict.fromkeys(table["band"]))
    figure, drawn = panels(len(titles), across=2, size=(4.2, 2.8))
    for axes, title in zip(drawn, titles, strict=True):
        for shift, (kind, color) in zip((-0.1, 0.1), KINDS.items(), strict=True):
            rows = table[(table["set"] == title) & (table["kind"] == kind)]
            at = np.array([bands.index(band) for band in rows["band"]]) + shift
            axes.vlines(at, rows["folds_low"], rows["folds_high"], color=color, lw=2, alpha=0.5)
            axes.plot(at, rows["folds"], "o", color=color, label=kind)
        axes.set_xticks(range(len(bands)), bands)
        axes.set(title=title, xlabel="age gap, years", ylabel="accuracy, %")
        percent(axes.yaxis)
    legend(figure, drawn[0], 2)
    return figure


@styled
def gap_scatter(table: pd.DataFrame) -> Picture:
    """Cosine of each genuine pair over its age gap, with the mean of every ten years.

    Args:
        table: `set` (title), `kind` (child-adult or adults), `gap` and `cosine`, a row a pair.
    """
    titles = list(dict.fromkeys(table["set"]))
    figure, drawn = panels(len(titles), across=2, size=(4.2, 3.0), share=True)
    for axes, title in zip(drawn, titles, strict=True):
        for kind, color in reversed(KINDS.items()):
            rows = table[(table["set"] == title) & (table["kind"] == kind)]
            axes.plot(rows["gap"], rows["cosine"], ".", color=color, ms=4, alpha=0.25,
                      mew=0, rasterized=True)  # fmt: skip
            decade = rows.groupby(rows["gap"] // 10)["cosine"].agg(["mean", "size"])
            decade = decade[decade["size"] >= 10]
            axes.plot(10 * decade.index + 5, decade["mean"], "o-", color=color, ms=4, mec="white",
                      lw=2, label=kind, zorder=3)  # fmt: skip
        axes.set(title=title, xlabel="age gap, years", ylabel="cosine of one person's images")
    legend(figure, drawn[0], 2)
    return figure


@styled
def failures(table: pd.DataFrame) -> Picture:
    """Test images in the plane by their embeddings; rings mark those in a false reject.

    Args:
        table: `x`, `y`, `group` (child or other) and `failed`, a row an image.
    """
    figure, (axes,) = panels(1, across=1, size=(5.6, 5.4))
    names = {"other": "older", "child": "children"}
    for name, label in names.items():
        dots = table[table["group"] == name]
        axes.scatter(dots["x"], dots["y"], s=16, c=GROUPS[name], alpha=0.7, lw=0, label=label)
    failed = table[table["failed"].astype(bool)]
    axes.scatter(failed["x"], failed["y"], s=46, facecolors="none", edgecolors=DARK, lw=0.8,
                 label="in a false reject")  # fmt: skip
    axes.set(xticks=[], yticks=[], box_aspect=1)
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color("#CCCCCC")
    legend(figure, axes, 3)
    return figure


@styled
def pair_gallery(
    first: NDArray[np.uint8], second: NDArray[np.uint8], cams: NDArray, table: pd.DataFrame
) -> Picture:
    """Pairs of faces, each beside where the network looks, two pairs in a row.

    Args:
        first: (P, H, W, 3) uint8 RGB.
        second: (P, H, W, 3) uint8 RGB.
        cams: (P, 2, H, W) in [0, 1], how much a place adds to the cosine.
        table: `title` of each pair, (P,) rows.
    """
    figure, drawn = panels(len(first), across=2, size=(4.1, 1.42))
    for at, axes in enumerate(drawn):
        faces = [(first[at], cams[at, 0]), (second[at], cams[at, 1])]
        shown = [part for face, cam in faces for part in (face / 255.0, _heated(face, cam))]
        axes.imshow(np.concatenate(shown, axis=1), interpolation="lanczos")
        axes.set_title(table["title"].iloc[at], fontsize=8.5)
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    return figure


def _heated(face: NDArray[np.uint8], cam: NDArray) -> NDArray[np.float64]:
    grey = face.mean(axis=2, keepdims=True) / 255.0
    heat = mpl.colormaps["inferno"](cam)[..., :3]
    return 0.55 * np.repeat(grey, 3, axis=2) + 0.45 * heat
