"""Image files to uint8 arrays.

Shapes: B batch, N images.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = 112  # pixels; ArcFace's aligned crop


def decode(path: Path) -> np.ndarray:
    """A face crop as (112, 112, 3) uint8, RGB.

    Raises:
        ValueError: not an image, a damaged one, or of another size; the message names the file.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            if width == height == SIZE:  # else the pixels of a huge image would fill the memory
                return np.asarray(image.convert("RGB"))
    except FileNotFoundError:
        raise ValueError(f"{path}: no such image") from None
    except Exception as error:  # Pillow raises many kinds for a damaged file
        raise ValueError(f"{path}: not a readable image ({error})") from error
    raise ValueError(f"{path}: {width}x{height} pixels, expected an aligned {SIZE}x{SIZE} crop")


def decode_all(paths: Sequence[Path]) -> np.ndarray:
    """Several crops as (N, 112, 112, 3) uint8.

    Raises:
        ValueError: see `decode`.
    """
    images = np.empty((len(paths), SIZE, SIZE, 3), dtype=np.uint8)
    for index, path in enumerate(paths):
        images[index] = decode(path)
    return images


def batches(paths: Sequence[Path], batch_size: int = 256) -> Iterator[np.ndarray]:
    """Crops in order, in uint8 batches (B, 112, 112, 3)."""
    for start in range(0, len(paths), batch_size):
        yield decode_all(paths[start : start + batch_size])
