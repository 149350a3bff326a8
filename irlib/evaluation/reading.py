"""Images read and decoded ahead of a network, with what is wrong with each told by name.

Shapes: N images, B of them in a batch.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from irlib.data.decoding import SIZE, decode_crop
from irlib.data.embeddings import SHOWN
from irlib.data.sources import Images
from irlib.evaluation.cache import DIGEST, content_digest
from irlib.provenance import available_cores

_PIECE = 64  # images that a thread takes at a time
_AHEAD = 3  # batches decoded before they are asked for

Item = TypeVar("Item")
Failures = dict[str, str]  # why it cannot be used, by name of the image


@dataclass(frozen=True, eq=False)
class Crops:
    """A batch of crops.

    Args:
        rows: (B,) position of each in the source.
        pixels: (B, 112, 112, 3) uint8 RGB; undefined where an image failed.
        failures: of the batch.
    """

    rows: NDArray[np.int64]
    pixels: NDArray[np.uint8]
    failures: Failures = field(default_factory=dict)


def digests(images: Images) -> tuple[NDArray[np.bytes_], Failures]:
    """(N,) digest of each image's file, and the images that cannot be read."""
    found = np.zeros(len(images), dtype=DIGEST)
    failures: Failures = {}

    def take(row: int, _: int) -> None:
        found[row] = content_digest(images.encoded(row))

    with threads(available_cores()) as pool:
        pieces = [range(len(images))[at : at + _PIECE] for at in range(0, len(images), _PIECE)]
        for bad in pool.map(lambda rows: _each(images, rows, take), pieces):
            failures |= bad
    return found, failures


def decoded(images: Images, rows: NDArray[np.int64], batch_size: int) -> Iterator[Crops]:
    """Batches of some crops in order, decoded by a pool of threads some batches ahead.

    Args:
        images: the source.
        rows: (N,) positions in it.
        batch_size: B.
    """
    ahead = max(_AHEAD, 2 * available_cores() * _PIECE // batch_size)
    chunks = (rows[start : start + batch_size] for start in range(0, len(rows), batch_size))
    with threads(available_cores()) as pool:
        for crops, pieces in in_order((_begin(pool, images, chunk) for chunk in chunks), ahead):
            for piece in pieces:
                crops.failures.update(piece.result())
            yield crops


def refuse(failures: Failures, total: int, *, allowed: int = 0) -> None:
    """Refuse more failures than are allowed.

    Args:
        failures: reason by name of the image.
        total: images that were looked at.
        allowed: so many may fail.

    Raises:
        ValueError: there are more; the message counts them and tells the first ten.
    """
    if len(failures) <= allowed:
        return
    more = f"\n  and {len(failures) - SHOWN} more" if len(failures) > SHOWN else ""
    told = "".join(f"\n  {reason}" for reason in list(failures.values())[:SHOWN])
    raise ValueError(
        f"{len(failures)} of {total} images are missing or damaged; expected "
        f"{f'{allowed} at most' if allowed else 'none'}:{told}{more}"
    )


@contextmanager
def threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of threads; what they have not begun when it closes is dropped."""
    pool = ThreadPoolExecutor(count)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def in_order(begun: Iterable[Item], ahead: int) -> Iterator[Item]:
    """The items, each given out once so many later ones have been asked for too.

    Args:
        begun: work that is under way as soon as it is asked for.
        ahead: items.
    """
    pending: deque[Item] = deque()
    for item in begun:
        pending.append(item)
        if len(pending) > ahead:
            yield pending.popleft()
    yield from pending


def _begin(
    pool: ThreadPoolExecutor, images: Images, rows: NDArray[np.int64]
) -> tuple[Crops, list[Future[Failures]]]:
    pixels = np.empty((len(rows), SIZE, SIZE, 3), dtype=np.uint8)

    def decode(start: int) -> Failures:
        def take(row: int, at: int) -> None:
            decode_crop(images.encoded(row), images.name(row), pixels[start + at])

        return _each(images, rows[start : start + _PIECE].tolist(), take)

    starts = range(0, len(rows), _PIECE)
    return Crops(rows, pixels), [pool.submit(decode, start) for start in starts]


def _each(images: Images, rows: Sequence[int], take: Callable[[int, int], None]) -> Failures:
    # take(row, its place among the rows)
    failures: Failures = {}
    for at, row in enumerate(rows):
        try:
            take(row, at)
        except ValueError as error:  # its text begins with the image's name
            failures[images.name(row)] = str(error)
    return failures
