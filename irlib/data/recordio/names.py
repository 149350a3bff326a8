"""What the images of a packed set were called before: lines `key<TAB>label<TAB>name` beside it.

Packing numbers images anew, so that nothing else tells which image a file of ages means. MXNet's
``.lst`` files look alike, but are written before packing and need not fit the records; hence a
suffix of its own.

Shapes: N images.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irlib.data.folders import NAMES, is_image

SUFFIX = ".names"

_PIECE = 1 << 20  # bytes read at once, up to the end of a line
_LONGEST = 1 << 16  # bytes of a line that goes on behind a piece
_BOM = b"\xef\xbb\xbf"


def line(key: int, label: int, name: str) -> bytes:
    """The line of one image.

    Args:
        key: its record's key.
        label: its identity.
        name: any text without a line break.

    Raises:
        ValueError: the name is empty, has a line break, or is not UTF-8.
    """
    if not name or "\n" in name or "\r" in name:
        raise ValueError(f"{name!r}: expected a name without a line break; rename the image")
    try:
        return f"{key}\t{label}\t{name}\n".encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name!r}: expected a name in UTF-8; rename the image") from None


def read_names(
    path: Path, keys: NDArray[np.int64], labels: NDArray[np.int64]
) -> NDArray[Any] | None:
    """The name of each image, (N,) texts, or None where there is no such file.

    Args:
        path: the ``.names`` file.
        keys: (N,) key of each image's record, ascending; the lines must have the same order.
        labels: (N,) label of each image.

    Raises:
        FileNotFoundError: something lies there that is no file, such as a link that leads nowhere.
        ValueError: a line is missing or too many, is not UTF-8, or has another key or label than
            the record; the message has its number.
    """
    if not (path.is_symlink() or path.exists()):
        return None
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not a file; expected the names of the packed images")
    names = np.empty(len(keys), dtype=NAMES)
    done = 0
    for lines in _pieces(path):
        rows = slice(done, done + len(lines))
        numbers = zip(keys[rows].tolist(), labels[rows].tolist(), strict=True)
        heads = [f"{key}\t{label}\t" for key, label in numbers]
        if len(heads) < len(lines) or not all(map(str.startswith, lines, heads)):
            raise ValueError(_misfit(path, lines, heads, done))
        found = list(map(str.removeprefix, lines, heads))
        if "" in found:
            raise ValueError(f"{path}: line {done + found.index('') + 1} has no name")
        names[rows] = found
        done += len(lines)
    if done < len(keys):
        raise ValueError(
            f"{path}: it ends after line {done}, but the records hold {len(keys)} images; expected "
            f"line {done + 1} to be `{keys[done]}<TAB>{labels[done]}<TAB>name`"
        )
    return names


def in_folder(name: str) -> str:
    """The last two parts of a name, ``folder/image``."""
    return "/".join(name.rsplit("/", 2)[-2:])


def misfit_of_tree(names: NDArray[Any], labels: NDArray[np.int64]) -> str:
    """Why the names are not those of a folder of identities; empty if they are.

    They are where each is ``folder/image``, whatever stands before it, each label has a folder of
    its own, and no two would be one file, on no file system.

    Args:
        names: (N,) texts.
        labels: (N,) label of each image.
    """
    folders: set[str] = set()
    order = np.argsort(labels, kind="stable")
    ends = np.flatnonzero(np.diff(labels[order])) + 1
    for rows in np.split(order, ends):
        group = names[rows].tolist()
        if bad := next((name for name in group if not _is_safe(name)), ""):
            return f"{bad!r} is not the `folder/image` of an image below a folder"
        parted = [name.rsplit("/", 2)[-2:] for name in group]
        if len({folder for folder, _ in parted}) > 1:
            return f"label {labels[rows[0]]} has images of more than one folder, as of {group[0]!r}"
        folder = _folded(parted[0][0])
        if folder in folders:
            return f"the folder of {group[0]!r} has images of more than one label"
        folders.add(folder)
        if len({_folded(image) for _, image in parted}) < len(parted):
            return f"two images have one name in the folder of {group[0]!r}"
    return ""


def _pieces(path: Path) -> Iterator[list[str]]:
    number = 1
    with path.open("rb") as file:
        if file.read(len(_BOM)) != _BOM:
            file.seek(0)
        while piece := file.read(_PIECE):
            piece += (rest := file.readline(_LONGEST))
            if len(rest) == _LONGEST and not rest.endswith(b"\n"):
                number += piece.count(b"\n")
                raise ValueError(f"{path}: line {number} has more than {_LONGEST} bytes")
            lines = _decoded(path, piece, number).removesuffix("\n").split("\n")
            number += len(lines)
            yield lines


def _decoded(path: Path, piece: bytes, first: int) -> str:
    if b"\r" in piece:
        piece = piece.replace(b"\r\n", b"\n")
    try:
        return piece.decode()
    except UnicodeDecodeError as error:
        number = first + piece.count(b"\n", 0, error.start)
        raise ValueError(f"{path}: line {number} is not UTF-8") from None


def _misfit(path: Path, lines: Sequence[str], heads: Sequence[str], done: int) -> str:
    fits = list(map(str.startswith, lines, heads))  # as long as the shorter of the two
    row = fits.index(False) if False in fits else len(fits)
    told = f"{path}: line {done + row + 1} is {lines[row][:60]!r}"
    if row == len(heads):
        return f"{told}; expected no more, as the records hold {done + row} images"
    key, label, _ = heads[row].split("\t")
    return f"{told}; expected `{key}<TAB>{label}<TAB>name`, as the records have key and label"


def _is_safe(name: str) -> bool:
    parts = name.split("/")
    return (
        len(parts) >= 2
        and bool(parts[0])  # else it begins at the root
        and ".." not in parts
        and bool(parts[-2])
        and not parts[-2].startswith(".")
        and is_image(parts[-1])
        and "\0" not in name
    )


def _folded(part: str) -> str:
    # as file systems compare that know no case, and spell accents in one way
    return part.lower() if part.isascii() else unicodedata.normalize("NFC", part).casefold()
