"""Which photographs are meant: all below a folder, or files by path."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from irlib.data.folders import NAMES, is_image
from irlib.data.sources import ImageFiles
from irlib.data.walking import is_text, printable, walk


def photographs_below(folder: Path) -> tuple[ImageFiles, tuple[str, ...]]:
    """Every image file below a folder, sorted by name, and what else lies there.

    Args:
        folder: folders of any depth; hidden ones are not entered.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: there is no image below it.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder of images")
    images, other = [], []
    for name, is_file in walk(folder):
        known = is_file and is_text(name) and is_image(name.rpartition("/")[2])
        (images if known else other).append(name)
    if not images:
        raise ValueError(f"{folder}: no image below it; {len(other):,} other entries")
    return ImageFiles(folder, np.array(images, dtype=NAMES)), tuple(map(printable, other))


def photographs(paths: Sequence[Path]) -> ImageFiles:
    """Files by path, called as they were given.

    Raises:
        FileNotFoundError: some are no files; all of them are named.
        ValueError: none was given, or one twice.
    """
    names = [str(path) for path in paths]
    if not names:
        raise ValueError("no image given; expected at least one")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{', '.join(twice)}: given twice; expected each image once")
    if absent := [name for name in names if not Path(name).is_file()]:
        raise FileNotFoundError(f"{', '.join(absent)}: no such image")
    return ImageFiles(Path(), np.array(names, dtype=NAMES))
