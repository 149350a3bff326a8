"""What a data set's images shall be called once they are aligned, by the layout it comes in."""

from dataclasses import dataclass
from pathlib import Path

from irlib.data.folders import is_image
from irlib.data.sets import names
from irlib.data.walking import is_text, printable, walk

# How the owners hand the set out; `any` keeps every path as it is.
LAYOUTS = {
    "agedb": "16488_WillSmith _35_m.jpg, all in one folder",
    "fgnet": "images/001A02.JPG, with points/001a02.pts",
    "lag": "jack_black/y/photo_2.png and jack_black/photo_1.png",
    "any": "images in folders of any depth",
}


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
        stray: whatever is no image, sorted; folders that were not entered end in a slash.
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
    misnamed = [printable(name) for name, image in planned.items() if not image]
    if not images:
        raise ValueError(f"{source}: no image of this layout; expected {LAYOUTS[layout]}")
    _require_distinct(source, images)
    return Plan(tuple(images), tuple(misnamed), tuple(stray))


def _planned(name: str, layout: str) -> Planned | None:
    if not is_text(name):
        return None
    if layout == "agedb":
        return _agedb(name)
    if layout == "fgnet":
        told = names.fgnet(name)
        return told and Planned(name, name.rpartition("/")[2], told.person)
    return Planned(name, name, name.partition("/")[0] if layout == "lag" else None)


def _agedb(name: str) -> Planned | None:
    told = names.agedb(name)
    if not told or not told.gender:
        return None
    target = f"{told.person}/{told.number}_{told.person}_{told.age}.{told.suffix}"
    return Planned(name, target, told.person, told.gender)


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
    for name, is_file in walk(source):
        if is_file and is_image(name.rpartition("/")[2]):
            images.append(name)
        else:
            stray.append(printable(name))
    return images, stray
