"""Embeddings on disk, found again by the content of the image and the network that made them.

Every addition writes two files, which no later one changes: the digests of the images and their
embeddings. Both bear the hash of their content, so what two processes write at once is either
equal or lies apart, and damage is noticed. The digests come last: without them a file does not
count, and a process that is killed half-way leaves nothing wrong behind.

Shapes: N images, B of them in a batch, D embedding size.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib import provenance
from irlib.runs import atomic_path

DIGEST = np.dtype("S32")  # of a SHA-256; as texts of bytes they can be sorted
_DIGESTS, _ROWS = ".digests.npy", ".rows.npy"
_KEEP = 8_192  # new embeddings that are written at a time


def content_digest(content: bytes) -> bytes:
    """SHA-256 of an image's file, 32 bytes."""
    return hashlib.sha256(content).digest()


class Shelf:
    """The embeddings of one network; made by `EmbeddingCache.shelf`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def found(self, digests: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Which images are known, (N,), and the embeddings of those, in their order.

        Args:
            digests: (N,) `content_digest` of each image.

        Raises:
            ValueError: a file is damaged, or two of them hold embeddings of different sizes.
        """
        wanted, place = np.unique(np.asarray(digests, dtype=DIGEST), return_inverse=True)
        known = np.zeros(len(wanted), dtype=bool)
        rows = np.empty((len(wanted), 0), dtype=np.float32)
        for path in sorted(self.folder.glob(f"*{_DIGESTS}")) if len(wanted) else ():
            theirs, values = _opened(path)
            at = np.searchsorted(wanted, theirs).clip(max=len(wanted) - 1)
            taken = (wanted[at] == theirs) & ~known[at]
            if not taken.any():
                continue
            _require_whole(path, theirs, values)
            if not known.any():
                rows = np.empty((len(wanted), values.shape[1]), dtype=np.float32)
            if values.shape[1] != rows.shape[1]:
                raise ValueError(
                    f"{path.parent}: embeddings of {rows.shape[1]} and of {values.shape[1]} "
                    "numbers; expected a key of its own for each network"
                )
            rows[at[taken]], known[at[taken]] = values[taken], True
        mask = known[place]
        return mask, rows[place[mask]]

    def add(self, digests: ArrayLike, rows: ArrayLike) -> None:
        """Keep some embeddings.

        Args:
            digests: (N,) `content_digest` of each image.
            rows: (N, D) embeddings.
        """
        digests = np.asarray(digests, dtype=DIGEST)
        rows = np.ascontiguousarray(rows, dtype=np.float32)
        path = self.folder / f"{_content(digests, rows)}{_DIGESTS}"
        for target, values in ((_rows_of(path), rows), (path, digests)):
            with atomic_path(target) as temporary:
                np.save(temporary, values)


class EmbeddingCache:
    """Embeddings below a folder, any part of which may be deleted at any time.

    Args:
        folder: made when something is first added.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def shelf(self, key: str, *, flip: bool = False) -> Shelf:
        """Where the embeddings of one network are.

        Args:
            key: text that tells the network and what it is given from every other.
            flip: whether the embedding of the mirrored image is added.
        """
        return Shelf(self.folder / provenance.digest(key) / ("flip" if flip else "plain"))


def kept(
    made: Iterator[NDArray[np.float32]], shelf: Shelf | None, contents: NDArray[np.bytes_]
) -> Iterator[NDArray[np.float32]]:
    """Batches of new embeddings (B, D) as they come, which go to the cache whatever stops them.

    Args:
        made: the batches.
        shelf: where they are kept; None keeps none.
        contents: (N,) `content_digest` of each image.
    """
    waiting: list[NDArray[np.float32]] = []
    start = end = 0
    try:
        for rows in made:
            waiting.append(rows)
            end += len(rows)
            if shelf and end - start >= _KEEP:
                shelf.add(contents[start:end], np.concatenate(waiting))
                start, waiting = end, []
            yield rows
    finally:
        if shelf and waiting:
            shelf.add(contents[start:end], np.concatenate(waiting))


def _rows_of(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(_DIGESTS) + _ROWS)


def _content(digests: NDArray[np.bytes_], rows: NDArray[np.float32]) -> str:
    content = hashlib.sha256(digests)
    content.update(rows)
    return content.hexdigest()


def _opened(path: Path) -> tuple[NDArray[np.bytes_], NDArray[np.float32]]:
    # the embeddings stay on the disk until they are taken
    try:
        digests = np.load(path, allow_pickle=False)
        rows = np.load(_rows_of(path), mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(path, str(error)) from error
    fits = digests.dtype == DIGEST and rows.dtype == np.float32 and rows.ndim == 2
    if not fits or digests.shape != rows.shape[:1]:
        raise _damaged(path, f"{len(digests)} digests for {rows.shape} embeddings")
    return digests, rows


def _require_whole(path: Path, digests: NDArray[np.bytes_], rows: NDArray[np.float32]) -> None:
    if f"{_content(digests, rows)}{_DIGESTS}" != path.name:
        raise _damaged(path, "its content is not what was written")


def _damaged(path: Path, reason: str) -> ValueError:
    return ValueError(
        f"{path}: a damaged part of the cache of embeddings ({reason}); delete it and "
        f"{_rows_of(path).name}: their images are then embedded anew"
    )
