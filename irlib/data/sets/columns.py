"""Big tables of plain text, such as the pair lists of IJB, read in pieces by pandas' C parser.

Shapes: P rows.
"""

import csv
import math
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NoReturn

import pandas as pd

ROWS = 1_000_000  # of a piece; some 30 MB of three columns


def _finite(field: str) -> float:
    # pandas takes "nan" for a text
    if not math.isfinite(value := float(field)):
        raise ValueError
    return value


_READERS = {"int64": int, "float64": _finite, "str": str}


def pieces(path: Path, columns: Mapping[str, str]) -> Iterator[pd.DataFrame]:
    """Consecutive rows of a file without header, fields separated by white space.

    UTF-8 with or without byte order mark; lines that are empty are skipped. The index of the
    pieces counts the rows of the whole file from 0.

    Args:
        path: the text file.
        columns: names of the fields of a line, each with ``int64``, ``float64`` or ``str``.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line has other fields, or there is none; the message names file and line.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected lines `{' '.join(columns)}`")
    empty = True
    try:
        for piece in _parsed(path, columns):
            if len(piece):
                empty = False
                yield piece
    except (ValueError, OverflowError, pd.errors.ParserError) as error:
        _refuse_first_bad_line(path, columns)
        raise ValueError(f"{path}: {error}; expected lines `{' '.join(columns)}`") from None
    if empty:
        raise ValueError(f"{path}: no line; expected `{' '.join(columns)}`")


def refuse_row(path: Path, row: int, reason: str) -> NoReturn:
    """Raise ValueError for a row of a file, with the number of its line and its text."""
    number, line = next(islice(lines(path), row, None))
    raise ValueError(f"{path}, line {number}: {reason}: {line!r}")


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file that are not empty, with their number from 1.

    What is not UTF-8 comes as surrogates.
    """
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as texts:
        for number, text in enumerate(texts, start=1):
            if line := text.strip():
                yield number, line


def _parsed(path: Path, columns: Mapping[str, str]) -> Iterator[pd.DataFrame]:
    # One column too many shows the lines that are too long; otherwise pandas cuts them.
    reader = pd.read_csv(
        path, sep=r"\s+", header=None, names=[*columns, "too many"], index_col=False,
        dtype=dict(columns), keep_default_na=False, na_values={"too many": [""]},
        quoting=csv.QUOTE_NONE, engine="c", chunksize=ROWS,
    )  # fmt: skip
    with reader:
        for piece in reader:
            if piece.pop("too many").notna().any():
                raise ValueError("a line has too many fields")
            yield piece


def _refuse_first_bad_line(path: Path, columns: Mapping[str, str]) -> None:
    readers = [_READERS[kind] for kind in columns.values()]
    for number, line in lines(path):
        fields = line.split()
        try:
            line.encode()
            for reader, field in zip(readers, fields, strict=True):
                reader(field)
        except ValueError:
            expected = f"expected `{' '.join(columns)}`"
            raise ValueError(f"{path}, line {number}: {expected}, not {line!r}") from None
