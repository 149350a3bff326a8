"""The lines of age and expression, as shadows on the skin.

Shapes: windows are (B, h, w).
Units: adult distances between the pupils.
"""

import numpy as np

from irlib.data.synthetic.camera import View
from irlib.data.synthetic.canvas import Plane, bell, bump, sample, shade, step
from irlib.data.synthetic.skin import Face

FOREHEAD = np.s_[:, 6:58, 10:102]
TEMPLES = np.s_[:, 36:78, 6:106]
FOLDS = np.s_[:, 60:108, 16:96]


def _parts(image: Plane, cover: Plane, look: View, window: tuple) -> tuple[Plane, ...]:
    return image[(slice(None), *window)], cover[window], look.x[window], look.y[window]


def paint_forehead(image: Plane, face: Face, look: View, cover: Plane) -> None:
    """Horizontal lines of the forehead and the two upright ones between the brows."""
    view, on_skin, x, y = _parts(image, cover, look, FOREHEAD)
    mask = bump(x, y - 0.5 * (face.hair_y + face.brow_y), 0.62, 0.26)
    wobble = sample("clouds", y * 40.0 + face.offset * 256, x * 40.0 + 31.0)
    rows = np.sin((y + 0.03 * wobble + 0.05 * x * x) * 42.0)
    dark = 0.15 * face.wrinkle * mask * np.clip(rows, -0.3, 1.0)
    dark += 0.16 * face.wrinkle * bump(np.abs(x) - 0.07, y - face.brow_y - 0.06, 0.028, 0.13)
    shade(view, dark * on_skin)


def paint_temples(image: Plane, face: Face, look: View, cover: Plane) -> None:
    """Crow's feet beside the eyes and bags under them."""
    view, on_skin, x, y = _parts(image, cover, look, TEMPLES)
    smile = np.clip(face.smile, 0.0, 1.0)
    dx, dy = np.abs(x) - face.eye_x, y - face.eye_y
    fan = np.sin((dy - 0.02) / (np.abs(dx - 0.10) + 0.12) * 9.0 + 0.8)
    crow = bump(dx - 0.36, dy - 0.03, 0.14, 0.16) * np.maximum(fan, 0.0)
    dark = (0.17 * face.wrinkle + 0.07 * smile * (1.0 - face.young)) * crow
    bag = bell(dy - 0.20 - 0.04 * face.sag + 0.9 * dx * dx, 0.045) * bump(dx, dy - 0.17, 0.24, 0.14)
    dark += (0.05 + 0.22 * face.sag + 0.06 * face.wrinkle) * bag
    shade(view, dark * on_skin)


def paint_folds(image: Plane, face: Face, look: View, cover: Plane) -> None:
    """Nasolabial folds, and the lines that run down from the corners of the mouth."""
    view, on_skin, x, y = _parts(image, cover, look, FOLDS)
    a = np.abs(x)
    smile = np.clip(face.smile, 0.0, 1.0)
    top, bottom = face.nose_y - 0.10, face.mouth_y + 0.12
    t = np.clip((y - top) * (1.0 / (bottom - top)), 0.0, 1.0)
    start = 0.92 * face.nose_w + 0.05
    fold = start + (face.mouth_w + 0.13 - start) * t * (1.7 - 0.7 * t)
    within = step(y, top - 0.05, top + 0.08) * (1.0 - step(y, bottom - 0.20, bottom + 0.08))
    depth = 0.04 + 0.16 * face.wrinkle + 0.13 * smile * (1.0 - 0.5 * face.young)
    dark = depth * within * bell(a - fold, 0.05 + 0.02 * face.wrinkle)
    low = face.mouth_y + 0.08
    corner = step(y, face.mouth_y, low) * (1.0 - step(y, low, low + 0.34))
    dark += 0.12 * face.sag * corner * bell(a - face.mouth_w - 0.04, 0.045)
    jowl = bump(a - 0.50 - 0.1 * face.sag, y - face.chin_y + 0.30, 0.10, 0.12)
    dark += 0.12 * face.sag * jowl
    shade(view, dark * on_skin)
