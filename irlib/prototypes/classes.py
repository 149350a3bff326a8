"""Unit prototypes, and the child classes among them.

Shapes: C classes, D embedding size, K child classes, n points.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def unit_rows(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """The points scaled to unit length, (n, D); a zero row stays zero.

    Raises:
        ValueError: not two-dimensional, or a number is not finite.
    """
    if points.ndim != 2 or not np.isfinite(points).all():
        raise ValueError(f"points {points.shape}: expected finite numbers of shape (n, D)")
    return points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)


def split_classes(child_ids: ArrayLike, num_classes: int) -> tuple[NDArray, NDArray]:
    """Child classes (K,) and all others (C - K,), ascending.

    Raises:
        ValueError: a class that does not exist, or fewer than two of either kind.
    """
    child = np.unique(np.asarray(child_ids, dtype=np.int64))
    if len(child) and not 0 <= child[0] <= child[-1] < num_classes:
        raise ValueError(f"child_ids {child[0]} to {child[-1]}: expected 0 to {num_classes - 1}")
    others = np.setdiff1d(np.arange(num_classes), child)
    if min(len(child), len(others)) < 2:
        raise ValueError(f"{len(child)} child and {len(others)} other classes: expected 2 of each")
    return child, others


def sample_prototypes(
    child_ids: ArrayLike, num_classes: int, *, seed: int, children: int = 200, others: int = 500
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Classes to draw in a figure, (n,), and which of them are child classes, (n,) bool.

    Args:
        child_ids: (K,) child classes.
        num_classes: C.
        seed: of the draw.
        children: child classes to draw; all of them where there are fewer.
        others: other classes to draw; all of them where there are fewer.

    Source: about as many dots as the paper's t-SNE figure shows.
    """
    child, rest = split_classes(child_ids, num_classes)
    rng = np.random.default_rng(seed)
    red = np.sort(rng.choice(child, size=min(children, len(child)), replace=False))
    blue = np.sort(rng.choice(rest, size=min(others, len(rest)), replace=False))
    return np.concatenate([red, blue]), np.arange(len(red) + len(blue)) < len(red)
