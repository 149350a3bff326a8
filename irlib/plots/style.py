"""What all figures share: palette, style, panels.

Colours go by meaning: children red and others blue, as in the paper, and one colour a method.
"""

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from itertools import cycle
from typing import ParamSpec

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

# Paul Tol's vibrant palette, which colour-blind readers can tell apart, and two greys.
RED, BLUE, TEAL = "#CC3311", "#0077BB", "#009988"
ORANGE, PINK, CYAN = "#EE7733", "#EE3377", "#33BBEE"
DARK, GREY = "#3A3A3A", "#9A9A9A"
GROUPS = {
    "child": RED, "child-child": RED, "other": BLUE, "other-other": BLUE, "adult-adult": BLUE,
    "child-other": GREY,
}  # fmt: skip
# One colour a method, whoever else is drawn; what it is compared with first.
METHODS = {
    "ArcFace": DARK, "ArcFace + Inter-Prototype": TEAL, "CosFace": ORANGE,
    "CurricularFace": BLUE, "MV-AM": "#CC6677", "MV-Arc": "#882255", "BroadFace": CYAN,
    "AdaFace": PINK, "SphereFace": "#999933", "OE-CNN": "#AA4499", "DAL": "#332288",
    "MTLFace": "#8C6D31",
}  # fmt: skip
HEADLINE = ("ArcFace", "ArcFace + Inter-Prototype")  # drawn in front where many are
SPARE = ("#7A5195", "#117733", "#B8860B", "#5B7C99", "#C0504D", "#6B8E23", "#20639B", "#D45087")
FEW = 4  # methods that can all be drawn at full strength
STYLE = {
    "font.size": 9, "axes.titlesize": 10, "axes.titlelocation": "left", "axes.labelsize": 9,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#777777",
    "axes.axisbelow": True, "legend.frameon": False, "legend.fontsize": 8.5,
    "lines.linewidth": 1.4, "figure.dpi": 150, "figure.facecolor": "white",
}  # fmt: skip

Options = ParamSpec("Options")


class Picture(Figure):
    """A figure that JupyterLab shows as it is, without pyplot."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        width, height = self.get_size_inches() * 100  # shown at 100 px an inch, drawn at 150
        return buffer.getvalue(), {"width": int(width), "height": int(height)}


def styled(draw: Callable[Options, Picture]) -> Callable[Options, Picture]:
    """The drawing function within the style; matplotlib's settings are as before afterwards."""

    @wraps(draw)
    def within(*args: Options.args, **kwargs: Options.kwargs) -> Picture:
        with mpl.rc_context(STYLE):
            return draw(*args, **kwargs)

    return within


def panels(
    count: int, *, across: int, size: tuple[float, float], share: bool = False
) -> tuple[Picture, list[Axes]]:
    """A figure of equal panels, row by row.

    Args:
        count: panels, at least 1.
        across: most panels in a row.
        size: width and height of a panel, inches.
        share: one scale for all, across and up.
    """
    across = max(1, min(across, count))
    down = -(-count // across)
    figure = Picture(figsize=(size[0] * across, size[1] * down), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False, sharex=share, sharey=share).ravel()
    for axes in grid[count:]:
        axes.remove()
    for axes in grid[:count]:
        dress(axes)
    return figure, list(grid[:count])


def dress(axes: Axes) -> None:
    """Ticks and grid of a panel as in all figures."""
    # said here and not in STYLE: matplotlib makes most ticks after the style is gone
    axes.tick_params(labelsize=8.5, color="#777777", labelleft=True, labelbottom=True)
    axes.grid(color="#E6E6E6", linewidth=0.7)


def percent(axis: mpl.axis.Axis, *, signed: bool = False) -> None:
    """Write the fractions of an axis as percent, with a plus sign if signed."""

    def text(value: float, _: int) -> str:
        if abs(value) < 1e-12:
            return "0"
        # matplotlib's own minus is the typographic one
        return f"{100 * value:{'+' if signed else '-'}.4g}".replace("-", "\u2212")

    axis.set_major_formatter(FuncFormatter(text))


def group_names(table: pd.DataFrame) -> list[str]:
    """The groups of a table, in the order in which they are drawn.

    Raises:
        ValueError: one that has no colour.
    """
    unknown = sorted(set(table["group"]) - set(GROUPS))
    if unknown:
        raise ValueError(f"group {unknown[0]!r}: expected one of {', '.join(GROUPS)}")
    return [name for name in GROUPS if name in set(table["group"])]


def method_colors(methods: Iterable[str]) -> dict[str, str]:
    """The colour of each method, by title; those without one of their own take spare colours."""
    spare = cycle((*SPARE, RED, GREY))
    return {name: METHODS.get(name) or next(spare) for name in dict.fromkeys(methods)}


@dataclass(frozen=True)
class Look:
    """How one method is drawn."""

    color: str
    line: str = "-"
    marker: str = "o"
    width: float = 1.6
    alpha: float = 1.0
    order: float = 2.0  # higher is nearer to the eye
    in_front: bool = True

    @property
    def curve(self) -> dict[str, str | float]:
        """Options of a matplotlib line."""
        return {
            "color": self.color, "ls": self.line, "lw": self.width, "alpha": self.alpha,
            "zorder": self.order,
        }  # fmt: skip


def method_looks(methods: Iterable[str]) -> dict[str, Look]:
    """How each method is drawn: where they are many, those of `HEADLINE` stand in front.

    The others are then thinner, and differ by line and marker too, since nobody tells sixteen
    colours apart.
    """
    colors = method_colors(methods)
    if len(colors) <= FEW or not set(HEADLINE) & set(colors):
        return {name: Look(color) for name, color in colors.items()}
    shapes = zip(cycle(("-", "--", "-.", ":")), cycle("svD^P"))  # 20 different ones
    return {
        name: Look(color, width=2.4, order=4.0)
        if name in HEADLINE
        else Look(color, *next(shapes), width=1.0, alpha=0.85, in_front=False)
        for name, color in colors.items()
    }


def legend(figure: Picture, axes: Axes, columns: int) -> None:
    """Put the legend of one panel above all of them."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=columns, markerscale=1.3)


def density(axes: Axes, values: NDArray, bins: NDArray, color: str, label: str) -> None:
    """A histogram of area 1, filled lightly so that several can lie on each other."""
    axes.hist(values, bins, density=True, histtype="stepfilled", color=color, alpha=0.22)
    axes.hist(values, bins, density=True, histtype="step", color=color, linewidth=1.3, label=label)


def bins(values: pd.Series, count: int = 60) -> NDArray[np.float64]:
    """Edges of equal bins from the least to the largest value, (count + 1,)."""
    low, high = float(values.min()), float(values.max())
    return np.linspace(low, high if high > low else low + 1e-3, count + 1)
