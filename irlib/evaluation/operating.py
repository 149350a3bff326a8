"""True accepts at given false accept rates, counted exactly among millions of pairs.

No curve of all pairs is needed: only the impostors that are as similar as the highest rate asks.

Shapes: P pairs, F rates.
Units: far (false accept rate) and tar (true accept rate) are fractions in [0, 1].
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from irlib.evaluation.roc import Roc, checked, corners, counted, resolves

_Points = tuple[NDArray, NDArray, NDArray]  # (F,) genuine and impostor pairs accepted; thresholds


@dataclass(frozen=True, eq=False)
class OperatingPoints:
    """What is accepted at some false accept rates. It reads as an array of the tars.

    Args:
        fars: (F,) rates aimed at.
        tar: (F,) share of genuine pairs accepted.
        far: (F,) share of impostor pairs accepted.
        threshold: (F,) similarity at or above which a pair is accepted; infinity accepts none.
        num_other: impostor pairs.
        resolved: (F,) bool, whether there are at least 1/far impostor pairs.
    """

    fars: NDArray[np.float64]
    tar: NDArray[np.float64]
    far: NDArray[np.float64]
    threshold: NDArray[np.float64]
    num_other: int
    resolved: NDArray[np.bool_]

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> NDArray:
        """(F,) the tars."""
        return np.array(self.tar, dtype=dtype, copy=copy)

    def __float__(self) -> float:
        """The tar of a single rate."""
        return float(np.asarray(self.tar).item())

    @property
    def shape(self) -> tuple[int, ...]:
        """(F,), or () of a single rate that was given as a number."""
        return np.shape(self.tar)

    def __len__(self) -> int:
        """Number of rates, F."""
        return len(self.tar)

    def __iter__(self) -> Iterator[np.float64]:
        """Over the tars."""
        return iter(self.tar)

    def __getitem__(self, key: int | slice | NDArray) -> np.float64 | NDArray[np.float64]:
        """The tar at a place among the rates."""
        return self.tar[key]


def tar_at_far(
    scores: ArrayLike, is_same: ArrayLike, fars: ArrayLike, *, rule: str = "at_most"
) -> OperatingPoints:
    """The share of genuine pairs accepted where a given share of the impostors is, by counting.

    Args:
        scores: (P,) similarity of each pair; single precision is kept.
        is_same: (P,) bool or 0 and 1, True where both images show one person.
        fars: rates in (0, 1], one or several.
        rule: "at_most": the lowest threshold whose false accept rate is at most the one aimed at.
            "nearest", to compare with published numbers: the corner of the curve whose rate is
            nearest, above or below; of equally near ones that which accepts most.

    Returns:
        One point a rate, in the shape of `fars`: plain numbers of a single rate. Where there
        are fewer than 1/rate impostors, too few to tell the rate from zero, a `UserWarning` says
        so and `resolved` is False.

    Raises:
        ValueError: an unknown rule, a rate outside (0, 1], or scores as in `roc`.

    Source: "nearest" is the rule of the IJB codes of InsightFace and AdaFace.
    """
    if rule not in _RULES:
        raise ValueError(f"rule {rule!r}: expected one of {', '.join(_RULES)}")
    scores, is_same = checked(scores, is_same)
    fars = np.asarray(fars, dtype=np.float64)
    genuine = np.flatnonzero(is_same)
    same, other = np.sort(scores[genuine]), scores.copy()
    other[genuine] = -np.inf  # below every impostor; cheaper than taking the impostors out
    num_other = len(scores) - len(genuine)
    resolved = np.array([resolves(num_other, far) for far in fars.ravel().tolist()], dtype=bool)
    if not len(resolved):
        raise ValueError("fars: none given; expected at least one rate")
    accepted_same, accepted_other, threshold = _RULES[rule](same, other, num_other, fars.ravel())
    if not resolved.all():
        warnings.warn(too_few(num_other, fars.ravel()[~resolved]), UserWarning, stacklevel=2)
    found = (accepted_same / len(same), accepted_other / num_other, threshold.astype(np.float64))
    tar, far, threshold = (each.reshape(fars.shape)[()] for each in found)
    resolved = resolved.reshape(fars.shape)[()]
    return OperatingPoints(fars[()], tar, far, threshold, num_other, resolved)


def too_few(num_other: int, fars: Iterable[float]) -> str:
    """What to say of rates that so many impostor pairs do not resolve."""
    rates = ", ".join(f"{far:g}" for far in fars)
    return (
        f"{num_other} impostor pairs are too few to tell a false accept rate of {rates}; "
        "expected at least 1/rate of them"
    )


def _allowed(num_other: int, fars: NDArray[np.float64]) -> NDArray[np.int64]:
    # (F,) most impostors whose share is at most each rate, in the floats of a curve's rates
    most = np.floor(fars * num_other)
    most += (most + 1) / num_other <= fars
    return (most - (most / num_other > fars)).astype(np.int64)


def _top(other: NDArray[np.floating], size: int) -> NDArray[np.floating]:
    # the most similar ones, rising; reorders `other`
    other.partition(len(other) - size)
    return np.sort(other[len(other) - size :])


def _at_most(same: NDArray, other: NDArray, num_other: int, fars: NDArray) -> _Points:
    allowed = _allowed(num_other, fars)
    top = _top(other, min(int(allowed.max()) + 1, num_other))
    bars = np.append(top.dtype.type(-np.inf), top)[-1 - allowed]  # the best that are not accepted
    first_same, first_other = (np.searchsorted(each, bars, side="right") for each in (same, top))
    lowest = np.minimum(np.append(same, np.inf)[first_same], np.append(top, np.inf)[first_other])
    return len(same) - first_same, len(top) - first_other, lowest


def _nearest(same: NDArray, other: NDArray, num_other: int, fars: NDArray) -> _Points:
    size = int(_allowed(num_other, fars).max()) + 2
    while True:
        size = min(2 * size, num_other)
        curve = _beginning(same, other, size, num_other)
        rate = curve.accepted_other / num_other
        after = np.searchsorted(rate, fars).clip(1, len(rate) - 1)
        is_nearer = np.abs(rate[after] - fars) <= np.abs(rate[after - 1] - fars)
        # of one rate, the point that accepts most genuine pairs
        at = np.searchsorted(rate, rate[after - ~is_nearer], side="right") - 1
        if size == num_other or (rate[at] < rate[-1]).all():
            return curve.accepted_same[at], curve.accepted_other[at], curve.threshold[at]


def _beginning(same: NDArray, other: NDArray, size: int, num_other: int) -> Roc:
    # corners of the curve as far as the best impostors tell them; of all, its last point too
    top = _top(other, size)
    if size == num_other:
        return corners(counted(np.sort(np.concatenate([same, top])), same))
    same, top = same[same > top[0]], top[top > top[0]]  # others may be equal to the last
    curve = corners(counted(np.sort(np.concatenate([same, top])), same))
    sure = slice(max(len(curve.threshold) - 1, 1))  # whether the last is a corner, the next tells
    return Roc(curve.threshold[sure], curve.accepted_same[sure], curve.accepted_other[sure])


_RULES: Mapping[str, Callable[[NDArray, NDArray, int, NDArray], _Points]] = MappingProxyType(
    {"at_most": _at_most, "nearest": _nearest}
)
