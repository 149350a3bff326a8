"""Names and embeddings out of `.npz`, `.csv` and `.parquet` files, as they stand there.

Shapes: N images, D embedding size.
"""

import csv
import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Columns = tuple[ArrayLike, ArrayLike]  # names and embeddings, not yet checked

# what stands over the names in files of pandas, whose other titles are the numbers 0, 1, ...
_TITLES = {"", "name", "names", "file", "files", "filename", "image", "images", "path", "paths"}


def of_npz(path: Path) -> Columns:
    """The arrays ``names`` and ``embeddings``, or the only texts (N,) and numbers (N, D).

    Raises:
        ValueError: damaged, pickled, or of other arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, AttributeError, TypeError) as error:
        raise ValueError(f"not a readable .npz file ({error})") from error
    except ValueError as error:  # numpy's own words for an array of Python objects
        raise ValueError(f"{error}; write names as texts, e.g. names.astype(str)") from error
    if {"names", "embeddings"} <= arrays.keys():
        return arrays["names"], arrays["embeddings"]
    names = [a for a in arrays.values() if a.ndim == 1 and a.dtype.kind == "U"]
    embeddings = [a for a in arrays.values() if a.ndim == 2 and a.dtype.kind in "fiu"]
    if len(names) != 1 or len(embeddings) != 1:
        found = ", ".join(f"{key} {a.dtype} {a.shape}" for key, a in arrays.items())
        raise ValueError(f"holds {found}; expected the arrays names (N,) and embeddings (N, D)")
    return names[0], embeddings[0]


def of_csv(path: Path) -> Columns:
    """A name and D numbers a line, under a line of titles or none.

    Raises:
        ValueError: a line of another width, or with a field that is no number; it is told.
    """
    names: list[str] = []
    rows: list[list[float]] = []
    with path.open(newline="", encoding="utf-8-sig") as file:  # some programs put a mark first
        lines = csv.reader(file)
        try:
            for fields in lines:
                if lines.line_num == 1 and _are_titles(fields):
                    continue
                names.append(fields[0] if fields else "")
                rows.append(_numbers(fields[1:], len(rows[0]) if rows else 0))
        except (ValueError, csv.Error) as error:
            raise ValueError(f"line {lines.line_num}: {error}") from error
    return np.array(names, dtype=np.str_), np.array(rows, dtype=np.float64)


def _are_titles(fields: Sequence[str]) -> bool:
    """Whether a first line tells what the columns are: texts that differ, or the numbers of them.

    One number among texts makes it an image with a fault, not titles.
    """
    others = [field.strip() for field in fields[1:]]
    if others == [str(column) for column in range(len(others))]:
        return bool(others) and fields[0].strip().lower() in _TITLES
    is_told_apart = len({"", *others}) == len(others) + 1
    return is_told_apart and not any(map(_is_number, others))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(fields: Sequence[str], width: int) -> list[float]:
    row = [float(field) for field in fields]
    if not row or width not in (0, len(row)):
        raise ValueError(f"{len(row)} numbers; expected {width or 'some'}")
    return row


def of_parquet(path: Path) -> Columns:
    """The column ``name``, and ``embedding`` or ``e0``, ``e1`` and so on.

    Raises:
        ValueError: damaged, of other columns, or with a row without a name.
        ImportError: pyarrow is not installed.
    """
    pa, parquet = pyarrow()
    try:
        table = parquet.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"not a readable Parquet file ({error})") from error
    columns = table.column_names
    single = _single(columns)
    if "name" not in columns or not ("embedding" in columns or single):
        raise ValueError(f"columns {columns}; expected name, and embedding or e0, e1, ...")
    given = table["name"].to_pylist()
    if None in given:
        raise ValueError(f"row {given.index(None)}: no name")
    names = np.array([str(name) for name in given], dtype=np.str_)
    if "embedding" in columns:
        return names, _lists(table["embedding"].combine_chunks(), names)
    return names, np.stack([table[column].to_numpy() for column in single], axis=1)


def _single(columns: Sequence[str]) -> list[str]:
    """The columns ``e0``, ``e1`` and so on, in this order."""
    found = [column for column in columns if re.fullmatch(r"e\d+", column)]
    expected = [f"e{number}" for number in range(len(found))]
    if "embedding" not in columns and set(found) != set(expected):
        absent = next(column for column in expected if column not in found)
        raise ValueError(f"{len(found)} columns e0, e1, ..., and no column {absent}")
    return expected


def _lists(column: Any, names: NDArray[np.str_]) -> NDArray[Any]:
    import pyarrow.compute as pc

    if not hasattr(column.type, "value_type"):
        raise ValueError(f"column embedding: {column.type}; expected lists of numbers")
    widths = np.array(pc.fill_null(pc.list_value_length(column), 0))
    unequal = np.flatnonzero(widths != widths[:1])
    if len(unequal):
        row = int(unequal[0])
        raise ValueError(
            f"row {row} ({names[row]}): {widths[row]} numbers; expected {widths[0]}, as in row 0"
        )
    values = column.flatten().to_numpy(zero_copy_only=False)
    return values.reshape(len(column), -1) if values.size else np.empty((len(column), 0))


def pyarrow() -> tuple[Any, Any]:
    """The modules pyarrow and pyarrow.parquet.

    Raises:
        ImportError: not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError("Parquet files need pyarrow: pip install -e '.[parquet]'") from error
    return pyarrow, pyarrow.parquet
