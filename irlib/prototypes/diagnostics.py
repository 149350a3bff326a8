"""How child prototypes lie among the others, in numbers.

Shapes: C classes, D embedding size, K child classes, n points.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.prototypes.classes import split_classes, unit_rows

_ROWS = 512  # prototypes compared with all others at once: 512 x 85,742 floats are 176 MB


def summary(
    prototypes: NDArray[np.floating], child_ids: ArrayLike, *, seed: int, neighbours: int = 5
) -> dict[str, float | int | None]:
    """What the cosines between prototypes say of the child classes, beside the others.

    "Others" are all classes that are not child ones; "sampled" is a seeded draw of as many others
    as there are child classes, for the maximum, which grows with the number of classes.

    Args:
        prototypes: (C, D), of any length.
        child_ids: (K,) child classes, K at least 2; at least 2 classes must remain.
        seed: of the draw of other classes.
        neighbours: prototypes nearest to a child's that its purity counts.

    Returns:
        num_child, num_others, num_sampled; <group>_mean, _rms and _max of the cosines between
        two prototypes of the group (child, sampled; others without max) or one of either group
        (across: child and sampled); loss: the Inter-Prototype loss of the child prototypes;
        child_max_abs, with the Welch floors max_abs_floor and loss_floor where K > D, else None;
        purity: share of child classes among the nearest neighbours of child prototypes, with
        purity_by_chance for a random arrangement.

    Raises:
        ValueError: too few classes of either kind, or too few for the neighbours.

    Source: Welch, IEEE Trans. Inf. Theory 1974: max |cosine| >= sqrt((n - D) / (D (n - 1))).
    """
    unit = unit_rows(prototypes)
    child, others = split_classes(child_ids, len(unit))
    if not 1 <= neighbours < len(unit):
        raise ValueError(f"neighbours {neighbours}: expected 1 to {len(unit) - 1}")
    rng = np.random.default_rng(seed)
    sampled = np.sort(rng.choice(others, size=min(len(child), len(others)), replace=False))

    child_rms = _rms(unit[child])
    child_max, child_max_abs = _largest(unit[child])
    across = unit[child] @ unit[sampled].T
    return {
        "num_child": len(child),
        "num_others": len(others),
        "num_sampled": len(sampled),
        "child_mean": _mean(unit[child]),
        "child_rms": child_rms,
        "child_max": child_max,
        "child_max_abs": child_max_abs,
        "sampled_mean": _mean(unit[sampled]),
        "sampled_rms": _rms(unit[sampled]),
        "sampled_max": _largest(unit[sampled])[0],
        "others_mean": _mean(unit[others]),
        "others_rms": _rms(unit[others]),
        "across_mean": float(across.mean()),
        "across_rms": float(np.sqrt(np.square(across).mean())),
        "across_max": float(across.max()),
        "loss": child_rms**2 * (len(child) - 1) / len(child),  # the zero diagonal counts too
        **welch_floors(len(child), unit.shape[1]),
        "neighbours": neighbours,
        "purity": child_purity(unit, child, neighbours=neighbours),
        "purity_by_chance": (len(child) - 1) / (len(unit) - 1),
    }


def welch_floors(num: int, size: int) -> dict[str, float | None]:
    """Least maximum absolute cosine and least Inter-Prototype loss of n prototypes.

    Args:
        num: n, prototypes.
        size: D, their length; where n <= D both can be 0, and None is returned.

    Source: Welch, IEEE Trans. Inf. Theory 1974.
    """
    if num <= size:
        return {"max_abs_floor": None, "loss_floor": None}
    return {
        "max_abs_floor": float(np.sqrt((num - size) / (size * (num - 1)))),
        "loss_floor": 1 / size - 1 / num,
    }


def child_purity(
    prototypes: NDArray[np.floating], child_ids: ArrayLike, *, neighbours: int = 5
) -> float:
    """Share of child classes among the nearest other prototypes of each child prototype.

    Args:
        prototypes: (C, D), of any length.
        child_ids: (K,) child classes.
        neighbours: nearest prototypes, by cosine, that are counted.
    """
    unit = unit_rows(prototypes)
    child = np.asarray(child_ids)
    is_child = np.zeros(len(unit), dtype=bool)
    is_child[child] = True
    found = 0
    for start in range(0, len(child), _ROWS):
        rows = child[start : start + _ROWS]
        cosine = unit[rows] @ unit.T
        cosine[np.arange(len(rows)), rows] = -np.inf  # not its own neighbour
        nearest = np.argpartition(-cosine, neighbours - 1, axis=1)[:, :neighbours]
        found += int(is_child[nearest].sum())
    return found / (len(child) * neighbours)


def cosines(
    prototypes: NDArray[np.floating], others: NDArray[np.floating] | None = None
) -> NDArray[np.floating]:
    """Cosines between prototypes, for histograms of small samples.

    Args:
        prototypes: (n, D), of any length.
        others: (m, D); without them every two of the prototypes are compared once.

    Returns:
        (n m,), or (n (n - 1) / 2,) without others.
    """
    unit = unit_rows(prototypes)
    if others is not None:
        return (unit @ unit_rows(others).T).ravel()
    return (unit @ unit.T)[np.triu_indices(len(unit), k=1)]


def _mean(unit: NDArray) -> float:
    # the squared length of the sum is the sum over all pairs, n ones on the diagonal among them
    num = len(unit)
    total = unit.sum(axis=0, dtype=np.float64)
    return float((total @ total - np.square(unit, dtype=np.float64).sum()) / (num * (num - 1)))


def _rms(unit: NDArray) -> float:
    # ||U U^T|| = ||U^T U||: D x D numbers instead of n x n
    num = len(unit)
    smaller = unit.T @ unit if num > unit.shape[1] else unit @ unit.T
    total = np.square(smaller, dtype=np.float64).sum() - num
    return float(np.sqrt(max(total, 0.0) / (num * (num - 1))))


def _largest(unit: NDArray) -> tuple[float, float]:
    # largest cosine and largest absolute cosine between two different rows
    tops = [(block.max(), np.abs(block).max()) for block in _off_diagonal(unit)]
    largest, largest_abs = np.max(tops, axis=0)
    return float(largest), float(largest_abs)


def _off_diagonal(unit: NDArray) -> Iterator[NDArray]:
    # every pair once, a row of the upper triangle's blocks at a time
    for start in range(0, len(unit) - 1, _ROWS):
        rows = np.arange(start, min(start + _ROWS, len(unit)))
        block = unit[rows] @ unit[start:].T
        upper = np.arange(start, len(unit)) > rows[:, None]
        yield block[upper]
