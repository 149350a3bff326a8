"""Which records are images and whose: record 0 and the identity records, as far as they hold.

A set made by InsightFace has a record 0 with the labels [N + 1, N + 1 + M], images under the keys
1 to N, and behind them M identity records with the labels [first, last + 1] of that person's keys.
A set without record 0, or with an image in it, has images only.

Shapes: R records, N images, M identity records.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irlib.data.recordio.files import RandomFile
from irlib.data.recordio.framing import EXACT, HEAD, TABLE_BYTES, is_plain
from irlib.data.recordio.heads import heads, labels_in, record, told

_Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Listing:
    """Some records of a file.

    Args:
        file: the records.
        keys: (n,) ascending.
        offsets: (n,) first byte of each.
    """

    file: RandomFile
    keys: NDArray[np.int64]
    offsets: NDArray[np.int64]

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> "Listing":
        """Those at some positions."""
        return Listing(self.file, self.keys[rows], self.offsets[rows])

    def __len__(self) -> int:
        """Number of records, n."""
        return len(self.keys)


def images_and_identities(records: Listing) -> tuple[Listing, Listing]:
    """The images, and the identity records, of all records of a file.

    Raises:
        ValueError: record 0 is damaged, or announces other numbers than the index lists.
    """
    none = records[:0]
    if records.keys[0] != 0:
        return records, none
    header, image = record(records.file, 0, int(records.offsets[0]))
    if header.flag != 2 or image:
        return records, none
    behind, end = header.labels
    if not (1 <= behind <= end < np.inf and behind % 1 == end % 1 == 0):  # NaN fails too
        raise ValueError(
            f"{told(records.file, 0, int(records.offsets[0]))}: labels {behind:g} and {end:g}; "
            "expected the first key after the images, and the first after the identity records"
        )
    rest = records[1:]
    if behind >= EXACT:  # rounded by the float: the index knows better
        first = _first_identity(rest)
    else:
        first = int(np.searchsorted(rest.keys, behind))
        _require_announced(rest, first, int(behind), int(end))
    if not first:
        raise ValueError(f"{records.file.path}: no image is listed in its index")
    return rest[:first], rest[first:]


def labels_of(
    images: Listing, identities: Listing, progress: _Progress
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Label of each image, (N,), and remarks on what was found.

    The identity records are believed where each image is in one of them, and the first and the last
    of each have one label. Otherwise the header of every image is read, which takes much longer.

    Raises:
        ValueError: a record that was read is damaged, or its label is no class.
    """
    if not len(identities):
        return labels_in(images.file, images.keys, images.offsets, progress=progress), ()
    ranges = _ranges(identities)
    empty = ranges[:, 0] == ranges[:, 1]
    notes = [f"identity record {key} lists no image" for key in identities.keys[empty]]
    ranges = ranges[~empty]
    ranges = ranges[np.argsort(ranges[:, 0], kind="stable")]
    fault = _fault(images, ranges)
    if not fault:
        first = images[ranges[:, 0].astype(np.int64) - 1]
        last = images[ranges[:, 1].astype(np.int64) - 2]
        labels = labels_in(images.file, first.keys, first.offsets)
        other = labels_in(images.file, last.keys, last.offsets) != labels
        if not other.any():
            counts = (ranges[:, 1] - ranges[:, 0]).astype(np.int64)
            return np.repeat(labels, counts), tuple(notes)
        row = int(np.argmax(other))
        fault = f"keys {first.keys[row]} and {last.keys[row]} of one record have two labels"
    notes.append(f"identity records not used: {fault}; labels are from the images' headers")
    labels = labels_in(images.file, images.keys, images.offsets, progress=progress)
    return labels, tuple(notes)


def _require_announced(rest: Listing, first: int, behind: int, end: int) -> None:
    listed = (first, len(rest) - first)
    # rounded by the float, the number of identity records is the index's to tell
    announced = (behind - 1, end - behind if end < EXACT else listed[1])
    if announced != listed:
        raise ValueError(
            f"{rest.file.path}: record 0 announces {announced[0]} images and {announced[1]} "
            f"identity records, but the index lists {listed[0]} and {listed[1]}"
        )
    if end < EXACT and len(rest) and rest.keys[-1] >= end:
        raise ValueError(
            f"{rest.file.path}: record 0 announces keys below {end}, but the index lists "
            f"{rest.keys[-1]}"
        )


def _first_identity(rest: Listing) -> int:
    # identity records stand behind the images and differ by their content
    low, high = 0, len(rest)
    while low < high:
        middle = (low + high) // 2
        if _is_identity(_heads(rest[middle : middle + 1]))[0]:
            high = middle
        else:
            low = middle + 1
    return low


def _heads(some: Listing) -> NDArray[np.void]:
    order = np.argsort(some.offsets)
    found = np.empty(len(some), HEAD)
    found[order] = np.concatenate(list(heads(some.file, some.offsets[order])))
    return found


def _is_identity(found: NDArray[np.void]) -> NDArray[np.bool_]:
    return is_plain(found) & (found["flag"] == 2) & (found["length"] == TABLE_BYTES)


def _ranges(identities: Listing) -> NDArray[np.float64]:
    # (M, 2) first key and the key after the last, as the records have them
    found = _heads(identities)
    good = _is_identity(found)
    if not good.all():
        row = int(np.argmin(good))
        at = told(identities.file, int(identities.keys[row]), int(identities.offsets[row]))
        raise ValueError(f"{at}: not an identity record; expected two labels and no image")
    return found["labels"].astype(np.float64)


def _fault(images: Listing, ranges: NDArray[np.float64]) -> str:
    # why the ranges do not tell each image's label; empty if they do
    count = len(images)
    if images.keys[-1] != count:  # ascending and distinct, from 1 on
        return f"the keys are not 1 to {count}"
    whole = np.isfinite(ranges).all() and (np.floor(ranges) == ranges).all()
    if not whole or (ranges >= EXACT).any():
        return f"a first or last key is not a whole number below {EXACT}"
    if (ranges[:, 0] > ranges[:, 1]).any():
        return "one ends before it begins"
    edges = np.append(ranges[:, 0], count + 1)
    if not len(ranges) or edges[0] != 1 or (ranges[:, 1] != edges[1:]).any():
        return f"they overlap, or do not list the images 1 to {count} once each"
    return ""
