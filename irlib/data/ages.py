"""Ages of training images from an MTLFace label file, and the identities with child images.

Shapes: N images, M labelled images, K child identities.
Units: ages in years, as floats.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.data.agelines import EXPECTED, LISTED, AgeLines, Listed, read_lines, shown
from irlib.data.keys import ImageKeys

CHILD_BELOW = 13.0  # years; Lee et al., BMVC 2021
CHILD_IMAGES = 10  # an identity needs; Lee et al., BMVC 2021


@dataclass(frozen=True, eq=False)
class AgeLabels:
    """The ages a label file gives, and the lines that give none.

    Args:
        path: the file that was read.
        keys: (M,) the images that have an age, each once, sorted by code.
        ages: (M,) years.
        line_numbers: (M,) line of the file each age stands on, counted from 1.
        malformed: (line number, text, reason) of lines that give no age.
        duplicates: (line number, text, contradicts) of lines for an image that an earlier line
            named. Where any two of an image's ages differ, it has no age.
        ageless: images, each once, sorted by code, whose lines contradict each other or are
            malformed. One of them may also have a line that gives its age.
    """

    path: Path
    keys: ImageKeys
    ages: NDArray[np.float64]
    line_numbers: NDArray[np.int64]
    malformed: Listed
    duplicates: Listed
    ageless: ImageKeys

    def ages_of(self, keys: ImageKeys) -> NDArray[np.float64]:
        """Age of each image, (N,) years, NaN where the file gives none.

        An image that shares its key with another, such as 735.jpg beside 00000735.jpg, has none.
        One such as 69_25.jpg without a line of its own has the age of its number's line, if it is
        the only one of that number; see `ImageKeys.variants`.

        Source: the loader of Lee et al., BMVC 2021, cuts every name at the first underscore.
        """
        row, _ = self._found(keys)
        row[keys.repeated()] = -1
        return np.where(row >= 0, np.append(self.ages, np.nan)[row], np.nan)

    def aged_by_cut(self, keys: ImageKeys) -> int:
        """How many of the images have the age of the number before their underscore."""
        return len(self._found(keys)[1])

    def unmatched(self, keys: ImageKeys) -> Listed:
        """(line number, key) of the ages whose image is not among these."""
        is_found = np.zeros(len(self.ages) + 1, dtype=bool)  # the last takes images without age
        is_found[self._found(keys)[0]] = True
        rows = np.flatnonzero(~is_found[:-1])
        first = rows[np.argsort(self.line_numbers[rows], kind="stable")[:LISTED]]
        lines = ((int(self.line_numbers[row]), self.keys.text(row)) for row in first)
        return Listed(len(rows), tuple(lines))

    def listed_child_ids(
        self, below: float = CHILD_BELOW, at_least: int = CHILD_IMAGES
    ) -> tuple[str, ...]:
        """Folders with enough child images in the file, present or not, as the authors count.

        Args:
            below: an image shows a child if its age is strictly below this, in years.
            at_least: child images a folder needs.
        """
        codes = self.keys.codes[self.ages < below]
        folders, counts = np.unique(codes[codes >= 0] >> 32, return_counts=True)
        count = Counter(dict(zip(map(str, folders.tolist()), counts.tolist(), strict=True)))
        texts = self.keys.texts
        count.update(texts[-2 - code].partition("/")[0] for code in codes[codes < 0].tolist())
        return tuple(sorted((name for name in count if count[name] >= at_least), key=_by_number))

    def _found(self, keys: ImageKeys) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        # row of each image's age, (N,), -1 without one, and the images that have it by the cut
        row, variants = self.keys.find(keys), keys.variants
        by_number = self.keys.find(ImageKeys(keys.numbers, keys.texts))
        has_line = (row[variants] >= 0) | (self.ageless.find(keys.chosen(variants)) >= 0)
        is_cut = (by_number >= 0) & ~has_line
        row[variants[is_cut]] = by_number[is_cut]
        return row, variants[is_cut]


def read_age_labels(path: Path | str) -> AgeLabels:
    """The ages in a file of lines `id path age gender`, where path ends in folder/image.

    Nothing is guessed: a line that cannot be read, or contradicts another, gives no age and is
    kept with its number. The id is not used; the gender (1 or m male, 0 or f female, -1 unknown)
    has to be one, as else the columns may be in another order.

    Args:
        path: text file, UTF-8, fields separated by white space. A first line may name the columns,
            then in any order; needed are `path` (or `filename`, `file`, `image`) and `age`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no line gives an age, or it is no text file.

    Source: format of MTLFace's label files (Huang et al., CVPR 2021).
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; {EXPECTED}")
    labels = _without_doubt(path, read_lines(path))
    if not len(labels.keys):
        raise ValueError(f"{path}: no line gives an age; {EXPECTED}{_why(labels)}")
    return labels


def child_ids(
    labels: ArrayLike,
    ages: ArrayLike,
    *,
    below: float = CHILD_BELOW,
    at_least: int = CHILD_IMAGES,
) -> NDArray[np.int64]:
    """Identities with enough child images, (K,) class indices, ascending.

    Args:
        labels: (N,) class index of each image present.
        ages: (N,) years, NaN where unknown: such an image is not counted.
        below: an image shows a child if its age is strictly below this, in years.
        at_least: child images an identity needs.

    Source: Lee et al., BMVC 2021: below 13 years, at least 10 images. The authors count lines of
        the label file; here an image counts only if it is present.
    """
    is_child = np.asarray(ages) < below  # False for NaN
    return np.flatnonzero(np.bincount(np.asarray(labels)[is_child]) >= max(at_least, 1))


def _without_doubt(path: Path, lines: AgeLines) -> AgeLabels:
    order = np.argsort(lines.codes, kind="stable")  # of one image's lines the first comes first
    codes, ages = lines.codes[order], lines.ages[order]
    is_first = np.ones(len(codes), dtype=bool)
    is_first[1:] = codes[1:] != codes[:-1]
    image = np.cumsum(is_first) - 1  # which of the images a line is about
    first = np.flatnonzero(is_first)
    differs = ages != ages[first[image]]
    is_doubted = np.zeros(len(first), dtype=bool)
    is_doubted[image[differs]] = True
    kept = first[~is_doubted]
    again = order[~is_first]
    return AgeLabels(
        path,
        ImageKeys(codes[kept], lines.texts),
        ages[kept],
        lines.line_numbers[order[kept]],
        lines.malformed,
        _duplicates(path, lines.line_numbers[again], differs[~is_first]),
        ImageKeys(np.union1d(codes[first[is_doubted]], lines.ageless), lines.texts),
    )


def _duplicates(path: Path, numbers: NDArray[np.int64], contradicts: NDArray[np.bool_]) -> Listed:
    first = np.argsort(numbers)[:LISTED]
    told = dict(zip(numbers[first].tolist(), contradicts[first].tolist(), strict=True))
    text = _lines_at(path, set(told))
    return Listed(len(numbers), tuple((n, text.get(n, ""), wrong) for n, wrong in told.items()))


def _lines_at(path: Path, numbers: set[int]) -> dict[int, str]:
    last = max(numbers, default=0)
    found = {}
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if number > last:
                break
            if number in numbers:
                found[number] = shown(line)
    return found


def _by_number(name: str) -> tuple[bool, int, str]:
    # folders that are numbers come first; they are not padded, so that a longer one is larger
    is_number = name.isascii() and name.isdigit()
    return not is_number, len(name) if is_number else 0, name


def _why(labels: AgeLabels) -> str:
    for number, _, reason in labels.malformed.first[:1]:
        return f"; line {number}: {reason}"
    return "; all contradict each other" if labels.duplicates.count else ""
