"""Lists of pairs on disk, read line by line: what can be no pair is rejected by its number.

A line is `<1|0> <image> <image>`, as in the lists of Lee et al., or `<image> <image> <1|-1>`, as
MTLFace writes them. Spaces or tabs stand between the fields, and a name may hold spaces: it ends
where an image suffix ends.

Shapes: P pairs.
"""

import posixpath
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irlib.data.folders import IMAGE_SUFFIXES, is_image
from irlib.data.pairs.rules import PairList
from irlib.runs import atomic_path

EXPECTED = "expected `<1|0> <image> <image>` or `<image> <image> <1|-1>`"

Rejected = tuple[int, str, str]  # line number from 1, text of the line, reason

_LONGEST = 1_000  # characters of a name; a column is as wide as its longest text
_SUFFIX = "|".join(sorted(suffix.removeprefix(".") for suffix in IMAGE_SUFFIXES))
_BETWEEN = re.compile(rf"(?<=\.)(?:{_SUFFIX})([ \t]+)(?=\S)", re.IGNORECASE)
_LABEL_FIRST = re.compile(r"([01])[ \t]+")
_LABEL_LAST = re.compile(r"[ \t](-?1)\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, eq=False)
class ListedPairs:
    """The pairs of a list, in its order.

    Args:
        left: (P,) str, the image that stands first on the line.
        right: (P,) str, the image that stands second.
        is_same: (P,) bool, True where the line says that both show one person.
        line_numbers: (P,) line of each pair, counted from 1.
        rejected: (line number, text, reason) of every other line that is not blank.
    """

    left: NDArray[np.str_]
    right: NDArray[np.str_]
    is_same: NDArray[np.bool_]
    line_numbers: NDArray[np.int64]
    rejected: list[Rejected]

    def __len__(self) -> int:
        """Number of pairs, P."""
        return len(self.left)

    def __iter__(self) -> Iterator[Any]:
        """Left, right, is_same and rejected, so that they can be taken apart."""
        return iter((self.left, self.right, self.is_same, self.rejected))


def read_pairs(path: Path | str) -> ListedPairs:
    """The pairs of a list, and the lines that are none.

    Rejected are lines without two images or a label, an image beside itself, the repetition or
    contradiction of an earlier line, a path that leads out of the folder, and what is not UTF-8.
    Whether the images exist is for `irlib.data.pairs.matching` to tell.

    Args:
        path: text file; a byte order mark, CRLF and blank lines do no harm.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no line is a pair; the message gives the reason for the first.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such pair list; {EXPECTED} a line")
    found: dict[tuple[str, ...], tuple[int, str, str, bool]] = {}
    rejected: list[Rejected] = []
    for number, line in _lines(path):
        try:
            left, right, is_same = _parsed(line)
            _require_new(found, left, right, is_same)
        except ValueError as error:
            text = line.decode("utf-8", "backslashreplace")
            rejected.append((number, text, str(error)))
        else:
            found[_sides(left, right)] = (number, left, right, is_same)
    if not found:
        first = f"line {rejected[0][0]}: {rejected[0][2]}" if rejected else "it is empty"
        raise ValueError(f"{path}: no line is a pair of images; {first}; {EXPECTED}")
    numbers, left, right, is_same = zip(*found.values(), strict=True)
    return ListedPairs(
        np.array(left), np.array(right), np.array(is_same), np.array(numbers), rejected
    )


def write_pairs(path: Path, pairs: PairList) -> None:
    """Write a pair list, all of it or nothing; missing folders are made.

    Args:
        path: the file.
        pairs: P pairs.

    Raises:
        ValueError: an image has a name that cannot be read back; nothing is written.
        OSError: the file cannot be written.
    """
    lines = []
    for is_same, first, second in zip(pairs.is_same, pairs.first, pairs.second, strict=True):
        separator = "\t" if " " in first or " " in second else " "
        line = f"{int(is_same)}{separator}{first}{separator}{second}"
        if not _reads_back(line, (first, second, bool(is_same))):
            raise ValueError(f"{path}: {line!r} could not be read back; {EXPECTED}")
        lines.append(f"{line}\n")
    with atomic_path(path) as draft:
        draft.write_text("".join(lines), encoding="utf-8", newline="\n")


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line := line.strip(b" \t\r"):
            yield number, line


def _parsed(line: bytes) -> tuple[str, str, bool]:
    # the two images and whether they show one person; ValueError with the reason
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    if _CONTROL.search(text):
        raise ValueError("it holds control characters, such as NUL")
    is_same, rest = _label(text)
    left, right = (_name(name) for name in _names(rest))
    if left == right:
        raise ValueError("the same image twice")
    return left, right, is_same


def _label(text: str) -> tuple[bool, str]:
    first, last = _LABEL_FIRST.match(text), _LABEL_LAST.search(text)
    if first and last:
        raise ValueError("a label on both ends")
    if first:
        return first[1] == "1", text[first.end() :]
    if last:
        return last[1] == "1", text[: last.start()].rstrip(" \t")
    raise ValueError("no label: neither 1 or 0 in front nor 1 or -1 at the end")


def _names(text: str) -> list[str]:
    # the two names of a line without its label
    fields = [field.strip() for field in text.split("\t")]
    if len(fields) == 2:  # a tab says where a name ends
        return fields
    splits = [match.span(1) for match in _BETWEEN.finditer(text)]
    if len(splits) > 1 and not is_image(posixpath.basename(text)):
        raise ValueError("it does not end in the name of an image")
    if len(splits) > 1:
        raise ValueError(f"{len(splits) + 1} images, or names that can be parted in several ways")
    if splits:
        return [text[: splits[0][0]], text[splits[0][1] :]]
    if len(fields := re.split(r"[ \t]+", text)) == 2:
        return fields
    raise ValueError("one image, expected two" if len(fields) == 1 else "no two image names")


def _name(name: str) -> str:
    if not is_image(posixpath.basename(name)):
        raise ValueError(f"{name[:_LONGEST]!r} is not the name of an image")
    if name.startswith("/"):
        raise ValueError(f"{name[:_LONGEST]!r} is absolute, expected a path below the test folder")
    if ".." in name.split("/"):
        raise ValueError(f"{name[:_LONGEST]!r} leads out of the folder")
    if len(name) > _LONGEST:
        raise ValueError(f"a name of {len(name):,} characters")
    return posixpath.normpath(name)


def _sides(left: str, right: str) -> tuple[str, ...]:
    # of a pair, whichever stands first and however its accents are composed
    return tuple(sorted(unicodedata.normalize("NFC", name) for name in (left, right)))


def _require_new(
    found: dict[tuple[str, ...], tuple[int, str, str, bool]], left: str, right: str, is_same: bool
) -> None:
    earlier = found.get(_sides(left, right))
    if earlier:
        kind = "repeats" if earlier[3] == is_same else "contradicts"
        raise ValueError(f"it {kind} line {earlier[0]}")


def _reads_back(line: str, pair: tuple[str, str, bool]) -> bool:
    try:
        return _parsed(line.encode()) == pair
    except ValueError:
        return False
