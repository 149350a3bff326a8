"""Images packed into a record file with record 0 and identity records, as InsightFace makes them.

A set is ``train.rec``, ``train.idx``, ``property`` (classes, height, width) and ``train.names``
(key, label and name of each image; see `irlib.data.recordio.names`). While it is made there are
``.partial`` files, from which a run that was stopped goes on.

Shapes: N images.
Units: sizes in bytes.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import ArrayLike

from irlib import runs
from irlib.data.decoding import SIZE
from irlib.data.recordio.files import RandomFile
from irlib.data.recordio.framing import content_of
from irlib.data.recordio.index import numbers_in
from irlib.data.recordio.names import SUFFIX
from irlib.data.recordio.plan import Plan, plan
from irlib.data.sources import Images

_STEP = 64 << 20  # between two times that the disk is waited for
_REC, _IDX, _NAMES = "train.rec", "train.idx", "train" + SUFFIX
_PROPERTY = "property"


@dataclass(frozen=True)
class Packed:
    """What was packed.

    Args:
        written: images written now.
        skipped: images that an earlier run had written.
    """

    written: int
    skipped: int


def pack(
    images: Images,
    labels: ArrayLike,
    folder: Path,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Packed:
    """Write images into a set of records with their bytes as they are, and count them.

    Images are ordered by label, and within a label as they are given; the keys count from 1.

    Args:
        images: the images.
        labels: (N,) whole number of each image's identity.
        folder: made if it is missing; may hold what an earlier run with the same names and labels
            left: an unfinished set is gone on with, a finished one is left as it is.
        progress: told the images done and in all.

    Raises:
        FileExistsError: the folder holds another set, finished or not.
        ValueError: the labels are wrong, a name has a line break or is not UTF-8, or an image
            cannot be read; those before it are kept.
        OSError: the folder cannot be written or the disk is too small.

    Source: what InsightFace's training sets hold, and the order in which their maker wrote it.
    """
    planned = plan(images, labels)
    digest = _digest(planned.listing())
    folder.mkdir(parents=True, exist_ok=True)
    if _is_finished(folder, digest):
        _remove_partial(folder)
        return Packed(0, planned.num_images)
    _begin(folder, planned, digest)
    first, place = _kept(folder)
    _require_space(folder, planned.expected_bytes() - place)
    _write(folder, planned, first, place, progress)
    _finish(folder, planned)
    skipped = min(max(first - 1, 0), planned.num_images)
    return Packed(planned.num_images - skipped, skipped)


def _partial(folder: Path, name: str) -> Path:
    return folder / f"{name}.partial"


def _digest(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _lists(path: Path, digest: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest


def _is_finished(folder: Path, digest: str) -> bool:
    # train.rec comes last
    if (folder / _REC).exists():
        if (folder / _IDX).is_file() and _lists(folder / _NAMES, digest):
            return True
        raise FileExistsError(
            f"{folder / _REC}: a set of other images; expected a folder without one"
        )
    there = [name for name in (_IDX, _NAMES, _PROPERTY) if (folder / name).exists()]
    if there and not _partial(folder, _REC).exists():
        raise FileExistsError(f"{folder / there[0]}: of another set; expected a folder without one")
    return False


def _begin(folder: Path, planned: Plan, digest: str) -> None:
    listing = _partial(folder, _NAMES)
    if _lists(listing, digest):
        return
    there = [name for name in (_REC, _IDX, _NAMES) if _partial(folder, name).exists()]
    if there:
        raise FileExistsError(
            f"{_partial(folder, there[0])}: of an unfinished set of other images; delete the "
            ".partial files to begin anew"
        )
    with runs.atomic_path(listing) as temporary, temporary.open("wb") as file:
        file.writelines(planned.listing())


def _kept(folder: Path) -> tuple[int, int]:
    # whole records that an earlier run left, and the byte behind them; all else is cut off
    rec, idx = _partial(folder, _REC), _partial(folder, _IDX)
    rec.touch()
    idx.touch()
    text = idx.read_bytes()
    end = text.rfind(b"\n") + 1  # the last line may be cut
    numbers = numbers_in(idx, text[:end])
    keys, offsets = numbers[0::2], numbers[1::2]
    if not np.array_equal(keys, np.arange(len(offsets))):
        raise ValueError(f"{idx}: not what packing leaves; delete the .partial files")
    count, place = len(keys), 0
    while count and not (place := _end_of(RandomFile(rec), int(offsets[count - 1]))):
        end = text.rfind(b"\n", 0, end - 1) + 1
        count -= 1
    os.truncate(idx, end)
    os.truncate(rec, place)
    return count, place


def _end_of(file: RandomFile, offset: int) -> int:
    # 0 where no whole record begins
    try:
        end = content_of(file, offset)[1]
    except ValueError:
        return 0
    return end if end <= file.size else 0


def _require_space(folder: Path, needed: int) -> None:
    if (free := shutil.disk_usage(folder).free) < needed:
        told = f"{needed / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free"
        raise OSError(errno.ENOSPC, told, str(folder))


def _write(
    folder: Path, planned: Plan, first: int, place: int, progress: Callable[[int, int], None]
) -> None:
    rec, idx = _partial(folder, _REC), _partial(folder, _IDX)
    try:
        # the records are closed first: no line of the index is there before its record
        with idx.open("ab") as index, rec.open("ab") as records:
            saved = place
            for key in range(first, planned.num_images + planned.num_classes + 1):
                record = planned.record(key)
                records.write(record)
                index.write(b"%d\t%d\n" % (key, place))
                place += len(record)
                if place - saved >= _STEP:
                    _save(records, index)
                    saved = place
                if 0 < key <= planned.num_images:
                    progress(key, planned.num_images)
            _save(records, index)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        told = "the disk is full; free some space and start again: it goes on from here"
        raise OSError(errno.ENOSPC, told, str(rec)) from error


def _save(records: BinaryIO, index: BinaryIO) -> None:
    for file in (records, index):
        file.flush()
        os.fsync(file.fileno())


def _finish(folder: Path, planned: Plan) -> None:
    for name in (_IDX, _NAMES):
        with runs.atomic_path(folder / name) as temporary:
            shutil.copyfile(_partial(folder, name), temporary)
    runs.write_text(folder / _PROPERTY, f"{planned.num_classes},{SIZE},{SIZE}")
    _partial(folder, _REC).replace(folder / _REC)
    _remove_partial(folder)


def _remove_partial(folder: Path) -> None:
    for name in (_IDX, _NAMES):
        _partial(folder, name).unlink(missing_ok=True)
