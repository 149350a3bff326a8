"""Colours of a face: palettes of skin, hair and iris, and how age changes them.

Shapes: B faces; a colour is (B, 3), in [0, 1].
"""

import numpy as np
from numpy.typing import NDArray

from irlib.data.synthetic.growth import smoothstep

Measures = dict[str, NDArray[np.float64]]

SKIN_AT = np.array([-2.6, -1.4, -0.5, 0.5, 1.4, 2.6])
SKIN = np.array(
    [
        [0.925, 0.790, 0.720],
        [0.890, 0.730, 0.640],
        [0.825, 0.650, 0.540],
        [0.700, 0.520, 0.410],
        [0.530, 0.375, 0.285],
        [0.390, 0.270, 0.210],
    ]
)
HAIR_AT = np.array([-2.4, -1.3, -0.4, 0.5, 1.4, 2.4])
HAIR = np.array(
    [
        [0.88, 0.76, 0.52],
        [0.72, 0.55, 0.33],
        [0.50, 0.35, 0.21],
        [0.32, 0.21, 0.14],
        [0.17, 0.12, 0.095],
        [0.09, 0.075, 0.075],
    ]
)
IRIS_AT = np.array([-1.6, -0.7, 0.0, 0.7, 1.5])
IRIS = np.array(
    [
        [0.36, 0.54, 0.72],
        [0.42, 0.55, 0.58],
        [0.45, 0.46, 0.28],
        [0.42, 0.27, 0.13],
        [0.2, 0.12, 0.07],
    ]
)


def _palette(value: NDArray, at: NDArray, colors: NDArray) -> NDArray[np.float64]:
    return np.stack([np.interp(value, at, colors[:, c]) for c in range(3)], axis=-1)


def face_colors(z: dict[str, NDArray], sex: NDArray, age: NDArray, grey: NDArray) -> Measures:
    """Colours of skin, hair, brows and eyes, and how red and freckled the skin is.

    Args:
        z: trait name to (B,) deviations that show at the age.
        sex: (B,) -1 female to 1 male, as far as it shows at the age.
        age: (B,) years.
        grey: (B,) share of grey hair.

    Returns:
        Name to (B, 3) colour or (B,) strength.
    """
    dark = np.maximum(z["hair_dark"], 0.9 * z["skin_tone"] - 0.2)  # no fair hair on dark skin
    fair = 1.0 - smoothstep(dark, 0.3, 1.1)
    blond = 0.9 * fair * (1.0 - smoothstep(age, 1.0, 16.0))  # children's hair darkens
    hair = _palette(dark - blond, HAIR_AT, HAIR)
    red = (fair * np.clip(z["hair_red"] - 1.0, 0.0, 1.0))[:, None]
    hair = hair * (1 - red) + red * np.array([0.62, 0.29, 0.12]) * (0.6 + 0.4 * hair[:, :1])
    brow = hair * 0.72
    silver = np.array([0.80, 0.79, 0.78])
    hair = hair + grey[:, None] * (silver - hair)
    brow = brow + 0.65 * grey[:, None] * (silver * 0.8 - brow)
    skin = _palette(z["skin_tone"], SKIN_AT, SKIN)
    iris = _palette(z["iris_hue"], IRIS_AT, IRIS) * (1.0 + 0.12 * z["iris_light"][:, None])
    return {
        "skin": skin, "hair": hair, "brow": brow, "iris": np.clip(iris, 0.03, 0.9),
        "skin_red": np.clip(0.5 + 0.25 * z["skin_red"] - 0.08 * sex, 0.0, 1.3),
        "lip_red": np.clip(0.58 - 0.24 * sex + 0.1 * z["skin_red"], 0.2, 1.0),
        "freckles": np.clip(0.5 * z["freckles"] - 0.45, 0.0, 1.0) * smoothstep(age, 2.0, 9.0),
    }  # fmt: skip
