"""The receiver operating characteristic of verification pairs, and what is read from it.

A pair is accepted as one person if its similarity is at or above the threshold. Everything comes
from one sort of the pairs. Weights, if given, count each pair that many times.

Shapes: P pairs, T thresholds, R sets of weights (bootstrap replicates).
Units: accuracy, far (false accept rate) and tar (true accept rate) are fractions in [0, 1].
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Roc:
    """What every threshold accepts.

    Args:
        threshold: (T,) decreasing: infinity, which accepts nothing, then each similarity observed.
        accepted_same: (..., T) weight of the genuine pairs accepted.
        accepted_other: (..., T) weight of the impostor pairs accepted.
    """

    threshold: NDArray[np.float64]
    accepted_same: NDArray[np.float64]
    accepted_other: NDArray[np.float64]

    @property
    def tar(self) -> NDArray[np.float64]:
        """(..., T) share of genuine pairs accepted; NaN where they weigh nothing."""
        return _share(self.accepted_same)

    @property
    def far(self) -> NDArray[np.float64]:
        """(..., T) share of impostor pairs accepted; NaN where they weigh nothing."""
        return _share(self.accepted_other)

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """(..., T) share of pairs judged rightly."""
        same, other = self.accepted_same[..., -1:], self.accepted_other[..., -1:]
        return (self.accepted_same + other - self.accepted_other) / (same + other)


@dataclass(frozen=True)
class TarAtFar:
    """The operating point that accepts most under a bound on false accepts.

    Args:
        tar: share of genuine pairs accepted; NaN where there are fewer than 1/far impostor
            pairs, too few to tell such a rate from zero.
        threshold: similarity at or above which a pair is accepted; NaN as above.
        num_other: impostor pairs.
    """

    tar: float
    threshold: float
    num_other: int


def roc(similarity: ArrayLike, is_same: ArrayLike, weights: ArrayLike | None = None) -> Roc:
    """The exact receiver operating characteristic, one point per distinct similarity.

    Args:
        similarity: (P,) cosine of each pair.
        is_same: (P,) bool, True where both images show one person.
        weights: (P,) or (R, P), not negative; one each if not given.

    Raises:
        ValueError: shapes differ, a similarity is not finite, or a kind of pair is missing.
    """
    similarity, is_same = checked(similarity, is_same)
    weights = np.ones(len(similarity)) if weights is None else np.asarray(weights)
    order, ends = thresholds(similarity)
    ordered, same = weights[..., order], is_same[order]
    return Roc(
        threshold=np.append(np.inf, similarity[order][ends]),
        accepted_same=_accepted(ordered * same, ends),
        accepted_other=_accepted(ordered * ~same, ends),
    )


def tar_at_far(similarity: ArrayLike, is_same: ArrayLike, far: float) -> TarAtFar:
    """The most genuine pairs accepted while at most a share `far` of the impostors is.

    Args:
        similarity: (P,) cosine of each pair.
        is_same: (P,) bool, True where both images show one person.
        far: bound on the false accept rate, in (0, 1].
    """
    curve = roc(similarity, is_same)
    num_other = int(curve.accepted_other[-1])
    if not resolves(num_other, far):
        return TarAtFar(np.nan, np.nan, num_other)
    at = operating_point(curve, far)
    return TarAtFar(float(curve.tar[at]), float(curve.threshold[at]), num_other)


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
    excess = curve.far + curve.tar - 1  # far - frr: -1 at first, 1 at last, never falling
    after = np.argmax(excess >= 0, axis=-1)[..., None]
    below, above = (np.take_along_axis(excess, at, axis=-1) for at in (after - 1, after))
    low, high = (np.take_along_axis(curve.far, at, axis=-1) for at in (after - 1, after))
    return (low + (high - low) * below / (below - above))[..., 0]


def checked(similarity: ArrayLike, is_same: ArrayLike) -> tuple[NDArray, NDArray]:
    """Similarity as floats and truth as bools, (P,) each; raises ValueError as `roc` does."""
    similarity = np.asarray(similarity, dtype=np.float64)
    is_same = np.asarray(is_same)
    if similarity.ndim != 1 or similarity.shape != is_same.shape or is_same.dtype != bool:
        raise ValueError(
            f"similarity {similarity.shape} and is_same {is_same.shape} {is_same.dtype}: "
            "expected one number and one bool a pair"
        )
    if not np.isfinite(similarity).all():
        raise ValueError("similarity: some are not finite; expected cosines")
    if is_same.all() or not is_same.any():
        raise ValueError(f"{is_same.sum()} of {len(is_same)} pairs are genuine; expected some")
    return similarity, is_same


def thresholds(similarity: NDArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(P,) order of falling similarity, and (T,) the last position of each run of equal ones."""
    order = np.argsort(-similarity, kind="stable")
    return order, np.flatnonzero(np.append(np.diff(similarity[order]) != 0, True))


def _accepted(ordered: NDArray, ends: NDArray) -> NDArray[np.float64]:
    accepted = np.cumsum(ordered, axis=-1, dtype=np.float64)[..., ends]
    return np.concatenate([np.zeros((*accepted.shape[:-1], 1)), accepted], axis=-1)


def _share(accepted: NDArray) -> NDArray[np.float64]:
    total = accepted[..., -1:]
    return np.divide(accepted, total, out=np.full_like(accepted, np.nan), where=total > 0)
