"""What a data set's images shall be called once they are aligned, by the layout it comes in."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from irlib.data.folders import is_image

# How the owners hand the set out; `any` keeps every path as it is.
LAYOUTS = {
    "agedb": "16488_WillSmith _35_m.jpg, all in one folder",
    "fgnet": "images/001A02.JPG, with points/001a02.pts",
    "lag": "jack_black/y/photo_2.png and jack_black/photo_1.png",
    "any": "images in folders of any depth",
}

_AGEDB = re.compile(r"(\d+)_(.+?)\s*_(\d+)_([mfMF])\.(\w+)")
_FGNET = re.compile(r"(\d{3})A\d{2}[a-z]?\.\w+", re.IGNORECASE)


@dataclass(frozen=True)
class Planned:
    """One image of the source.

    Args:
        source: path below the source, with forward slashes.
        target: path below the target.
        identity: the person, None where the name does not tell.
        gender: m or f, None where the name does not tell.
    """

    source: str
    target: str
    identity: str | None = None
    gender: str | None = None


@dataclass(frozen=True)
class Plan:
    """All that lies in a source.

    Args:
        images: what is to be aligned, in the order of the targets.
        misnamed: images whose name is not of the layout's form, or not UTF-8, sorted.
        stray: whatever is no image, sorted; links that lead in a circle are told as such.
    """

    images: tuple[Planned, ...]
    misnamed: tuple[str, ...]
    stray: tuple[str, ...]


def plan_folder(source: Path, layout: str) -> Plan:
    """What each image below a folder shall be called.

    Args:
        source: the folder, as its owners hand it out.
        layout: a key of `LAYOUTS`.

    Raises:
        FileNotFoundError: source is not a folder.
        ValueError: no such layout, no image of it, or two images would get one name.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout {layout!r}: expected one of {sorted(LAYOUTS)}")
    if not source.is_dir():
        raise FileNotFoundError(f"{source}: no such folder; expected {LAYOUTS[layout]}")
    found, stray = _images(source)
    if layout == "fgnet":
        stray = [name for name in stray if not name.lower().endswith(".pts")]
    planned = {name: _planned(name, layout) for name in found}
    images = sorted((image for image in planned.values() if image), key=lambda each: each.target)
    misnamed = [name for name, image in planned.items() if not image]
    if not images:
        raise ValueError(f"{source}: no image of this layout; expected {LAYOUTS[layout]}")
    _require_distinct(source, images)
    return Plan(tuple(images), tuple(misnamed), tuple(stray))


def _planned(name: str, layout: str) -> Planned | None:
    base = name.rpartition("/")[2]
    if not _is_text(name):
        return None
    if layout == "agedb":
        match = _AGEDB.fullmatch(base)
        return match and _agedb(name, *match.groups())
    if layout == "fgnet":
        match = _FGNET.fullmatch(base)
        return match and Planned(name, base, match[1])
    return Planned(name, name, name.partition("/")[0] if layout == "lag" else None)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes of an encoding that the file system does not tell
        return False
    return True


# some names end in a space: WillSmith, MorganFreeman
def _agedb(name: str, number: str, person: str, age: str, gender: str, suffix: str) -> Planned:
    target = f"{person}/{number}_{person}_{age}.{suffix}"
    return Planned(name, target, person, gender.lower())


def _require_distinct(source: Path, images: list[Planned]) -> None:
    by_target: dict[str, str] = {}
    for image in images:
        key = image.target.casefold()  # some file systems know no case
        if key in by_target:
            raise ValueError(
                f"{source}: {by_target[key]} and {image.source} would both become {image.target}; "
                "take one of them away"
            )
        by_target[key] = image.source


def _images(source: Path) -> tuple[list[str], list[str]]:
    images: list[str] = []
    stray: list[str] = []
    for name, is_file in _walk(source, "", frozenset()):
        base = name.rpartition("/")[2]
        (images if is_file and is_image(base) else stray).append(name)
    return sorted(images), sorted(stray)


# every file below a folder; folders that are not entered come with False
def _walk(folder: Path, prefix: str, above: frozenset[str]) -> Iterator[tuple[str, bool]]:
    here = os.path.realpath(folder)
    if here in above:
        yield f"{prefix} (a link that leads in a circle)", False
        return
    with os.scandir(folder) as entries:
        found = sorted((entry.name, *_is_folder_or_file(entry)) for entry in entries)
    for name, is_folder, is_file in found:
        if is_folder and not name.startswith("."):
            yield from _walk(folder / name, f"{prefix}{name}/", above | {here})
        else:
            yield f"{prefix}{name}{'/' if is_folder else ''}", is_file


def _is_folder_or_file(entry: os.DirEntry[str]) -> tuple[bool, bool]:
    try:
        return entry.is_dir(), entry.is_file()
    except OSError:  # a link to itself
        return False, False
