"""Every image read once: which are damaged, and hashes of all of them.

Shapes: N images.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irlib.data.decoding import SIZE, decode, decode_crop
from irlib.data.folders import NAMES
from irlib.data.manifests import content_hash, list_hash
from irlib.data.sources import Images

_PIECE = 64  # images a thread takes at a time
_CHUNK = 1024  # images between two words of progress
_DIGEST = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Check:
    """What reading every image found.

    Args:
        images: how many were read, N.
        list_sha256: hash of the sorted names; see `irlib.data.manifests`.
        content_sha256: hash of the sorted names, each with the hash of its file.
        broken: (name, reason) of every image that is damaged or no aligned crop.
    """

    images: int
    list_sha256: str
    content_sha256: str
    broken: tuple[tuple[str, str], ...]


def check_images(
    images: Images,
    *,
    are_crops: bool = True,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Check:
    """Decode and hash every image of a set.

    Args:
        images: N encoded images.
        are_crops: whether they are aligned, so that another size is a damage.
        workers: threads; decoding leaves Python's lock.
        progress: told the images done and in all.
    """
    count = len(images)
    digests = np.zeros((count, _DIGEST), dtype=np.uint8)  # zeros where nothing could be read
    broken: list[tuple[str, str]] = []
    with ThreadPoolExecutor(max(1, workers)) as pool:
        for start in range(0, count, _CHUNK):
            stop = min(start + _CHUNK, count)
            pieces = [range(at, min(at + _PIECE, stop)) for at in range(start, stop, _PIECE)]
            for found in pool.map(partial(_check, images, digests, are_crops), pieces):
                broken += found
            progress(stop, count)
    names = np.empty(count, dtype=NAMES)
    for start in range(0, count, _CHUNK):
        rows = range(start, min(start + _CHUNK, count))
        names[rows.start : rows.stop] = [images.name(row) for row in rows]
    order = np.argsort(names, kind="stable")
    return Check(
        count,
        list_hash((name for name, _ in _in_order(names, digests, order)), in_order=True),
        content_hash(_in_order(names, digests, order), in_order=True),
        tuple(broken),
    )


def _check(
    images: Images, digests: NDArray[np.uint8], are_crops: bool, rows: Iterable[int]
) -> list[tuple[str, str]]:
    broken, pixels = [], np.empty((SIZE, SIZE, 3), dtype=np.uint8)
    for row in rows:
        name = images.name(row)
        try:
            data = images.encoded(row)
            digests[row] = np.frombuffer(hashlib.sha256(data).digest(), dtype=np.uint8)
            decode_crop(data, name, pixels) if are_crops else decode(data, name)
        except ValueError as error:
            broken.append((name, str(error).removeprefix(f"{name}: ")))
    return broken


def _in_order(
    names: NDArray[Any], digests: NDArray[np.uint8], order: NDArray[np.intp]
) -> Iterator[tuple[str, str]]:
    # a few at a time: as Python's own texts, the names of millions would fill the memory
    for start in range(0, len(order), _CHUNK):
        rows = order[start : start + _CHUNK]
        hashes = digests[rows].tobytes().hex(" ", _DIGEST).split()
        yield from zip(names[rows].tolist(), hashes, strict=True)
