"""Whether red and blue were swapped on the way: skin is redder than blue, whoever's it is.

Shapes: B crops of H x W pixels.
"""

import numpy as np
from numpy.typing import NDArray


def red_share(images: NDArray[np.uint8]) -> float:
    """Share of crops whose middle is redder than blue, in [0, 1].

    Gray crops have neither more red nor more blue and are left out; NaN if all are gray.

    Args:
        images: (B, H, W, 3) uint8 RGB crops of faces.

    Raises:
        ValueError: not a batch of color images.
    """
    if images.ndim != 4 or images.shape[3] != 3:
        raise ValueError(f"shape {images.shape}: expected (B, H, W, 3)")
    height, width = images.shape[1:3]
    middle = images[:, height // 4 : height - height // 4, width // 4 : width - width // 4]
    color = middle.mean(axis=(1, 2))  # (B, 3)
    excess = color[:, 0] - color[:, 2]  # (B,) red over blue
    colored = excess[excess != 0]
    return float((colored > 0).mean()) if len(colored) else float("nan")


def looks_swapped(share: float) -> bool:
    """Whether a `red_share` tells that the channels are in the order BGR.

    Few faces are lit so that they are bluer than red; swapped, nearly all are. Not a number, as
    of gray crops, tells nothing.
    """
    return share < 0.5


def verdict(share: float) -> str:
    """What a `red_share` tells, in words."""
    if np.isnan(share):
        return "all crops are gray, which tells nothing of the channels"
    told = f"{share:.0%} of the crops are redder than blue"
    return (
        f"{told}: stored with swapped channels?" if looks_swapped(share) else f"{told}, as skin is"
    )
