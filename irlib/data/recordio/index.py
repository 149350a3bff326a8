"""The index of a record file: lines `key<TAB>offset`.

Shapes: R records.
Units: offsets in bytes.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

_PIECE = 1 << 20  # bytes; small enough to stay in the processor's cache
_BOM = b"\xef\xbb\xbf"
_LINE = re.compile(rb"\s*(\d{1,18})\s+(\d{1,18})\s*")
_LONGEST = 18  # digits; any such number is an int64
_EXPECTED = "expected `key<TAB>offset`, two whole numbers"


def read_index(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Keys in ascending order and the offset of each, both (R,).

    Args:
        path: the ``.idx`` file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line is not a key and an offset (the message has its number), a key or an
            offset occurs twice, or there is no line.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such file; it is the index that tells where each record of "
            f"{path.stem}.rec begins, and is handed out beside it"
        )
    keys, offsets = _columns(path)
    if not len(keys):
        raise ValueError(f"{path}: no record is listed; {_EXPECTED}")
    if not _ascends(keys):
        order = np.argsort(keys, kind="stable")
        keys, offsets = keys[order], offsets[order]
        _require_distinct(path, "key", keys)
    if not _ascends(offsets):
        _require_distinct(path, "offset", np.sort(offsets))
    return keys, offsets


def numbers_in(path: Path, lines: bytes, first: int = 1) -> NDArray[np.int64]:
    """Key, offset, key, offset, and so on, of some whole lines.

    Args:
        path: the file, for an error.
        lines: each with its newline.
        first: number of the first.

    Raises:
        ValueError: a line is not a key and an offset; the message has its number.
    """
    if b"\r" in lines:
        lines = lines.replace(b"\r\n", b"\n")
    if not _is_regular(lines):
        lines = b"".join(_fields(path, lines, first))
    return np.fromstring(lines, dtype=np.int64, sep=" ")  # any white space separates


def _columns(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    with path.open("rb") as file:
        lines = 1 + sum(piece.count(b"\n") for piece in iter(lambda: file.read(_PIECE), b""))
        file.seek(0)
        keys, offsets = np.empty(lines, np.int64), np.empty(lines, np.int64)
        filled, number = 0, 1
        for piece in _whole_lines(path, file):
            values = numbers_in(path, piece, number)
            number += piece.count(b"\n")
            end = filled + len(values) // 2
            if end > lines:
                raise ValueError(f"{path}: it grew while it was read")
            keys[filled:end], offsets[filled:end] = values[0::2], values[1::2]
            filled = end
    return keys[:filled], offsets[:filled]


def _whole_lines(path: Path, file: BinaryIO) -> Iterator[bytes]:
    rest = file.read(len(_BOM)).removeprefix(_BOM)
    for piece in iter(lambda: file.read(_PIECE), b""):
        lines, newline, rest = (rest + piece).rpartition(b"\n")
        if newline:
            yield lines + newline
        elif len(rest) > _PIECE:
            raise ValueError(f"{path}: a line of more than {_PIECE} bytes; {_EXPECTED}")
    if rest:
        yield rest + b"\n"


def _is_regular(piece: bytes) -> bool:
    # digits, tab, digits, newline, and so on
    text = np.frombuffer(piece, np.uint8)
    ends = np.flatnonzero((text - np.uint8(ord("0"))) > 9)
    digits = np.diff(ends, prepend=-1) - 1
    return bool(
        len(ends) % 2 == 0
        and (text[ends[0::2]] == ord("\t")).all()
        and (text[ends[1::2]] == ord("\n")).all()
        and (digits >= 1).all()
        and (digits <= _LONGEST).all()
    )


def _fields(path: Path, piece: bytes, first: int) -> Iterator[bytes]:
    for number, line in enumerate(piece.split(b"\n"), start=first):
        if not line.strip():
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            text = line[:60].decode(errors="replace")
            raise ValueError(f"{path}: line {number} is {text!r}; {_EXPECTED}")
        yield b"%s\t%s\n" % found.groups()


def _ascends(values: NDArray[np.int64]) -> bool:
    return bool((values[1:] > values[:-1]).all())


def _require_distinct(path: Path, what: str, ascending: NDArray[np.int64]) -> None:
    twice = np.flatnonzero(ascending[1:] == ascending[:-1])
    if len(twice):
        raise ValueError(
            f"{path}: {what} {ascending[twice[0]]} stands on more than one line, and so do "
            f"{len(twice) - 1} others; expected each once"
        )
