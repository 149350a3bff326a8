"""The lines of an age label file: ordinary ones many at a time, the others one by one.

Shapes: M lines that give an age, n lines of a block.
Units: ages in years.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from irlib.data.folders import IMAGE_SUFFIXES
from irlib.data.keys import NO_KEY, code_of, codes_at, leading_number

OLDEST = 130.0  # years; a larger number is no age
LISTED = 1000  # lines kept of each kind that give no age; all are counted
SHOWN = 200  # characters kept of such a line
BLOCK = 1 << 22  # bytes read at a time: small enough to stay in the cache
LONGEST = 1 << 20  # bytes of a line; in a longer one this is no text file
EXPECTED = "expected lines `id path age gender`, such as `12 casia/000012/00000735.jpg 27.4 1`"

# What a first line may call the columns that count, the surest name first.
PATH_NAMES = ("path", "image_path", "filename", "file_name", "file", "image", "img")
AGE_NAMES = ("age", "ages")
GENDER_NAMES = ("gender", "sex")
GENDERS = (b"0", b"1", b"-1", b"m", b"f", b"male", b"female")  # in any case; -1 is unknown

_BOM = b"\xef\xbb\xbf"
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_GENDER = np.isin(np.arange(256), list(b"01mfMF"))  # those of one letter
_WHITE = np.isin(np.arange(256), list(b" \t\n\v\f\r"))  # as bytes.split() has it
_NEWLINE, _DOT = b"\n."
_WHOLE = 3  # digits of an age before the point that the fast way reads
_POWERS = 10 ** np.arange(12)


@dataclass(frozen=True)
class Listed:
    """What a file holds too much of to keep: how many, and the first ones.

    Args:
        count: of all.
        first: at most 1,000, in order.
    """

    count: int = 0
    first: tuple[tuple, ...] = ()


@dataclass(frozen=True)
class Columns:
    """Where the fields of a line stand, counted from 0; by default as in MTLFace's files.

    The gender is None where the file has none; it is only checked.
    """

    count: int = 4
    path: int = 1
    age: int = 2
    gender: int | None = 3


@dataclass(frozen=True, eq=False)
class AgeLines:
    """The ages of a file in its order, with repeated and contradicting ones.

    Args:
        codes: (M,) int64, key of each image; see `ImageKeys`.
        texts: the keys that are not two numbers.
        ages: (M,) years.
        line_numbers: (M,) counted from 1.
        malformed: (line number, text, reason) of lines that give no age.
        ageless: int64, keys of the images that such lines name, as far as they can be read.
    """

    codes: NDArray[np.int64]
    texts: tuple[str, ...]
    ages: NDArray[np.float64]
    line_numbers: NDArray[np.int64]
    malformed: Listed
    ageless: NDArray[np.int64]


def read_lines(path: Path) -> AgeLines:
    """The lines of an age label file, UTF-8 or damaged; blank ones are passed over.

    Args:
        path: fields separated by white space; a first line may name the columns in any order.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no text file.
    """
    texts: dict[str, int] = {}
    malformed: list[tuple[int, str, str]] = []
    parts: list[tuple[NDArray, NDArray, NDArray, NDArray]] = []
    columns = None
    before = refused = 0  # lines so far
    with path.open("rb") as file:
        for block in _blocks(path, file):
            if columns is None and block.strip():
                block, columns = _without_header(block)
            codes, ages, others = parsed_block(block, columns or Columns())
            lines = block.split(b"\n") if len(others) else []
            for row in others.tolist():
                codes[row], ages[row], reason = parsed_line(lines[row], columns, texts)
                refused += bool(reason)
                if reason and len(malformed) < LISTED:
                    malformed.append((before + row + 1, shown(lines[row]), reason))
            rows = np.flatnonzero(~np.isnan(ages))
            ageless = codes[np.isnan(ages) & (codes != NO_KEY)]
            parts.append((codes[rows], ages[rows], rows + before + 1, ageless))
            before += len(codes)
    codes, ages, numbers, ageless = map(np.concatenate, zip(*parts, strict=True))
    return AgeLines(codes, tuple(texts), ages, numbers, Listed(refused, tuple(malformed)), ageless)


def parsed_block(
    block: bytes, columns: Columns
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Keys (n,) and ages (n,) of whole lines, and the rows to be read by `parsed_line`.

    Args:
        block: n lines, each with its line feed.
        columns: where the fields stand.
    """
    data = np.frombuffer(block, dtype=np.uint8)
    ends = np.flatnonzero(data == _NEWLINE)
    is_white = _WHITE[data]
    edges = np.flatnonzero(np.diff(is_white, prepend=True))  # the last byte is white
    starts, stops = edges[::2], edges[1::2]
    upto = np.searchsorted(starts, ends)  # fields before each line's end
    count = np.diff(upto, prepend=0)
    is_plain = count == columns.count
    if (data >= 128).any():
        is_plain[np.searchsorted(ends, np.flatnonzero(data >= 128))] = False
    rows = np.flatnonzero(is_plain)
    first = upto[rows] - columns.count
    codes = np.full(len(ends), NO_KEY, dtype=np.int64)
    ages = np.full(len(ends), np.nan)
    codes[rows] = codes_at(data, starts[first + columns.path], stops[first + columns.path])
    ages[rows] = _ages_at(data, starts[first + columns.age], stops[first + columns.age])
    if columns.gender is not None:
        gender = first + columns.gender
        ages[rows[~_are_genders(block, starts[gender], stops[gender])]] = np.nan
    is_read = (codes != NO_KEY) & (ages <= OLDEST)
    codes[~is_read], ages[~is_read] = NO_KEY, np.nan
    return codes, ages, np.flatnonzero(~is_read & (count > 0))


def parsed_line(
    line: bytes, columns: Columns, texts: dict[str, int]
) -> tuple[int, float, str | None]:
    """Key, age, and why there is none: (key or -1, NaN, reason).

    Args:
        line: without its line feed.
        columns: where the fields stand.
        texts: codes of the text keys so far; takes a new one.
    """
    try:
        fields = [field.decode() for field in _fields(line, columns)]
    except UnicodeDecodeError:
        return NO_KEY, np.nan, "not UTF-8"
    if len(fields) != columns.count:
        return NO_KEY, np.nan, f"{len(fields)} fields, expected {columns.count}"
    age, path = fields[columns.age], fields[columns.path]
    gender = "-1" if columns.gender is None else fields[columns.gender]
    years = float(age) if _NUMBER.fullmatch(age) else np.nan
    code = code_of(path, texts)
    reason = None
    if not 0.0 <= years <= OLDEST:
        reason = f"age {age[:SHOWN]!r}, expected 0 to {OLDEST:g} years"
    elif gender.lower().encode() not in GENDERS:
        reason = f"gender {gender[:SHOWN]!r}, expected 1, 0 or -1"
    elif code == NO_KEY:
        reason = f"path {path[:SHOWN]!r}, expected one that ends in folder/image"
    return code, np.nan if reason else years, reason


def shown(line: bytes) -> str:
    """A line as a person may see it: no longer than 200 characters."""
    return line.removeprefix(_BOM).decode(errors="replace").strip("\r\n")[:SHOWN]


def _blocks(path: Path, file: BinaryIO) -> Iterator[bytes]:
    # whole lines; the last one gets the line feed it may lack
    rest = file.read(len(_BOM)).removeprefix(_BOM)
    while piece := file.read(BLOCK):
        whole, newline, rest = (rest + piece).rpartition(b"\n")
        if newline:
            yield whole + newline
        if len(rest) > LONGEST:
            raise ValueError(f"{path}: a line of more than {LONGEST} bytes; {EXPECTED}")
    yield rest + b"\n"


def _without_header(block: bytes) -> tuple[bytes, Columns]:
    # the first line that is not blank may name the columns; it is left as a blank one
    start = len(block) - len(block.lstrip())
    stop = block.index(b"\n", start)
    names = block[start:stop].lower().decode(errors="replace").lstrip("#").split()
    path, age, gender = (
        next((names.index(name) for name in known if name in names), None)
        for known in (PATH_NAMES, AGE_NAMES, GENDER_NAMES)
    )
    if path is None or age is None:
        return block, Columns()
    return block[:start] + block[stop:], Columns(len(names), path, age, gender)


def _fields(line: bytes, columns: Columns) -> list[bytes]:
    # A name may hold spaces: then the path is all between the id and the last two fields. It has
    # to end as one image does, as a stray field or the next line would else pass for its parts.
    fields = line.split()
    if columns != Columns() or len(fields) <= columns.count:
        return fields
    suffixes = tuple(suffix.encode() for suffix in IMAGE_SUFFIXES)
    ends = [field.lower().endswith(suffixes) for field in fields[1:-2]]
    path = line.split(None, 1)[1].rsplit(None, 2)[0]
    if sum(ends) != 1 or not ends[-1] or any(white in path for white in b"\t\v\f\r"):
        return fields
    return [fields[0], path, *fields[-2:]]


def _ages_at(
    data: NDArray[np.uint8], starts: NDArray[np.int64], stops: NDArray[np.int64]
) -> NDArray[np.float64]:
    # of fields such as 27.4, NaN where one is written otherwise
    whole, width = leading_number(data, starts, stops)
    point = starts + width
    part, part_width = leading_number(data, point + 1, stops)
    has_part = (data[np.minimum(point, len(data) - 1)] == _DOT) & (part_width > 0)
    part_width = np.where(has_part, part_width, 0)
    end = np.where(has_part, point + 1 + part_width, point)
    is_plain = (width > 0) & (width <= _WHOLE) & (end == stops)
    # both are exact, so that their quotient is the nearest number, as float() gives
    power = _POWERS[part_width]
    return np.where(is_plain, (whole * power + np.where(has_part, part, 0)) / power, np.nan)


def _are_genders(block: bytes, starts: NDArray, stops: NDArray) -> NDArray[np.bool_]:
    are = _GENDER[np.frombuffer(block, dtype=np.uint8)[starts]]
    for row in np.flatnonzero(stops - starts > 1).tolist():
        are[row] = block[starts[row] : stops[row]].lower() in GENDERS
    return are
