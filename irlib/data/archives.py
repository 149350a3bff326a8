"""A zip or tar archive to a folder, with every path in it checked before anything is written.

Units: bytes.
"""

import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from irlib.data.archive_members import KINDS, checked, members, parts

_CHUNK = 2**20
_DAMAGE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, UnicodeError,
    NotImplementedError,
)  # fmt: skip


def unpack_archive(
    path: Path,
    target: Path,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Unpack an archive into a new folder; gives the number of files.

    The files are written into ``<target>.partial``, which takes the target's name at the end. If
    anything goes wrong it is removed, and there is no target.

    Args:
        path: a zip, or a tar as it is or packed by gzip, bzip2 or xz; the kind is told by the
            content, not by the name.
        target: the folder to make.
        progress: told the bytes written and in all.

    Raises:
        FileNotFoundError: there is no such archive.
        FileExistsError: there is a target, or a partial one.
        ValueError: it is no such archive, damaged or encrypted; it holds a path that leads out of
            the target, a link, a device, or names that are one on some file systems; or it is
            larger than what is free on the disk.
        OSError: the target cannot be written.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such archive; expected {KINDS}")
    partial = unfinished(target)
    _require_absent(target, partial)
    with _damage_named(path):
        files, total = checked(path)
    _require_room(path, total, target)
    partial.mkdir(parents=True)
    try:
        with _damage_named(path):
            _write(path, partial, total, progress)
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return files


def unfinished(target: Path) -> Path:
    """The folder that an archive is unpacked into until it is whole, beside the target."""
    return target.with_name(f"{target.name}.partial")


def _require_absent(target: Path, partial: Path) -> None:
    if target.exists():
        raise FileExistsError(f"{target}: exists; name a new folder, or remove this one")
    if partial.exists():
        raise FileExistsError(
            f"{partial}: left by an unpacking that was stopped, or one still at work; remove it"
        )


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        reason = str(error).partition("\n")[0]  # tarfile tells of every compression it tried
        raise ValueError(f"{path}: damaged, or cut short ({reason})") from None
    except OSError as error:
        if error.errno is not None:  # the disk's; gzip's and bzip2's own have no number
            raise
        raise ValueError(f"{path}: damaged, or cut short ({error})") from None


def _require_room(path: Path, total: int, target: Path) -> None:
    there = next(folder for folder in target.absolute().parents if folder.exists())
    free = shutil.disk_usage(there).free
    if total > free:
        raise ValueError(f"{path}: unpacks to {total:,} bytes, but {there} has {free:,} free")


def _write(path: Path, folder: Path, total: int, progress: Callable[[int, int], None]) -> None:
    done = 0
    for member, opened in members(path):
        place = folder.joinpath(*parts(path, member.name))
        if member.is_folder:
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        size = 0
        with opened() as source, place.open("xb") as file:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                if size > member.size:
                    break
                file.write(chunk)
                progress(done + size, total)
        if size != member.size:
            raise ValueError(f"{path}: {member.name!r} is not of the {member.size} bytes it says")
        done += size
