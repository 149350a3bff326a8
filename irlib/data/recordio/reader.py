"""A record file as InsightFace and MXNet make it, read in place with random access.

Shapes: N images.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irlib.data.recordio.files import RandomFile
from irlib.data.recordio.framing import MAGIC, PACKED, Header, plain_image
from irlib.data.recordio.heads import record, told
from irlib.data.recordio.index import read_index
from irlib.data.recordio.names import SUFFIX, read_names
from irlib.data.recordio.table import Listing, images_and_identities, labels_of

_LEAST, _MOST = 32, 1 << 20  # bytes of a record, for its distance to the next to be believed


@dataclass(frozen=True, eq=False)
class Records:
    """The images of a record file; no image is kept in memory.

    May be read by several threads, and pickled: the file is opened again by its path.

    Args:
        path: the ``.rec`` file.
        keys: (N,) key of each image's record, ascending.
        labels: (N,) label of each image as the file has it, which may leave numbers out.
        notes: remarks on the identity records.
        offsets: (N,) first byte of each image's record.
        file: the open file.
        names: (N,) texts, what the images were called before they were packed; None if unknown.
        is_packed: whether they were packed here, so that their numbers are new; else they are those
            of the owner, by which a file of ages may name them.
    """

    path: Path
    keys: NDArray[np.int64]
    labels: NDArray[np.int64]
    notes: tuple[str, ...]
    offsets: NDArray[np.int64] = field(repr=False)
    file: RandomFile = field(repr=False)
    names: NDArray[Any] | None = field(default=None, repr=False)
    is_packed: bool = False

    def __len__(self) -> int:
        """Number of images, N."""
        return len(self.keys)

    def name(self, index: int) -> str:
        """What the image was called before it was packed; where that is unknown, its number."""
        return self.number(index) if self.names is None else str(self.names[index])

    def number(self, index: int) -> str:
        """Label and key as MTLFace's converter would name the file: ``000012/00000735.jpg``."""
        return f"{self.labels[index]:06d}/{self.keys[index]:08d}.jpg"

    def header(self, index: int) -> Header:
        """What stands before the image; errors as in `encoded`."""
        return self._record(index)[0]

    def encoded(self, index: int) -> bytes:
        """The image's file, as it was put in.

        Raises:
            ValueError: the record is damaged, holds no image, or has another label than `labels`.
            OSError: the file is gone, or another one than when it was opened.
        """
        if 0 <= index < len(self.offsets) - 1:
            place = self.offsets.item(index)
            size = self.offsets.item(index + 1) - place + len(MAGIC)
            if _LEAST <= size <= _MOST:
                image = plain_image(self.file.read(place, size), self.labels.item(index))
                if image:
                    return image
        header, image = self._record(index)
        if header.labels[0] != self.labels[index]:
            raise ValueError(
                f"{self._told(index)}: label {header.labels[0]:g} in its header, but "
                f"{self.labels[index]} by the identity records"
            )
        if not image:
            raise ValueError(f"{self._told(index)}: no image behind its header")
        return image

    def _record(self, index: int) -> tuple[Header, bytes]:
        return record(self.file, int(self.keys[index]), int(self.offsets[index]))

    def _told(self, index: int) -> str:
        return told(self.file, int(self.keys[index]), int(self.offsets[index]))


def open_records(
    path: Path, *, progress: Callable[[int, int], None] = lambda done, total: None
) -> Records:
    """The images of a ``.rec`` file, by the ``.idx`` file of the same name beside it.

    The ``.names`` file that packing leaves there is read as well.

    Args:
        path: the ``.rec`` file.
        progress: told the headers read and in all, where every image's has to be read for its
            label: a set without identity records, or one that contradicts them.

    Raises:
        FileNotFoundError: the ``.rec`` or ``.idx`` file is missing.
        ValueError: a line of the index is wrong or points past the end, record 0 contradicts the
            index, a record that had to be read is damaged, or the names are not those of the
            records.
        OSError: a file cannot be read.

    Source: layout of InsightFace's training sets; see `irlib.data.recordio.table`.
    """
    file = RandomFile(path)
    index = path.with_suffix(".idx")
    keys, offsets = read_index(index)
    _require_inside(index, file, keys, offsets)
    images, identities = images_and_identities(Listing(file, keys, offsets))
    labels, notes = labels_of(images, identities, progress)
    names = read_names(path.with_suffix(SUFFIX), images.keys, labels)
    is_packed = keys[0] == 0 and record(file, 0, int(offsets[0]))[0].id2 == PACKED
    return Records(path, images.keys, labels, notes, images.offsets, file, names, is_packed)


def _require_inside(
    index: Path, file: RandomFile, keys: NDArray[np.int64], offsets: NDArray[np.int64]
) -> None:
    # a record has at least the 8 bytes of its frame
    last = file.size - 8
    if offsets.max() <= last and np.bitwise_or.reduce(offsets) % 4 == 0:  # without large copies
        return
    row = int(np.argmax((offsets > last) | (offsets % 4 != 0)))
    raise ValueError(
        f"{index}: key {keys[row]} is at byte {offsets[row]}; expected a multiple of 4 within the "
        f"{file.size} bytes of {file.path.name}"
    )
