"""CACD-VS: 4,000 numbered pairs of celebrities across ages, in ten folds.

Shapes: P pairs.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irlib.data.folders import is_image
from irlib.data.manifests import MANIFEST
from irlib.data.sets import names
from irlib.data.sources import ImageFiles
from irlib.data.walking import entries

PAIRS = 4000
FOLD = 400  # pairs; the first half of each fold shows one person twice
EXPECTED = "expected 0000_0.jpg, 0000_1.jpg and so on to 3999_1.jpg"

_NO_STRAY = {MANIFEST, ".alignment/"}  # left there by the alignment


@dataclass(frozen=True, eq=False)
class CacdVs:
    """The pairs whose two images are there, in the order of their numbers.

    Args:
        root: the folder that holds the images.
        left: (P,) str, names such as 0000_0.jpg.
        right: (P,) str, names such as 0000_1.jpg.
        is_same: (P,) bool.
        fold: (P,) 0 to 9.
        rejected: (number, reason) of pairs that lack an image; with P, 4,000 in all.
        stray: what is no image of the set, sorted; folders end in a slash.
    """

    root: Path
    left: NDArray[np.str_]
    right: NDArray[np.str_]
    is_same: NDArray[np.bool_]
    fold: NDArray[np.int64]
    rejected: tuple[tuple[int, str], ...]
    stray: tuple[str, ...]

    @property
    def images(self) -> ImageFiles:
        """The 2P images; pair k is images 2k and 2k + 1."""
        return ImageFiles(self.root, np.stack([self.left, self.right], axis=1).ravel())


def read_cacd_vs(root: Path) -> CacdVs:
    """The pairs by the numbers in the file names, counted from 0.

    Args:
        root: the folder with the images.

    Raises:
        FileNotFoundError: root is not a folder.
        ValueError: no image has such a name, a number is past 3999, two files are one image of a
            pair, no pair is whole, or pair 0 is absent, so that the first number is in doubt.

    Source: ten folds of 400, positives first (Chen et al., ECCV 2014, as public users of the set
        describe it; not checked against the owners' copy).
    """
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder; {EXPECTED}")
    images, stray = _listed(root)
    numbers = {number for number, _ in images}
    if not numbers:
        raise ValueError(f"{root}: no image of the set; {EXPECTED}")
    if max(numbers) >= PAIRS or 0 not in numbers:
        raise ValueError(f"{root}: pairs {min(numbers)} to {max(numbers)}; {EXPECTED}")
    whole, rejected = [], []
    for number in range(PAIRS):
        absent = [f"{number:04d}_{side}" for side in (0, 1) if (number, side) not in images]
        if absent:
            rejected.append((number, f"no image {' and '.join(absent)}"))
        else:
            whole.append(number)
    if not whole:
        raise ValueError(f"{root}: no pair has both images; {EXPECTED}")
    number = np.array(whole, dtype=np.int64)
    return CacdVs(
        root,
        np.array([images[k, 0] for k in whole]),
        np.array([images[k, 1] for k in whole]),
        number % FOLD < FOLD // 2,
        number // FOLD,
        tuple(rejected),
        stray,
    )


def _listed(root: Path) -> tuple[dict[tuple[int, int], str], tuple[str, ...]]:
    images: dict[tuple[int, int], str] = {}
    files, folders = entries(root)
    stray = [f"{name}/" for name in folders]
    for name in files:
        key = names.cacd_vs(name)
        if key is None or not (is_image(name) and (root / name).is_file()):
            stray.append(name)
            continue
        if key in images:
            raise ValueError(f"{root}: {images[key]} and {name} are one image")
        images[key] = name
    return images, tuple(sorted(set(stray) - _NO_STRAY))
