"""How the test sets name their images, in any case of letters, whatever folders they lie in."""

import re
from dataclasses import dataclass

# A person's name that began with a point would make a hidden folder, or one outside.
_AGEDB = re.compile(r"(\d+)_([^.].*?)\s*_(\d{1,3})(?:_([mf]))?\.(\w+)", re.ASCII | re.IGNORECASE)
_FGNET = re.compile(r"((\d{3})A(\d{2})[a-z]?)\.\w+", re.ASCII | re.IGNORECASE)
_CACD_VS = re.compile(r"(\d{1,9})_([01])\.\w+", re.ASCII)


@dataclass(frozen=True)
class AgedbName:
    """What a name of AgeDB tells, such as ``16488_WillSmith _35_m.jpg``.

    Args:
        number: of the image in the set, as it is written.
        person: without the space that some names end in.
        age: years, as it is written.
        gender: m or f, empty in the names of aligned crops.
        suffix: of the file, without the point.
    """

    number: str
    person: str
    age: str
    gender: str
    suffix: str


@dataclass(frozen=True)
class FgnetName:
    """What a name of FG-NET tells, such as ``001A43a.JPG``.

    Args:
        stem: the name without its suffix.
        person: three digits.
        age: years, two digits.
    """

    stem: str
    person: str
    age: str


def agedb(path: str) -> AgedbName | None:
    """What the last part of a path tells, None if it is no name of AgeDB."""
    match = _AGEDB.fullmatch(_last(path))
    if not match:
        return None
    number, person, age, gender, suffix = match.groups()
    return AgedbName(number, person, age, (gender or "").lower(), suffix)


def fgnet(path: str) -> FgnetName | None:
    """What the last part of a path tells, None if it is no name of FG-NET."""
    match = _FGNET.fullmatch(_last(path))
    return FgnetName(*match.groups()) if match else None


def cacd_vs(path: str) -> tuple[int, int] | None:
    """Number of the pair and of the image in it, 0 or 1; None if it is no name of CACD-VS."""
    match = _CACD_VS.fullmatch(_last(path))
    return (int(match[1]), int(match[2])) if match else None


def _last(path: str) -> str:
    return path.rpartition("/")[2]
