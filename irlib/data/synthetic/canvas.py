"""Pixels, soft masks and textures that the painters share.

Shapes: B images, H rows, W columns; an image is (3, B, H, W) float32 while it is painted.
Units: face coordinates in adult distances between the pupils; colours in [0, 1].
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]  # (B, H, W)

SIZE = 112
TILE = 256

# Spread of the filter across and along, in texels.
_GRAIN = {"pores": (0.9, 0.9), "curls": (3.0, 3.0), "clouds": (14.0, 14.0), "strands": (1.7, 24.0)}


def column(values: NDArray) -> Plane:
    """(B,) values as (B, 1, 1), to go with planes."""
    return np.asarray(values, dtype=np.float32)[:, None, None]


def ramp(value: Plane) -> Plane:
    """Linear ramp: 0 at -0.5, 1 at 0.5; the cover of a pixel at a signed distance in pixels."""
    return np.clip(value + np.float32(0.5), 0.0, 1.0)


def step(value: Plane, low: float | Plane, high: float | Plane) -> Plane:
    """Cubic ramp from 0 at `low` to 1 at `high`."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def bump(x: Plane, y: Plane, width: float | Plane, height: float | Plane) -> Plane:
    """Gaussian bell with standard half axes `width` and `height`."""
    x = x * (1.0 / width)
    x *= x
    if not np.isscalar(y):
        y = y * (1.0 / height)
        y *= y
        x = x + y
    return np.exp(-x)


def bell(x: Plane, width: float | Plane) -> Plane:
    """Gaussian bell with standard half axis `width`."""
    x = x / width
    x *= x
    return np.exp(-x)


def halve(plane: Plane) -> Plane:
    """Every other row and column, for what varies slowly."""
    return np.ascontiguousarray(plane[:, ::2, ::2])


def double(plane: Plane) -> Plane:
    """A halved plane at full size again, linear between its samples."""
    count, rows, columns = plane.shape
    wide = np.empty((count, rows, 2 * columns), dtype=np.float32)
    wide[:, :, ::2] = plane
    np.add(plane[:, :, :-1], plane[:, :, 1:], out=wide[:, :, 1:-1:2])
    wide[:, :, 1:-1:2] *= 0.5
    wide[:, :, -1] = plane[:, :, -1]
    full = np.empty((count, 2 * rows, 2 * columns), dtype=np.float32)
    full[:, ::2] = wide
    np.add(wide[:, :-1], wide[:, 1:], out=full[:, 1:-1:2])
    full[:, 1:-1:2] *= 0.5
    full[:, -1] = wide[:, -1]
    return full


def blend(image: Plane, color: NDArray, cover: Plane) -> None:
    """Paint a colour over `image` in place.

    Args:
        image: (3, B, h, w) view of the picture.
        color: (B, 3), or (3, B, h, w).
        cover: (B, h, w) opacity in [0, 1].
    """
    for channel in range(3):
        paint = color[channel] if color.ndim == 4 else column(color[:, channel])
        image[channel] += cover * (paint - image[channel])


def shade(image: Plane, amount: Plane) -> None:
    """Darken `image` in place by (1 - amount), a little less in the red, as skin shadows do."""
    image[0] *= 1.0 - 0.86 * amount
    image[1] *= 1.0 - amount
    image[2] *= 1.0 - 1.02 * amount


@cache
def noise_tile(kind: str) -> NDArray[np.float32]:
    """(TILE, TILE) periodic noise of unit spread: pores, curls, clouds, or strands along rows.

    Made from a fixed seed by filtering white noise in the Fourier domain.
    """
    across, along = _GRAIN[kind]
    white = np.random.Generator(np.random.PCG64(20211122)).standard_normal((TILE, TILE))
    frequency = np.fft.fftfreq(TILE)
    kernel = np.exp(
        -2 * np.pi**2 * (np.add.outer((along * frequency) ** 2, (across * frequency) ** 2))
    )
    smooth = np.fft.ifft2(np.fft.fft2(white) * kernel).real
    smooth -= smooth.mean()
    return np.ascontiguousarray(smooth / smooth.std(), dtype=np.float32)


def sample(kind: str, rows: Plane, columns: Plane) -> Plane:
    """Noise at the nearest texel of (possibly fractional, any-sign) tile coordinates."""
    r = np.floor(rows).astype(np.int32) & (TILE - 1)
    c = np.floor(columns).astype(np.int32) & (TILE - 1)
    return noise_tile(kind).ravel()[r * TILE + c]
