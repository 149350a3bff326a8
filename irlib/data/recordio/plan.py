"""The records of a set that is to be packed: record 0, the images by class, the identity records.

Shapes: N images, M identities.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.data.recordio.framing import EXACT, PACKED, framed, with_header
from irlib.data.recordio.names import line
from irlib.data.sources import Images

_SAMPLE = 256  # images whose size is looked at to tell that of all


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be packed; made by `plan`.

    Args:
        images: the images.
        order: (N,) position of each record's image.
        labels: (N,) label of each record, ascending.
        starts: (M + 1,) first key of each identity, and the key after the last image.
    """

    images: Images
    order: NDArray[np.int64]
    labels: NDArray[np.int64]
    starts: NDArray[np.int64]

    @property
    def num_images(self) -> int:
        """Number of images, N; they have the keys 1 to N."""
        return len(self.labels)

    @property
    def num_classes(self) -> int:
        """Number of identities, M."""
        return len(self.starts) - 1

    def record(self, key: int) -> bytes:
        """The record with a key from 0 to N + M, with its frame.

        Raises:
            ValueError: the image cannot be read, is empty, or is too long.
        """
        if key == 0:
            behind = self.num_images + 1
            return framed(with_header(b"", (behind, behind + self.num_classes), key, PACKED))
        if key > self.num_images:
            first, last = self.starts[key - self.num_images - 1 :][:2]
            return framed(with_header(b"", (first, last), key))
        row = int(self.order[key - 1])
        if not (image := self.images.encoded(row)):
            raise ValueError(f"{self.images.name(row)}: an empty file, expected an image")
        try:
            return framed(with_header(image, int(self.labels[key - 1]), key))
        except ValueError as error:
            raise ValueError(f"{self.images.name(row)}: {error}") from None

    def listing(self) -> Iterator[bytes]:
        """Lines `key<TAB>label<TAB>name` of the images.

        Raises:
            ValueError: a name that cannot stand on a line; see `irlib.data.recordio.names`.
        """
        for key in range(1, self.num_images + 1):
            name = self.images.name(int(self.order[key - 1]))
            yield line(key, int(self.labels[key - 1]), name)

    def expected_bytes(self) -> int:
        """Size of all records, judged by some of the images.

        Raises:
            ValueError: one of these cannot be read.
        """
        count = min(self.num_images, _SAMPLE)
        keys = np.linspace(1, self.num_images, count).astype(np.int64)
        sample = sum(len(self.record(int(key))) for key in keys)
        return sample * self.num_images // count + len(self.record(0)) * (1 + self.num_classes)


def plan(images: Images, labels: ArrayLike) -> Plan:
    """The records that hold some images, by class, and in the given order within a class.

    Args:
        images: the images.
        labels: (N,) whole number of each image's identity.

    Raises:
        ValueError: there is no image, not one label an image, or a label that the format's float32
            cannot hold.
    """
    values = np.asarray(labels)
    if not len(images) or values.shape != (len(images),):
        raise ValueError(f"{len(images)} images and labels of shape {values.shape}; expected (N,)")
    if not np.issubdtype(values.dtype, np.integer) or not 0 <= values.min() <= values.max() < EXACT:
        raise ValueError(f"labels: expected whole numbers from 0 to {EXACT - 1}")
    order = np.argsort(values, kind="stable")
    ordered = values[order].astype(np.int64)
    changes = np.flatnonzero(np.diff(ordered)) + 2  # keys count from 1
    return Plan(images, order, ordered, np.array([1, *changes, len(ordered) + 1]))
