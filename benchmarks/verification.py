"""Verification numbers beside the plain ways of computing them, which must give the same.

Accuracy over ten folds: 6,000 pairs of 512-d embeddings, as in LFW. The plain way computes the
squared distances once and then tries 400 thresholds in each fold, one after the other; `exact`
takes every observed similarity as a candidate instead. TAR at FAR 1e-1 to 1e-6: as many scores as
IJB-C has pairs, 15,658,489 in single precision, 19,557 of them genuine. The plain way is
`sklearn.metrics.roc_curve` with every point, and the last point within each rate; for the field's
rule its corners, and the nearest one. `peak MiB` is what is held at once beyond the scores.

Run `python -m benchmarks.verification`.
"""

import time
import tracemalloc
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from irlib.evaluation.operating import tar_at_far
from irlib.evaluation.protocols import accuracy

PAIRS, SIZE = 6_000, 512
SCORES, GENUINE = 15_658_489, 19_557
FARS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
REPEATS = 3

Row = dict[str, float | int | str]


def measure() -> list[Row]:
    """Rows of pairs, seconds (the best of some repeats), seconds of the plain way, ratio."""
    return [*_ten_folds(), *_operating_points()]


def embedded() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Unit embeddings of both images, (P, D) each, and which pairs show one person."""
    rng = np.random.default_rng(0)
    is_same = np.arange(PAIRS) // 300 % 2 == 0  # ten stretches, each of both kinds
    first, second = rng.normal(size=(2, PAIRS, SIZE))
    second += 0.12 * is_same[:, None] * first
    unit = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (first, second)]
    return unit[0].astype(np.float32), unit[1].astype(np.float32), is_same


def plain_folds(first: NDArray, second: NDArray, is_same: NDArray) -> list[float]:
    """Accuracy of each of ten folds at the threshold that is best on the others."""
    distance = np.square(first - second).sum(axis=1)
    steps = np.arange(0, 4, 0.01)
    found = []
    for tested in np.array_split(np.arange(len(is_same)), 10):
        others = np.delete(np.arange(len(is_same)), tested)
        right = [_share_right(step, distance[others], is_same[others]) for step in steps]
        best = steps[int(np.argmax(right))]
        found.append(_share_right(best, distance[tested], is_same[tested]))
    return found


def scored() -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Similarities of as many pairs as IJB-C has, and which show one person."""
    rng = np.random.default_rng(0)
    is_same = np.zeros(SCORES, dtype=bool)
    is_same[rng.choice(SCORES, GENUINE, replace=False)] = True
    scores = rng.normal(0, 0.07, SCORES).astype(np.float32)
    scores[is_same] = rng.normal(0.6, 0.15, GENUINE)
    return scores, is_same


def plain_at_most(scores: NDArray, is_same: NDArray) -> list[float]:
    """TAR at the last point of the whole curve within each rate."""
    far, tar, _ = roc_curve(is_same, scores, drop_intermediate=False)
    return [float(tar[np.searchsorted(far, bound, side="right") - 1]) for bound in FARS]


def plain_nearest(scores: NDArray, is_same: NDArray) -> list[float]:
    """TAR at the corner nearest to each rate, of equal ones that which accepts most."""
    far, tar, _ = (values[::-1] for values in roc_curve(is_same, scores))
    return [float(tar[np.argmin(np.abs(far - aim))]) for aim in FARS]


def _share_right(step: float, distance: NDArray, is_same: NDArray) -> float:
    accepted = distance < step
    true_accepts = np.sum(np.logical_and(accepted, is_same))
    true_rejects = np.sum(np.logical_and(~accepted, ~is_same))
    return float(true_accepts + true_rejects) / len(distance)


def _ten_folds() -> list[Row]:
    first, second, is_same = embedded()

    def folds(grid: bool) -> NDArray[np.float64]:
        cosine = np.einsum("pd,pd->p", first, second, dtype=np.float64)
        return accuracy(cosine, is_same, "folds", grid=grid).per_fold

    plain, plain_seconds = _timed(lambda: plain_folds(first, second, is_same))
    rows = []
    for kind, grid in (("400 thresholds", True), ("exact", False)):
        found, seconds = _timed(lambda grid=grid: folds(grid))
        _require_equal(plain, found, 0 if grid else 0.02)  # finer thresholds judge a few otherwise
        ratio = round(plain_seconds / seconds, 1)
        rows.append({
            "accuracy over ten folds": kind, "pairs": PAIRS, "seconds": round(seconds, 5),
            "plain seconds": round(plain_seconds, 4), "ratio": ratio,
        })  # fmt: skip
    return rows


def _operating_points() -> list[Row]:
    scores, is_same = scored()
    rows = []
    for rule, plainly in (("at_most", plain_at_most), ("nearest", plain_nearest)):

        def ours(rule: str = rule) -> NDArray[np.float64]:
            return tar_at_far(scores, is_same, FARS, rule=rule).tar

        def plain(plainly: Callable[[NDArray, NDArray], list[float]] = plainly) -> list[float]:
            return plainly(scores, is_same)

        (expected, plain_seconds), (found, seconds) = _timed(plain), _timed(ours)
        _require_equal(expected, found, 0)
        rows.append({
            "TAR at six FARs": rule, "pairs": SCORES, "seconds": round(seconds, 4),
            "plain seconds": round(plain_seconds, 2), "ratio": round(plain_seconds / seconds, 1),
            "peak MiB": _peak(ours), "plain peak MiB": _peak(plain),
        })  # fmt: skip
    return rows


def _require_equal(plain: list[float], found: NDArray[np.float64], within: float) -> None:
    if np.abs(np.asarray(plain) - found).max() > within:
        raise AssertionError(f"{found.tolist()}, but by the plain way {plain}")


def _timed(work: Callable[[], object]) -> tuple[object, float]:
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return result, min(seconds)


def _peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return round(peak / 2**20)


if __name__ == "__main__":
    for row in measure():
        print("  ".join(f"{name} {value}" for name, value in row.items()))
