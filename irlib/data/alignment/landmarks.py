"""Landmarks that come with a data set: FG-NET's 68 points, and lists of five points an image.

Shapes: N images; five points (5, 2) and 68 points (68, 2) as x, y.
Units: pixels, the order of points as in `irlib.data.alignment.similarity`.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irlib.data.folders import is_image

# 0-based: pupils, tip of the nose, corners of the mouth. FG-NET's own markup, not iBUG's.
FGNET_FIVE = (31, 36, 67, 48, 54)

LINE = "name x1 y1 x2 y2 x3 y3 x4 y4 x5 y5 [score]"
_PTS = re.compile(r"version:\s*\d+\s+n_points:\s*(\d+)\s*\{(.*)\}\s*", re.DOTALL)


@dataclass(frozen=True, eq=False)
class LandmarkList:
    """Five points an image, as a text list gives them.

    Args:
        path: the list.
        names: (N,) str, as written.
        points: (N, 5, 2) pixels.
        scores: (N,) of the detector that found them, NaN where the list has none.
        rejected: (line number, text, reason) of lines that could not be used.
    """

    path: Path
    names: NDArray[np.str_]
    points: NDArray[np.float64]
    scores: NDArray[np.float64]
    rejected: tuple[tuple[int, str, str], ...]

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {str(name): row for row, name in enumerate(self.names)}

    def __contains__(self, name: str) -> bool:
        """Whether the list has the image."""
        return name in self._rows

    def of(self, name: str) -> NDArray[np.float64]:
        """The (5, 2) points of an image.

        Raises:
            ValueError: the list has none for it.
        """
        if name not in self._rows:
            raise ValueError(f"no line for it in {self.path.name}")
        return self.points[self._rows[name]]


def five_of_68(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """The (5, 2) landmarks among FG-NET's 68 points.

    Args:
        points: (68, 2) in the order of FG-NET's files.

    Raises:
        ValueError: another shape, a number that is not finite, or no upright face: the points
            are probably in another order, such as iBUG's.
    """
    points = np.asarray(points, dtype=np.float64)
    if points.shape != (68, 2) or not np.isfinite(points).all():
        raise ValueError(f"points: shape {points.shape}, expected 68 finite points (68, 2)")
    five = points[list(FGNET_FIVE)]
    if not is_upright(five):
        raise ValueError(
            "points 31, 36, 67, 48 and 54 (from 0) are no upright face; expected FG-NET's order "
            "(pupils, tip of the nose, corners of the mouth), not iBUG's"
        )
    return five


def is_upright(five: NDArray[np.floating]) -> bool:
    """Whether five points are an upright face: left before right, eyes above nose above mouth."""
    (left_eye, right_eye, nose, left_mouth, right_mouth) = np.asarray(five, dtype=np.float64)
    eyes, mouth = (left_eye[1] + right_eye[1]) / 2, (left_mouth[1] + right_mouth[1]) / 2
    in_order = left_eye[0] < right_eye[0] and left_mouth[0] < right_mouth[0]
    return bool(in_order and eyes < nose[1] < mouth)


def read_pts(path: Path) -> NDArray[np.float64]:
    """The (68, 2) points of one of FG-NET's ``.pts`` files.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not of that form, or holds another number of points; its name is told.
    """
    match = _PTS.fullmatch(_text(path).strip())
    if not match:
        raise ValueError(f"{path}: expected 'version: 1', 'n_points: 68', then points in braces")
    lines = [line.split() for line in match[2].splitlines() if line.strip()]
    if int(match[1]) != 68 or len(lines) != 68:
        raise ValueError(f"{path}: says {match[1]} points, holds {len(lines)}; expected 68")
    for number, fields in enumerate(lines):
        if len(fields) != 2 or _numbers(fields) is None:
            raise ValueError(f"{path}: point {number} is {' '.join(fields)!r}, expected x and y")
    return np.array(lines, dtype=np.float64)


def read_landmarks(path: Path) -> LandmarkList:
    """The five points of every image in a list such as IJB's ``name_5pts_score.txt``.

    One image a line: its name, which may hold spaces, then x and y of the five points, then
    perhaps a score. Lines that are not of that form are listed, not guessed at.

    Args:
        path: the list; UTF-8, a byte order mark and CRLF are tolerated.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no line is of that form, an image has two lines, or most faces are mirrored or
            upside down, so that the points must be in another order.
    """
    rows: dict[str, list[float]] = {}
    at: dict[str, int] = {}
    rejected: list[tuple[int, str, str]] = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        name, values = _line(line)
        if not name:
            rejected.append((number, line, f"expected {LINE}, with finite numbers"))
        elif name in at:
            raise ValueError(f"{path}: lines {at[name]} and {number} both give {name!r}")
        else:
            rows[name], at[name] = values, number
    if not rows:
        raise ValueError(f"{path}: no line is of the form {LINE!r}")
    return _list(path, rows, rejected)


def _list(
    path: Path, rows: dict[str, list[float]], rejected: list[tuple[int, str, str]]
) -> LandmarkList:
    values = np.array(list(rows.values()))  # (N, 11)
    points = values[:, :10].reshape(-1, 5, 2)
    upright = sum(is_upright(five) for five in points)
    if 2 * upright < len(points):
        raise ValueError(
            f"{path}: only {upright} of {len(points)} faces are upright; expected x and y of the "
            "eye on the image's left, the eye on its right, nose, left and right mouth corner"
        )
    return LandmarkList(path, np.array(list(rows)), points, values[:, 10], tuple(rejected))


# The last 10 or 11 words are numbers; what stands before must be the name of an image, so that a
# number at the end of a name is not taken for a coordinate.
def _line(line: str) -> tuple[str, list[float]]:
    for count in (11, 10):
        words = line.rsplit(maxsplit=count)
        name, numbers = words[0].strip().removeprefix("./"), _numbers(words[1:])
        if len(words) == count + 1 and numbers and is_image(name.rpartition("/")[2]):
            return name, numbers if count == 11 else [*numbers, np.nan]
    return "", []


def _numbers(words: list[str]) -> list[float] | None:
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).all() else None


def _text(path: Path) -> str:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file of landmarks")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text ({error})") from None
