"""Time that all pair sets of AgeDB take, beside double loops and rejection sampling in Python.

The set is as large as AgeDB: 16,488 images of 567 people at 1 to 101 years, 95 of them below 13.
Each row is one set of pairs: children over a least gap or a band, and the adult control. The plain
formulation compares every two images of a person, and draws two images at random until enough
different negative pairs satisfy the conditions. Both run here and must agree on how many pairs
there are.

Run `python -m benchmarks.pairs`.
"""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from irlib.data.pairs.rules import adult_pairs, child_adult_pairs

IMAGES, IDENTITIES, CHILDREN = 16_488, 567, 95
LIMIT = 3_000  # positive pairs of the adult control
REPEATS = 3

_SETS = {
    "C20": (20, None, True),
    "C30": (30, None, True),
    "C10": (10, None, True),
    "C10-20": (10, 20, True),
    "C20-30": (20, 30, True),
    "A20 (adults)": (20, None, False),
}


def measure() -> list[dict[str, float | int | str]]:
    """Rows of set, pairs, seconds (the best of some repeats), seconds of the plain way, ratio."""
    identities, ages = faces()
    rows = []
    for name, (gap, end, of_children) in _SETS.items():
        if of_children:
            found, seconds = _timed(
                lambda gap=gap, end=end: child_adult_pairs(identities, ages, gap, max_gap=end)
            )
        else:
            found, seconds = _timed(lambda gap=gap: adult_pairs(identities, ages, gap, limit=LIMIT))
        plain, plain_seconds = _timed(
            lambda gap=gap, end=end, of_children=of_children: plain_pairs(
                identities, ages, gap, end, of_children
            ),
            repeats=1,
        )
        if plain != len(found):
            raise AssertionError(f"{name}: {len(found)} pairs, {plain} by the plain way")
        rows.append(_row(name, len(found), seconds, plain_seconds))
    totals = (sum(float(row[key]) for row in rows) for key in ("seconds", "plain seconds"))
    return [*rows, _row("all", sum(int(row["pairs"]) for row in rows), *totals)]


def faces() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Identities and ages of as many images as AgeDB has."""
    rng = np.random.default_rng(0)
    identities = rng.integers(0, IDENTITIES, IMAGES)
    ages = rng.integers(13, 102, IMAGES).astype(np.float64)
    ages[rng.choice(IMAGES, CHILDREN, replace=False)] = rng.integers(1, 13, CHILDREN)
    return identities, ages


def plain_pairs(
    identities: NDArray, ages: NDArray, gap: float, end: float | None, of_children: bool
) -> int:
    """Number of pairs, positive and negative, made one at a time."""
    people, years = identities.tolist(), ages.tolist()

    def fits(first: int, second: int) -> bool:
        young = years[first] < 13 if of_children else years[first] >= 18
        return young and gap <= years[second] - years[first] < (end or 1_000)

    of_person: dict[int, list[int]] = {}
    for image, person in enumerate(people):
        of_person.setdefault(person, []).append(image)
    positive = [(i, j) for own in of_person.values() for i in own for j in own if fits(i, j)]
    wanted = len(positive) if of_children else min(len(positive), LIMIT)

    rng = np.random.default_rng(0)
    negative: set[tuple[int, int]] = set()
    while len(negative) < wanted:
        for first, second in rng.integers(0, len(people), (10_000, 2)).tolist():
            if people[first] != people[second] and fits(first, second) and len(negative) < wanted:
                negative.add((first, second))
    return wanted + len(negative)


def _timed(work: Callable[[], object], repeats: int = REPEATS) -> tuple[object, float]:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return result, min(seconds)


def _row(name: str, pairs: int, seconds: float, plain: float) -> dict[str, float | int | str]:
    return {
        "set": name,
        "pairs": pairs,
        "seconds": round(seconds, 4),
        "plain seconds": round(plain, 2),
        "ratio": round(plain / seconds, 1),
    }


if __name__ == "__main__":
    for row in measure():
        print("  ".join(f"{name} {value}" for name, value in row.items()))
