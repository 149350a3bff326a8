"""Means and shares of values that each belong to one person, with 95 % intervals over people.

A mean has Student's interval and a share Wilson's, with the variance of people rather than of
images (docs/statistics.md); neither needs draws.

Shapes: N values of each of M means.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.evaluation.bootstrap import Interval
from irlib.evaluation.clustered import share_intervals
from irlib.evaluation.paired import student_ends
from irlib.evaluation.sharing import clustered_mean


def means(values: ArrayLike, identity: ArrayLike) -> list[Interval]:
    """M means with Student's interval over people; NaN ends where there is but one person.

    Args:
        values: (N, M).
        identity: (N,) the person of each.
    """
    table, person = np.asarray(values, dtype=np.float64), np.asarray(identity)
    everyone = np.ones(len(person), dtype=bool)
    events = np.full(table.shape[1], np.inf)  # numbers, not rare events
    mean = clustered_mean(table.T, everyone, person, person, events=events)
    low, high = student_ends(mean)
    if len(np.unique(person)) < 2:
        low, high = low * np.nan, high * np.nan
    rows = zip(mean.value.tolist(), low.tolist(), high.tolist(), strict=True)
    return [Interval(*row, 0) for row in rows]


def shares(values: ArrayLike, identity: ArrayLike) -> list[Interval]:
    """M shares with Wilson's interval over people.

    Args:
        values: (N, M) bool, or numbers in [0, 1].
        identity: (N,) the person of each.
    """
    person = np.asarray(identity)
    return share_intervals(values, np.ones(len(person), dtype=bool), person, person)


def cosines(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """(...) cosine of each two embeddings (..., D) of any length; leading shapes broadcast."""
    return (unit(first) * unit(second)).sum(axis=-1)


def unit(embeddings: ArrayLike) -> NDArray[np.float64]:
    """Embeddings (..., D) at length 1.

    Raises:
        ValueError: one is zero or not finite.
    """
    rows = np.asarray(embeddings, dtype=np.float64)
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    if bad := int((~(np.isfinite(norms) & (norms > 0))).sum()):
        raise ValueError(f"embeddings: {bad} of {norms.size} are zero or not finite")
    return rows / norms


def told(**found: Interval) -> dict[str, Any]:
    """Each statistic as plain numbers: ``name`` and ``name_interval``."""
    values: dict[str, Any] = {}
    for name, each in found.items():
        values |= {name: each.value, f"{name}_interval": [each.low, each.high]}
    return values


def require_shape(name: str, values: NDArray, shape: tuple[int | None, ...]) -> None:
    """See that an array has the shape expected of it, None standing for any size.

    Raises:
        ValueError: it has not; the message begins with the name.
    """
    fits = len(values.shape) == len(shape) and all(
        wanted in (None, size) for size, wanted in zip(values.shape, shape, strict=True)
    )
    if not fits or not values.size:
        expected = ", ".join("any" if size is None else str(size) for size in shape)
        raise ValueError(f"{name} {values.shape}: expected ({expected}), at least one value")
