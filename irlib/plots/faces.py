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

SIDES, LEVELS = ("first", "second"), ("cosine", "threshold")
MINUS = "\u2212"


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


@styled
def face_pairs(first: NDArray[np.uint8], second: NDArray[np.uint8], table: pd.DataFrame) -> Picture:
    """Pairs of faces with their ages and their cosine, three pairs in a row.

    For models that tell nothing of where they look; see `pair_gallery` for those that do.

    Args:
        first: (P, H, W, 3) uint8 RGB.
        second: (P, H, W, 3) uint8 RGB.
        table: `set` (title), `kind` (of the error), `cosine`, `threshold`, `first_age` and
            `second_age` (years, NaN where unknown), (P,) rows.

    Raises:
        ValueError: the images are not as many as the rows.
    """
    if not len(first) == len(second) == len(table):
        raise ValueError(
            f"{len(first)} and {len(second)} images: expected {len(table)} each, one a row"
        )
    figure, drawn = panels(len(table), across=3, size=(2.05, 1.75))
    for axes, row, *faces in zip(drawn, table.to_dict("records"), first, second, strict=True):
        height, width, _ = faces[0].shape
        between = np.full((height, width // 20, 3), 255, dtype=np.uint8)
        axes.imshow(np.concatenate([faces[0], between, faces[1]], axis=1), interpolation="lanczos")
        middles = [0.5 * width, 1.5 * width + width // 20]
        axes.set_xticks(middles, [_years(row[f"{side}_age"]) for side in SIDES])
        axes.tick_params(length=0)
        axes.set(yticks=[])
        axes.set_title(f"{row['set']}\n{row['kind']}", fontsize=8.5)
        cosine, threshold = (f"{row[name]:.2f}".replace("-", MINUS) for name in LEVELS)
        axes.set_xlabel(f"cosine {cosine}, threshold {threshold}", fontsize=8.5)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    return figure


def _years(age: float) -> str:
    return "age unknown" if np.isnan(age) else f"{age:.0f} years"
