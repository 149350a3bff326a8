"""What the pair rules ask of their arguments.

Shapes: N images.
Units: ages and gaps in years.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def age_array(ages: ArrayLike) -> NDArray[np.float64]:
    """Ages as (N,) float64, NaN where unknown.

    Raises:
        ValueError: not one number an image, none at all, or one below 0 or infinite.
    """
    try:
        years = np.ma.filled(np.ma.asarray(ages, dtype=np.float64), np.nan)  # masked: unknown
    except (TypeError, ValueError):
        raise ValueError("ages: expected one number an image, NaN where unknown") from None
    if years.ndim != 1 or not len(years):
        raise ValueError(f"ages: shape {years.shape}; expected one number an image, (N,)")
    if (wrong := (years < 0) | np.isinf(years)).any():
        row = int(wrong.argmax())
        raise ValueError(f"ages[{row}]: {years[row]}; expected years from 0, NaN where unknown")
    return years


def identity_codes(identities: ArrayLike, num_images: int) -> NDArray[np.int64]:
    """Identities as whole numbers (N,) that sort as they do.

    Args:
        identities: (N,) texts or whole numbers.
        num_images: N.

    Raises:
        ValueError: another type, or another number of them.
    """
    given = np.asarray(identities)
    if given.shape != (num_images,):
        raise ValueError(f"identities: shape {given.shape}; expected one an image, {num_images}")
    # a list of both kinds would become texts, and 1 and "1" one person
    mixed = not isinstance(identities, np.ndarray) or given.dtype.kind in "OT"
    values = list(identities) if mixed else given
    for kind, dtype in ((str, np.str_), (int | np.integer, np.int64)):
        if mixed and all(isinstance(value, kind) for value in values):
            values = np.array(values, dtype=dtype)
            break
    if isinstance(values, list) or values.dtype.kind not in "iuU":
        raise ValueError(f"identities: {given.dtype}; expected all texts or all whole numbers")
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def require_gaps(min_gap: float, max_gap: float | None) -> None:
    """See that two gaps are a range.

    Raises:
        ValueError: the lesser is below 0, or the greater is not above it; or one is not finite.
    """
    if not (is_number(min_gap) and min_gap >= 0):
        raise ValueError(f"min_gap {min_gap!r}: expected years, 0 or more")
    if max_gap is not None and not (is_number(max_gap) and max_gap > min_gap):
        raise ValueError(f"max_gap {max_gap!r}: expected more than min_gap, {min_gap:g} years")


def is_number(value: object) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, int | float | np.number) and math.isfinite(value)


def require_seed(seed: int) -> int:
    """The seed itself; ValueError unless it is a whole number from 0."""
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed {seed!r}: expected a whole number from 0")
    return int(seed)
