"""Means over pairs that share people, with their variances, by sums over people.

For a mean over P pairs the dyadic plug-in variance is

    q / P^2,  q = sum of r_p r_q over all p, q that share a person,

with r the residuals. It needs no list of such couples: q is the sum over people of the squared sums
of their residuals, less, for every two people, the squared sum of theirs, which was counted twice.

The residuals are about the mean that they help to find, so q falls short, by a third where 30
people stand behind the pairs. Its expectation is known if pairs of one person have a common
correlation rho (impostor pairs that share both people rho, those that share one rho / 2): q then
gives rho, and rho the variance. With many people this is the plug-in variance whatever the
correlations are.

Shapes: P pairs, K people, M means.
Source: Fogliato, Patil and Perona, IJCV 2024; Aronow, Samii and Assenova, "Cluster-Robust Variance
    Estimation for Dyadic Data", Political Analysis 2015.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

SUPPOSED = 0.5  # rho where nothing went wrong that could tell it
_FEW = 3.0  # errors at which the supposed rho has a weight of 1/e


@dataclass(frozen=True, eq=False)
class ClusteredMean:
    """Means with their variances under draws of people.

    Args:
        value: (M,).
        variance: (M,) of the mean.
        independent_variance: (M,) what it would be if no two pairs shared anybody.
        unit_variance: (M,) the variance if single pairs had a variance of 1.
        degrees: (M,) of freedom of the variance, at least 2.
        correlation: (M,) rho, of two kinds in the parts that they have in the variance.
    """

    value: NDArray[np.float64]
    variance: NDArray[np.float64]
    independent_variance: NDArray[np.float64]
    unit_variance: NDArray[np.float64]
    degrees: NDArray[np.float64]
    correlation: NDArray[np.float64]

    @property
    def design_effect(self) -> NDArray[np.float64]:
        """(M,) variance over that of pairs that share nobody; 1 where both are 0."""
        one, base = np.ones_like(self.variance), self.independent_variance
        return np.divide(self.variance, base, out=one, where=base > 0)


@dataclass(frozen=True, eq=False)
class _Kind:
    """Means over the pairs of one kind.

    Args:
        pairs: of this kind.
        spread: (M,) variance of a pair about the mean.
        rho: (M,) correlation of the pairs of a person.
        mean_factor: (M,) variance of the mean over that of a pair.
        totals: (M, K) sum of each person's residuals.
        reach: (M, K) expected squares of these sums, over the variance of a pair.
    """

    pairs: int
    spread: NDArray[np.float64]
    rho: NDArray[np.float64]
    mean_factor: NDArray[np.float64]
    totals: NDArray[np.float64]
    reach: NDArray[np.float64]

    @property
    def variance(self) -> NDArray[np.float64]:
        """(M,) of the sum of the pairs; the spread about a mean falls short by the mean's own."""
        own = self.spread / np.maximum(1 - self.mean_factor, 1e-9)
        return own * self.mean_factor * self.pairs**2


def clustered_mean(
    values: ArrayLike,
    is_same: ArrayLike,
    first_identity: ArrayLike,
    second_identity: ArrayLike,
    *,
    events: ArrayLike,
) -> ClusteredMean:
    """Means over pairs, with variances that know which pairs share people.

    Two impostor pairs may share one person or both, a genuine pair and an impostor pair one. The
    numbers of genuine and of impostor pairs are taken as fixed.

    Args:
        values: (M, P).
        is_same: (P,) bool.
        first_identity: (P,) person in the first image.
        second_identity: (P,) person in the second image.
        events: (M,) how many pairs differ from what most have, such as errors; or (2, M) of the
            genuine and of the impostor pairs. Where they are few the correlation cannot be told
            from them, and one half is supposed instead.

    Raises:
        ValueError: shapes differ, values are not finite, there are no pairs, or a pair is said to
            be genuine and names two people (or impostor and one).
    """
    values, is_same = np.asarray(values, dtype=np.float64), np.asarray(is_same)
    person = people_of(values, is_same, first_identity, second_identity)
    count, few = int(person.max()) + 1, np.exp(-np.asarray(events, dtype=np.float64) / _FEW)
    few = np.broadcast_to(few, (2, len(values)))
    kinds = [
        _kind(values[:, chosen], person[:, chosen], count, few[place], place == 0)
        for place, chosen in enumerate((is_same, ~is_same))
        if chosen.any()
    ]
    total = values.shape[1]
    independent = sum(kind.spread * kind.pairs for kind in kinds)
    shared = sum(kind.variance for kind in kinds)
    if len(kinds) == 2:
        shared = shared + 2 * (kinds[0].totals * kinds[1].totals).sum(axis=1)
    # sums of residuals may cancel by chance; pairs that share people do not tell more than others
    variance = np.maximum(shared, independent) / total**2
    unit = sum(_odds(kind.mean_factor) * kind.pairs**2 for kind in kinds) / total**2
    whole = np.maximum(sum(kind.variance for kind in kinds), 1e-300)
    rho = sum(kind.rho * kind.variance for kind in kinds) / whole
    return ClusteredMean(
        values.mean(axis=1), variance, independent / total**2, unit, _degrees(kinds), rho
    )


def people_of(
    values: NDArray, is_same: NDArray, first_identity: ArrayLike, second_identity: ArrayLike
) -> NDArray[np.int64]:
    """(2, P) index of the people of each pair; raises ValueError as `clustered_mean` does."""
    first, second = np.asarray(first_identity), np.asarray(second_identity)
    shapes = (values.shape[-1:], is_same.shape, first.shape, second.shape)
    if values.ndim != 2 or not values.size or len(set(shapes)) > 1 or is_same.dtype != bool:
        raise ValueError(
            f"values {values.shape}, is_same {is_same.shape} {is_same.dtype}, identities "
            f"{first.shape} and {second.shape}: expected (M, P), then (P,) bools and (P,) people"
        )
    if not np.isfinite(values).all():
        raise ValueError("values: some are not finite; expected numbers")
    if (wrong := (first == second) != is_same).any():
        at = int(np.argmax(wrong))
        raise ValueError(
            f"pair {at}: is_same is {bool(is_same[at])} of {first[at]} and {second[at]}"
        )
    _, index = np.unique(np.concatenate([first, second]), return_inverse=True)
    return index.reshape(2, -1)


def _kind(values: NDArray, person: NDArray, count: int, few: NDArray, genuine: bool) -> _Kind:
    pairs = values.shape[1]
    residuals = values - values.mean(axis=1, keepdims=True)
    spread = (residuals**2).mean(axis=1)
    half = 1.0 if genuine else 0.5  # correlation of pairs that share one person, in rho
    of_person = _sums(person[:1] if genuine else person, count)  # (K, P)
    totals = (of_person @ residuals.T).T
    degree = of_person.sum(axis=1)  # (K,) pairs of each person
    square, sharing = (totals**2).sum(axis=1), of_person.T @ degree  # (M,), (P,)
    alike = half * sharing  # (P,) row sums of the correlations at rho = 1
    if not genuine:
        low, high = np.sort(person, axis=0)
        _, dyad = np.unique(low * count + high, return_inverse=True)
        of_dyad = _sums(dyad[None], int(dyad.max()) + 1)
        square = square - ((of_dyad @ residuals.T) ** 2).sum(axis=0)
        sharing = sharing - of_dyad.T @ of_dyad.sum(axis=1)
    rho = _correlation(square, spread, sharing, alike, half * float((degree**2).sum()))
    rho = rho + few * np.maximum(SUPPOSED - rho, 0)
    factor = ((1 - rho) * pairs + rho * alike.sum()) / pairs**2
    reach = degree * (1 + (degree - 1) * rho[:, None] * half)
    return _Kind(pairs, spread, rho, factor, totals, reach)


def _sums(member: NDArray, count: int) -> csr_array:
    # (count, P) with a one where a pair belongs to a person, or to two people
    pairs = member.shape[1]
    columns = np.tile(np.arange(pairs), len(member))
    return csr_array((np.ones(member.size), (member.ravel(), columns)), shape=(count, pairs))


def _correlation(
    square: NDArray, spread: NDArray, sharing: NDArray, alike: NDArray, trace: float
) -> NDArray[np.float64]:
    """(M,) rho in [0, 1] for which q is what was expected of it.

    With A the couples that share a person, S their correlations at rho = 1 and C the centering,
    E[q] = s^2 ((1 - rho) tr(A C) + rho tr(A C S C)), and the mean square of the residuals is
    s^2 (1 - Var / s^2), Var / s^2 = ((1 - rho) P + rho 1'S1) / P^2; rho follows from their ratio.
    """
    pairs, couples, full = len(sharing), sharing.sum(), alike.sum()
    alone = pairs - couples / pairs
    together = trace - 2 * (sharing @ alike) / pairs + couples * full / pairs**2
    above = square * (1 - 1 / pairs) - spread * alone
    slope = spread * (together - alone) + square * (full - pairs) / pairs**2
    # no spread, or every pair shares the same people: nothing tells rho from 1 or from 0
    unknown = np.where(spread > 0, 1.0, 0.0)
    return np.clip(np.divide(above, slope, out=unknown, where=slope > 1e-12), 0, 1)


def _odds(factor: NDArray) -> NDArray[np.float64]:
    return factor / np.maximum(1 - factor, 1e-9)


def _degrees(kinds: list[_Kind]) -> NDArray[np.float64]:
    # (sum v)^2 / sum v^2 - 1 of the people's expected shares v in the variance
    spread = [kind.spread[:, None] for kind in kinds]
    still = sum(spread) == 0
    share = sum(kind.reach * np.where(still, 1.0, s) for kind, s in zip(kinds, spread, strict=True))
    return np.maximum(share.sum(axis=1) ** 2 / (share**2).sum(axis=1) - 1, 2.0)
