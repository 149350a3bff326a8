"""Tables of embeddings by image name, as `.npz`, `.parquet` and `.csv` files.

Shapes: N images, D embedding size.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irlib.data.embedding_files import of_csv, of_npz, of_parquet, pyarrow
from irlib.runs import atomic_path

SHOWN = 10  # names that an error tells
_ROWS = 65_536  # of a Parquet row group


@dataclass(frozen=True, eq=False)
class EmbeddingTable:
    """The embedding of each of some images.

    Args:
        names: (N,) texts, each once.
        embeddings: (N, D), not normalized; kept as float32.

    Raises:
        ValueError: no rows, arrays that do not fit, a name that stands twice, or an embedding
            that is zero or not finite; images are named.
    """

    names: NDArray[np.str_]
    embeddings: NDArray[np.float32]

    def __post_init__(self) -> None:
        names, given = np.asarray(self.names), np.asarray(self.embeddings)
        if names.ndim != 1 or names.dtype.kind != "U" or len(names) == 0:
            raise ValueError(f"names: {names.dtype} {names.shape}; expected (N,) texts")
        if given.shape[:1] != names.shape or given.ndim != 2 or given.dtype.kind not in "fiu":
            raise ValueError(
                f"embeddings: {given.dtype} {given.shape}; expected ({len(names)}, D) numbers"
            )
        with np.errstate(over="ignore"):  # what float32 cannot hold is refused below
            embeddings = np.ascontiguousarray(given, dtype=np.float32)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "embeddings", embeddings)
        twice = [name for name, count in Counter(names.tolist()).items() if count > 1]
        if twice:
            raise ValueError(f"{len(twice)} names stand twice or more: {listed(twice)}")
        check_rows(embeddings, names)

    def __len__(self) -> int:
        """Number of images, N."""
        return len(self.names)

    @cached_property
    def norms(self) -> NDArray[np.float32]:
        """(N,) Euclidean length of each embedding, which rises with the image's quality."""
        return np.linalg.norm(self.embeddings, axis=1)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.names.tolist())}

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def rows(self, names: Sequence[str] | NDArray[np.str_]) -> NDArray[np.int64]:
        """The row of each of some images, which may repeat.

        Raises:
            ValueError: some have no embedding; the message counts and names them.
        """
        wanted = [str(name) for name in names]
        absent = [name for name in dict.fromkeys(wanted) if name not in self]
        if absent:
            of = len(set(wanted))
            raise ValueError(f"{len(absent)} of {of} images have no embedding: {listed(absent)}")
        return np.array([self._places[name] for name in wanted], dtype=np.int64)


def check_rows(embeddings: NDArray[np.float32], names: Sequence[str] | NDArray[np.str_]) -> None:
    """Refuse embeddings (N, D) that have no direction.

    Raises:
        ValueError: one is not finite or zero; the message counts and names the images.
    """
    with np.errstate(over="ignore"):
        norms = np.linalg.norm(embeddings, axis=1)
    for said, bad in (("not finite", ~np.isfinite(norms)), ("zero vectors", norms == 0)):
        if bad.any():
            whose = [str(names[row]) for row in np.flatnonzero(bad)]
            raise ValueError(
                f"{len(whose)} of {len(embeddings)} embeddings are {said}: {listed(whose)}"
            )


def listed(names: Sequence[str]) -> str:
    """The first names between commas, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def read_table(path: str | Path) -> EmbeddingTable:
    """The embeddings in a file.

    Args:
        path: `.npz` with the arrays ``names`` and ``embeddings``, or with one array of texts (N,)
            and one of numbers (N, D) under any names; `.parquet` with a column ``name`` and
            either a column ``embedding`` of lists or the columns ``e0``, ``e1`` and so on; `.csv`
            with a name and D numbers a line, under a line of titles or none, in UTF-8.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: another ending, a damaged file, or what `EmbeddingTable` refuses; pickled
            arrays are never read.
        ImportError: a Parquet file, and pyarrow is not installed.
    """
    path = Path(path)
    reader = _of_ending(_READERS, path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such table of embeddings")
    try:
        return EmbeddingTable(*reader(path))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def write_table(path: str | Path, table: EmbeddingTable) -> None:
    """Write a table as `.npz` or `.parquet`, atomically, with the norms beside the embeddings.

    Raises:
        ValueError: another ending.
        ImportError: a Parquet file, and pyarrow is not installed.
    """
    path = Path(path)
    writer = _of_ending(_WRITERS, path)
    with atomic_path(path) as temporary:
        writer(temporary, table)


def _of_ending(known: dict[str, Any], path: Path) -> Any:
    if path.suffix.lower() not in known:
        raise ValueError(f"{path}: unknown ending {path.suffix!r}; expected {' or '.join(known)}")
    return known[path.suffix.lower()]


def _to_npz(path: Path, table: EmbeddingTable) -> None:
    np.savez(path, names=table.names, embeddings=table.embeddings, norms=table.norms)


def _to_parquet(path: Path, table: EmbeddingTable) -> None:
    pa, parquet = pyarrow()
    flat = pa.array(table.embeddings.ravel())
    lists = pa.FixedSizeListArray.from_arrays(flat, table.embeddings.shape[1])
    columns = {"name": pa.array(table.names.tolist()), "norm": table.norms, "embedding": lists}
    parquet.write_table(pa.table(columns), path, row_group_size=_ROWS)


_READERS = {".npz": of_npz, ".parquet": of_parquet, ".csv": of_csv}
_WRITERS = {".npz": _to_npz, ".parquet": _to_parquet}
ENDINGS = tuple(_READERS)  # of the files that hold tables
