"""What names an image whatever its padding: its folder and its file, as numbers where they are.

Shapes: N images, V variants.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

LARGEST = 2**31 - 1  # of a folder's or an image's number; larger ones are kept as text
NO_KEY = -1  # code of a name without a folder
BLOCK = 65_536  # names turned into codes at a time: a few MB

_DIGITS = re.compile(r"[0-9]+")
_VARIANT = re.compile(r"(?:.*/)?([0-9]+/[0-9]+)_[^/]*", re.DOTALL)
_WIDEST = 10  # digits the fast way reads
_SLASH, _ZERO, _DOT = b"/0."


def _no_rows() -> NDArray[np.int64]:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class ImageKeys:
    """The keys of N images.

    Args:
        codes: (N,) int64. Where folder and image are numbers, ``folder << 32 | image``; -1 where
            the name has no folder; otherwise ``-2 - t`` for the key ``texts[t]``.
        texts: keys that are not two numbers, such as "Ann/12" or "8/69_25", each once.
        variants: (V,) images that may stand for their number, ascending: of those in a folder whose
            names go on with an underscore after this number, such as 69_25.jpg, the only one.
        numbers: (V,) their codes by the number alone, as "8/69" has it.
    """

    codes: NDArray[np.int64]
    texts: tuple[str, ...] = ()
    variants: NDArray[np.int64] = field(default_factory=_no_rows)
    numbers: NDArray[np.int64] = field(default_factory=_no_rows)

    def __len__(self) -> int:
        """Number of images, N."""
        return len(self.codes)

    def text(self, row: int) -> str:
        """The key of one image, such as "12/735"; empty if it has none."""
        code = int(self.codes[row])
        if code >= 0:
            return f"{code >> 32}/{code & 0xFFFFFFFF}"
        return "" if code == NO_KEY else self.texts[-2 - code]

    def chosen(self, rows: NDArray[np.int64]) -> "ImageKeys":
        """The keys of some of the images, in an order of their own.

        What shared its number with an image that is left out stays no variant.
        """
        variants = np.flatnonzero(np.isin(rows, self.variants))
        numbers = self.numbers[np.searchsorted(self.variants, rows[variants])]
        return ImageKeys(self.codes[rows], self.texts, variants, numbers)

    def repeated(self) -> NDArray[np.int64]:
        """Images whose key two have, such as 735.jpg and 00000735.jpg, ascending."""
        if (self.codes[1:] > self.codes[:-1]).all():
            return _no_rows()  # a sorted record set: nothing to sort again
        ordered = np.sort(self.codes)
        twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        return np.flatnonzero(np.isin(self.codes, twice[twice != NO_KEY]))

    def find(self, wanted: "ImageKeys") -> NDArray[np.int64]:
        """Row of each wanted key among these, (W,) int64, -1 where it is none of them.

        Args:
            wanted: W keys. These here must be sorted by code and each different.
        """
        if not len(self):
            return np.full(len(wanted), -1, dtype=np.int64)
        codes = self._codes_here(wanted)
        row = np.searchsorted(self.codes, codes)
        row[row == len(self)] = 0
        return np.where((self.codes[row] == codes) & (codes != NO_KEY), row, -1)

    def _codes_here(self, wanted: "ImageKeys") -> NDArray[np.int64]:
        # a text has another code there than here
        if not wanted.texts:
            return wanted.codes
        here = {text: -2 - number for number, text in enumerate(self.texts)}
        table = np.array([here.get(text, NO_KEY) for text in wanted.texts], dtype=np.int64)
        is_text = wanted.codes < NO_KEY
        codes = wanted.codes.copy()
        codes[is_text] = table[-2 - codes[is_text]]
        return codes


def image_keys(names: Sequence[str] | NDArray[np.str_]) -> ImageKeys:
    """The keys of images from their paths.

    Args:
        names: (N,) paths such as "casia/000012/00000735.jpg"; the last two parts count, without
            what follows the last dot.

    Source: in the loader of Lee et al., BMVC 2021, the number of every image ends at the first
        underscore, in folders that are numbers. Here it stands for `variants` only, since several
        images would else have one key.
    """
    codes = np.empty(len(names), dtype=np.int64)
    texts: dict[str, int] = {}
    cuts: list[tuple[int, int]] = []
    for start in range(0, len(names), BLOCK):
        block = list(map(str, names[start : start + BLOCK]))
        codes[start : start + len(block)] = found = _codes_of(block, texts)
        cuts += [
            (start + row, code_of(cut[1], texts))
            for row in np.flatnonzero(found < NO_KEY).tolist()
            if (cut := _VARIANT.fullmatch(block[row]))
        ]
    keys = ImageKeys(codes, tuple(texts))
    return _with_variants(keys, *np.array(cuts, dtype=np.int64).T) if cuts else keys


def numbered_keys(folder: ArrayLike, image: ArrayLike) -> ImageKeys:
    """The keys of images from numbers, such as a record's label and key.

    Args:
        folder: (N,) number of each image's folder, 0 to 2^31 - 1.
        image: (N,) number of each image, 0 to 2^31 - 1.

    Raises:
        ValueError: a number outside that range, or not as many of one as of the other.
    """
    folders, images = np.asarray(folder), np.asarray(image)
    if folders.shape != images.shape or folders.ndim != 1:
        raise ValueError(f"folder {folders.shape}, image {images.shape}: expected two of (N,)")
    for name, numbers in (("folder", folders), ("image", images)):
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() <= LARGEST:
            at = int(np.argmax((numbers < 0) | (numbers > LARGEST)))
            raise ValueError(f"{name}[{at}] is {numbers[at]}: expected 0 to {LARGEST}")
    codes = folders.astype(np.int64)
    codes <<= 32
    codes |= images
    return ImageKeys(codes)


def code_of(path: str, texts: dict[str, int]) -> int:
    """The code of one path, as in `ImageKeys`.

    Args:
        path: with forward slashes; the last two parts count.
        texts: codes of the text keys so far; takes a new one.
    """
    folders, _, image = path.rpartition("/")
    folder = folders.rpartition("/")[2]
    if not (folder and image):
        return NO_KEY
    stem = _unpadded(image.rpartition(".")[0] or image)
    if _DIGITS.fullmatch(folder):
        folder = _unpadded(folder)
        number, underscore, rest = stem.partition("_")
        stem = _unpadded(number) + underscore + rest
        # compared by length first: the largest number has ten digits
        if _DIGITS.fullmatch(stem) and max(len(folder), len(stem)) <= _WIDEST:
            pair = int(folder), int(stem)
            if max(pair) <= LARGEST:
                return pair[0] << 32 | pair[1]
    return texts.setdefault(f"{folder}/{stem}", -2 - len(texts))


def codes_at(
    data: NDArray[np.uint8], starts: NDArray[np.int64], stops: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Codes of paths in a text, (n,) int64, -1 where one needs the long way of `code_of`.

    Args:
        data: the text's bytes.
        starts: (n,) where each path starts, ascending.
        stops: (n,) where it stops, exclusive.
    """
    slashes = np.concatenate([[-1, -1], np.flatnonzero(data == _SLASH)])  # two before all others
    last = np.searchsorted(slashes, stops) - 1
    slash = slashes[last]  # of the image's name; a path without one is refused below
    folder_start = np.maximum(slashes[last - 1] + 1, starts)
    folder, folder_width = leading_number(data, folder_start, slash)
    image, image_width = leading_number(data, slash + 1, stops)
    after = slash + 1 + image_width
    dots = np.concatenate([[-1], np.flatnonzero(data == _DOT)])
    last_dot = dots[np.searchsorted(dots, stops) - 1]
    is_plain = (
        (slash >= starts)
        & (folder_width > 0) & (folder_start + folder_width == slash) & (folder <= LARGEST)
        & (image_width > 0) & (image_width <= _WIDEST) & (image <= LARGEST)
        & ((after == stops) | (after == last_dot))
    )  # fmt: skip
    return np.where(is_plain, folder << 32 | image, NO_KEY)


def leading_number(
    data: NDArray[np.uint8], starts: NDArray[np.int64], stops: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The digits that pieces of a text begin with: their value and how many, each (n,) int64.

    No more than 11 digits are read, one more than a key may have.

    Args:
        data: the text's bytes.
        starts: (n,) where each piece starts.
        stops: (n,) where it stops, exclusive.
    """
    value = np.zeros(len(starts), dtype=np.int64)
    width = np.zeros(len(starts), dtype=np.int64)
    running = np.ones(len(starts), dtype=bool)
    for step in range(_WIDEST + 1):
        position = starts + step
        digit = data[np.minimum(position, len(data) - 1)] - np.uint8(_ZERO)  # wraps below "0"
        running &= (digit <= 9) & (position < stops)
        if not running.any():
            break
        value = np.where(running, value * 10 + digit, value)
        width += running
    return value, width


def _codes_of(names: list[str], texts: dict[str, int]) -> NDArray[np.int64]:
    encoded = [name.encode(errors="surrogatepass") for name in names]
    data = np.frombuffer(b"\n".join([*encoded, b""]), dtype=np.uint8)
    stops = np.cumsum([len(name) + 1 for name in encoded]) - 1
    starts = np.concatenate([[0], stops[:-1] + 1])
    codes = codes_at(data, starts, stops)
    for row in np.flatnonzero(codes == NO_KEY).tolist():
        codes[row] = code_of(names[row], texts)
    return codes


def _with_variants(
    keys: ImageKeys, rows: NDArray[np.int64], numbers: NDArray[np.int64]
) -> ImageKeys:
    # of the rows that have one number by the cut none stands for it, nor where two images have it
    _, place, count = np.unique(numbers, return_inverse=True, return_counts=True)
    is_alone = (count[place] == 1) & ~np.isin(numbers, keys.codes[keys.repeated()])
    return replace(keys, variants=rows[is_alone], numbers=numbers[is_alone])


def _unpadded(part: str) -> str:
    return (part.lstrip("0") or "0") if _DIGITS.fullmatch(part) else part
