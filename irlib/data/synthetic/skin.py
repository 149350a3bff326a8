"""The bare head: outline, relief under a light, and skin colour.

Shapes: planes are (B, SIZE, SIZE), or half that where the quantity is smooth.
Units: adult distances between the pupils.
"""

from types import SimpleNamespace

import numpy as np

from irlib.data.synthetic.camera import View
from irlib.data.synthetic.canvas import (
    Plane,
    blend,
    bump,
    column,
    double,
    ramp,
    sample,
    step,
)

Face = SimpleNamespace  # measures as (B, 1, 1) columns, colours as (B, 3)


def outline(face: Face, x: Plane, y: Plane) -> Plane:
    """Implicit head outline: below 1 inside, 1 on the contour, above 1 outside."""
    up = np.maximum((face.outline_y - y) * (1.0 / (face.outline_y - face.top_y)), 0.0)
    down = (y - face.outline_y) * (1.0 / (face.chin_y - face.outline_y))
    down = np.clip(down, 0.0, 1.6)
    square = down * down
    width = 1.0 + (0.03 + 0.14 * face.young) * np.minimum(up, 1.0)
    width -= face.taper * square * (1.35 - 0.35 * down)
    across = x / (width * face.outline_w)
    up *= up
    jaw = square * ((1.0 - face.jaw_square) + face.jaw_square * square)
    return across * across + up * (0.75 + 0.25 * up) + jaw


def edge(value: Plane) -> Plane:
    """Signed distance in samples to the contour `value` = 1, positive inside."""
    slope_x = np.empty_like(value)
    slope_y = np.empty_like(value)
    np.subtract(value[:, :, 2:], value[:, :, :-2], out=slope_x[:, :, 1:-1])
    slope_x[:, :, 0], slope_x[:, :, -1] = slope_x[:, :, 1], slope_x[:, :, -2]
    np.subtract(value[:, 2:], value[:, :-2], out=slope_y[:, 1:-1])
    slope_y[:, 0], slope_y[:, -1] = slope_y[:, 1], slope_y[:, -2]
    slope_x *= slope_x
    slope_y *= slope_y
    slope_x += slope_y
    return (2.0 - 2.0 * value) / (np.sqrt(slope_x) + 2e-4)


def relief(face: Face, inside: Plane, x: Plane, y: Plane) -> Plane:
    """Height of the face towards the viewer: the dome of the head and its features."""
    a = np.abs(x)
    unit = face.unit
    height = 0.74 * face.outline_w * np.sqrt(np.maximum(1.0 - inside, 0.001))
    height -= (
        0.090 * face.eye_depth * bump(a - face.eye_x * 0.92, y - face.eye_y + 0.05, 0.25, 0.16)
    )
    height += 0.040 * bump(a - face.eye_x, y - face.eye_y - 0.02, 0.19, 0.12)
    height += 0.035 * (face.eye_depth + 0.2) * bump(a - 0.36, y - face.brow_y, 0.34, 0.13)
    tip_y = face.nose_y - 0.10 * unit
    start = face.eye_y - 0.12
    along = np.clip((y - start) * (1.0 / (tip_y - start)), 0.0, 1.0)
    below = step(y, tip_y, face.nose_y + 0.05)
    bridge = (0.03 + 0.17 * face.nose_bridge * (0.5 + along)) * along * (1.0 - below)
    height += bridge * bump(x, 0.0, 0.10 + 0.04 * along, 1.0)
    height += 0.16 * bump(x, y - tip_y, face.nose_tip * 1.1, 0.115)
    height += 0.070 * bump(a - 0.68 * face.nose_w, y - face.nose_y + 0.06, 0.085, 0.085)
    cheek_x = 0.58 * face.outline_w
    height += face.cheek_fat * bump(a - cheek_x, y - face.eye_y - 0.66 * unit, 0.34, 0.30)
    height += face.cheek_bone * bump(a - 0.72 * face.outline_w, y - 0.34, 0.28, 0.20)
    height += 0.055 * bump(x, y - face.mouth_y, 0.42 * unit, 0.26)
    sulcus = face.mouth_y + 1.9 * face.lower_lip
    height -= 0.045 * bump(x, y - sulcus, 0.24, 0.075)
    height += face.chin_bump * bump(x, y - face.chin_y + 0.20, face.chin_w, 0.17)
    height += 0.10 * face.sag * bump(a - 0.66, y - 1.28, 0.2, 0.22)
    return height


def lighting(light: Face, height: Plane, scale: Plane) -> tuple[Plane, Plane]:
    """Diffuse light on the relief, 1 on average, and a highlight.

    Args:
        light: direction `x`, `y` over 1 towards the viewer, and `contrast`.
        height: of the face towards the viewer.
        scale: samples of the height per unit of length.
    """
    across = np.zeros_like(height)
    down = np.zeros_like(height)
    across[:, :, 1:-1] = (height[:, :, 2:] - height[:, :, :-2]) * (0.5 * scale)
    down[:, 1:-1] = (height[:, 2:] - height[:, :-2]) * (0.5 * scale)
    np.clip(across, -2.0, 2.0, out=across)
    np.clip(down, -2.0, 2.0, out=down)
    norm = np.sqrt(across * across + down * down + 1.0)
    length = np.sqrt(light.x * light.x + light.y * light.y + 1.0)
    cosine = (1.0 - across * light.x - down * light.y) / (norm * length)
    half = 0.5 * cosine + 0.5
    diffuse = 1.0 + 1.30 * light.contrast * (half * half - 0.82)
    shine = np.maximum(cosine, 0.0)
    for _ in range(4):
        shine = shine * shine
    return diffuse, shine


def paint_skin(image: Plane, face: Face, light: Face, look: View) -> Plane:
    """Paint the bare head, without eyes and mouth, and return its cover."""
    inside = outline(face, look.coarse_outline_x, look.coarse_outline_y)
    cover = ramp(double(2.0 * edge(inside)))
    x, y = look.coarse_x, look.coarse_y
    height = relief(face, inside, x, y)
    diffuse, shine = lighting(light, height, 0.5 * look.pixels)
    a = np.abs(x)
    red = 0.5 * bump(a - 0.60 * face.outline_w, y - face.eye_y - 0.55 * face.unit, 0.30, 0.26)
    red += 0.35 * bump(x, y - face.nose_y + 0.1, 0.22, 0.16)
    red *= face.skin_red * (0.8 + 0.9 * face.young)
    cloud = sample("clouds", y * 40.0 + face.offset * 256, x * 40.0 + 31.0)
    red += 0.12 * cloud * (0.15 + 0.25 * face.wrinkle)
    freckled = bump(a - 0.4, y - 0.42, 0.5, 0.35) * (0.26 * face.freckles)
    lit, red, freckled = double(np.clip(diffuse, 0.15, 1.22)), double(red), double(freckled)
    shine = double((0.10 + 0.04 * face.sex) * light.contrast * shine)
    spots = sample("pores", look.y * 36.0 + face.offset * 991, look.x * 36.0)
    aged = 0.17 * np.clip(face.wrinkle - 0.5, 0, 1)
    dark = freckled * np.maximum(spots - 0.9, 0.0) + aged * np.maximum(spots - 1.8, 0.0)
    lit *= 1.0 + (0.004 + 0.010 * face.wrinkle) * spots - dark
    skin = np.empty_like(image)
    for channel, (shadow, flush) in enumerate(((0.10, 0.03), (0.0, -0.12), (-0.03, -0.10))):
        base = column(face.skin[:, channel])
        np.multiply(lit, (1.0 - shadow) * base, out=skin[channel])
        skin[channel] += shadow * base
        skin[channel] *= 1.0 + flush * red
        skin[channel] += shine
    blend(image, skin, cover)
    return cover
