"""A folder of face images with one sub-folder per identity, listed in a fixed order.

Shapes: N images, C identities.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irlib.data.walking import FILE, FOLDER, OTHER, is_text, printable, scan

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
EXPECTED = "expected one sub-folder of images per identity, such as 000012/00000735.jpg"

# They come with a training set and are no list, though the lines of an index look like one.
NO_LISTS = frozenset({".rec", ".idx", ".bin"})

_BEGINNING = 65_536  # bytes of a text that are looked at for its first line
_NO_STRAY = {"manifest.json", ".alignment"}  # left there by this library

# UTF-8 of each text's own length: a fixed width would cost 4 bytes a character of the longest
NAMES = np.dtypes.StringDType()


@dataclass(frozen=True, eq=False)
class FaceFolder:
    """The images of a training set that lie below a folder, and the identity of each.

    Args:
        root: the folder that the names are relative to.
        names: (N,) texts, paths below root with forward slashes, ordered by class, then by name.
        labels: (N,) class index of each image, 0 to C - 1.
        class_names: names of the C identities; the position is the class index.
        stray: what lies below root and is no image of a class, sorted; folders end in a slash.
        absent: what a list names and is not there, sorted; nothing for a folder.
    """

    root: Path
    names: NDArray[Any]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    stray: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Number of images, N."""
        return len(self.names)

    @property
    def num_classes(self) -> int:
        """Number of identities, C."""
        return len(self.class_names)


def read_folder(root: Path) -> FaceFolder:
    """The images below a folder of identities, in an order that no file system can change.

    A sub-folder with at least one image is a class. Classes are ordered as integers where every
    name is a number, padded or not, and as text otherwise. Everything else is listed as stray:
    other files, empty folders, and links that lead nowhere.

    Args:
        root: folder that holds one sub-folder per identity.

    Raises:
        FileNotFoundError: root is not a folder.
        ValueError: there is no image in any sub-folder, or two names mean the same number.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder; {EXPECTED}")
    classes: dict[str, str] = {}  # images of each, joined: a text an image would fill the memory
    stray: list[str] = []
    for name, kind in _entries(root):
        images = _class_images(root, name, stray) if kind == FOLDER else []
        if images:
            classes[name] = "/".join(images)
        elif name not in _NO_STRAY:
            stray.append(_shown(name, kind))
    if not classes:
        raise ValueError(f"{root}: no image in any sub-folder; {EXPECTED}{_hint(root)}")
    class_names = _class_order(root, list(classes))
    names, labels = _joined(class_names, classes)
    return FaceFolder(root, names, labels, tuple(class_names), tuple(sorted(stray)))


def is_image(name: str) -> bool:
    """Whether a file name is that of an image, by its suffix; hidden files are none."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122


def is_list(path: Path) -> bool:
    """Whether a text file begins with a line `path label` whose path is that of an image."""
    if path.suffix.lower() in NO_LISTS:
        return False
    fields = first_line(path).rsplit(None, 1)
    return (
        len(fields) == 2
        and fields[1].isascii()
        and fields[1].isdecimal()
        and is_image(fields[0].rpartition("/")[2])
    )


def lists_in(folder: Path) -> list[Path]:
    """The lists `path label` among the files of a folder, sorted; hidden ones are none."""
    shown = (name for name in files_in(folder) if not (name.startswith(".") or is_image(name)))
    return [folder / name for name in sorted(shown) if is_list(folder / name)]


def first_line(path: Path) -> str:
    """The first line of a text file that is not blank; empty for what is no text file."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        start = file.read(_BEGINNING).decode("utf-8-sig", errors="replace")
    found = (line.strip() for line in start.splitlines())
    return "" if "\0" in start else next(filter(None, found), "")


def files_in(folder: Path) -> frozenset[str]:
    """Names of the files in a folder, none if there is no such folder."""
    try:
        return frozenset(name for name, kind in _entries(folder) if kind == FILE)
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()


def _entries(folder: Path) -> Iterator[tuple[str, str]]:
    for name, kind in scan(folder):
        yield name, kind if is_text(name) else OTHER


def _shown(name: str, kind: str) -> str:
    return f"{printable(name)}/" if kind == FOLDER else printable(name)


def _class_images(root: Path, folder: str, stray: list[str]) -> list[str]:
    if folder.startswith("."):  # such as .ipynb_checkpoints
        return []
    images = []
    for name, kind in _entries(root / folder):
        if kind == FILE and is_image(name):
            images.append(name)
        else:
            stray.append(f"{folder}/{_shown(name, kind)}")
    return sorted(images)


def _joined(
    class_names: list[str], classes: dict[str, str]
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    counts = [classes[name].count("/") + 1 for name in class_names]
    names = np.empty(sum(counts), dtype=NAMES)
    start = 0
    for name, count in zip(class_names, counts, strict=True):
        names[start : start + count] = [f"{name}/{image}" for image in classes[name].split("/")]
        start += count
    return names, np.repeat(np.arange(len(counts), dtype=np.int64), counts)


def _class_order(root: Path, names: list[str]) -> list[str]:
    if not all(name.isdecimal() for name in names):
        return sorted(names)
    ordered = sorted(names, key=int)
    for left, right in pairwise(ordered):
        if int(left) == int(right):
            raise ValueError(f"{root}: folders {left} and {right} mean one number; expected one")
    return ordered


def _hint(root: Path) -> str:
    # an archive often wraps everything in one more folder, such as imgs/
    inner = [name for name, kind in _entries(root) if kind == FOLDER]
    if len(inner) != 1:
        return ""
    below = (name for name, kind in _entries(root / inner[0]) if kind == FOLDER)
    if any(_class_images(root / inner[0], name, []) for name in below):
        return f"; {root / inner[0]} holds such folders"
    return ""
