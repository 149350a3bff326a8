"""Faces side by side on white, with words above and below them.

Units: px of the sheet, of which a face has as many as its picture, and an inch of the figure too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from irlib.plots.style import DARK, Picture

GAP, WIDE = 0.04, 0.22  # between two faces; between a source and what was made of it
LINE, BELOW = 0.19, 0.21  # room for a line of words over the sheet, and under each row
MARGIN = 0.06


@dataclass(frozen=True)
class Mosaic:
    """Faces in rows and columns on one sheet.

    Args:
        figure: that holds it.
        axes: in px of the sheet, without any frame.
        left: (C,) left ends of the columns, px.
        top: (R,) upper ends of the rows, px.
        side: of a face, px.
    """

    figure: Picture
    axes: Axes
    left: NDArray[np.int64]
    top: NDArray[np.int64]
    side: int

    def over(self, column: int, text: str, *, columns: int = 1, line: int = 0) -> None:
        """Words above some columns, in the first line over the faces or in one further up."""
        right = self.left[column + columns - 1] + self.side
        middle = (self.left[column] + right) / 2
        height = self.top[0] - self.side * (0.05 + 0.18 * line)
        self.axes.text(middle, height, text, ha="center", va="bottom", fontsize=9, color=DARK)

    def under(self, row: int, column: int, text: str, *, color: str = DARK) -> None:
        """A word below a face."""
        middle, low = self.left[column] + self.side / 2, self.top[row] + 1.03 * self.side
        self.axes.text(middle, low, text, ha="center", va="top", fontsize=8.5, color=color)

    def within(self, row: int, column: int, text: str) -> None:
        """Words where no face is."""
        middle = self.left[column] + self.side / 2, self.top[row] + self.side / 2
        self.axes.text(*middle, text, ha="center", va="center", fontsize=9, color=DARK)

    def frame(self, row: int, column: int, color: str) -> None:
        """A frame around a face."""
        corner = self.left[column] - 0.5, self.top[row] - 0.5
        style = {"fill": False, "edgecolor": color, "linewidth": 2.2, "clip_on": False}
        self.axes.add_patch(Rectangle(corner, self.side, self.side, **style))

    def note(self, text: str) -> None:
        """Small print at the lower left."""
        low = self.axes.get_ylim()[0] - 0.05 * self.side
        self.axes.text(self.left[0], low, text, ha="left", va="bottom", fontsize=8, color=DARK)


def mosaic(
    rows: Sequence[Sequence[NDArray[np.uint8] | None]],
    *,
    wide_before: tuple[int, ...] = (1,),
    tight_after: Sequence[int] = (),
    lines: int = 1,
    noted: bool = False,
) -> Mosaic:
    """Faces of one size in rows, each about an inch large.

    Args:
        rows: R rows of C pictures (H, H, 3) uint8 RGB, None where none shall stand.
        wide_before: columns with more room on their left; one that is named twice has most.
        tight_after: rows that belong to the next one.
        lines: of words over the sheet.
        noted: whether there is room for a note below.

    Raises:
        ValueError: pictures that are not square or not of one size, or rows of other lengths.
    """
    shapes = {picture.shape for row in rows for picture in row if picture is not None}
    lengths = {len(row) for row in rows}
    side = min(shapes)[0] if shapes else 0
    if shapes != {(side, side, 3)} or len(lengths) != 1:
        raise ValueError(f"pictures {sorted(shapes)} in rows of {sorted(lengths)}: expected one "
                         "size (H, H, 3) and rows of one length")  # fmt: skip
    gaps = [WIDE * wide_before.count(place) or GAP for place in range(1, *lengths)]
    left = (side * np.cumsum([MARGIN, *(1 + gap for gap in gaps)])).astype(int)
    gaps = [GAP if place in tight_after else BELOW for place in range(len(rows))]
    top = (side * np.cumsum([LINE * lines + GAP, *(1 + gap for gap in gaps)])).astype(int)
    height, width = top[-1] + int((0.2 if noted else 0.03) * side), left[-1] + int(side * 1.06)
    sheet = np.full((height, width, 3), 255, dtype=np.uint8)
    for high, row in zip(top, rows, strict=False):
        for start, picture in zip(left, row, strict=True):
            if picture is not None:
                sheet[high : high + side, start : start + side] = picture
    figure = Picture(figsize=(width / side, height / side))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.imshow(sheet, interpolation="lanczos", aspect="auto")
    axes.set_axis_off()
    return Mosaic(figure, axes, left, top[:-1], side)
