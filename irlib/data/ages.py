"""Ages of training images from an MTLFace label file, and the identities with child images.

Shapes: N images, M labelled lines, K child identities.
Units: ages in years, as floats.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.data.folders import FaceFolder


@dataclass(frozen=True, eq=False)
class AgeLabels:
    """The ages a label file gives, and the lines that give none.

    Args:
        path: the file that was read.
        rows: row of `ages` for each image, by its key such as "12/735" (see `image_key`).
        ages: (M,) years.
        line_numbers: (M,) line of the file each age stands on, counted from 1.
        malformed: (line number, text) of lines that are not `id path age gender`.
        duplicates: (line number, text) of lines for an image that an earlier line named. Where
            the two ages differ, the image has no age.
    """

    path: Path
    rows: dict[str, int]
    ages: NDArray[np.float64]
    line_numbers: NDArray[np.int64]
    malformed: tuple[tuple[int, str], ...]
    duplicates: tuple[tuple[int, str], ...]

    def ages_of(self, faces: FaceFolder) -> NDArray[np.float64]:
        """Age of each image of a folder, (N,) years, NaN where the file gives none."""
        row = self._rows_of(faces)  # (N,), -1 without an age
        return np.where(row >= 0, np.append(self.ages, np.nan)[row], np.nan)

    def unmatched(self, faces: FaceFolder) -> list[tuple[int, str]]:
        """(line number, key) of the ages whose image is not in a folder."""
        found = np.zeros(len(self.ages) + 1, dtype=bool)  # the last takes the images without age
        found[self._rows_of(faces)] = True
        return [
            (int(self.line_numbers[row]), key) for key, row in self.rows.items() if not found[row]
        ]

    def _rows_of(self, faces: FaceFolder) -> NDArray[np.int64]:
        rows = (self.rows.get(image_key(*name.split("/")), -1) for name in faces.names.tolist())
        return np.fromiter(rows, dtype=np.int64, count=len(faces.names))


def read_age_labels(path: Path) -> AgeLabels:
    """The ages in a file of lines `id path age gender`, where path ends in folder/image.

    Nothing is guessed: a line that cannot be read, or contradicts another, gives no age and is
    kept with its number. The id and the gender (1 male, 0 female) are not used.

    Args:
        path: text file, UTF-8, fields separated by white space, no header.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no line gives an age.

    Source: format of MTLFace's label files (Huang et al., CVPR 2021).
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected lines `id path age gender`")
    with path.open(encoding="utf-8") as lines:
        labels = _parsed(path, lines)
    if not labels.rows:
        raise ValueError(f"{path}: no line gives an age; expected lines `id path age gender`")
    return labels


def child_ids(
    labels: ArrayLike, ages: ArrayLike, *, age_below: float = 13.0, min_images: int = 10
) -> NDArray[np.int64]:
    """Identities with enough child images, (K,) class indices, ascending.

    Args:
        labels: (N,) class index of each image present.
        ages: (N,) years, NaN where unknown: such an image is not counted.
        age_below: an image shows a child if its age is strictly below this, in years.
        min_images: child images an identity needs.

    Source: Lee et al., BMVC 2021: below 13 years, at least 10 images. The authors count lines of
        the label file; here an image counts only if it is present.
    """
    is_child = np.asarray(ages) < age_below  # False for NaN
    return np.flatnonzero(np.bincount(np.asarray(labels)[is_child]) >= max(min_images, 1))


def image_key(folder: str, image: str) -> str:
    """Key of an image that no zero padding changes: "000012", "00000735.jpg" gives "12/735".

    The image's number ends at the first underscore, as in the authors' loader: 69_25.jpg is 69.
    """
    stem = image.partition(".")[0].partition("_")[0]
    return f"{folder.lstrip('0') or '0'}/{stem.lstrip('0') or '0'}"


def _parsed(path: Path, lines: Iterable[str]) -> AgeLabels:
    rows: dict[str, int] = {}
    ages: list[float] = []
    line_numbers: list[int] = []
    malformed, duplicates = [], []
    contradicted = set()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        key, age = _entry(line)
        if key is None:
            malformed.append((number, line.rstrip("\n")))
        elif key in rows:
            duplicates.append((number, line.rstrip("\n")))
            if age != ages[rows[key]]:
                contradicted.add(key)
        else:
            rows[key] = len(ages)
            ages.append(age)
            line_numbers.append(number)
    for key in contradicted:
        del rows[key]
    return AgeLabels(
        path,
        rows,
        np.array(ages, dtype=np.float64),
        np.array(line_numbers, dtype=np.int64),
        tuple(malformed),
        tuple(duplicates),
    )


def _entry(line: str) -> tuple[str | None, float]:
    # (key, age), or no key where the line is not `id path age gender` with an age in years
    fields = line.split()
    if len(fields) != 4:
        return None, math.nan
    folders, _, image = fields[1].rpartition("/")
    folder = folders.rpartition("/")[2]
    try:
        age = float(fields[2])
    except ValueError:
        return None, math.nan
    if not (folder and image and 0.0 <= age <= 130.0):  # also refuses nan and inf
        return None, math.nan
    return image_key(folder, image), age
