"""Wilson's interval of an error rate or an accuracy whose pairs share people.

Pairs that share a person go wrong together, so P pairs tell as much as fewer independent ones:
n* = p (1 - p) / Var, with p the rate and Var the variance of its estimate. Var adds up the products
of the residuals of every two pairs that share a person (`clustered_mean`), and Wilson's interval of
p with n* pairs is taken, with Student's quantile for the number of people that Var rests on. Where
the pairs of a person go together and the share is near 0 or 1, a few people have nearly all of the
errors, and Var varies by more than its number of people says: the degrees of freedom are divided by
1 + rho k / 4, k = 1 / (p (1 - p)) - 6 being the excess kurtosis of a share that all pairs of a
person have or lack. The quarter was set by the simulation.

Shapes: P pairs, M rates of the same pairs (methods or trainings).
Source: Fogliato, Patil and Perona, "Confidence Intervals for Error Rates in 1:1 Matching Tasks",
    IJCV 2024, plug-in variance and Wilson's interval with n*; the degrees of freedom as Carter,
    Schnepel and Steigerwald, Review of Economics and Statistics 2017. The correction for small
    samples is this module's own; docs/statistics.md has the coverage of all by simulation.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from irlib.evaluation.sharing import ClusteredMean, clustered_mean

_PEAKED = 1 / 4  # of the excess kurtosis, over the degrees of freedom
_MOST_PEAKED = 15.0  # that of a share of 5 %, the least that was simulated


@dataclass(frozen=True)
class Rate:
    """A share of pairs, with Wilson's interval for its effective number of pairs.

    Args:
        value: the share.
        low: lower end.
        high: upper end.
        pairs: P.
        design_effect: variance of the share over that of as many pairs which share nobody.
        effective_pairs: n*, pairs that share nobody and tell as much.
        degrees: of freedom of Student's quantile.
    """

    value: float
    low: float
    high: float
    pairs: int
    design_effect: float
    effective_pairs: float
    degrees: float


def wilson_interval(
    share: ArrayLike,
    is_same: ArrayLike,
    first_identity: ArrayLike,
    second_identity: ArrayLike,
    *,
    level: float = 0.95,
) -> Rate:
    """The share of pairs that have something, with an interval over people.

    Of pairs of both kinds, as for accuracy, the numbers of each kind are taken as fixed: the
    residuals are about the share within the kind. A share of 0 or 1 has no residuals to tell how
    much pairs of one person go together; a correlation of one half is then supposed, and the
    interval reaches from the end of the scale to a bound that few people leave far from it.

    Args:
        share: (P,) bool, such as whether each pair is judged wrongly; or numbers in [0, 1], such
            as in how many of several trainings it is.
        is_same: (P,) bool, True where both images show one person. FNMR has genuine pairs only,
            FMR impostor pairs only, accuracy both.
        first_identity: (P,) person in the first image.
        second_identity: (P,) person in the second image.
        level: coverage aimed at, in (0, 1).

    Raises:
        ValueError: shapes differ, values outside [0, 1], or no pairs.
    """
    share = np.asarray(share, dtype=np.float64)
    if share.ndim != 1 or not ((share >= 0) & (share <= 1)).all():
        raise ValueError(f"share {share.shape}: expected one number in [0, 1] a pair")
    require_level(level)
    events = min(share.sum(), (1 - share).sum())
    mean = clustered_mean(
        share[None], is_same, first_identity, second_identity, events=np.array([events])
    )
    low, high = wilson_ends(mean, level)
    return Rate(
        value=float(mean.value[0]),
        low=float(low[0]),
        high=float(high[0]),
        pairs=len(share),
        design_effect=float(mean.design_effect[0]),
        effective_pairs=float(effective_pairs(mean)[0]),
        degrees=float(degrees_of(mean)[0]),
    )


def error_rates(
    similarity: ArrayLike,
    is_same: ArrayLike,
    first_identity: ArrayLike,
    second_identity: ArrayLike,
    *,
    threshold: float,
    level: float = 0.95,
) -> dict[str, Rate]:
    """False non-match rate, false match rate and accuracy at a threshold chosen elsewhere.

    Args:
        similarity: (P,) cosine of each pair.
        is_same: (P,) bool.
        first_identity: (P,) person in the first image.
        second_identity: (P,) person in the second image.
        threshold: a pair is accepted at or above it.
        level: coverage aimed at, in (0, 1).

    Returns:
        fnmr, fmr, accuracy.
    """
    similarity, same = np.asarray(similarity, dtype=np.float64), np.asarray(is_same)
    first, second = np.asarray(first_identity), np.asarray(second_identity)
    if not np.isfinite(similarity).all():
        raise ValueError("similarity: some are not finite; expected cosines")
    wrong = (similarity >= threshold) != same

    def rate(share: NDArray, chosen: NDArray) -> Rate:
        parts = (share, same, first, second)
        return wilson_interval(*(part[chosen] for part in parts), level=level)

    every = np.ones(len(same), dtype=bool)
    return {"fnmr": rate(wrong, same), "fmr": rate(wrong, ~same), "accuracy": rate(~wrong, every)}


def wilson_ends(mean: ClusteredMean, level: float = 0.95) -> tuple[NDArray, NDArray]:
    """(M,) lower and upper ends of Wilson's interval of several shares.

    Args:
        mean: of shares in [0, 1].
        level: in (0, 1).
    """
    return ends_of(mean.value, effective_pairs(mean), degrees_of(mean), level)


def ends_of(
    value: NDArray, effective: NDArray, degrees: ArrayLike, level: float = 0.95
) -> tuple[NDArray, NDArray]:
    """Ends of Wilson's interval: the p for which |p' - p| is at most t sqrt(p (1 - p) / n*).

    Args:
        value: p', the share found.
        effective: n*, above 0.
        degrees: of freedom of t.
        level: in (0, 1).
    """
    odds = stdtrit(degrees, (1 + level) / 2) ** 2 / effective  # t^2 / n*
    middle = (value + odds / 2) / (1 + odds)
    reach = np.sqrt(odds * value * (1 - value) + odds**2 / 4) / (1 + odds)
    return np.clip(middle - reach, 0, 1), np.clip(middle + reach, 0, 1)


def mean_ends(
    first: tuple[ArrayLike, ArrayLike, ArrayLike], second: tuple[ArrayLike, ArrayLike, ArrayLike]
) -> tuple[NDArray, NDArray, NDArray]:
    """The mean of two shares, its lower and its upper end, from theirs.

    Each share may err on its own side by as much as its own interval reaches there, so that one
    without any error adds what is not known of it. Persons in both are not taken into account.

    Args:
        first: value, lower and upper end of the one share.
        second: of the other.

    Source: Zou and Donner, "Construction of Confidence Limits about Effect Measures", Statistics in
        Medicine 2008 (method of variance estimates recovery).
    """
    values, lows, highs = (
        np.array(each, dtype=np.float64) for each in zip(first, second, strict=True)
    )
    value = values.mean(axis=0)
    return (
        value,
        value - np.hypot(*(values - lows)) / 2,
        value + np.hypot(*(highs - values)) / 2,
    )


def degrees_of(mean: ClusteredMean) -> NDArray[np.float64]:
    """(M,) degrees of freedom of several shares, fewer where a few people have the errors."""
    spread = np.maximum(mean.value * (1 - mean.value), 1e-9)
    peaked = np.clip(1 / spread - 6, 0, _MOST_PEAKED)
    return np.maximum(mean.degrees / (1 + _PEAKED * mean.correlation * peaked), 2.0)


def effective_pairs(mean: ClusteredMean) -> NDArray[np.float64]:
    """(M,) n* of several shares; of a share of 0 or 1 that of any common rate of the pairs."""
    spread = mean.value * (1 - mean.value)
    varies = (mean.variance > 0) & (spread > 0)
    found = np.divide(spread, mean.variance, out=1 / mean.unit_variance, where=varies)
    return np.maximum(found, 1e-6)  # two people alone tell next to nothing: the whole scale


def require_level(level: float) -> None:
    """Raise ValueError unless a coverage lies in (0, 1)."""
    if not 0 < level < 1:
        raise ValueError(f"level {level!r}: expected a share in (0, 1)")
