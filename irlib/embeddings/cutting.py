"""Photographs to aligned crops, many at a time; those that give none are told with the reason.

Shapes: N photographs, M of them that gave a crop; crops of 112x112.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irlib.data.alignment import align
from irlib.data.alignment.cutting import encode
from irlib.data.decoding import SIZE, decode
from irlib.data.sources import Images
from irlib.embeddings.finding import FaceFinder

DAMAGED, NO_FACE, NO_CROP = "damaged", "no face", "not a crop"  # kinds of failure

_EXPECTED = f"expected an aligned {SIZE}x{SIZE} crop; a detector would find the face"

CHUNK = 512  # photographs that are cut while as many before them are embedded


@dataclass(frozen=True)
class Failure:
    """A photograph that gave no embedding.

    Args:
        name: what it is called.
        kind: `DAMAGED`, `NO_FACE` or `NO_CROP`.
        reason: in words.
    """

    name: str
    kind: str
    reason: str


@dataclass(frozen=True, eq=False)
class Cut:
    """What one photograph gave.

    Args:
        name: what it is called.
        crop: (112, 112, 3) uint8 RGB, None for a failure.
        kind: of the failure, else empty.
        remark: the reason of a failure, or what is to be said of the crop; may be empty.
    """

    name: str
    crop: NDArray[np.uint8] | None = None
    kind: str = ""
    remark: str = ""


@dataclass(frozen=True, eq=False)
class Crops:
    """Crops in memory, as `irlib.data.sources.Images`.

    Args:
        names: M names.
        crops: M arrays (112, 112, 3) uint8 RGB.
    """

    names: tuple[str, ...]
    crops: tuple[NDArray[np.uint8], ...]

    def __len__(self) -> int:
        """Number of crops, M."""
        return len(self.crops)

    def name(self, index: int) -> str:
        """What the crop is called."""
        return self.names[index]

    def encoded(self, index: int) -> bytes:
        """The crop as a BMP, which is made fastest and loses nothing."""
        return encode(self.crops[index], ".bmp")


def cut(images: Images, index: int, finder: FaceFinder | None) -> Cut:
    """The crop of one photograph, or why there is none.

    A picture of 112x112 pixels is a crop already and stays as it is.

    Args:
        images: the photographs.
        index: of one of them.
        finder: finds the face; None takes crops only.
    """
    name = images.name(index)
    try:
        data = images.encoded(index)
        picture = decode(data, name)
    except ValueError as error:
        return Cut(name, None, DAMAGED, _without(name, error))
    if picture.shape[:2] == (SIZE, SIZE):
        return Cut(name, picture)
    if finder is None:
        height, width = picture.shape[:2]
        return Cut(name, None, NO_CROP, f"{width}x{height} pixels, {_EXPECTED}")
    try:
        points, remark = finder.find(name, data, picture)
        return Cut(name, align(picture, points), "", remark)
    except ValueError as error:
        return Cut(name, None, NO_FACE, _without(name, error))


def cut_all(images: Images, finder: FaceFinder | None, *, workers: int = 1) -> Iterator[list[Cut]]:
    """What each photograph gave, in order, in lists of at most `CHUNK`.

    The next list is made by threads while the caller works on one.

    Args:
        images: N photographs.
        finder: finds the faces; None takes crops only.
        workers: threads; decoding and detection leave Python's lock.
    """
    pool = ThreadPoolExecutor(max(1, workers))
    ahead: deque[list[Future[Cut]]] = deque()
    try:
        for start in range(0, len(images), CHUNK):
            rows = range(start, min(start + CHUNK, len(images)))
            ahead.append([pool.submit(cut, images, row, finder) for row in rows])
            if len(ahead) > 1:
                yield [each.result() for each in ahead.popleft()]
        while ahead:
            yield [each.result() for each in ahead.popleft()]
    finally:
        pool.shutdown(cancel_futures=True)


# the name stands beside the reason
def _without(name: str, error: ValueError) -> str:
    return str(error).removeprefix(f"{name}: ")
