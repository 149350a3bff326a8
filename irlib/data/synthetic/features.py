"""Eyes, eyebrows, nostrils, lips, moles and beards, painted on the skin.

Each painter works in a fixed window of the aligned picture that holds its feature whatever the
pose, and paints in place.

Shapes: windows are (B, h, w).
Units: adult distances between the pupils.
"""

import numpy as np

from irlib.data.synthetic.camera import View
from irlib.data.synthetic.canvas import Plane, blend, bump, column, ramp, sample, shade, step
from irlib.data.synthetic.skin import Face

EYES = {-1: np.s_[:, 34:70, 18:58], 1: np.s_[:, 34:70, 54:94]}
BROWS = np.s_[:, 18:60, 8:104]
NOSE = np.s_[:, 48:92, 32:80]
MOUTH = np.s_[:, 64:106, 22:90]


def _parts(image: Plane, look: View, window: tuple) -> tuple[Plane, Plane, Plane]:
    return image[(slice(None), *window)], look.x[window], look.y[window]


def paint_brows(image: Plane, face: Face, look: View) -> None:
    """Eyebrows: a tapering arch of hairs on each side."""
    view, x, y = _parts(image, look, BROWS)
    a = np.abs(x)
    t = (a - face.brow_in * face.unit) / ((face.brow_out - face.brow_in) * face.unit)
    inside = np.clip(t, 0.0, 1.0)
    arch = face.brow_arch * np.sin(np.pi * np.clip(0.15 + 0.75 * inside, 0, 1))
    middle = face.brow_y + 0.05 - arch - face.brow_tilt * (inside - 0.4)
    middle = middle - 0.03 * face.brow_raise - face.asymmetry_y * np.sign(x)
    thick = face.brow_thick * (1.0 - 0.62 * inside**2) * (0.75 + 0.5 * step(inside, 0.0, 0.2))
    distance = (thick - np.abs(y - middle)) * look.pixels * 0.7
    ends = step(t, -0.08, 0.10) * (1.0 - step(t, 0.88, 1.05))
    hairs = 0.85 + 0.15 * sample("pores", y * 40.0 + x * 20.0 + 500.0, x * 30.0 + 500.0)
    cover = ramp(distance) * ends * hairs * face.brow_strength * (1.0 - 0.25 * face.wrinkle * 0.5)
    blend(view, face.brow, np.clip(cover, 0.0, 1.0))


def paint_eye(image: Plane, face: Face, light: Face, look: View, side: int) -> None:
    """One eye: crease, white, iris, pupil, highlight, lids and lashes."""
    view, x, y = _parts(image, look, EYES[side])
    dx = x * side - face.eye_x - face.asymmetry_x * side
    dy = y - face.eye_y - face.asymmetry_y * side
    dy = dy + face.eye_tilt * dx
    pixels = look.pixels
    u = dx / face.eye_w
    bow = 1.0 - u * u
    arc = np.maximum(bow, 0.0)
    open_ = np.clip(1.0 - face.closure - 0.20 * np.clip(face.smile, 0, 1), 0.12, 1.3)
    root = np.sqrt(arc + 1e-6)
    upper = (
        -face.eye_h * 1.12 * open_ * (0.55 * root + 0.45 * arc) + 0.02 * face.sag * (u + 0.6) * arc
    )
    lower = face.eye_h * 0.80 * (0.35 * root + 0.65 * arc) - 0.03 * np.clip(face.smile, 0, 1) * arc
    ends = ramp((1.0 - np.abs(u)) * face.eye_w * pixels)
    opening = ramp((dy - upper) * pixels) * ramp((lower - dy) * pixels) * ends

    crease = (
        upper - (0.055 + 0.02 * face.young) * (1.0 - 0.55 * np.clip(face.eye_fold, 0, 1)) * arc**0.5
    )
    line = np.exp(-(((dy - crease) / 0.026) ** 2)) * step(arc, 0.0, 0.4)
    shade(view, 0.34 * line * (1.0 - 0.75 * np.clip(face.eye_fold, 0, 1)))
    lid = bump(u * 0.8, (dy + 0.09) / 0.12, 1.0, 1.0) * (1.0 - opening)
    shade(view, np.clip((0.05 + 0.07 * face.eye_depth + 0.10 * face.makeup) * lid, 0.0, 0.6))

    white = np.stack([0.93 * np.ones_like(u), 0.905 * np.ones_like(u), 0.885 * np.ones_like(u)])
    white *= (
        0.92 - 0.10 * np.abs(u) - 0.30 * np.exp(-(((dy - upper) / 0.05) ** 2)) - 0.06 * face.wrinkle
    )
    iris_x = dx - 0.07 * face.gaze_x * side
    iris_y = dy + 0.012 * open_ - 0.03 * face.gaze_y
    radius = np.sqrt(iris_x * iris_x + iris_y * iris_y)
    disc = ramp((face.iris_r - radius) * pixels)
    rim = 1.0 - 0.50 * step(radius, 0.62 * face.iris_r, face.iris_r)
    glow = 0.85 + 0.35 * step(iris_y, -face.iris_r, face.iris_r)
    for channel in range(3):
        color = column(face.iris[:, channel]) * rim * glow
        white[channel] += disc * (color - white[channel])
    pupil = ramp((0.42 * face.iris_r - radius) * pixels)
    white *= 1.0 - 0.93 * pupil
    spot = bump(iris_x * side - 0.032 * np.sign(light.x), iris_y + 0.036, 0.028, 0.026)
    white += 0.9 * np.clip(spot, 0, 1)
    blend(view, white, opening)

    thickness = (0.020 + 0.020 * face.lash + 0.014 * face.makeup) * (
        0.55 + 0.45 * np.clip(u + 0.6, 0, 1.4)
    )
    lash = np.exp(-(((dy - upper + 0.006) / thickness) ** 2)) * step(bow, -0.10, 0.15)
    shade(view, 0.88 * lash * (0.65 + 0.35 * face.lash))
    under = np.exp(-(((dy - lower - 0.008) / 0.02) ** 2)) * step(arc, 0.0, 0.3)
    shade(view, (0.16 + 0.14 * face.lash + 0.10 * face.makeup) * under)
    corner = bump(dx + face.eye_w * 0.98, dy - 0.012, 0.03, 0.025)
    view[1] *= 1.0 - 0.25 * corner
    view[2] *= 1.0 - 0.25 * corner


def paint_nose(image: Plane, face: Face, look: View) -> None:
    """Nostrils, the rim of the wings and the shadow under the tip."""
    view, x, y = _parts(image, look, NOSE)
    a = np.abs(x)
    base = face.nose_y
    nostril = bump(
        a - 0.46 * face.nose_w,
        y - base + 0.015 + 0.02 * face.nose_up,
        0.062,
        0.036 + 0.012 * face.nose_up,
    )
    shade(view, (0.66 - 0.16 * face.young) * nostril)
    under = bump(x, y - base - 0.03, face.nose_w * 0.95, 0.055)
    shade(view, (0.19 - 0.08 * face.young) * under)
    wing_x, wing_y = a - face.nose_w * 0.72, y - base + 0.085
    ring = np.sqrt((wing_x / 0.30) ** 2 + (wing_y / 0.36) ** 2) - 0.30 * face.nose_w / 0.265
    rim = np.exp(-((ring / 0.075) ** 2)) * step(wing_x, -0.01, 0.06) * step(wing_y, -0.10, 0.02)
    shade(view, 0.26 * rim)
    philtrum = np.exp(-((x / 0.045) ** 2)) * step(y, base + 0.03, base + 0.12)
    philtrum *= 1.0 - step(y, face.mouth_y - 0.14, face.mouth_y - 0.06)
    shade(view, 0.09 * philtrum)


def paint_mouth(image: Plane, face: Face, look: View) -> None:
    """Lips, the line between them, and teeth where the mouth is open."""
    view, x, y = _parts(image, look, MOUTH)
    smile = np.clip(face.smile, -0.4, 1.1)
    width = face.mouth_w * (1.0 + 0.13 * smile)
    u = x / width
    inner = 1.0 - u * u
    arc = np.maximum(inner, 0.0)
    gap = np.clip(face.mouth_open, 0.0, 1.0) * 0.16
    lift = (0.10 * smile + 0.11 * face.mouth_curve) * (u * u - 0.35)
    middle = face.mouth_y - lift + 0.007 * np.cos(3.0 * np.pi * u) * arc + face.asymmetry_y * u
    bow = 1.0 - 0.34 * face.cupid_bow * np.exp(-((u / 0.16) ** 2)) * 0.8
    thin = 1.0 - 0.18 * np.clip(smile, 0, 1)
    top = middle - 0.35 * gap * arc - face.upper_lip * thin * bow * arc**0.8 * 1.1
    inner_top = middle - 0.35 * gap * arc
    inner_bottom = middle + 0.65 * gap * arc
    bottom = inner_bottom + face.lower_lip * thin * arc**0.65
    pixels = look.pixels
    ends = ramp((1.0 - np.abs(u)) * width * pixels)
    upper = ramp((y - top) * pixels * 0.8) * ramp((middle - y) * pixels) * ends
    lower = ramp((bottom - y) * pixels * 0.8) * ramp((y - middle) * pixels) * ends
    paint = 0.55 * face.lip_red + 0.55 * face.makeup
    for cover, dark in ((upper, 0.80), (lower, 0.95)):
        for channel, strength in enumerate((0.00, 0.36, 0.26)):
            tone = (
                dark
                * (1.0 - strength * (0.45 + 0.55 * paint))
                * (1.0 + 0.04 * (channel == 0) * paint)
            )
            view[channel] *= 1.0 + 0.92 * cover * (tone - 1.0)
    gloss = bump(x, y - inner_bottom - 0.42 * face.lower_lip, 0.55 * width, 0.03)
    view += 0.10 * gloss * lower
    inside = ramp((y - inner_top) * pixels) * ramp((inner_bottom - y) * pixels) * ends
    inside *= ramp(gap * arc * pixels - 0.3)
    teeth = 1.0 - step((y - inner_top) / (gap * arc + 1e-3), 0.45, 0.85)
    cavity = np.stack([0.34 + 0.52 * teeth, 0.13 + 0.70 * teeth, 0.12 + 0.66 * teeth])
    cavity *= 0.70 + 0.30 * arc
    blend(view, cavity, inside)
    seam = np.exp(-(((y - middle) / 0.022) ** 2)) * step(inner, -0.06, 0.10) * (1.0 - inside)
    shade(view, 0.55 * seam)
    corner = bump(np.abs(x) - width, y - face.mouth_y + lift, 0.035, 0.035)
    shade(view, 0.30 * corner)
    shade(view, 0.15 * bump(x, y - bottom - 0.04, 0.5 * width, 0.05))


def paint_moles(image: Plane, face: Face, look: View, cover: Plane) -> None:
    """Moles at the places of the identity."""
    for k in range(face.moles.shape[1]):
        x, y, size, dark = (column(face.moles[:, k, i]) for i in range(4))
        shade(image, 0.75 * dark * cover * bump(look.x - x, look.y - y, size * 1.25, size * 1.25))


def paint_beard(image: Plane, face: Face, look: View, cover: Plane) -> None:
    """Stubble or beard on jaw and chin, and a moustache."""
    window = np.s_[:, 56:112, :]
    view, x, y = _parts(image, look, window)
    on_skin = cover[window]
    a = np.abs(x)
    cheek = face.mouth_y - 0.18 - 0.65 * np.clip(a - 0.30, 0.0, None) ** 1.2
    jaw = step(y, cheek, cheek + 0.16)
    mouth = bump(x, y - face.mouth_y - 0.03, face.mouth_w * 1.05, 0.15)
    jaw = (
        jaw * (1.0 - np.clip(1.6 * mouth, 0.0, 1.0)) * step(a + 0.9 * (y - face.mouth_y), 0.1, 0.35)
    )
    lip = bump(x, y - 0.5 * (face.nose_y + face.mouth_y) - 0.03, face.mouth_w * 0.95, 0.085)
    lip = np.clip(1.5 * lip, 0.0, 1.0) * step(y, face.nose_y + 0.02, face.nose_y + 0.10)
    lip = lip * (
        1.0 - step(y, face.mouth_y - face.upper_lip - 0.02, face.mouth_y - 0.3 * face.upper_lip)
    )
    hairs = sample("strands", y * 34.0, x * 60.0 + face.offset * 256)
    amount = np.maximum(face.beard_now * np.maximum(jaw, lip), face.moustache_now * lip)
    blend(
        view, face.beard_color * 0.8, on_skin * np.clip(amount * (0.86 + 0.12 * hairs), 0.0, 0.95)
    )


def paint_glasses(image: Plane, face: Face, look: View, cover: Plane) -> None:
    """Frames, lenses and their glint."""
    window = np.s_[:, 28:80, :]
    view, x, y = _parts(image, look, window)
    a = np.abs(x)
    u, v = (a - face.eye_x * 1.06) / 0.40, (y - 0.06) / (0.30 + 0.05 * face.frame_round)
    power = 4.0 - 1.6 * face.frame_round
    ring = (np.abs(u) ** power + np.abs(v) ** power) ** (1.0 / power)
    lens = ramp((1.0 - ring) * 0.34 * look.pixels)
    frame = ramp((0.035 + 0.03 * face.frame_bold - np.abs(ring - 1.0) * 0.34) * look.pixels)
    bridge = ramp((0.03 - np.abs(y + 0.05)) * look.pixels) * ramp((0.12 - a) * look.pixels)
    temple = ramp((0.035 - np.abs(y + 0.03)) * look.pixels) * step(a, 0.92, 0.98)
    temple = temple * (1.0 - step(a, face.outline_w * 0.95, face.outline_w))
    blend(view, 0.06 * np.ones_like(face.frame), 0.78 * lens * face.dark_glasses)
    shade(view, 0.10 * lens)
    glint = np.exp(-(((u + v * 0.9 + 0.5) / 0.16) ** 2)) * lens
    view += 0.07 * glint
    blend(view, face.frame, np.maximum(np.maximum(frame, bridge), temple * cover[window]))
