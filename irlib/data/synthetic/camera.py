"""Where each pixel falls on the head, and what the lens and the film do to the picture.

Shapes: B images; planes are (B, SIZE, SIZE).
Units: pixels in the image, adult distances between the pupils on the head, radians.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from irlib.data.synthetic.anatomy import Measures
from irlib.data.synthetic.canvas import SIZE, Plane, column, double, noise_tile
from irlib.data.synthetic.nuisance import Nuisance

# ArcFace's five points (eyes, nose tip, mouth corners), drawn 0.82 times as large so that chin
# and hair are in the picture.
TEMPLATE = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)
TEMPLATE = 0.82 * (TEMPLATE - 56.0) + np.array([56.0, 56.0])


@dataclass(frozen=True)
class View:
    """Head coordinates of every pixel of B images, and of every other one, as `coarse_`.

    Args:
        x: across the face surface, 0 on the mid-line, turning with the head.
        y: down the face surface, 0 at the adult's pupils.
        outline_x: across the silhouette, which turns less than the surface.
        outline_y: down the silhouette.
        coarse_x: every other pixel's x.
        coarse_y: every other pixel's y.
        coarse_outline_x: every other pixel's outline_x.
        coarse_outline_y: every other pixel's outline_y.
        pixels: (B, 1, 1) pixels per unit.
    """

    x: Plane
    y: Plane
    outline_x: Plane
    outline_y: Plane
    coarse_x: Plane
    coarse_y: Plane
    coarse_outline_x: Plane
    coarse_outline_y: Plane
    pixels: Plane


def _depth(x: NDArray, y: NDArray, width: NDArray) -> NDArray:
    """Depth of the head's ellipsoid in front of its axis."""
    inside = 1.0 - (x / (1.18 * width)) ** 2 - ((y - 0.1) / (2.1 * width)) ** 2
    return 1.05 * width * np.sqrt(np.maximum(inside, 0.04))


def _alignment(face: Measures, nuisance: Nuisance) -> tuple[NDArray, NDArray, NDArray]:
    """Least-squares similarity from the turned head to the template, as complex a and b."""
    zero = np.zeros_like(face["eye_x"])
    tip = face["nose_y"] - 0.11 * face["unit"]
    x = np.stack([-face["eye_x"], face["eye_x"], zero, -face["mouth_w"], face["mouth_w"]], axis=1)
    y = np.stack([face["eye_y"], face["eye_y"], tip, face["mouth_y"], face["mouth_y"]], axis=1)
    width = face["outline_w"][:, None]
    z = _depth(x, y, width)
    z[:, 2] += 0.25
    eye_z = _depth(0.0 * width, face["eye_y"][:, None], width)
    yaw, pitch = nuisance["yaw"][:, None], nuisance["pitch"][:, None]
    turned_x = x * np.cos(yaw) + (z - eye_z) * np.sin(yaw)
    turned_y = y * np.cos(pitch) + (z - eye_z) * np.sin(pitch)
    source = turned_x + 1j * turned_y
    target = TEMPLATE[:, 0] + 1j * TEMPLATE[:, 1]
    centered = source - source.mean(axis=1, keepdims=True)
    a = (np.conj(centered) * (target - target.mean())).sum(axis=1)
    a = a / (np.abs(centered) ** 2).sum(axis=1)
    a = a * nuisance["zoom"] * np.exp(1j * nuisance["roll"])
    b = target.mean() - a * source.mean(axis=1)
    return a, b + nuisance["shift_x"] + 1j * nuisance["shift_y"], eye_z[:, 0]


def view(face: Measures, nuisance: Nuisance) -> View:
    """Head coordinates of every pixel after alignment, with its residual error."""
    a, b, eye_z = _alignment(face, nuisance)
    grid = np.arange(0, SIZE, 2, dtype=np.float32)
    real, imag = column((1 / a).real), column((1 / a).imag)
    across = grid[None, None, :] - column(b.real)
    down = grid[None, :, None] - column(b.imag)
    x = across * real - down * imag
    y = across * imag + down * real

    sin_yaw, cos_yaw = column(np.sin(nuisance["yaw"])), column(np.cos(nuisance["yaw"]))
    sin_pitch, cos_pitch = column(np.sin(nuisance["pitch"])), column(np.cos(nuisance["pitch"]))
    z_eye, width = column(eye_z), column(face["outline_w"])
    axis_x = x + z_eye * sin_yaw
    axis_y = y + z_eye * sin_pitch
    depth = _depth(axis_x, axis_y, width)
    chin = np.clip((y + 0.2) / column(face["chin_y"]), 0.0, 1.0)
    coarse = {
        "x": axis_x * cos_yaw - depth * sin_yaw,
        "y": axis_y * cos_pitch - depth * sin_pitch,
        "outline_x": x + z_eye * sin_yaw * (0.85 - 0.5 * chin),
        "outline_y": y + 0.25 * sin_pitch,
    }
    return View(
        **{name: double(plane) for name, plane in coarse.items()},
        **{f"coarse_{name}": plane for name, plane in coarse.items()},
        pixels=column(np.abs(a)),
    )


def _photograph(image: Plane, nuisance: Nuisance) -> None:
    """Exposure, white balance and monochrome film, in place."""
    warmth, tint = column(nuisance["warmth"]), column(nuisance["tint"])
    exposure = column(nuisance["exposure"])
    image[0] *= exposure * (1.0 + warmth)
    image[1] *= exposure * (1.0 - tint)
    image[2] *= exposure * (1.0 - warmth)
    rows = np.flatnonzero(nuisance["monochrome"])
    red, green, blue = image[:, rows]
    grey = 0.32 * red + 0.46 * green + 0.14 * blue
    image[:, rows] = grey * np.float32([1.04, 1.0, 0.93])[:, None, None, None]


def _soften(image: Plane, nuisance: Nuisance) -> None:
    """Blur of the lens, stronger where the original was of low resolution, in place."""
    coarse = nuisance["low_resolution"] * (1.0 / nuisance["resolution"] - 1.0)
    sigma = np.clip(nuisance["blur"], 0.0, 1.4) + 0.55 * coarse
    for row, width in enumerate(sigma):
        if width < 0.25:
            continue
        for axis in (1, 2):
            image[:, row] = ndimage.gaussian_filter1d(
                image[:, row], width, axis=axis, mode="nearest", truncate=2.5
            )


def develop(image: Plane, nuisance: Nuisance) -> NDArray[np.uint8]:
    """The painted picture as the camera stores it.

    Args:
        image: (3, B, H, W), used up.
        nuisance: of the B images.

    Returns:
        (B, H, W, 3) uint8 RGB.
    """
    _photograph(image, nuisance)
    _soften(image, nuisance)
    grain = noise_tile("pores")
    out = np.empty((*image.shape[1:], 3), dtype=np.uint8)
    for row, amount in enumerate(np.clip(nuisance["noise"], 0.004, 0.06)):
        top = int(nuisance["texture_y"][row] * 140)
        left = int(nuisance["texture_x"][row] * 140)
        patch = np.float32(amount) * grain[top : top + SIZE, left : left + SIZE]
        picture = np.clip(image[:, row] + patch, 0.0, 1.0) * np.float32(255.0)
        out[row] = np.rint(picture).astype(np.uint8).transpose(1, 2, 0)
    return out
