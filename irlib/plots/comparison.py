"""Faces that are compared, above how alike they are."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from irlib.plots.style import DARK, Picture, styled

_SHORT = 18  # letters of a name that is shown
_DEEP = 0.6  # cosine from which the text of a cell is white


@styled
def comparison(
    crops: NDArray[np.uint8],
    similarity: NDArray[np.floating],
    *,
    names: Sequence[str],
    threshold: float | None = None,
) -> Picture:
    """Crops side by side with their numbers, and below them the matrix of their cosines.

    Args:
        crops: (N, H, W, 3) uint8 RGB.
        similarity: (N, N) cosines.
        names: N titles.
        threshold: cosine at or above which a cell is framed.

    Raises:
        ValueError: the arrays do not fit the names.
    """
    count = len(names)
    if len(crops) != count or similarity.shape != (count, count):
        raise ValueError(f"{count} names, crops {crops.shape}, similarity {similarity.shape}")
    short = [name if len(name) <= _SHORT else f"{name[: _SHORT - 1]}\u2026" for name in names]
    side = max(1.2 * count + 0.6, 3.6)  # inches
    figure = Picture(figsize=(side, side + 1.2), layout="constrained")
    grid = figure.add_gridspec(2, count, height_ratios=[1.0, max(count, 2)])
    for at, (crop, name) in enumerate(zip(crops, short, strict=True)):
        axes = figure.add_subplot(grid[0, at])
        axes.imshow(crop, interpolation="lanczos")
        axes.set_title(f"{at + 1}\n{name}", fontsize=7, loc="center")
        axes.set_axis_off()
    axes = figure.add_subplot(grid[1, :])
    axes.imshow(similarity, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(similarity.shape):
        cosine = float(similarity[row, column])
        axes.text(column, row, f"{cosine:+.2f}".replace("-", "\u2212"), ha="center", va="center",
                  fontsize=8, color="white" if cosine > _DEEP else DARK)  # fmt: skip
        if threshold is not None and row != column and cosine >= threshold:
            axes.add_patch(_frame(row, column))
    axes.set_xticks(range(count), range(1, count + 1))
    axes.set_yticks(range(count), range(1, count + 1))
    axes.tick_params(length=0)
    axes.set_title("cosine" if threshold is None else f"cosine; framed: at least {threshold:.3f}")
    return figure


def _frame(row: int, column: int) -> mpl.patches.Rectangle:
    return mpl.patches.Rectangle(
        (column - 0.46, row - 0.46), 0.92, 0.92, fill=False, edgecolor=DARK, linewidth=1.8
    )
