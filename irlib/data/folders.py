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

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
EXPECTED = "expected one sub-folder of images per identity, such as 000012/00000735.jpg"

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
        images = _class_images(root, name, stray) if kind == "folder" else []
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


def files_in(folder: Path) -> frozenset[str]:
    """Names of the files in a folder, none if there is no such folder."""
    try:
        return frozenset(name for name, kind in _entries(folder) if kind == "file")
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()


def _entries(folder: Path) -> Iterator[tuple[str, str]]:
    # scandir tells files from folders without a stat of each: 490,000 images in a second or two
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry.name, _kind(entry)


def _kind(entry: os.DirEntry[str]) -> str:
    try:
        if entry.is_file():
            return "file" if _is_text(entry.name) else "other"
        return "folder" if entry.is_dir() and _is_text(entry.name) else "other"
    except OSError:  # a link that leads to itself
        return "other"


def _is_text(name: str) -> bool:
    # a name that is not UTF-8 could be neither listed nor hashed
    return name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name)


def _shown(name: str, kind: str) -> str:
    text = name.encode("utf-8", "backslashreplace").decode()
    return f"{text}/" if kind == "folder" else text


def _class_images(root: Path, folder: str, stray: list[str]) -> list[str]:
    if folder.startswith("."):  # such as .ipynb_checkpoints
        return []
    images = []
    for name, kind in _entries(root / folder):
        if kind == "file" and is_image(name):
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
    inner = [name for name, kind in _entries(root) if kind == "folder"]
    if len(inner) != 1:
        return ""
    below = (name for name, kind in _entries(root / inner[0]) if kind == "folder")
    if any(_class_images(root / inner[0], name, []) for name in below):
        return f"; {root / inner[0]} holds such folders"
    return ""
