"""The beginnings of many records at once, and the labels in them.

Shapes: n records.
Units: offsets in bytes.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from irlib.data.recordio.files import RandomFile
from irlib.data.recordio.framing import EXACT, HEAD, Header, content_of, header_of, is_plain

_WINDOW = 4 << 20  # bytes read at once
_FEW = 1 << 14  # records at once where each is read by itself
_FAR = 64 << 10  # bytes between records from which on reading all between takes longer


def record(file: RandomFile, key: int, offset: int) -> tuple[Header, bytes]:
    """Header and encoded image of one record.

    Raises:
        ValueError: it is damaged; the message names the file, the key and the offset.
    """
    try:
        return header_of(content_of(file, offset)[0])
    except ValueError as error:
        raise ValueError(f"{told(file, key, offset)}: {error}") from None


def told(file: RandomFile, key: int, offset: int) -> str:
    """What to call a record in an error."""
    return f"{file.path}: record {key} at byte {offset}"


def heads(file: RandomFile, offsets: NDArray[np.int64]) -> Iterator[NDArray[np.void]]:
    """The beginnings of records in pieces of `HEAD`, zero past the end of the file.

    Args:
        file: the records.
        offsets: (n,) where they begin, ascending.
    """
    if len(offsets) and offsets[-1] - offsets[0] > _FAR * len(offsets):
        yield from _one_by_one(file, offsets)
    else:
        yield from _by_windows(file, offsets)


def labels_in(
    file: RandomFile,
    keys: NDArray[np.int64],
    offsets: NDArray[np.int64],
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> NDArray[np.int64]:
    """First label of each record, (n,), read from the records themselves.

    Args:
        file: the records.
        keys: (n,) their keys.
        offsets: (n,) where they begin, in any order.
        progress: told the records done and in all.

    Raises:
        ValueError: a record is damaged, or its label is no class; the message names it.
    """
    ordered = bool((offsets[1:] > offsets[:-1]).all())
    order = None if ordered else np.argsort(offsets)
    labels = np.empty(len(offsets), dtype=np.int64)
    done = 0
    for some in heads(file, offsets if order is None else offsets[order]):
        rows = slice(done, done + len(some)) if order is None else order[done : done + len(some)]
        labels[rows] = _labels(file, keys[rows], offsets[rows], some)
        done += len(some)
        progress(done, len(offsets))
    return labels


def _labels(
    file: RandomFile, keys: NDArray[np.int64], offsets: NDArray[np.int64], some: NDArray[np.void]
) -> NDArray[np.int64]:
    values = np.where(some["flag"] > 0, some["labels"][:, 0], some["label"])
    for row in np.flatnonzero(~is_plain(some)):  # split, or damaged
        header, _ = record(file, int(keys[row]), int(offsets[row]))
        values[row] = header.labels[0]
    # NaN and infinity fail the comparisons
    good = (values >= 0) & (values < EXACT) & (np.floor(values) == values)
    if not good.all():
        row = int(np.argmin(good))
        raise ValueError(
            f"{told(file, int(keys[row]), int(offsets[row]))}: label {values[row]}; expected a "
            f"whole number from 0 to {EXACT - 1}"
        )
    return values.astype(np.int64)


def _one_by_one(file: RandomFile, offsets: NDArray[np.int64]) -> Iterator[NDArray[np.void]]:
    size = HEAD.itemsize
    for start in range(0, len(offsets), _FEW):
        places = offsets[start : start + _FEW].tolist()
        yield np.frombuffer(
            b"".join([file.read(place, size).ljust(size, b"\0") for place in places]), HEAD
        )


def _by_windows(file: RandomFile, offsets: NDArray[np.int64]) -> Iterator[NDArray[np.void]]:
    size, done = HEAD.itemsize, 0
    while done < len(offsets):
        place = int(offsets[done])
        # at least this record, and all that begin in the window
        end = done + int(np.searchsorted(offsets[done:], place + _WINDOW))
        span = int(offsets[end - 1]) - place + size
        data = np.frombuffer(file.read(place, span).ljust(span, b"\0"), np.uint8)
        every = np.lib.stride_tricks.sliding_window_view(data, size)
        yield every[offsets[done:end] - place].view(HEAD)[:, 0]
        done = end
