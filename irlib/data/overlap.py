"""People who are in a test set and in the training set, as far as their names tell.

Shapes: C identities of the training set.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

EXPECTED = "expected lines `class name`, such as `0000045 Johnny_Cash`"

# a class that is only numbered, such as 00045, n000045 or person-12, or a Freebase MID: m.0abc
_NUMBERED = re.compile(r"(?:[a-z]|id|person|subject|class)?[-_ ]?\d+", re.IGNORECASE)
_MID = re.compile(r"[mg][._/]0[0-9a-z_]+")
_LANGUAGE = re.compile(r'"(.*)"(?:@[A-Za-z-]+)?')  # "Johnny Cash"@en in MS-Celeb's own list
_ACCENT = 200  # least combining class of a mark above or below a letter
_DASHED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "\u0131": "i", "æ": "ae", "œ": "oe"})


def overlap(
    test_identities: Iterable[str], class_names: Sequence[str], names_file: Path | None = None
) -> list[str] | None:
    """The people of a test set whom the training set shows too, sorted.

    Case, accents, spaces, underscores and punctuation do not count: JohnnyCash is johnny_cash.
    What cannot be seen is another spelling, and two people of one name pass for one.

    Args:
        test_identities: people, by the names the test set uses.
        class_names: (C,) classes of the training set.
        names_file: text file of lines `class name` for classes that are only numbers or MIDs; a
            class may have several lines.

    Returns:
        Names as the test set writes them, or None where the names of one of the two tell nobody.

    Raises:
        FileNotFoundError: names_file does not exist.
        ValueError: a line of it has no name, or it names none of the classes.

    Source: names of MS-Celeb's classes are `m.0abc<TAB>"Name"@en` (Guo et al., ECCV 2016).
    """
    named = list(class_names) if names_file is None else _noted(names_file, class_names)
    known = {plain_name(name) for name in named if _tells(name)} - {""}
    asked = {name: plain_name(name) for name in test_identities if _tells(name)}
    if not known or not asked:
        return None
    return sorted(name for name, plain in asked.items() if plain in known)


def plain_name(name: str) -> str:
    """A name without case, accents, spaces and punctuation: johnnycash of Johnny_Cash."""
    letters = unicodedata.normalize("NFKD", name.casefold().translate(_DASHED))
    # marks of lower classes are letters of their own in other scripts, such as the nukta
    kept = (c for c in letters if unicodedata.combining(c) < _ACCENT)
    return "".join(c for c in kept if unicodedata.category(c)[0] not in "PZSC")


def _tells(name: str) -> bool:
    return not (_NUMBERED.fullmatch(name.strip()) or _MID.fullmatch(name.strip()))


def _noted(path: Path, class_names: Sequence[str]) -> list[str]:
    # names of the classes, and of those that the file leaves out their own
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; {EXPECTED}")
    classes = {_key(name) for name in class_names}
    told: dict[str, list[str]] = {}
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        place = f"{path}, line {number}"
        if fields := _text(place, line).split(maxsplit=1):
            if len(fields) < 2:
                raise ValueError(f"{place}: {fields[0]!r} has no name; {EXPECTED}")
            quoted = _LANGUAGE.fullmatch(fields[1].strip())
            told.setdefault(_key(fields[0]), []).append(quoted[1] if quoted else fields[1])
    if not classes & told.keys():
        raise ValueError(f"{path}: names none of the {len(class_names)} classes; {EXPECTED}")
    return [name for own in class_names for name in told.get(_key(own), [own])]


def _text(place: str, line: bytes) -> str:
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{place}: not UTF-8; {EXPECTED}") from None


def _key(name: str) -> str:
    return str(int(name)) if name.isdecimal() and len(name) < 20 else name  # however padded
