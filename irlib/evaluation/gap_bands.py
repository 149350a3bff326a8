"""Verification by age gap: child-adult pairs and, as a control, pairs of adults of the same gap.

Shapes: P pairs.
Units: ages and gaps in years.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irlib.data.pairs.drawing import IndexPairs
from irlib.data.pairs.matching import named
from irlib.data.pairs.rules import PairList, adult_pairs, child_adult_pairs
from irlib.data.sets.crossage import TestFaces
from irlib.evaluation.clustered import share_intervals
from irlib.evaluation.metrics import counts
from irlib.evaluation.protocols import accuracy
from irlib.evaluation.verification import fit_thresholds, grouped_folds

# Title of a band to its least gap and to the bound that it stays below.
BANDS: Mapping[str, tuple[float, float | None]] = MappingProxyType(
    {"10-20": (10, 20), "20-30": (20, 30), "30+": (30, None), "10+": (10, None), "20+": (20, None)}
)
CHILD, ADULT = "child-adult", "adults"

MAX_ADULT = 2_000  # genuine pairs of adults in a band, as in the published adult control
LEAST = 50  # genuine pairs that a band needs


@dataclass(frozen=True, eq=False)
class Band:
    """Pairs of one set within a range of age gaps, as many genuine ones as others.

    Args:
        set: title of the set.
        kind: `CHILD` or `ADULT`: whether the younger image shows a child.
        name: a key of `BANDS`.
        pairs: P pairs.
    """

    set: str
    kind: str
    name: str
    pairs: PairList


@dataclass(frozen=True, eq=False)
class Judged:
    """Pairs judged by two rules; see `irlib.evaluation.protocols`.

    Args:
        oracle: (P,) whether a pair is judged rightly at the threshold that is best on all pairs.
        folds: (P,) the same at thresholds chosen on other people.
    """

    oracle: NDArray[np.bool_]
    folds: NDArray[np.bool_]


def gap_bands(title: str, faces: TestFaces, *, seed: int) -> tuple[list[Band], dict[str, str]]:
    """The bands of a set that has ages, and why those that are left out are.

    Pairs are made by the published rules, so the band of 20 years and more holds those of the
    set's C20 list where that was made by rule. Of adults at most 2,000 genuine pairs are drawn.

    Args:
        title: of the set.
        faces: of the set.
        seed: of the draws.

    Returns:
        The bands with at least 50 genuine pairs of people enough for ten folds; and reasons by
        title, kind and band.
    """
    found, left_out = [], {}
    rules: dict[str, Callable[[float, float | None], IndexPairs]] = {
        CHILD: lambda low, high: child_adult_pairs(
            faces.identity, faces.age, low, max_gap=high, seed=seed
        ),
        ADULT: lambda low, high: adult_pairs(
            faces.identity, faces.age, low, max_gap=high, limit=MAX_ADULT, seed=seed
        ),
    }
    for kind, rule in rules.items():
        for name, gaps in BANDS.items():
            try:
                pairs = named(faces, rule(*gaps))
                _require_enough(pairs)
            except ValueError as error:
                left_out[f"{title}, {kind}, {name} years"] = str(error)
            else:
                found.append(Band(title, kind, name, pairs))
    return found, left_out


def judged(similarity: NDArray[np.floating], pairs: PairList) -> Judged:
    """Which pairs are judged rightly, by the oracle threshold and by grouped folds.

    Args:
        similarity: (P,) cosine of each pair.
        pairs: P pairs.
    """
    threshold = accuracy(similarity, pairs.is_same, "oracle").threshold
    split = grouped_folds(pairs.first_identity, pairs.second_identity)
    chosen = fit_thresholds(similarity, pairs.is_same, split.fitted)
    own = chosen[split.tested.argmax(axis=0)]  # (P,) threshold of each pair's fold
    return Judged((similarity >= threshold) == pairs.is_same, (similarity >= own) == pairs.is_same)


def band_row(band: Band, right: Judged) -> dict[str, str | int | float]:
    """What is reported of one band: counts, and both accuracies with intervals over people.

    The intervals are Wilson's, at the thresholds as they are.

    Args:
        band: kind, name and pairs.
        right: which of its pairs are judged rightly.

    Returns:
        set, kind, band, pairs, people, and oracle and folds (fractions of the pairs), each with its
        _low and _high.
    """
    pairs = band.pairs
    both = np.stack([right.oracle, right.folds], axis=1)  # (P, 2)
    shares = share_intervals(both, pairs.is_same, pairs.first_identity, pairs.second_identity)
    told: dict[str, Any] = {"set": band.set, "kind": band.kind, "band": band.name}
    told |= {"pairs": len(pairs), "people": counts(pairs)["identities"]}
    for name, found in zip(("oracle", "folds"), shares, strict=True):
        told |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
    return told


def genuine_columns(
    band: Band, similarity: NDArray[np.floating], right: Judged
) -> dict[str, str | NDArray]:
    """The genuine pairs of a band as columns: set, kind, identity, gap, cosine and rejected.

    Args:
        band: kind, name and pairs.
        similarity: (P,) cosine of each pair.
        right: which pairs are judged rightly; rejected are those that the oracle threshold loses.
    """
    pairs, same = band.pairs, band.pairs.is_same
    return {
        "set": band.set,
        "kind": band.kind,
        "identity": pairs.first_identity[same],
        "gap": (pairs.second_age - pairs.first_age)[same],
        "cosine": np.asarray(similarity)[same],
        "rejected": ~right.oracle[same],
    }


def pair_columns(band: Band, right: Judged) -> dict[str, NDArray]:
    """The pairs of a band as arrays for ``bands.npz``: methods are compared pair by pair later.

    Args:
        band: kind, name and pairs.
        right: which pairs are judged rightly; the accuracy on other people is kept.

    Returns:
        right, is_same, first_identity and second_identity, (P,) each, below ``set/kind/band/``.
    """
    place, pairs = f"{band.set}/{band.kind}/{band.name}", band.pairs
    columns = {"right": right.folds, "is_same": pairs.is_same}
    columns |= {"first_identity": pairs.first_identity, "second_identity": pairs.second_identity}
    return {f"{place}/{name}": values for name, values in columns.items()}


def _require_enough(pairs: PairList) -> None:
    if (genuine := int(pairs.is_same.sum())) < LEAST:
        raise ValueError(f"{genuine} genuine pairs; expected at least {LEAST}")
    grouped_folds(pairs.first_identity, pairs.second_identity)
