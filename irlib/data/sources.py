"""Where encoded images come from: files below a folder, or whatever else has the same two methods.

Shapes: N images, B of them in a batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from irlib.data.decoding import SIZE, decode_crop, decoded_quickly

Bad = list[tuple[int, str]]  # position of an image, and what is wrong with it


class Images(Protocol):
    """Encoded images by position; must survive pickling and being read by several threads."""

    def __len__(self) -> int:
        """Number of images, N."""

    def name(self, index: int) -> str:
        """What the image is called: unique, and the same on every machine."""

    def encoded(self, index: int) -> bytes:
        """The image's file.

        Raises:
            ValueError: it cannot be read; the message begins with its name.
        """


@dataclass(frozen=True, eq=False)
class ImageFiles:
    """Image files below a folder.

    Args:
        root: the folder.
        names: (N,) texts, paths below root with forward slashes.
    """

    root: Path
    names: NDArray[Any]

    def __len__(self) -> int:
        """Number of images, N."""
        return len(self.names)

    def name(self, index: int) -> str:
        """The path below root."""
        return str(self.names[index])

    def encoded(self, index: int) -> bytes:
        """The content of the file; ValueError if it cannot be read."""
        name = str(self.names[index])
        try:
            return (self.root / name).read_bytes()
        except FileNotFoundError:
            raise ValueError(f"{name}: no such image below {self.root}") from None
        except OSError as error:
            raise ValueError(f"{name}: cannot be read ({error.strerror})") from error

    def seen_from(self, folder: Path) -> "ImageFiles":
        """The same images under their paths below a folder that holds root."""
        prefix = self.root.relative_to(folder).as_posix()
        return ImageFiles(folder, np.array([f"{prefix}/{name}" for name in self.names]))


@dataclass(frozen=True, eq=False)
class Chosen:
    """Some images of another source, in an order of their own.

    Args:
        images: the source.
        rows: (N,) position of each in the source.
    """

    images: Images
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of images, N."""
        return len(self.rows)

    def name(self, index: int) -> str:
        """The name in the source."""
        return self.images.name(int(self.rows[index]))

    def encoded(self, index: int) -> bytes:
        """The image's file; ValueError if it cannot be read."""
        return self.images.encoded(int(self.rows[index]))


def crops(images: Images, indices: Sequence[int]) -> NDArray[np.uint8]:
    """Some aligned crops as (B, 112, 112, 3) uint8 RGB.

    Raises:
        ValueError: one cannot be read, is damaged, or is not 112x112.
    """
    batch = np.empty((len(indices), SIZE, SIZE, 3), dtype=np.uint8)
    for row, index in enumerate(indices):
        decode_crop(images.encoded(index), images.name(index), batch[row])
    return batch


def crops_into(out: NDArray[np.uint8], images: Images, rows: NDArray[np.int64]) -> Bad:
    """The damaged ones of some aligned crops, all others of which are decoded.

    Args:
        out: (B, 112, 112, 3) uint8 to decode into; the place of a damaged one is spoiled.
        images: the source.
        rows: (B,) positions in it.
    """
    bad = []
    for place, row in enumerate(rows.tolist()):
        try:
            data = images.encoded(row)
            if not decoded_quickly(data, out[place]):  # a name costs a hundredth of decoding
                decode_crop(data, images.name(row), out[place])
        except ValueError as error:
            bad.append((row, str(error)))
    return bad


def batches(images: Images, batch_size: int = 256) -> Iterator[NDArray[np.uint8]]:
    """All crops in order, in uint8 batches (B, 112, 112, 3)."""
    for start in range(0, len(images), batch_size):
        yield crops(images, range(start, min(start + batch_size, len(images))))
