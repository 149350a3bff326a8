"""Hair behind, around and over the face, ears, neck, clothes and the backdrop.

Shapes: planes are (B, SIZE, SIZE).
Units: adult distances between the pupils.
"""

import numpy as np

from irlib.data.synthetic.camera import View
from irlib.data.synthetic.canvas import (
    SIZE,
    Plane,
    bell,
    blend,
    column,
    double,
    halve,
    ramp,
    sample,
    shade,
    step,
)
from irlib.data.synthetic.skin import Face, edge

EARS = {-1: np.s_[:, 34:84, 0:40], 1: np.s_[:, 34:84, 72:112]}
BODY = np.s_[:, 64:112, :]


def paint_backdrop(face: Face, count: int) -> Plane:
    """A gradient between two colours with soft clouds, as the first layer."""
    grid = (np.arange(0, SIZE, 2, dtype=np.float32) - 55.5) / 60.0
    across, down = grid[None, None, :], grid[None, :, None]
    t = across * np.cos(face.backdrop_angle) + down * np.sin(face.backdrop_angle)
    t = double(np.clip(0.5 + 0.6 * t, 0.0, 1.0))
    clouds = sample("clouds", down * 80.0 + face.offset * 256, across * 80.0 + face.offset * 517)
    clouds = double(0.10 * face.backdrop_texture * clouds)
    image = np.empty((3, count, SIZE, SIZE), dtype=np.float32)
    for channel in range(3):
        start, stop = column(face.backdrop[:, channel]), column(face.backdrop_to[:, channel])
        np.add(start + t * (stop - start), clouds, out=image[channel])
    return np.clip(image, 0.04, 0.98, out=image)


def _box(t: Plane) -> Plane:
    """Power between 2 and 4, for outlines between an ellipse and a box."""
    t = t * t
    return t * (0.55 + 0.45 * t)


def _strands(face: Face, look: View) -> Plane:
    """Light and dark streaks that run from the parting outwards and down; blotches in curls."""
    part = 0.45 * face.part * (1.0 - face.young)
    dx = look.coarse_outline_x - part
    dy = look.coarse_outline_y - face.top_y - 0.1
    radius = np.sqrt(dx * dx + dy * dy)
    angle = dx / (np.abs(dy + 0.5) + np.abs(dx) * 0.6 + 0.35)
    along = double(radius * 26.0 + face.offset * 256)
    streaks = sample("strands", along, double(angle * (95.0 + 12.0 * radius)) + 9.0)
    curl = np.clip(face.hair_curl - 0.25, 0.0, 0.8)
    rows = np.flatnonzero(curl)
    x, y = look.outline_x[rows], look.outline_y[rows]
    curls = sample("curls", y * 62.0 + face.offset[rows] * 256, x * 62.0)
    streaks[rows] += curl[rows] * (1.1 * curls - streaks[rows])
    return streaks


def _hair_paint(face: Face, light: Face, look: View, strands: Plane) -> Plane:
    x, y = look.coarse_outline_x, look.coarse_outline_y
    band = double(bell(y - face.top_y * 0.72 + 0.12 * x * x, 0.20))
    side = double(1.0 + 0.30 * light.contrast * np.clip(x * light.x, -1.0, 0.6))
    tone = strands * (0.12 + 0.10 * band)
    tone += 0.84 + 0.20 * band
    tone *= side
    band *= 0.02
    paint = np.empty((3, *tone.shape), dtype=np.float32)
    for channel in range(3):
        np.multiply(column(face.hair[:, channel]), tone, out=paint[channel])
        paint[channel] += band
    return np.clip(paint, 0.01, 1.0, out=paint)


def _silhouette(face: Face, look: View) -> Plane:
    """Cover of the hair that stands beyond the head, seen from the front."""
    x, y = look.coarse_outline_x, look.coarse_outline_y
    locks = sample("clouds", y * 120.0 + face.offset * 256, x * 120.0)
    rough = (0.006 + 0.035 * np.maximum(face.hair_curl - 0.2, 0.0) + 0.010 * face.messy) * locks
    side = face.outline_w + 0.02 + face.volume * (0.45 + 0.75 * face.hair_curl) + rough
    top = face.volume * (0.8 + 0.6 * face.hair_curl) * (1.0 - face.hair_loss) + rough
    top = face.top_y - 0.02 - top
    middle = face.outline_y - 0.35
    up = np.maximum((middle - y) / (middle - top), 0.0)
    down = np.maximum((y - middle) * (1.0 / np.maximum(face.hair_end - middle, 0.05)), 0.0)
    across = x / (side * (1.0 + 0.10 * face.long * np.minimum(down, 1.0)))
    up *= up
    down *= down
    inside = across * across + up * (0.7 + 0.3 * up) + down * down * down
    return ramp(double(1.6 * edge(inside)))


def paint_behind(image: Plane, face: Face, light: Face, look: View) -> tuple[Plane, Plane, Plane]:
    """Back hair; returns the paint of the hair, its silhouette and its strands."""
    strands = _strands(face, look)
    paint = _hair_paint(face, light, look, strands)
    hair = _silhouette(face, look)
    bald = step(face.hair_loss, 0.55, 0.95) * (1.0 - step(look.coarse_outline_y, -1.0, -0.6))
    hair *= double(np.maximum(1.0 - 1.15 * face.hair_thin, 0.0) * (1.0 - bald))
    blend(image, paint * 0.72, hair)
    return paint, hair, strands


def paint_body(image: Plane, face: Face, light: Face, look: View) -> None:
    """Neck, shoulders and clothes."""
    view, x, y = image[(slice(None), *BODY)], look.outline_x[BODY], look.outline_y[BODY]
    a = np.abs(x)
    neck = face.neck_w - a + 0.35 * np.maximum(y - face.chin_y, 0.0) ** 2
    neck = ramp(neck * look.pixels) * step(y, face.ear_y, face.ear_y + 0.2)
    dark = 0.26 + 0.30 * bell(y - face.chin_y, 0.28) - 0.12 * x * light.x
    skin = np.empty_like(view)
    skin[:] = face.skin.T[:, :, None, None]
    shade(skin, np.clip(dark, 0.0, 0.8))
    blend(view, skin, neck)
    collar = face.chin_y + 0.26 + 0.08 * face.young - 0.30 * np.clip(a - 0.45, 0.0, 0.5)
    collar += 0.22 * np.maximum(a - 1.0, 0.0)
    fabric = np.empty_like(view)
    fabric[:] = face.cloth.T[:, :, None, None]
    shade(fabric, 0.12 - 0.2 * np.clip(x * light.x, -0.5, 0.5))
    blend(view, fabric, ramp((y - collar) * look.pixels))


def paint_ears(image: Plane, face: Face, light: Face, look: View) -> None:
    """Ears at the sides of the head."""
    for side, window in EARS.items():
        view, x, y = image[(slice(None), *window)], look.outline_x[window], look.outline_y[window]
        out = face.ear_out + 0.06
        dx = (x * side - face.outline_w * 0.985) / out
        dy = (y - face.ear_y + 0.15 * (x * side - face.outline_w)) / face.ear_h
        ring = np.sqrt(dx * dx + dy * dy)
        inner = 0.36 * bell(ring - 0.55, 0.25) * step(dx, -0.2, 0.5)
        skin = np.empty_like(view)
        skin[:] = (face.skin * np.float32([1.0, 0.92, 0.92])).T[:, :, None, None]
        shade(skin, 0.20 - 0.14 * side * light.x + inner)
        blend(view, skin, ramp((1.0 - ring) * out * look.pixels))


def paint_front(
    image: Plane, face: Face, look: View, paint: Plane, silhouette: Plane, strands: Plane
) -> None:
    """Hair over forehead, temples and ears, with its shadow on the skin."""
    x, y = look.coarse_x, look.coarse_y
    a = np.abs(x)
    coarse = halve(strands)
    line = face.hair_y - 0.85 * face.hair_loss**1.3
    line = line - 0.35 * face.hair_loss * bell(a - 0.55, 0.22) * (1.0 - face.hair_loss)
    swept = step((x - 0.40 * face.part) * np.sign(face.part + 1e-3), -0.5, 0.5)
    locks = face.fringe * (0.55 + 0.45 * swept) * (1.0 + 0.12 * coarse)
    line += locks * (1.0 - face.hair_loss) * (face.brow_y - 0.02 - face.hair_y)
    parted = bell(x - 0.40 * face.part, 0.30) * (1.0 - face.young)
    line += 0.022 * coarse - 0.12 * parted * (1.0 - face.hair_loss)
    center = face.outline_y - 0.05
    up = np.maximum((center - y) / np.maximum(center - line, 0.05), 0.0)
    wide = face.opening * face.outline_w + 0.010 * coarse
    outside = double(-2.0 * edge(_box(x / wide) + _box(up)))
    end = (face.hair_end + 0.03 * coarse - y) * look.pixels
    density = (1.0 - 0.72 * face.hair_thin) * (1.0 - 0.25 * face.hair_loss)
    silhouette = silhouette * density
    hair = ramp(0.8 * outside) * ramp(double(0.5 * end)) * silhouette
    shadow = ramp(0.25 * outside + 0.45) * step(face.hair_end, -0.5, 0.3) * silhouette
    shade(image, 0.30 * np.maximum(shadow - hair, 0.0))
    blend(image, paint, hair)
