"""Images and pairs as a caller gives them: a source of images, and rows of it.

Shapes: N images, P pairs.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageOps
from torch import Tensor

from irlib.data.decoding import SIZE
from irlib.data.embeddings import listed
from irlib.data.sources import ImageFiles, Images

Crop = NDArray[np.uint8] | Tensor | Image.Image
ImagesLike = Images | NDArray[Any] | Tensor | Sequence[str | Path] | Sequence[Crop]

_CROPS = f"uint8 (N, {SIZE}, {SIZE}, 3) RGB"
_EXPECTED = f"expected paths, crops as {_CROPS}, or an Images"
_WIDE = ("I", "F")  # how Pillow's modes of more than 8 bits begin


@dataclass(frozen=True, eq=False)
class Pixels:
    """Crops in memory as images that lie nowhere.

    Args:
        pixels: (N, 112, 112, 3) uint8 RGB.
    """

    pixels: NDArray[np.uint8]

    def __len__(self) -> int:
        """Number of images, N."""
        return len(self.pixels)

    def name(self, index: int) -> str:
        """The image's place among the others."""
        return f"image {index}"

    def encoded(self, index: int) -> bytes:
        """A portable pixmap: the pixels themselves under a header."""
        return b"P6 %d %d 255\n" % (SIZE, SIZE) + self.pixels[index].tobytes()


def images_of(given: ImagesLike) -> Images:
    """The source of images that is meant.

    Args:
        given: any `Images`; N paths in a list or an array; or N crops 112x112: a uint8 array or
            tensor (N, 112, 112, 3) RGB, or a list of such or of Pillow's images.

    Raises:
        ValueError: a single path, crops of another shape or type, no image, or anything else.
    """
    if isinstance(given, str | os.PathLike):
        raise ValueError(
            f"images: one path, {os.fspath(given)}; expected a list of paths, or for a folder "
            "irlib.data.sources.ImageFiles(folder, names)"
        )
    if hasattr(given, "encoded") and hasattr(given, "name"):
        return given
    if isinstance(given, Tensor):
        given = given.detach().cpu().numpy()
    if not isinstance(given, list | tuple) and hasattr(given, "__array__"):  # pandas has it too
        given = np.asarray(given)
        if given.dtype.kind not in "UO":
            return Pixels(_checked(given))
    if not isinstance(given, list | tuple) and getattr(given, "ndim", 0) != 1:
        shape = f" {given.shape}" if isinstance(given, np.ndarray) else ""
        raise ValueError(f"images: a {type(given).__name__}{shape}; {_EXPECTED}")
    return _listed(list(given))


def _listed(items: list[Any]) -> Images:
    if not items:
        raise ValueError(f"images: none given; {_EXPECTED}")
    is_path = isinstance(items[0], str | os.PathLike)
    kinds = (str, os.PathLike) if is_path else (np.ndarray, Tensor, Image.Image)
    for at, item in enumerate(items):
        if not isinstance(item, kinds):
            first = f" after {type(items[0]).__name__}" if at else ""
            raise ValueError(
                f"images: the one at {at} is a {type(item).__name__}{first}; {_EXPECTED}"
            )
    if is_path:
        return ImageFiles(Path(), np.array([os.fspath(path) for path in items], dtype=np.str_))
    crops = np.empty((len(items), SIZE, SIZE, 3), dtype=np.uint8)
    for at, item in enumerate(items):
        crops[at] = _checked(_array(item)[None], f"the one at {at} ")[0]
    return Pixels(crops)


def _array(crop: Crop) -> NDArray[Any]:
    if isinstance(crop, Tensor):
        return crop.detach().cpu().numpy()
    if isinstance(crop, np.ndarray):
        return crop
    if crop.mode.startswith(_WIDE):
        raise ValueError(
            f"images: one of Pillow's in mode {crop.mode}; expected 8 bits, such as RGB"
        )
    plain = crop.convert("RGBA") if crop.mode == "P" else crop  # else it warns of transparency
    return np.asarray(ImageOps.exif_transpose(plain).convert("RGB"))


def _checked(pixels: NDArray[Any], which: str = "") -> NDArray[np.uint8]:
    if pixels.dtype != np.uint8 or pixels.shape[1:] != (SIZE, SIZE, 3):
        shape = pixels.shape[1:] if which else pixels.shape
        expected = f"uint8 ({SIZE}, {SIZE}, 3)" if which else f"uint8 (N, {SIZE}, {SIZE}, 3)"
        raise ValueError(f"images: {which}{pixels.dtype} {shape}; expected {expected}")
    return pixels


def rows_of(images: Images, pairs: ArrayLike) -> NDArray[np.int64]:
    """(P, 2) rows of the images in each pair; of a file under two rows the first is taken.

    Args:
        images: the source.
        pairs: (P, 2) rows or names.

    Raises:
        ValueError: another shape or type, rows or names that there are not, one name for two
            images that are no files, or a pair that stands twice or holds one image twice.
    """
    given = np.asarray(pairs)
    if given.ndim != 2 or given.shape[1] != 2 or len(given) == 0 or given.dtype.kind not in "iuUO":
        raise ValueError(
            f"pairs {given.shape} {given.dtype}: expected (P, 2) rows (integers) or names of images"
        )
    rows = _numbered(images, given) if given.dtype.kind in "iu" else _found(images, given)
    _require_distinct(images, rows)
    return rows


def _numbered(images: Images, pairs: NDArray[np.integer]) -> NDArray[np.int64]:
    outside = np.flatnonzero(((pairs < 0) | (pairs >= len(images))).any(axis=1))
    if len(outside):
        raise ValueError(
            f"{len(outside)} of {len(pairs)} pairs name a row outside 0 to {len(images) - 1}; the "
            f"first is pair {outside[0]}, {tuple(pairs[outside[0]].tolist())}"
        )
    named, place = np.unique(pairs, return_inverse=True)
    places = _places(images, named.tolist())
    first = np.array([places[_key(images, images.name(row))] for row in named.tolist()])
    return first[place].reshape(pairs.shape).astype(np.int64)


def _found(images: Images, pairs: NDArray[Any]) -> NDArray[np.int64]:
    places = _places(images, range(len(images)))
    names = [str(name) for name in pairs.ravel()]
    rows = [places.get(_key(images, name), -1) for name in names]
    absent = list(dict.fromkeys(name for name, row in zip(names, rows, strict=True) if row < 0))
    if absent:
        raise ValueError(f"pairs name {len(absent)} images not given: {listed(absent)}")
    return np.array(rows, dtype=np.int64).reshape(pairs.shape)


def _places(images: Images, rows: Sequence[int]) -> dict[str, int]:
    names = [images.name(row) for row in rows]
    places: dict[str, int] = {}
    for row, name in zip(rows, names, strict=True):
        places.setdefault(_key(images, name), row)
    if len(places) < len(names) and not isinstance(images, ImageFiles):
        twice = [name for name, count in Counter(names).items() if count > 1]
        raise ValueError(
            f"images: {len(twice)} names stand for several of them: {listed(twice)}; expected a "
            "name of its own for each"
        )
    return places


def _key(images: Images, name: str) -> str:
    # a path may be written in several ways
    is_file = isinstance(images, ImageFiles)
    return os.path.normpath(images.root.absolute() / name) if is_file else name


def _require_distinct(images: Images, rows: NDArray[np.int64]) -> None:
    itself = np.flatnonzero(rows[:, 0] == rows[:, 1])
    if len(itself):
        name = images.name(int(rows[itself[0], 0]))
        raise ValueError(
            f"{len(itself)} pairs hold one image twice; the first is pair {itself[0]}, {name}"
        )
    low, high = rows.min(axis=1), rows.max(axis=1)
    _, first, place = np.unique(low * len(images) + high, return_index=True, return_inverse=True)
    twice = np.flatnonzero(first[place] != np.arange(len(rows)))
    if len(twice):
        pair = int(twice[0])
        names = " and ".join(images.name(int(row)) for row in rows[pair])
        raise ValueError(
            f"{len(twice)} pairs stand in the list before, in this order or the other; the first "
            f"is pair {pair}, {names}, as pair {first[place][pair]}; expected each pair once"
        )
