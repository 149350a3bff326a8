"""Figures of where a network fails: errors by band, and thresholds carried to other sets.

Units: rates and accuracies are fractions in tables, percent on axes.
"""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from irlib.plots.style import DARK, Look, Picture, dress, legend, method_looks, percent, styled

# A rate to the columns of its interval.
RATES = {
    "accuracy": ("low", "high"), "fnmr": ("fnmr_low", "fnmr_high"), "fmr": ("fmr_low", "fmr_high"),
}  # fmt: skip
NAMES = {"accuracy": "accuracy, %", "fnmr": "false non-matches, %", "fmr": "false matches, %"}


@styled
def breakdown(table: pd.DataFrame) -> Picture:
    """Accuracy and both errors with their intervals: a row a band, a block of rows a property.

    Args:
        table: `set` (title), `by` (the property), `band`, any of `accuracy`, `fnmr` and `fmr`
            (NaN where a band has none), the ends of their intervals (`low` and `high`,
            `fnmr_low` and so on), and perhaps `method` (title): then of one set only.

    Raises:
        ValueError: several methods and several sets, or no number to draw.
    """
    series, looks = _series(table)
    shown = [name for name in RATES if name in table and table[name].notna().any()]
    if not shown:
        raise ValueError(f"table: no {', '.join(RATES)}; expected a number in one row at least")
    blocks = {by: list(dict.fromkeys(rows["band"])) for by, rows in table.groupby("by", sort=False)}
    step = 0.14 + 0.1 * len(looks)  # height of a band, inches
    heights = [0.12 + step * len(bands) for bands in blocks.values()]
    size = (max(2.0 * len(shown) + 0.9, 4.4), sum(heights) + 0.33 * len(blocks) + 0.6)
    figure = Picture(figsize=size, layout="constrained")
    grid = figure.subplots(
        len(blocks), len(shown), squeeze=False, sharex="col", height_ratios=heights
    )
    for row, (by, bands) in zip(grid, blocks.items(), strict=True):
        rows = table[table["by"] == by]
        for axes, name in zip(row, shown, strict=True):
            dress(axes)
            axes.set_yticks(range(len(bands)), bands)
            axes.tick_params(axis="y", length=0, labelleft=axes is row[0])
            axes.set_ylim(len(bands) - 0.45, -0.55)
            percent(axes.xaxis)
            _dots(axes, rows.assign(series=series[rows.index]), name, bands, looks)
        row[0].set_title(by, fontsize=9)
    for axes, name in zip(grid[-1], shown, strict=True):
        axes.set_xlabel(NAMES[name])
    if len(looks) > 1:
        for label, look in looks.items():
            grid[0, 0].plot([], [], label=label, **_marks(look))
        legend(figure, grid[0, 0], 3)
    return figure


@styled
def threshold_transfer(table: pd.DataFrame) -> Picture:
    """Accuracy on each set at the threshold of each other: a row a threshold, a column a set.

    Colors tell what is lost against the set's own best threshold; the diagonal is that threshold.

    Args:
        table: `fitted_on` and `set` (titles), `accuracy` and `lost`, a row a cell.
    """
    titles = list(dict.fromkeys(table["set"]))
    cells = table.pivot(index="fitted_on", columns="set").reindex(titles)
    lost = cells["lost"][titles].to_numpy()
    accuracy = cells["accuracy"][titles].to_numpy()
    count = len(titles)
    figure = Picture(figsize=(2.2 + 0.72 * count, 1.3 + 0.42 * count), layout="constrained")
    axes = figure.subplots()
    dress(axes)
    most = max(100 * float(lost.max()), 1.0)  # points; noise below one does not fill the scale
    image = axes.imshow(100 * lost, cmap="YlOrRd", vmin=0, vmax=1.15 * most, aspect="auto")
    for at in np.ndindex(lost.shape):
        axes.text(at[1], at[0], f"{100 * accuracy[at]:.1f}", ha="center", va="center", fontsize=8.5,
                  fontweight="bold" if at[0] == at[1] else "normal",
                  color="white" if 100 * lost[at] > 0.75 * most else DARK)  # fmt: skip
    axes.set_xticks(range(count), titles, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(count), titles)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="judged on", ylabel="threshold fitted on")
    axes.set_title("accuracy, %; bold: at the set's own threshold")
    bar = figure.colorbar(image, ax=axes, shrink=0.9)
    bar.set_label("lost, points", fontsize=9)
    bar.ax.tick_params(labelsize=8.5)
    bar.outline.set_visible(False)
    return figure


def _series(table: pd.DataFrame) -> tuple[pd.Series, dict[str, Look]]:
    # what tells the dots of a band apart: methods of one set, or sets
    sets = list(dict.fromkeys(table["set"]))
    if "method" not in table:
        ramp = mpl.colormaps["viridis"](np.linspace(0.0, 0.85, len(sets)))
        return table["set"], dict(zip(sets, map(Look, map(mpl.colors.to_hex, ramp)), strict=True))
    if len(sets) > 1:
        raise ValueError(f"sets {', '.join(sets)}: expected one where methods are compared")
    return table["method"], method_looks(table["method"])


def _marks(look: Look) -> dict[str, str | float]:
    return {"marker": look.marker, "color": look.color, "markersize": 4.5, "linestyle": ""}


def _dots(
    axes: Axes, rows: pd.DataFrame, name: str, bands: list[str], looks: dict[str, Look]
) -> None:
    # the series of a band stand below each other, centered at its row
    apart = 0.7 / len(looks)
    shift = {label: apart * (at - (len(looks) - 1) / 2) for at, label in enumerate(looks)}
    for row in rows.dropna(subset=name).to_dict("records"):
        look, height = looks[row["series"]], bands.index(row["band"]) + shift[row["series"]]
        low, high = (row[end] for end in RATES[name])
        axes.hlines(height, low, high, color=look.color, lw=1.8, alpha=0.5)
        axes.plot([row[name]], [height], **_marks(look))
