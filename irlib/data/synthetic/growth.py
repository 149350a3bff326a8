"""How a face grows and ages: cranio-facial strain, maturation, and the marks of time.

Units: ages in years; geometry in adult distances between the pupils.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

GROWN_AGE = 18.0  # cranio-facial growth is all but over
STRAIN_AT_BIRTH = -0.20  # k of an infant seen from the adult head; see `strain_coefficient`
STRAIN_CENTER = (0.0, -0.55)  # pole of the strain: mid-forehead, above the eyes


def smoothstep(value: Array, low: float, high: float) -> Array:
    """Cubic ramp from 0 at `low` to 1 at `high`."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def grown(age: Array) -> Array:
    """Share of the cranio-facial growth that is done: 0 at birth, 1 from 18 years on.

    Exponential saturation: fast in the first years and slow towards the end.
    """
    return np.minimum((1.0 - np.exp(-age / 7.0)) / (1.0 - np.exp(-GROWN_AGE / 7.0)), 1.0)


def strain_coefficient(age: Array) -> Array:
    """Growth parameter k that takes the adult head back to `age`; 0 for adults."""
    return STRAIN_AT_BIRTH * (1.0 - grown(age))


def cardioidal_strain(x: Array, y: Array, k: Array) -> tuple[Array, Array]:
    """Points moved along their radius by R' = R (1 + k (1 - cos theta)).

    theta is the angle from the upward vertical, so the crown stays where it is and the chin
    moves most, by a factor 1 + 2 k. A positive k makes a head older, a negative one younger.

    Args:
        x: horizontal positions.
        y: vertical positions, growing downwards.
        k: growth parameter, broadcast against x and y.

    Returns:
        The moved x and y.

    Source: Todd, Mark, Shaw and Pittenger, "The perception of human growth", Scientific American
        1980; applied to face images by Ramanathan and Chellappa, "Modeling age progression in
        young faces", CVPR 2006.
    """
    dx, dy = x - STRAIN_CENTER[0], y - STRAIN_CENTER[1]
    radius = np.hypot(dx, dy)
    cosine = -dy / np.maximum(radius, 1e-9)
    factor = 1.0 + k * (1.0 - cosine)
    return STRAIN_CENTER[0] + dx * factor, STRAIN_CENTER[1] + dy * factor


def maturity(age: Array, at_birth: Array, midpoint: Array) -> Array:
    """Share of the adult's deviation from the average face that shows at `age`.

    Args:
        age: (B, 1) years.
        at_birth: (T,) share shown by a newborn, in [0, 1].
        midpoint: (T,) years at which half of the rest has appeared.

    Returns:
        (B, T) shares in [at_birth, 1]; 1 for adults.
    """
    rise = 1.0 / (1.0 + np.exp(-(age - midpoint) / 2.2))
    floor = 1.0 / (1.0 + np.exp(midpoint / 2.2))
    ceiling = 1.0 / (1.0 + np.exp(-(25.0 - midpoint) / 2.2))
    share = np.clip((rise - floor) / (ceiling - floor), 0.0, 1.0)
    return at_birth + (1.0 - at_birth) * share


def puberty(age: Array) -> Array:
    """Share of the adult difference between men and women that shows at `age`."""
    return 0.12 + 0.88 / (1.0 + np.exp(-(age - 13.8) / 1.3))


def wrinkling(age: Array, propensity: Array) -> Array:
    """Depth of wrinkles, 0 below 24 years, around 1 at 75; `propensity` is standard normal."""
    return smoothstep(age, 24.0, 86.0) * 1.25 * np.exp(0.22 * propensity)


def sagging(age: Array, propensity: Array) -> Array:
    """Descent of brow, cheek and jaw tissue, 0 below about 32 years, around 1 at 75."""
    return smoothstep(age, 32.0, 84.0) * 1.15 * np.exp(0.2 * propensity)


def greying(age: Array, propensity: Array) -> Array:
    """Share of grey hair in [0, 1]; half at about 54 years, earlier with a high propensity."""
    return 1.0 / (1.0 + np.exp(-(age - 54.0 + 6.0 * propensity) / 5.5)) * smoothstep(age, 24, 40)


def hair_loss(age: Array, propensity: Array, male: Array) -> Array:
    """Recession of the hair line in [0, 1]; marked in half of the men of 70."""
    onset = 70.0 - 21.0 * propensity
    loss = 1.0 / (1.0 + np.exp(-(age - onset) / 7.0)) * smoothstep(age, 20.0, 40.0)
    return np.where(male > 0.5, loss, 0.18 * loss)
