"""Every image read once: which are damaged, and hashes of all of them.

Shapes: N images.
"""

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irlib.data.decoding import SIZE, decode_crop
from irlib.data.folders import NAMES
from irlib.data.sources import Images

_PIECE = 64  # images a thread takes at a time
_CHUNK = 1024  # images between two words of progress
_DIGEST = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Check:
    """What reading every image found.

    Args:
        images: how many were read, N.
        list_sha256: hash of the sorted names, as `irlib.data.manifests.list_hash` has it.
        content_sha256: hash of the sorted names, each with the hash of its file.
        broken: (name, reason) of every image that is damaged or no aligned crop.
    """

    images: int
    list_sha256: str
    content_sha256: str
    broken: tuple[tuple[str, str], ...]

    def require_sound(self) -> "Check":
        """The check itself.

        Raises:
            ValueError: images are damaged; the first ten are named.
        """
        if self.broken:
            listed = "\n  ".join(f"{name}: {reason}" for name, reason in self.broken[:10])
            more = "" if len(self.broken) <= 10 else f"\n  and {len(self.broken) - 10} more"
            raise ValueError(f"{len(self.broken)} of {self.images} images:\n  {listed}{more}")
        return self


def check_images(
    images: Images,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Check:
    """Decode and hash every image of a set of aligned crops.

    Args:
        images: N encoded images.
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
            for found in pool.map(lambda piece: _check(images, piece, digests), pieces):
                broken += found
            progress(stop, count)
    names = np.empty(count, dtype=NAMES)
    for start in range(0, count, _CHUNK):
        rows = range(start, min(start + _CHUNK, count))
        names[rows.start : rows.stop] = [images.name(row) for row in rows]
    return Check(count, *_hashes(names, digests), tuple(broken))


def _check(
    images: Images, rows: Iterable[int], digests: NDArray[np.uint8]
) -> list[tuple[str, str]]:
    broken, pixels = [], np.empty((SIZE, SIZE, 3), dtype=np.uint8)
    for row in rows:
        name = images.name(row)
        try:
            data = images.encoded(row)
            digests[row] = np.frombuffer(hashlib.sha256(data).digest(), dtype=np.uint8)
            decode_crop(data, name, pixels)
        except ValueError as error:
            broken.append((name, str(error).removeprefix(f"{name}: ")))
    return broken


def _hashes(names: NDArray[Any], digests: NDArray[np.uint8]) -> tuple[str, str]:
    listed, content = hashlib.sha256(), hashlib.sha256()
    order = np.argsort(names, kind="stable")
    for start in range(0, len(order), _CHUNK):
        rows = order[start : start + _CHUNK]
        chosen = names[rows].tolist()
        hashes = digests[rows].tobytes().hex()
        listed.update("".join(f"{name}\n" for name in chosen).encode())
        lines = (
            f"{name} {hashes[at * 2 * _DIGEST : (at + 1) * 2 * _DIGEST]}\n"
            for at, name in enumerate(chosen)
        )
        content.update("".join(lines).encode())
    return listed.hexdigest(), content.hexdigest()
