"""The entries of one folder, whatever is wrong with them."""

import os
from pathlib import Path

JUNK = "__MACOSX"  # beside what a Mac packed


def entries(folder: Path) -> tuple[list[str], list[str]]:
    """Names of the files and of the folders in a folder, sorted.

    A link that leads nowhere, or round in a circle, counts as a file of its name.

    Raises:
        OSError: the folder cannot be listed.
    """
    files, folders = [], []
    with os.scandir(folder) as found:
        for entry in found:
            (folders if _is_folder(entry) else files).append(entry.name)
    return sorted(files), sorted(folders)


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
    found = [entry for entry in folder.iterdir() if entry.name.lower() == name.lower()]
    if len(found) > 1:
        raise ValueError(f"{folder}: {found[0].name} and {found[1].name} are there; expected one")
    return found[0] if found else None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # too many levels of links
        return False
