"""Open-set identification: how many are found while few strangers raise an alarm.

A mated probe is found if its person comes first in the gallery (ties count against it) and is as
similar as the threshold asks. A probe whose person is not in the gallery is a false alarm if
anything in it is. TPIR and FPIR are the shares of the two kinds.

Shapes: Q probes, N of them not mated, U distinct highest cosines of those, F rates, R replicates.
Units: rates are fractions in [0, 1]; thresholds are cosines.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irlib.evaluation.bootstrap import identity_counts
from irlib.evaluation.roc import resolves
from irlib.evaluation.searching import Ranked

FPIRS = (0.01, 0.1)

_CHUNK = 64  # replicates at once
_ROUNDING = 1e-9  # 1000 * 0.001 may fall short of 1


@dataclass(frozen=True, eq=False)
class _Strangers:
    # highest: (U,) distinct highest cosines of the non-mated probes, falling
    # below: (U + 1,) what a cosine has to exceed if the first 0, 1, ... U of them raise an alarm
    # raised: (R, U) probes that then do, by draw
    highest: NDArray[np.float64]
    below: NDArray[np.float64]
    raised: NDArray[np.float64]


def _at_most(strangers: _Strangers, fpir: float) -> NDArray[np.float64]:
    bound = fpir * strangers.raised[:, -1:] + _ROUNDING
    return np.nextafter(strangers.below[(strangers.raised <= bound).sum(axis=1)], np.inf)


def _kth_highest(strangers: _Strangers, fpir: float) -> NDArray[np.float64]:
    k = np.maximum(np.floor(fpir * strangers.raised[:, -1:] + _ROUNDING), 1)
    place = (strangers.raised < k).sum(axis=1)
    return strangers.highest[np.minimum(place, len(strangers.highest) - 1)]


# Lowest cosine that is accepted, (R,).
_RULES: dict[str, Callable[[_Strangers, float], NDArray[np.float64]]] = {
    "at_most": _at_most,
    "kth_highest": _kth_highest,
}


@dataclass(frozen=True, eq=False)
class OpenSet:
    """TPIR at given bounds on FPIR.

    Args:
        fpirs: (F,) the bounds.
        tpir: (F,) share of the mated probes that are found.
        fpir: (F,) share of the other probes that raise an alarm.
        threshold: (F,) cosine at or above which a probe is taken as found.
        resolved: (F,) whether there are at least 1/fpir non-mated probes, enough to tell.
        mated: mated probes.
        non_mated: probes whose person is not in the gallery.
    """

    fpirs: NDArray[np.float64]
    tpir: NDArray[np.float64]
    fpir: NDArray[np.float64]
    threshold: NDArray[np.float64]
    resolved: NDArray[np.bool_]
    mated: int
    non_mated: int


def open_set(ranked: Ranked, fpirs: Sequence[float] = FPIRS, *, rule: str = "at_most") -> OpenSet:
    """TPIR at each bound on FPIR, by exact counting.

    Args:
        ranked: of mated and other probes in one gallery.
        fpirs: bounds in (0, 1].
        rule: "at_most" takes the lowest threshold that keeps FPIR at or below the bound;
            "kth_highest" takes the floor(N * fpir)-th highest cosine of the non-mated probes, at
            least the highest, as AdaFace's evaluation does: it lies between two cosines of
            strangers at the upper one, and by ties, or below 1/N, FPIR may exceed the bound.

    Raises:
        ValueError: one kind of probe is missing, or a rate or rule that is not known.

    Warns:
        UserWarning: fewer than 1/fpir non-mated probes, too few to tell.
    """
    _require(ranked, rule)
    resolved = np.array([resolves(int((~ranked.is_mated).sum()), fpir) for fpir in fpirs])
    ones = np.ones((1, len(ranked.rank)))
    lowest = _lowest(ranked, fpirs, ones, rule)[0]  # (F,)
    strangers, mated = ranked.other[~ranked.is_mated], ranked.mate[ranked.is_mated]
    seen = np.sort(np.concatenate([strangers, mated]).astype(np.float64))
    seen = np.append(seen, np.inf)
    found = OpenSet(
        fpirs=np.asarray(fpirs, dtype=np.float64),
        tpir=_tpir(ranked, lowest[None], ones)[0],
        fpir=(strangers[:, None] >= lowest).mean(axis=0),
        threshold=seen[np.searchsorted(seen, lowest)],
        resolved=resolved,
        mated=len(mated),
        non_mated=len(strangers),
    )
    if few := [f"{fpir:g}" for fpir, enough in zip(fpirs, resolved, strict=True) if not enough]:
        message = f"{len(strangers)} non-mated probes are too few to tell FPIR {', '.join(few)}"
        warnings.warn(message, stacklevel=2)
    return found


def open_set_replicates(
    ranked: Ranked,
    fpirs: Sequence[float] = FPIRS,
    *,
    seed: int,
    repeats: int = 1_000,
    rule: str = "at_most",
) -> NDArray[np.float64]:
    """(1 + R, F) TPIR of the probes as they are, then under draws of their people.

    The threshold is chosen anew in each draw; the gallery is taken as it is. A draw without one
    kind of probe gives NaN. The draws are those of `irlib.evaluation.searching.rank_replicates`
    with the same probes and seed.

    Args:
        ranked: of mated and other probes in one gallery.
        fpirs: bounds in (0, 1].
        seed: of the draws.
        repeats: R.
        rule: as in `open_set`.
    """
    _require(ranked, rule)
    people, person = np.unique(ranked.identity, return_inverse=True)
    counts = identity_counts(len(people), repeats=repeats, seed=seed)
    counts = np.concatenate([np.ones((1, len(people))), counts])
    parts = []
    for start in range(0, len(counts), _CHUNK):
        weights = counts[start : start + _CHUNK, person]
        parts.append(_tpir(ranked, _lowest(ranked, fpirs, weights, rule), weights))
    return np.concatenate(parts)


def open_set_curve(ranked: Ranked) -> tuple[NDArray, NDArray, NDArray]:
    """Threshold, FPIR and FNIR = 1 - TPIR, (U + 1,) each, by growing FPIR.

    The k-th point has the lowest threshold at which k of the strangers' distinct highest cosines
    raise an alarm.
    """
    _require(ranked, "at_most")
    strangers = _strangers(ranked, np.ones((1, len(ranked.rank))))
    lowest = np.nextafter(strangers.below, np.inf)
    found = np.sort(ranked.mate[ranked.rank == 1].astype(np.float64))
    tpir = (len(found) - np.searchsorted(found, lowest)) / ranked.is_mated.sum()
    fpir = np.append(0, strangers.raised[0]) / (~ranked.is_mated).sum()
    return lowest, fpir, 1 - tpir


def _require(ranked: Ranked, rule: str) -> None:
    if rule not in _RULES:
        raise ValueError(f"rule {rule!r}: expected {' or '.join(_RULES)}")
    if (mated := int(ranked.is_mated.sum())) in (0, len(ranked.rank)):
        raise ValueError(f"{mated} of {len(ranked.rank)} probes are mated; expected some, not all")


def _strangers(ranked: Ranked, weights: NDArray) -> _Strangers:
    is_other = ~ranked.is_mated
    highest = ranked.other[is_other].astype(np.float64)
    order = np.argsort(-highest, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(highest[order]) != 0, True))
    raised = np.cumsum(weights[:, is_other][:, order], axis=1)[:, ends]
    distinct = highest[order][ends]
    return _Strangers(distinct, np.append(distinct, -np.inf), raised)


def _lowest(
    ranked: Ranked, fpirs: Sequence[float], weights: NDArray, rule: str
) -> NDArray[np.float64]:
    # (R, F) number at or above which a cosine is accepted
    strangers = _strangers(ranked, weights)
    return np.stack([_RULES[rule](strangers, fpir) for fpir in fpirs], axis=1)


def _tpir(ranked: Ranked, lowest: NDArray, weights: NDArray) -> NDArray[np.float64]:
    # (R, F); NaN where a draw lacks one kind of probe
    mated, other = (weights[:, kind].sum(axis=1) for kind in (ranked.is_mated, ~ranked.is_mated))
    first = ranked.rank == 1
    at_first = weights[:, first]  # (R, number that come first)
    hits = np.stack(
        [(at_first * (ranked.mate[first] >= column[:, None])).sum(axis=1) for column in lowest.T],
        axis=1,
    )
    shares = np.full_like(hits, np.nan)
    np.divide(hits, mated[:, None], out=shares, where=((mated > 0) & (other > 0))[:, None])
    return shares
