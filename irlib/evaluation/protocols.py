"""Verification accuracy by one of four protocols, which differ in where the threshold comes from.

- oracle: the very pairs that are judged, as in the paper. It flatters: by about 1 point on 400
  pairs.
- folds: the other stretches of the list, as for LFW and its kin.
- identity_folds: the pairs that show nobody whom the fold's pairs show first, on neither side.
  People whom the fold shows second may be among them.
- threshold: elsewhere; it is given.

Shapes: P pairs, K folds.
Units: accuracies are fractions in [0, 1]; thresholds are cosines.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.evaluation.roc import checked, roc
from irlib.evaluation.verification import fit_thresholds, grouped_folds, pair_people

PROTOCOLS = ("oracle", "folds", "identity_folds", "threshold")

GRID = np.arange(0, 4, 0.01)  # squared distances that the field tries
GRID.setflags(write=False)


@dataclass(frozen=True, eq=False)
class Accuracy:
    """The share of pairs judged rightly, and at which thresholds.

    Args:
        protocol: one of `PROTOCOLS`.
        mean: accuracy. Of folds it is the mean over folds; of folds by identity, whose sizes
            differ, the share of all pairs, each judged once by its own fold.
        thresholds: (K,) similarity at or above which a pair of a fold is accepted; on the grid,
            above which.
        per_fold: (K,) accuracy within each fold; K is 1 without folds.
        num_pairs: (K,) pairs that each fold judges.
        grid: whether the thresholds are the field's 400.
    """

    protocol: str
    mean: float
    thresholds: NDArray[np.float64]
    per_fold: NDArray[np.float64]
    num_pairs: NDArray[np.int64]
    grid: bool = False

    @property
    def threshold(self) -> float:
        """Mean of the thresholds."""
        return float(self.thresholds.mean())

    @property
    def deviation(self) -> float:
        """Standard deviation of the folds' accuracies, over K - 1; NaN without folds."""
        return float(self.per_fold.std(ddof=1)) if len(self.per_fold) > 1 else np.nan


@dataclass(frozen=True, eq=False)
class _Pairs:
    """What a protocol may use."""

    similarity: NDArray[np.float64]
    is_same: NDArray[np.bool_]
    identities: NDArray | None
    threshold: float | None
    folds: int


def accuracy(
    similarity: ArrayLike,
    is_same: ArrayLike,
    protocol: str | None = None,
    identities: ArrayLike | None = None,
    *,
    threshold: float | None = None,
    folds: int = 10,
    grid: bool = False,
) -> Accuracy:
    """The accuracy on verification pairs by one protocol.

    A pair is accepted at or above the threshold. Every similarity observed is a candidate; of
    several best ones the oracle takes the first pair's, as the paper's code does, and folds the
    highest, which is the first of the growing distances that the field's code tries.

    Args:
        similarity: (P,) cosine of each pair.
        is_same: (P,) bool or 0 and 1, True where both images show one person.
        protocol: "oracle", "folds", "identity_folds" or "threshold"; not given it is "threshold"
            if there is one, else "oracle".
        identities: (P, 2) people in the two images, the child first; for "identity_folds", where
            the first decides the fold: see `irlib.evaluation.verification.grouped_folds`.
        threshold: similarity at or above which a pair is accepted, carried over from other pairs.
        folds: K, at least 2. Of "folds" they are stretches of the list as it stands; where they
            do not divide P, the first ones have a pair more.
        grid: for "folds": only the field's thresholds, squared distances of 0 to 4 in steps of
            0.01, below which a pair is accepted. The similarities must be cosines.

    Raises:
        ValueError: an unknown protocol, or one that does not fit the other arguments; arrays that
            do not fit, a similarity that is not finite, or pairs of one kind only; identities that
            contradict is_same; too few or too many folds; a fold that holds pairs of one kind
            only, as in a sorted list.

    Source: learner.py of the code released with Lee et al., BMVC 2021 ("oracle"); the protocol of
        LFW as in the code of AdaFace and InsightFace ("folds" on the grid).
    """
    protocol = _protocol(protocol, threshold, grid)
    similarity, is_same = checked(similarity, is_same)
    # a threshold compared with single precision would be rounded to it
    similarity = similarity.astype(np.float64, copy=False)
    people = None if identities is None else pair_people(identities, is_same)
    return _RULES[protocol, grid](_Pairs(similarity, is_same, people, threshold, folds))


def _oracle(pairs: _Pairs) -> Accuracy:
    curve = roc(pairs.similarity, pairs.is_same)
    at_pair = len(curve.threshold) - 1 - np.searchsorted(curve.threshold[::-1], pairs.similarity)
    best = int(np.argmax(curve.accuracy[at_pair]))  # with each pair's similarity as the threshold
    return _whole("oracle", pairs, float(pairs.similarity[best]))


def _carried(pairs: _Pairs) -> Accuracy:
    return _whole("threshold", pairs, float(pairs.threshold))


def _whole(protocol: str, pairs: _Pairs, threshold: float) -> Accuracy:
    mean = float(((pairs.similarity >= threshold) == pairs.is_same).mean())
    num_pairs = np.array([len(pairs.is_same)])
    return Accuracy(protocol, mean, np.array([threshold]), np.array([mean]), num_pairs)


def _folds(pairs: _Pairs) -> Accuracy:
    tested = _stretches(pairs.is_same, pairs.folds)
    chosen = fit_thresholds(pairs.similarity, pairs.is_same, ~tested)
    right, num_pairs = _right(pairs, tested, chosen), tested.sum(axis=1)
    each = right / num_pairs
    return Accuracy("folds", float(each.mean()), chosen, each, num_pairs)


def _identity_folds(pairs: _Pairs) -> Accuracy:
    if pairs.identities is None:
        raise ValueError("identities: not given; expected (P, 2) people for 'identity_folds'")
    split = grouped_folds(*pairs.identities.T, pairs.folds)
    chosen = fit_thresholds(pairs.similarity, pairs.is_same, split.fitted)
    right, num_pairs = _right(pairs, split.tested, chosen), split.tested.sum(axis=1)
    pooled = float(right.sum() / num_pairs.sum())
    return Accuracy("identity_folds", pooled, chosen, right / num_pairs, num_pairs)


def _grid_folds(pairs: _Pairs) -> Accuracy:
    largest = float(np.abs(pairs.similarity).max())
    if largest > 1 + 1e-4:
        raise ValueError(f"grid: a similarity of size {largest:g}; expected cosines in [-1, 1]")
    tested = _stretches(pairs.is_same, pairs.folds)
    num_folds, num_pairs = len(tested), tested.sum(axis=1)
    # place of the first grid point above a pair's squared distance, which accepts it
    place = np.searchsorted(GRID, 2 - 2 * pairs.similarity, side="right")
    cell = tested.argmax(axis=0) * (len(GRID) + 1) + place
    gained, lost = (
        np.bincount(cell[kind], minlength=num_folds * (len(GRID) + 1))
        for kind in (pairs.is_same, ~pairs.is_same)
    )
    right = np.cumsum((gained - lost).reshape(num_folds, -1), axis=1)[:, : len(GRID)]
    right += (tested & ~pairs.is_same).sum(axis=1, keepdims=True)  # (K, 400) in each fold
    best = np.argmax(right.sum(axis=0) - right, axis=1)  # the first, on the others
    each = right[np.arange(num_folds), best] / num_pairs
    return Accuracy("folds", float(each.mean()), 1 - GRID[best] / 2, each, num_pairs, grid=True)


_RULES: Mapping[tuple[str, bool], Callable[[_Pairs], Accuracy]] = MappingProxyType(
    {
        ("oracle", False): _oracle,
        ("folds", False): _folds,
        ("folds", True): _grid_folds,
        ("identity_folds", False): _identity_folds,
        ("threshold", False): _carried,
    }
)


def _protocol(protocol: str | None, threshold: float | None, grid: bool) -> str:
    if protocol is None:
        protocol = "oracle" if threshold is None else "threshold"
    if not isinstance(protocol, str) or protocol not in PROTOCOLS:
        is_number = isinstance(protocol, Real)
        hint = f"; a threshold is given as threshold={float(protocol):g}" if is_number else ""
        told = repr(protocol) if isinstance(protocol, str) else f"of type {type(protocol).__name__}"
        raise ValueError(f"protocol {told}: expected one of {', '.join(PROTOCOLS)}{hint}")
    if (protocol == "threshold") != (threshold is not None):
        expected = "a number for 'threshold', and None for every other protocol"
        raise ValueError(f"protocol {protocol!r} with threshold {threshold!r}: expected {expected}")
    if threshold is not None and not np.isfinite(threshold):
        raise ValueError(f"threshold {threshold!r}: expected a finite similarity")
    if grid and protocol != "folds":
        raise ValueError(f"grid: expected protocol 'folds', not {protocol!r}")
    return protocol


def _stretches(is_same: NDArray[np.bool_], folds: int) -> NDArray[np.bool_]:
    # (K, P) the pairs of each fold, which must be of both kinds
    if not 2 <= folds <= len(is_same):
        raise ValueError(f"folds {folds}: expected 2 to {len(is_same)}, the number of pairs")
    tested = np.zeros((folds, len(is_same)), dtype=bool)
    for number, rows in enumerate(np.array_split(np.arange(len(is_same)), folds)):
        same = int(is_same[rows].sum())
        if same in (0, len(rows)):
            raise ValueError(
                f"fold {number + 1} of {folds}: {same} of its {len(rows)} pairs show one person; "
                "expected pairs of both kinds in every fold. For a list that is sorted by kind "
                "use protocol 'identity_folds', with identities"
            )
        tested[number, rows] = True
    return tested


def _right(pairs: _Pairs, tested: NDArray[np.bool_], chosen: NDArray) -> NDArray[np.int64]:
    # (K,) pairs of each fold judged rightly by its threshold
    judged = (pairs.similarity >= chosen[:, None]) == pairs.is_same
    return (judged & tested).sum(axis=1)
