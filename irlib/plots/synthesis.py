"""Figures of synthesized faces: grids, interpolation, there and back, beside the true faces.

Units: ages in years; shapes: N sources, G age groups, pictures (H, H, 3) uint8 RGB.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.plots.mosaics import Mosaic, mosaic
from irlib.plots.style import TEAL, Picture, styled

SOURCE, ASKED = "source", "asked for: age group, years"
NOTE = "Below a synthesized face: its age as a network that was trained apart estimates it."
BETWEEN = "\u00b7 \u00b7 \u00b7"  # over what lies between two groups
MINUS, DASH = "\u2212", "\u2013"


@styled
def aging_grid(
    sources: NDArray[np.uint8],
    faces: NDArray[np.uint8],
    *,
    groups: Sequence[str],
    ages: ArrayLike | None = None,
    estimated: ArrayLike | None = None,
) -> Picture:
    """Each source, framed, and beside it what it looks like in every age group.

    Args:
        sources: (N, H, H, 3) uint8 RGB.
        faces: (N, G, H, H, 3) uint8 RGB, the synthesized ones.
        groups: G names, e.g. ``11-20``.
        ages: (N,) of the sources, years, NaN where unknown; None for none known.
        estimated: (N, G) of the synthesized faces, years; None where nothing estimates them.

    Raises:
        ValueError: the arrays do not fit each other.
    """
    return _grid(sources, faces, groups, ages, estimated)


@styled
def truth_grid(
    sources: NDArray[np.uint8],
    faces: NDArray[np.uint8],
    truth: NDArray[np.uint8],
    *,
    groups: Sequence[str],
    ages: ArrayLike | None = None,
    errors: ArrayLike | None = None,
) -> Picture:
    """The same for painted faces, with the true face at each age below the synthesized one.

    Args:
        sources: (N, H, H, 3) uint8 RGB.
        faces: (N, G, H, H, 3) uint8 RGB, the synthesized ones.
        truth: (N, G, H, H, 3) uint8 RGB, the same person in the same picture at that age.
        groups: G names.
        ages: (N,) of the sources, years.
        errors: (N, G) mean absolute difference of the two, of 255; None to leave it out.

    Raises:
        ValueError: the arrays do not fit each other.
    """
    _require(sources, faces, groups)
    _require(sources, truth, groups)
    rows: list[list[NDArray[np.uint8] | None]] = []
    for source, made, true in zip(sources, faces, truth, strict=True):
        rows += [[source, *made], [None, *true]]
    sheet = mosaic(rows, tight_after=range(0, len(rows), 2), lines=2, noted=errors is not None)
    _head(sheet, groups)
    _frame(sheet, _of(ages, len(sources)), range(0, len(rows), 2))
    for row in range(1, len(rows), 2):
        sheet.within(row, 0, "true faces")
    if errors is not None:
        _tell(sheet, np.asarray(errors), range(1, len(rows), 2))
        sheet.note("Below: mean absolute difference of the two pictures, of 255.")
    return sheet.figure


@styled
def interpolation(
    sources: NDArray[np.uint8],
    faces: NDArray[np.uint8],
    *,
    places: Sequence[float],
    groups: Sequence[str],
    ages: ArrayLike | None = None,
    estimated: ArrayLike | None = None,
) -> Picture:
    """Each source, framed, and its way through the groups in steps smaller than a group.

    Args:
        sources: (N, H, H, 3) uint8 RGB.
        faces: (N, P, H, H, 3) uint8 RGB.
        places: P places between groups; 2.5 lies half way from group 2 to group 3.
        groups: names of all groups.
        ages: (N,) of the sources, years.
        estimated: (N, P) of the faces, years.

    Raises:
        ValueError: the arrays do not fit each other.
    """
    whole = [groups[int(place)] if float(place).is_integer() else BETWEEN for place in places]
    return _grid(sources, faces, whole, ages, estimated)


@styled
def there_and_back(
    sources: NDArray[np.uint8],
    there: NDArray[np.uint8],
    back: NDArray[np.uint8],
    *,
    titles: tuple[str, str],
    ages: ArrayLike | None = None,
    cosines: ArrayLike | None = None,
) -> Picture:
    """Sources, each made old, and the result made young again; two people in a row.

    Args:
        sources: (N, H, H, 3) uint8 RGB.
        there: (N, H, H, 3) uint8 RGB, of the sources.
        back: (N, H, H, 3) uint8 RGB, of `there`.
        titles: what was asked for on the way there and on the way back.
        ages: (N,) of the sources, years.
        cosines: (N, 2) of `there` and of `back` with the source.

    Raises:
        ValueError: the arrays do not fit each other.
    """
    made = np.stack([there, back], axis=1)
    _require(sources, made, titles)
    cells = [[source, *two] for source, two in zip(sources, made, strict=True)]
    across = min(2, len(cells))
    cells += [[None] * 3] * (-len(cells) % across)
    starts = range(0, len(cells), across)
    rows = [list(chain.from_iterable(cells[at : at + across])) for at in starts]
    sheet = mosaic(rows, wide_before=(1, 3, 3, 4), noted=cosines is not None)
    for start in range(0, 3 * across, 3):
        for column, title in enumerate((SOURCE, *titles), start):
            sheet.over(column, _dashed(title))
    for place, age in enumerate(_of(ages, len(sources))):
        row, start = place // across, 3 * (place % across)
        sheet.frame(row, start, TEAL)
        sheet.under(row, start, _years(age), color=TEAL)
        for column, cosine in enumerate([] if cosines is None else np.asarray(cosines)[place], 1):
            told = f"{cosine:.2f}".replace("-", MINUS)
            sheet.under(row, start + column, told)
    if cosines is not None:
        sheet.note("Below a synthesized face: its cosine with the source, by the judge.")
    return sheet.figure


def _grid(
    sources: NDArray[np.uint8],
    faces: NDArray[np.uint8],
    columns: Sequence[str],
    ages: ArrayLike | None,
    estimated: ArrayLike | None,
) -> Picture:
    _require(sources, faces, columns)
    rows = [[source, *made] for source, made in zip(sources, faces, strict=True)]
    sheet = mosaic(rows, lines=2, noted=estimated is not None)
    _head(sheet, columns)
    _frame(sheet, _of(ages, len(sources)), range(len(sources)))
    if estimated is not None:
        _tell(sheet, np.asarray(estimated), range(len(sources)))
        sheet.note(NOTE)
    return sheet.figure


def _head(sheet: Mosaic, columns: Sequence[str]) -> None:
    sheet.over(0, SOURCE)
    sheet.over(1, ASKED, columns=len(columns), line=1)
    for column, name in enumerate(columns, 1):
        sheet.over(column, _dashed(name))


def _frame(sheet: Mosaic, ages: NDArray[np.float64], rows: Sequence[int]) -> None:
    for row, age in zip(rows, ages, strict=True):
        sheet.frame(row, 0, TEAL)
        sheet.under(row, 0, _years(age), color=TEAL)


def _require(sources: NDArray, faces: NDArray, columns: Sequence) -> None:
    wanted = (len(sources), len(columns), *sources.shape[1:])
    if faces.shape != wanted:
        raise ValueError(f"faces {faces.shape}: expected {wanted}, a column each of {len(columns)}")


def _of(ages: ArrayLike | None, count: int) -> NDArray[np.float64]:
    return np.full(count, np.nan) if ages is None else np.asarray(ages, dtype=np.float64)


def _tell(sheet: Mosaic, values: NDArray, rows: Sequence[int]) -> None:
    for row, line in zip(rows, values, strict=True):
        for column, value in enumerate(line, 1):
            sheet.under(row, column, f"{value:.0f}")


def _years(age: float) -> str:
    return "" if np.isnan(age) else f"{age:.0f} years"


def _dashed(name: str) -> str:
    return name.replace("-", DASH)
