"""The receiver operating characteristic of verification pairs, and what is read from it.

A pair is accepted as one person if its similarity is at or above the threshold. Everything comes
from one sort of the pairs. Weights, if given, count each pair that many times.

Shapes: P pairs, T thresholds, R sets of weights (bootstrap replicates).
Units: accuracy, far (false accept rate), tar (true accept rate) and fnmr (false non-match rate) are
fractions in [0, 1].
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_TRUE = "biuf"  # kinds of array that can tell the truth: bools, or numbers that are 0 and 1


@dataclass(frozen=True, eq=False)
class Roc:
    """What every threshold accepts.

    Args:
        threshold: (T,) decreasing: infinity, which accepts nothing, then each similarity observed.
        accepted_same: (..., T) genuine pairs accepted, or their weight.
        accepted_other: (..., T) impostor pairs accepted, or their weight.
    """

    threshold: NDArray[np.floating]
    accepted_same: NDArray[np.int64] | NDArray[np.float64]
    accepted_other: NDArray[np.int64] | NDArray[np.float64]

    @property
    def tar(self) -> NDArray[np.float64]:
        """(..., T) share of genuine pairs accepted; NaN where they weigh nothing."""
        return _share(self.accepted_same, self.accepted_same[..., -1:])

    @property
    def far(self) -> NDArray[np.float64]:
        """(..., T) share of impostor pairs accepted; NaN where they weigh nothing."""
        return _share(self.accepted_other, self.accepted_other[..., -1:])

    @property
    def fnmr(self) -> NDArray[np.float64]:
        """(..., T) share of genuine pairs rejected; NaN where they weigh nothing."""
        total = self.accepted_same[..., -1:]
        return _share(total - self.accepted_same, total)

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """(..., T) share of pairs judged rightly."""
        same, other = self.accepted_same[..., -1:], self.accepted_other[..., -1:]
        return (self.accepted_same + other - self.accepted_other) / (same + other)


def roc(similarity: ArrayLike, is_same: ArrayLike, weights: ArrayLike | None = None) -> Roc:
    """The exact receiver operating characteristic, one point per distinct similarity.

    Args:
        similarity: (P,) cosine of each pair; single precision is kept.
        is_same: (P,) bool or 0 and 1, True where both images show one person.
        weights: (P,) or (R, P), not negative; one each if not given.

    Raises:
        ValueError: shapes differ, a truth is neither 0 nor 1, a similarity is not finite, or a
            kind of pair is missing.
    """
    similarity, is_same = checked(similarity, is_same)
    if weights is None:
        return counted(np.sort(similarity), similarity[is_same])
    weights = np.asarray(weights)
    order, ends = thresholds(similarity)
    ordered, same = weights[..., order], is_same[order]
    return Roc(
        threshold=np.append(np.inf, similarity[order][ends]),
        accepted_same=_accepted(ordered * same, ends),
        accepted_other=_accepted(ordered * ~same, ends),
    )


def counted(rising: NDArray[np.floating], genuine: NDArray[np.floating]) -> Roc:
    """The curve of pairs that count one each, without an order of the pairs.

    Args:
        rising: (P,) similarity of every pair, sorted.
        genuine: those of genuine pairs, in any order.
    """
    starts = np.flatnonzero(np.append(True, rising[1:] != rising[:-1])[: len(rising)])
    observed = rising[starts]  # rising; a threshold accepts what starts at it and all after
    at = np.bincount(np.searchsorted(observed, genuine), minlength=len(observed))
    same = np.append(0, np.cumsum(at[::-1]))
    accepted = np.append(0, (len(rising) - starts)[::-1])
    infinity = observed.dtype.type(np.inf)
    return Roc(np.append(infinity, observed[::-1]), same, accepted - same)


def corners(curve: Roc) -> Roc:
    """One curve without the points that lie evenly between their neighbors: it looks the same.

    Source: what `sklearn.metrics.roc_curve` keeps unless it is told otherwise, and with it the
        field's codes.
    """
    same, other = np.diff(curve.accepted_same, 2), np.diff(curve.accepted_other, 2)
    kept = np.ones(len(curve.threshold), dtype=bool)
    kept[2:-1] = ((same != 0) | (other != 0))[1:]  # the first observed stays, corner or not
    return Roc(curve.threshold[kept], curve.accepted_same[kept], curve.accepted_other[kept])


def det(curve: Roc) -> dict[str, NDArray[np.float64]]:
    """Detection error trade-off of one curve as columns, at its corners: far, fnmr, threshold."""
    turning = corners(curve)
    return {"far": turning.far, "fnmr": turning.fnmr, "threshold": turning.threshold}


def resolves(num_other: int, far: float) -> bool:
    """Whether that many impostor pairs can show a false accept rate: at least 1/far of them."""
    if not 0 < far <= 1:
        raise ValueError(f"far {far!r}: expected a share in (0, 1]")
    return num_other * far >= 1 - 1e-9  # 1000 * 0.001 may fall short of 1 by rounding


def operating_point(curve: Roc, far: float) -> NDArray[np.int64]:
    """(...) index of the lowest threshold whose false accept rate is at most `far`."""
    return np.maximum((curve.far <= far).sum(axis=-1) - 1, 0)


def area_under_roc(curve: Roc) -> NDArray[np.float64]:
    """(...) area under tar over far: chance that a genuine pair is the more similar one."""
    return np.trapezoid(curve.tar, curve.far, axis=-1)


def equal_error_rate(curve: Roc) -> NDArray[np.float64]:
    """(...) rate at which false accepts and false rejects are equal, linear between thresholds."""
    far = curve.far
    excess = far + curve.tar - 1  # far - fnmr: -1 at first, 1 at last, never falling
    after = np.argmax(excess >= 0, axis=-1)[..., None]
    below, above = (np.take_along_axis(excess, at, axis=-1) for at in (after - 1, after))
    low, high = (np.take_along_axis(far, at, axis=-1) for at in (after - 1, after))
    return (low + (high - low) * below / (below - above))[..., 0]


def equal_error_threshold(curve: Roc) -> float:
    """The highest threshold of one curve at which false accepts are no rarer than rejects."""
    return float(curve.threshold[np.argmax(curve.far >= curve.fnmr)])


def checked(similarity: ArrayLike, is_same: ArrayLike) -> tuple[NDArray, NDArray]:
    """Similarity as floats and truth as bools, (P,) each; single precision is kept.

    Raises:
        ValueError: shapes differ, a truth is neither 0 nor 1, a similarity is not finite, or a
            kind of pair is missing.
    """
    similarity, is_same = np.asarray(similarity), np.asarray(is_same)
    if similarity.dtype != np.float32:
        similarity = similarity.astype(np.float64, copy=False)
    if similarity.ndim != 1 or similarity.shape != is_same.shape or is_same.dtype.kind not in _TRUE:
        raise ValueError(
            f"similarity {similarity.shape} and is_same {is_same.shape} {is_same.dtype}: "
            "expected one number and one bool a pair"
        )
    is_same = _bools(is_same)
    _require_finite(similarity)
    if (genuine := np.count_nonzero(is_same)) in (0, len(is_same)):
        lacking = "impostor" if genuine else "genuine"
        raise ValueError(
            f"{genuine} of {len(is_same)} pairs are genuine: no {lacking} pair; expected both kinds"
        )
    return similarity, is_same


def thresholds(similarity: NDArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(P,) order of falling similarity, and (T,) the last position of each run of equal ones."""
    order = np.argsort(-similarity, kind="stable")
    return order, np.flatnonzero(np.append(np.diff(similarity[order]) != 0, True))


def _bools(is_same: NDArray) -> NDArray[np.bool_]:
    if is_same.dtype == bool:
        return is_same
    found = is_same == 1
    if len(bad := np.flatnonzero(~found & (is_same != 0))):
        raise ValueError(
            f"is_same: {len(bad)} of {len(is_same)} are neither 0 nor 1, the first of them "
            f"{is_same[bad[0]]} at {bad[0]}; expected True or 1 where both images show one person"
        )
    return found


def _require_finite(similarity: NDArray) -> None:
    # a sum is finite only of finite numbers, and takes a quarter of the time of asking each
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(similarity.sum()):
            return
    if len(bad := np.flatnonzero(~np.isfinite(similarity))):
        raise ValueError(
            f"similarity: {len(bad)} of {len(similarity)} are not finite, the first of them "
            f"{similarity[bad[0]]} at {bad[0]}; expected cosines"
        )


def _accepted(ordered: NDArray, ends: NDArray) -> NDArray[np.float64]:
    accepted = np.cumsum(ordered, axis=-1, dtype=np.float64)[..., ends]
    return np.concatenate([np.zeros((*accepted.shape[:-1], 1)), accepted], axis=-1)


def _share(counts: NDArray, total: NDArray) -> NDArray[np.float64]:
    return np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)
