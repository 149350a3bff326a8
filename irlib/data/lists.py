"""A list file of training images: one line `path label` an image.

Shapes: N images, C identities.
"""

import posixpath
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irlib.data.folders import NAMES, FaceFolder, files_in

EXPECTED = "expected lines `path label`, with a whole number from 0 on as the label"

_LABEL = re.compile(r"[0-9]{1,18}")
_BLOCK = 65_536  # lines turned into arrays at a time: Python's own objects take ten times as much
_SHOWN = 10  # bad lines named in an error


def read_list(path: Path) -> FaceFolder:
    """The images that a list names, ordered by label, then by name, and those that are absent.

    The label is the last field, after a tab or spaces; all before it is the path, relative to the
    list's folder. Labels are made dense; the class names keep them as they stand in the list.

    Args:
        path: text file, UTF-8.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: lines are not `path label`, name an image twice, or lead out of the list's
            folder; or none of the images is there.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; {EXPECTED}")
    lines = _read(path)
    _refuse_duplicates(path, lines)
    order = np.argsort(lines.names, kind="stable")
    order = order[np.argsort(lines.labels[order], kind="stable")]
    names, labels = lines.names[order], lines.labels[order]
    there = _present(path.parent, names)
    if not there.any():
        raise ValueError(f"{path}: none of its {len(names):,} images is there, not {names[0]!r}")
    numbers, dense = np.unique(labels[there], return_inverse=True)
    return FaceFolder(
        path.parent,
        names[there],
        dense.astype(np.int64),
        tuple(str(number) for number in numbers.tolist()),
        absent=tuple(sorted(names[~there].tolist())),
    )


@dataclass
class _Lines:
    names: NDArray[Any] = field(default_factory=lambda: np.empty(0, dtype=NAMES))
    labels: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    numbers: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))


class _Faults:
    """Bad lines: all counted, the first kept."""

    def __init__(self) -> None:
        self.count, self.first = 0, []

    def add(self, number: int, reason: str) -> None:
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(f"line {number}: {reason}")

    def refuse(self, path: Path) -> None:
        if not self.count:
            return
        more = f"\n  and {self.count - _SHOWN} more" if self.count > _SHOWN else ""
        listed = "\n  ".join(self.first)
        raise ValueError(f"{path}: {self.count} bad lines; {EXPECTED}:\n  {listed}{more}")


def _read(path: Path) -> _Lines:
    faults, blocks = _Faults(), []
    entries: list[tuple[str, int, int]] = []
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                entry = _entry(line, number, path.parent)
            except ValueError as error:
                faults.add(number, str(error))
                continue
            if entry:
                entries.append(entry)
            if len(entries) == _BLOCK:
                blocks.append(_block(entries))
                entries = []
    faults.refuse(path)
    blocks.append(_block(entries))
    joined = _Lines(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))
    if not len(joined.names):
        raise ValueError(f"{path}: no line; {EXPECTED}")
    return joined


def _block(
    entries: list[tuple[str, int, int]],
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    names = np.array([name for name, *_ in entries], dtype=NAMES)
    numbers = np.array([rest for _, *rest in entries], dtype=np.int64).reshape(-1, 2)
    return names, numbers[:, 0], numbers[:, 1]


def _entry(line: bytes, number: int, root: Path) -> tuple[str, int, int] | None:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
    except UnicodeDecodeError:
        raise ValueError(f"{line[:80]!r} is not UTF-8") from None
    if not text:
        return None
    fields = text.rsplit(None, 1)
    if len(fields) != 2 or not _LABEL.fullmatch(fields[1]):
        raise ValueError(f"{text[:80]!r} does not end in a label")
    return _inside(fields[0], root), int(fields[1]), number


def _inside(name: str, root: Path) -> str:
    # the path below root, in one spelling
    if "\0" in name or ".." in name.split("/"):
        raise ValueError(f"{name!r} leads out of the list's folder")
    if name.startswith("/"):
        below = f"{root.absolute()}/"
        if not name.startswith(below):
            raise ValueError(f"{name!r} leads out of the list's folder")
        name = name.removeprefix(below)
    return posixpath.normpath(name)


def _refuse_duplicates(path: Path, lines: _Lines) -> None:
    order = np.argsort(lines.names, kind="stable")
    names, faults = lines.names[order], _Faults()
    twice = np.flatnonzero(names[1:] == names[:-1])
    for row in twice[np.argsort(lines.numbers[order[twice + 1]])].tolist():
        first, second = lines.numbers[order[[row, row + 1]]].tolist()
        faults.add(second, f"{names[row]!r} stands on line {first} already")
    faults.refuse(path)


def _present(root: Path, names: NDArray[Any]) -> NDArray[np.bool_]:
    # one listing a folder, not one stat an image; a few are kept where folders take turns
    listing = lru_cache(maxsize=64)(lambda folder: files_in(root / folder))
    parted = (name.rpartition("/") for name in names)
    found = (image in listing(folder) for folder, _, image in parted)
    return np.fromiter(found, dtype=np.bool_, count=len(names))
