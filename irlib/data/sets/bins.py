"""InsightFace's verification sets: `.bin` files of encoded pairs.

Shapes: P pairs; images 2k and 2k + 1 are pair k. n images asked for.
"""

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from irlib.data.decoding import SIZE, decode_crop
from irlib.data.sets.pickles import read_pickle

_EXPECTED = "expected (list of 2P encoded images, list of P booleans)"


@dataclass(frozen=True, eq=False)
class BinImages:
    """The images of a `.bin` file, decoded when asked for.

    ``images[3]`` is (112, 112, 3) and ``images[a:b]`` or ``images[rows]`` is (n, 112, 112, 3),
    uint8 RGB; `numpy.asarray` decodes all.

    Args:
        path: the file.
        files: 2P encoded images.
    """

    path: Path
    files: tuple[bytes, ...]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(2P, 112, 112, 3)."""
        return len(self.files), SIZE, SIZE, 3

    @property
    def dtype(self) -> np.dtype:
        """Of the decoded images, uint8."""
        return np.dtype(np.uint8)

    def __len__(self) -> int:
        """Number of images, 2P."""
        return len(self.files)

    def __getitem__(self, which: Any) -> NDArray[np.uint8]:
        """Images by position, slice, positions or booleans.

        Raises:
            IndexError: there is no such image.
            ValueError: an image is damaged, or not 112x112; the message names it.
        """
        if isinstance(which, int | np.integer) and not isinstance(which, bool):
            return self._decoded(operator.index(which))
        rows = np.arange(len(self))[which]  # refuses what is no index, as NumPy does
        if rows.ndim != 1:
            raise IndexError(f"an index of {rows.ndim} dimensions, expected 1")
        images = np.empty((len(rows), SIZE, SIZE, 3), dtype=np.uint8)
        for out, row in zip(images, rows.tolist(), strict=True):
            self._decoded(row, out)
        return images

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> NDArray:
        """All images, decoded."""
        if copy is False:
            raise ValueError(f"{self.path}: encoded images cannot be had without a copy")
        return np.asarray(self[:], dtype=dtype)

    def name(self, index: int) -> str:
        """What an image is called: the file's name and the image's number, counted from 0."""
        return f"{self.path.name}/{index:05d}"

    def encoded(self, index: int) -> bytes:
        """An image's file."""
        return self.files[index]

    def _decoded(self, index: int, out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        row = range(len(self))[index]  # counts from the end below 0
        return decode_crop(self.files[row], f"{self.path}: image {row}", out)


@dataclass(frozen=True, eq=False)
class PairBin:
    """Pairs of images, and which are of one person.

    Args:
        images: (2P, 112, 112, 3) uint8 RGB, decoded when asked for.
        is_same: (P,) bool, True where both images of a pair show one person.
    """

    images: BinImages
    is_same: NDArray[np.bool_]

    def __len__(self) -> int:
        """Number of pairs, P."""
        return len(self.is_same)

    def __iter__(self) -> Iterator[Any]:
        """Images and truths, so that the two can be taken apart."""
        return iter((self.images, self.is_same))


def bins_in(test_dir: Path) -> dict[str, Path]:
    """The `.bin` files of a test folder, by name without ending."""
    return {path.stem: path for path in sorted((test_dir / "bin").glob("*.bin"))}


def read_bin(path: Path | str) -> PairBin:
    """The pairs of a `.bin` file, written by Python 2 or 3.

    The file is a pickle, which is a program by nature: see `read_pickle` for why it cannot do harm.

    Args:
        path: pickle of (list of 2P encoded images, list of P booleans).

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: damaged, or not of that form; the message names the file and what was found.

    Source: the layout that InsightFace's verification code reads.
    """
    path = Path(path)
    held = read_pickle(path)
    if type(held) not in (tuple, list) or len(held) != 2:
        raise ValueError(f"{path}: found {_kind(held)}, {_EXPECTED}")
    files, is_same = _files(path, held[0]), _truths(path, held[1])
    if len(files) != 2 * len(is_same) or not files:
        raise ValueError(f"{path}: {len(files)} images and {len(is_same)} booleans, {_EXPECTED}")
    return PairBin(BinImages(path, files), is_same)


def _files(path: Path, bins: Any) -> tuple[bytes, ...]:
    if type(bins) not in (list, tuple):
        raise ValueError(f"{path}: the images are {_kind(bins)}, {_EXPECTED}")
    files = []
    arrays: dict[int, bytes] = {}  # one array may stand in many places
    for index, file in enumerate(bins):
        # OpenCV's encoder used to give a column, (n, 1)
        if isinstance(file, np.ndarray) and file.dtype == np.uint8 and file.size in file.shape:
            if id(file) not in arrays:
                arrays[id(file)] = file.tobytes()
            file = arrays[id(file)]
        if type(file) is not bytes or not file:
            raise ValueError(f"{path}: image {index} is {_kind(file)}, expected an encoded image")
        files.append(file)
    return tuple(files)


def _truths(path: Path, is_same: Any) -> NDArray[np.bool_]:
    if isinstance(is_same, np.ndarray) and is_same.ndim == 1:
        is_same = is_same.tolist()
    if type(is_same) not in (list, tuple):
        raise ValueError(f"{path}: the booleans are {_kind(is_same)}, {_EXPECTED}")
    for pair, value in enumerate(is_same):
        if type(value) not in (bool, int) or value not in (0, 1):
            raise ValueError(f"{path}: pair {pair} is {_kind(value)}, expected a boolean")
    return np.array(is_same, dtype=bool)


def _kind(value: Any) -> str:
    if type(value) in (bool, int):
        return str(value)
    size = f" of {len(value)}" if type(value) in (list, tuple, bytes, str) else ""
    return f"{type(value).__name__}{size}"
