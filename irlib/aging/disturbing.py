"""Aligned crops put out of alignment on purpose: shifted, turned, zoomed, upside down.

Shapes: N gray pictures of h x h pixels. Units: shifts in sides of the picture, angles in radians.
"""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

_SHIFT = (12 / 112, 35 / 112)  # how far, in any direction
_TURN = np.radians((20.0, 340.0))
_ZOOM = np.log((1.3, 2.0))  # in or out
_TOGETHER = np.radians(40.0), 0.5  # turn and log zoom at most, beside a shift
_BORDERS = ("zeros", "border", "reflection")  # what lies outside a crop, each a third of the time
_BATCH = 512


def disturbed(gray: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """(N, h, h), each picture moved in one of five ways, drawn at random.

    A fifth each is shifted by 12 to 35 of 112 pixels, turned by 20 degrees or more, zoomed by 1.3
    or more, turned upside down, or shifted, turned and zoomed at once.

    Args:
        gray: (N, h, h).
        rng: draws the ways.
    """
    theta = torch.from_numpy(_maps(len(gray), rng))
    made = np.empty_like(gray)
    for border, start in zip(_BORDERS, range(len(_BORDERS)), strict=True):
        for first in range(start, len(gray), _BATCH * len(_BORDERS)):
            rows = np.arange(first, min(first + _BATCH * len(_BORDERS), len(gray)), len(_BORDERS))
            made[rows] = _warped(torch.from_numpy(gray[rows]), theta[rows], border).numpy()
    return made


def _warped(gray: Tensor, theta: Tensor, border: str) -> Tensor:
    pictures = gray[:, None]
    grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
    moved = F.grid_sample(pictures, grid, padding_mode=border, align_corners=False)
    return moved[:, 0]


# (N, 2, 3), from places in the result to places in the picture, both from -1 to 1
def _maps(count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    way = rng.integers(5, size=count)
    shifted, turned, zoomed, down, all_three = (way == each for each in range(5))
    direction = rng.uniform(0, 2 * np.pi, count)
    distance = np.where(shifted | all_three, rng.uniform(*_SHIFT, count), 0.0)
    most_turn, most_zoom = _TOGETHER
    angle = np.where(turned, rng.uniform(*_TURN, count), np.where(down, np.pi, 0.0))
    angle += np.where(all_three, rng.uniform(-most_turn, most_turn, count), 0.0)
    zoom = np.where(zoomed, rng.choice([-1, 1], count) * rng.uniform(*_ZOOM, count), 0.0)
    zoom += np.where(all_three, rng.uniform(-most_zoom, most_zoom, count), 0.0)
    # half of those upside down stand on their heads without being turned: in mirror image
    mirror = np.where(down & (rng.random(count) < 0.5), -1.0, 1.0)
    cosine, sine = np.exp(-zoom) * np.cos(angle), np.exp(-zoom) * np.sin(angle)
    linear = np.array([[mirror * cosine, -sine], [mirror * sine, cosine]])  # (2, 2, N)
    shift = 2 * distance * np.array([np.cos(direction), np.sin(direction)])  # (2, N)
    offset = np.einsum("ijn,jn->in", linear, shift)[:, None]
    return np.concatenate([linear, offset], axis=1).transpose(2, 0, 1).astype(np.float32)
