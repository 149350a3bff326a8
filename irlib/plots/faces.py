"""Figures of the faces: who is in the data, and how alike strangers look.

Units: ages in years.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from irlib.plots.style import (
    BLUE,
    DARK,
    GROUPS,
    RED,
    Picture,
    bins,
    density,
    group_names,
    panels,
    styled,
)


@styled
def contact_sheet(
    images: NDArray[np.uint8], *, rows: Sequence[str], columns: Sequence[str]
) -> Picture:
    """Portraits in a grid, people in rows and ages in columns.

    Args:
        images: (R, C, H, W, 3) uint8 RGB.
        rows: R titles.
        columns: C titles.

    Raises:
        ValueError: the titles do not fit the images.
    """
    if images.shape[:2] != (len(rows), len(columns)):
        raise ValueError(f"images {images.shape}: expected ({len(rows)}, {len(columns)}, H, W, 3)")
    down, across, height, width, _ = images.shape
    sheet = images.swapaxes(1, 2).reshape(down * height, across * width, 3)
    figure, (axes,) = panels(1, across=1, size=(0.82 * across + 0.9, 0.82 * down + 0.4))
    axes.imshow(sheet, interpolation="lanczos")
    axes.set_xticks((np.arange(across) + 0.5) * width, columns)
    axes.set_yticks((np.arange(down) + 0.5) * height, rows)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return figure


@styled
def age_histogram(table: pd.DataFrame, *, child_below: float = 13.0) -> Picture:
    """Images by age, children apart.

    Args:
        table: `age` in years, one row an image, NaN where it has no label.
        child_below: years; younger is a child.
    """
    age = table["age"].dropna()
    child = age < child_below
    figure, (axes,) = panels(1, across=1, size=(7.2, 2.8))
    edges = np.append(np.arange(0.0, child_below), np.arange(child_below, age.max() + 2))
    for members, color, label in ((child, RED, "children"), (~child, BLUE, "others")):
        axes.hist(age[members], edges, color=color, alpha=0.85, label=label)
    axes.axvline(child_below, color=DARK, linewidth=1, linestyle=":")
    axes.set(xlabel="labelled age, years", ylabel="images", xlim=(0, None))
    without = f"; {len(table) - len(age):,} have no label" if len(table) > len(age) else ""
    axes.set_title(
        f"{child.sum():,} of {len(age):,} labelled images ({child.mean():.1%}) show a child below "
        f"{child_below:g}{without}"
    )
    axes.legend()
    return figure


@styled
def impostors(table: pd.DataFrame) -> Picture:
    """How alike different people look to a network, children beside adults.

    Args:
        table: `group` (child-child or adult-adult) and `cosine`, a row a pair of images.
    """
    figure, (axes,) = panels(1, across=1, size=(7.2, 2.8))
    edges = bins(table["cosine"])
    for name in group_names(table):
        cosine = table.loc[table["group"] == name, "cosine"].to_numpy()
        label = f"{name}: mean {cosine.mean():+.3f}"
        density(axes, cosine, edges, GROUPS[name], label)
        axes.axvline(cosine.mean(), color=GROUPS[name], linestyle="--", linewidth=1)
    axes.set(xlabel="cosine between images of two different people", ylabel="density")
    axes.legend()
    return figure
