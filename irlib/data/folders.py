"""A folder of face images with one sub-folder per identity, listed in a fixed order.

Shapes: N images, C identities.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
EXPECTED = "expected one sub-folder of images per identity, such as 000012/00000735.jpg"


@dataclass(frozen=True, eq=False)
class FaceFolder:
    """The images of a training folder and the identity of each.

    Args:
        root: the folder that was listed.
        names: (N,) str, paths below root with forward slashes, ordered by class, then by name.
        labels: (N,) class index of each image, 0 to C - 1.
        class_names: names of the C sub-folders; the position is the class index.
        stray: what lies below root and is no image of a class, sorted; folders end in a slash.
    """

    root: Path
    names: NDArray[np.str_]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    stray: tuple[str, ...]

    @property
    def num_classes(self) -> int:
        """Number of identities, C."""
        return len(self.class_names)

    def paths(self) -> list[Path]:
        """Full path of every image, in the order of `names`."""
        return [self.root / name for name in self.names]


def read_folder(root: Path) -> FaceFolder:
    """The images below a folder of identities, in an order that no file system can change.

    A sub-folder with at least one image is a class. Classes are ordered as integers where every
    name is a number, padded or not, and as text otherwise. Everything else is listed as stray.

    Args:
        root: folder that holds one sub-folder per identity.

    Raises:
        FileNotFoundError: root is not a folder.
        ValueError: there is no image in any sub-folder, or two names mean the same number.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder; {EXPECTED}")
    classes: dict[str, list[str]] = {}
    stray: list[str] = []
    for name, is_folder in _entries(root):
        images = [] if not is_folder else _class_images(root, name, stray)
        if images:
            classes[name] = images
        else:
            stray.append(f"{name}/" if is_folder else name)
    if not classes:
        raise ValueError(f"{root}: no image in any sub-folder; {EXPECTED}")
    class_names = _class_order(root, list(classes))
    names = [f"{name}/{image}" for name in class_names for image in classes[name]]
    counts = [len(classes[name]) for name in class_names]
    labels = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    return FaceFolder(root, np.array(names), labels, tuple(class_names), tuple(sorted(stray)))


def is_image(name: str) -> bool:
    """Whether a file name is that of an image, by its suffix; hidden files are none."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122


def _entries(folder: Path) -> Iterator[tuple[str, bool]]:
    # scandir tells files from folders without a stat of each: 490,000 images in a second or two
    with os.scandir(folder) as entries:
        yield from ((entry.name, entry.is_dir()) for entry in entries)


def _class_images(root: Path, folder: str, stray: list[str]) -> list[str]:
    if folder.startswith("."):  # such as .ipynb_checkpoints
        return []
    images = []
    for name, is_folder in _entries(root / folder):
        if not is_folder and is_image(name):
            images.append(name)
        else:
            stray.append(f"{folder}/{name}/" if is_folder else f"{folder}/{name}")
    return sorted(images)


def _class_order(root: Path, names: list[str]) -> list[str]:
    if not all(name.isdecimal() for name in names):
        return sorted(names)
    ordered = sorted(names, key=int)
    for left, right in pairwise(ordered):
        if int(left) == int(right):
            raise ValueError(f"{root}: folders {left} and {right} mean one number; expected one")
    return ordered
