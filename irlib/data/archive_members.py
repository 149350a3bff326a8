"""What is inside a zip or tar archive, and whether all of it may be unpacked.

Units: bytes.
"""

import re
import stat
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

KINDS = "zip, tar, tar.gz, tar.bz2 and tar.xz"

_DRIVE = re.compile(r"[A-Za-z]:")
_SIGNATURES = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")  # gzip, bzip2, xz
_COMPRESSIONS = (
    zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA,
)  # fmt: skip
_ENCRYPTED = 0x2041  # flags: encrypted, strongly, with its directory
_UTF8 = 0x800  # flag: the name is UTF-8


@dataclass(frozen=True)
class Member:
    """One entry of an archive.

    Args:
        name: its path as the archive has it; see `parts`.
        is_folder: a folder, else a file.
        size: bytes of the file once unpacked, as the archive says.
    """

    name: str
    is_folder: bool
    size: int


Members = Iterator[tuple[Member, Callable[[], IO[bytes]]]]


def members(path: Path) -> Members:
    """The entries of an archive, each with what opens it; the next entry closes it.

    Raises:
        ValueError: no archive of a kind in `KINDS`, or an entry that is encrypted, a link, a
            device, or compressed in a way that cannot be read.
        zipfile.BadZipFile, tarfile.TarError, EOFError, OSError: it is damaged.
    """
    return _zip_members(path) if _is_zip(path) else _tar_members(path)


def checked(path: Path) -> tuple[int, int]:
    """Number of files in an archive and of bytes in them, once every entry has been looked at.

    Raises:
        ValueError: as in `members`; no file; a path that leads out of the folder; or two that
            are one where case, or the composition of letters, does not count.
        zipfile.BadZipFile, tarfile.TarError, EOFError, OSError: it is damaged.
    """
    names, files, total = _Names(path), 0, 0
    for member, _ in members(path):
        names.add(member)
        files += not member.is_folder
        total += member.size
    if not files:
        raise ValueError(f"{path}: holds no file")
    return files, total


def parts(path: Path, name: str) -> list[str]:
    """The folders and the name of an entry.

    Args:
        path: the archive, for the message.
        name: the entry's.

    Raises:
        ValueError: it leads out of the folder, here or on another system.
    """
    found = [part for part in name.split("/") if part not in ("", ".")]
    climbs = name.startswith("/") or ".." in found or _DRIVE.match(name)
    if climbs or "\\" in name or "\0" in name:
        raise ValueError(
            f"{path}: {name!r} leads out of the folder, or would on another system; nothing was "
            "unpacked"
        )
    return found


class _Names:
    # Refuses names that are one file, or merge two folders, where case and composition of
    # letters do not count.
    def __init__(self, path: Path) -> None:
        self.path = path
        self.files: set[str] = set()
        self.folders: dict[str, str] = {}

    def add(self, member: Member) -> None:
        path = parts(self.path, member.name)
        inner = path if member.is_folder else path[:-1]
        if self.folders.get(_folded(full := "/".join(inner))) != full:
            for depth in range(1, len(inner) + 1):
                self._add_folder("/".join(inner[:depth]))
        if member.is_folder:
            return
        key = _folded("/".join(path))
        if not path or key in self.files or key in self.folders:
            raise ValueError(f"{self.path}: {member.name!r} comes twice, perhaps in another case")
        self.files.add(key)

    def _add_folder(self, name: str) -> None:
        key = _folded(name)
        if key in self.files or self.folders.setdefault(key, name) != name:
            raise ValueError(f"{self.path}: {name!r} comes twice, as another kind or in other case")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(512)
    if start[:4] in (b"PK\3\4", b"PK\5\6"):
        return True
    if start[257:262] != b"ustar" and not start.startswith(_SIGNATURES):
        raise ValueError(f"{path}: no archive that can be unpacked here; expected {KINDS}")
    return False


def _zip_members(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name = _zip_name(info)
            if info.flag_bits & _ENCRYPTED:
                raise ValueError(
                    f"{path}: {name!r} is encrypted; unpack it yourself with the password of its "
                    "owners, then give the folder"
                )
            if info.compress_type not in _COMPRESSIONS:
                raise ValueError(
                    f"{path}: {name!r} is compressed by method {info.compress_type}, which cannot "
                    "be read here; unpack it yourself, then give the folder"
                )
            mode = info.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise ValueError(f"{path}: {name!r} is a link or a device, expected a file")
            yield Member(name, info.is_dir(), info.file_size), partial(archive.open, info)


# Python takes a name that is not marked as UTF-8 for code page 437; most are UTF-8 all the same
def _zip_name(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & _UTF8:
        return info.orig_filename
    try:
        return info.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.orig_filename


def _tar_members(path: Path) -> Members:
    with tarfile.open(path) as archive:
        while (info := archive.next()) is not None:
            archive.members.clear()  # else it keeps all: gigabytes for millions of images
            if not (info.isreg() or info.isdir()):
                raise ValueError(f"{path}: {info.name!r} is a link or a device, expected a file")
            yield Member(info.name, info.isdir(), info.size), partial(archive.extractfile, info)
        # tarfile takes damage between two members, or a cut there, for the end
        archive.fileobj.seek(archive.offset)
        if archive.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise EOFError("its end is missing")
        while archive.fileobj.read(2**20):
            pass  # to the end, where gzip and xz check what they gave
