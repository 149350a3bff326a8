"""What lies in a folder and below it, whatever is wrong with it."""

import os
from collections.abc import Iterator
from pathlib import Path

FILE, FOLDER, OTHER = "file", "folder", "other"  # what an entry can be

JUNK = "__MACOSX"  # beside what a Mac packed


def scan(folder: Path) -> Iterator[tuple[str, str]]:
    """Name of each entry of a folder and what it is, in no order.

    Links are followed. One that leads nowhere, or to itself, is `OTHER`, as is whatever is neither
    a file nor a folder.

    Raises:
        OSError: the folder cannot be listed.
    """
    # scandir tells files from folders without a stat of each: 490,000 images in a second or two
    with os.scandir(folder) as found:
        for entry in found:
            yield entry.name, _kind(entry)


def real(path: Path) -> Path:
    """Where a path leads once all links are followed; those in a circle are left as they are."""
    return Path(os.path.realpath(path))  # Path.resolve() would raise a RuntimeError of a circle


def walk(folder: Path) -> list[tuple[str, bool]]:
    """Every path below a folder, and whether it is a file, sorted.

    Folders stand there, with a slash at the end, only if they were not entered: hidden ones, and
    links that lead back to a folder above.

    Args:
        folder: where to begin; the paths are relative to it, with forward slashes.

    Raises:
        OSError: a folder cannot be listed.
    """
    found: list[tuple[str, bool]] = []
    pending: list[tuple[str, frozenset[Path]]] = [("", frozenset())]
    while pending:  # not by recursion, which Python ends at a thousand folders
        prefix, above = pending.pop()
        here = real(folder / prefix)
        if here in above:
            found.append((prefix, False))
            continue
        for name, kind in scan(folder / prefix):
            if kind == FOLDER and not name.startswith("."):
                pending.append((f"{prefix}{name}/", above | {here}))
            else:
                found.append((f"{prefix}{name}{'/' if kind == FOLDER else ''}", kind == FILE))
    return sorted(found)


def entries(folder: Path) -> tuple[list[str], list[str]]:
    """Names of the files and of the folders in a folder, sorted; what is neither is with the files.

    Raises:
        OSError: the folder cannot be listed.
    """
    kinds = sorted(scan(folder))
    files = [name for name, kind in kinds if kind != FOLDER]
    return files, [name for name, kind in kinds if kind == FOLDER]


def visible_folders(folder: Path) -> list[str]:
    """Names of the sub-folders that a person put there, sorted."""
    return [name for name in entries(folder)[1] if not name.startswith(".") and name != JUNK]


def find_entry(folder: Path | None, name: str) -> Path | None:
    """The entry of a folder by its name in any case, None if there is none.

    Raises:
        ValueError: two entries have that name but for the case.
    """
    if folder is None or not folder.is_dir():
        return None
    found = sorted(entry for entry, _ in scan(folder) if entry.lower() == name.lower())
    if len(found) > 1:
        raise ValueError(f"{folder}: {found[0]} and {found[1]} are there; expected one")
    return folder / found[0] if found else None


def is_text(name: str) -> bool:
    """Whether a name is UTF-8; one that is not could be neither listed nor hashed."""
    return name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name)


def printable(name: str) -> str:
    """A name with escapes for what is no UTF-8, which the file system gives as surrogates."""
    return name.encode("utf-8", "backslashreplace").decode()


def _kind(entry: os.DirEntry[str]) -> str:
    try:
        if entry.is_file():
            return FILE
        return FOLDER if entry.is_dir() else OTHER
    except OSError:  # a link to itself
        return OTHER
