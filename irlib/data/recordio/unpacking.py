"""A record file as a folder of images, one sub-folder a label.

Shapes: N images.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from irlib import runs
from irlib.data.recordio.names import in_folder, misfit_of_tree
from irlib.data.recordio.reader import Records, open_records

_SUFFIXES = (
    (b"\xff\xd8\xff", ".jpg"), (b"\x89PNG\r\n\x1a\n", ".png"), (b"BM", ".bmp"),
)  # fmt: skip


@dataclass(frozen=True)
class Unpacked:
    """What was unpacked.

    Args:
        written: images written now.
        skipped: images that were there already.
        damaged: (name, reason) of the images that could not be read.
        notes: remarks of the reader, see `Records`, and on names that could not be kept.
    """

    written: int
    skipped: int
    damaged: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def unpack(
    path: Path,
    folder: Path,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Unpacked:
    """Write each image into a folder with the bytes it has in the file, and count them.

    An image that was packed from a folder of identities gets its ``folder/image`` back. Others are
    called ``<label>/<key>`` with six and eight digits, and the suffix of their content. An image
    that is there with the right size is left alone, so a run that was stopped goes on where it was.

    Args:
        path: the ``.rec`` file.
        folder: made if it is missing; may hold what an earlier run left.
        progress: told the images done and in all.

    Raises:
        FileNotFoundError: the ``.rec`` or ``.idx`` file is missing.
        ValueError: the file cannot be opened; see `open_records`.
        OSError: the folder cannot be written, or the disk is full; images written before are kept.

    Source: names as MTLFace's converter gives them.
    """
    records = open_records(path)
    named, notes = _naming(records)
    folder.mkdir(parents=True, exist_ok=True)
    _require_space(records, folder)
    written, damaged = 0, []
    made: set[str] = set()
    for index in range(len(records)):
        name = records.name(index)
        try:
            image = records.encoded(index)
        except ValueError as error:
            damaged.append((name, str(error)))
        else:
            target = in_folder(name) if named else _by_number(records, index, image)
            written += _write_missing(folder, target, image, made)
        progress(index + 1, len(records))
    return Unpacked(written, len(records) - written - len(damaged), tuple(damaged), notes)


def suffix(image: bytes) -> str:
    """Suffix of a file by its content; that of a JPEG where the content tells nothing."""
    if image[:4] == b"RIFF" and image[8:12] == b"WEBP":
        return ".webp"
    return next((ending for start, ending in _SUFFIXES if image.startswith(start)), ".jpg")


def _naming(records: Records) -> tuple[bool, tuple[str, ...]]:
    # whether the names can be kept, and the remarks
    if records.names is None:
        return False, records.notes
    if not (misfit := misfit_of_tree(records.names, records.labels)):
        return True, records.notes
    return False, (
        *records.notes,
        f"the images have new names, <label>/<key>, as {misfit}; an age file of the old names does "
        "not fit them any more",
    )


def _by_number(records: Records, index: int, image: bytes) -> str:
    return str(Path(records.number(index)).with_suffix(suffix(image)))


def _write_missing(folder: Path, name: str, image: bytes, made: set[str]) -> bool:
    path = folder / name
    if (parent := name.partition("/")[0]) not in made:
        path.parent.mkdir(exist_ok=True)
        made.add(parent)
    try:
        if path.stat().st_size == len(image):
            return False
    except FileNotFoundError:
        pass
    # beside the classes, so that a run that is killed leaves nothing in one; and without waiting
    # for the disk, which would take hours for millions of files
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=runs.TEMPORARY)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(image)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return True


def _require_space(records: Records, folder: Path) -> None:
    if any(folder.iterdir()):  # it may hold part of the images
        return
    needed, free = records.file.size, shutil.disk_usage(folder).free
    if free < needed:
        told = f"{needed / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free"
        raise OSError(errno.ENOSPC, told, str(folder))
