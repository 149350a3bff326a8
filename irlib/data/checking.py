"""Every image read once: which are damaged, and a fingerprint of all of them."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from irlib.data.decoding import decode

_CHUNK = 512  # images between two words of progress


@dataclass(frozen=True)
class Check:
    """What reading every image of a list found."""

    images: int
    fingerprint: str  # SHA-256 over names and contents, whatever the order of the list
    broken: tuple[str, ...]  # one message an image: its path and what is wrong with it

    def require_sound(self) -> "Check":
        """The check itself.

        Raises:
            ValueError: images are damaged; the first ten are named.
        """
        if self.broken:
            listed = "\n  ".join(self.broken[:10])
            more = "" if len(self.broken) <= 10 else f"\n  and {len(self.broken) - 10} more"
            raise ValueError(f"{len(self.broken)} of {self.images} images:\n  {listed}{more}")
        return self


def check_images(
    root: Path,
    names: Sequence[str],
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Check:
    """Decode and hash every image of a list.

    Args:
        root: the folder that the names are relative to.
        names: (N,) paths with forward slashes.
        workers: threads; decoding leaves Python's lock.
        progress: told the images done and in all.
    """
    found: list[tuple[str, str, str]] = []  # name, hash, what is wrong
    with ThreadPoolExecutor(max(1, workers)) as pool:
        for start in range(0, len(names), _CHUNK):
            chunk = [str(name) for name in names[start : start + _CHUNK]]
            found += pool.map(lambda name: (name, *_check(root / name)), chunk)
            progress(len(found), len(names))
    lines = sorted(f"{name} {content}\n" for name, content, _ in found)
    fingerprint = hashlib.sha256("".join(lines).encode()).hexdigest()
    return Check(len(found), fingerprint, tuple(wrong for *_, wrong in found if wrong))


def _check(path: Path) -> tuple[str, str]:
    try:
        decode(path)
        return hashlib.sha256(path.read_bytes()).hexdigest(), ""
    except (ValueError, OSError) as error:
        return "", str(error)
