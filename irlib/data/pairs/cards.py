"""What a set of pairs holds, as plain values: balance, gaps, people, gender, and overlap.

Units: ages and gaps in years.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irlib.data.pairs.rules import PairList


def card(
    pairs: PairList,
    *,
    gender: Mapping[str, str] = MappingProxyType({}),
    overlap: Collection[str] | None = None,
) -> dict[str, Any]:
    """The card of a set of pairs; None stands for what the set does not tell.

    Gaps, ages and shares are those of the positive pairs: an identity's share is that of the
    positive pairs that show it, and the effective number of identities is 1 / sum of the squared
    shares, the number of equal shares that would be as concentrated.

    Args:
        pairs: P pairs.
        gender: m or f by image.
        overlap: identities that are in the training set too, None where names do not tell.

    Returns:
        pairs, positives, balance (share of positives), identities, identities_with_positives,
        gap_min, gap_mean, gap_max, gap_deciles (nine), child_age_min, child_age_max,
        identity_shares (by name, largest first), largest_share, effective_identities,
        same_gender_negatives (a share, of the negative pairs whose genders are known), overlap
        (names of people in some pair), overlap_identities (how many), overlap_pairs (pairs with
        one of them) and sha256.
    """
    same = pairs.is_same
    people = np.unique(np.concatenate([pairs.first_identity, pairs.second_identity]))
    return {
        "pairs": len(pairs),
        "positives": int(same.sum()),
        "balance": float(same.mean()),
        "identities": len(people),
        "identities_with_positives": len(np.unique(pairs.first_identity[same])),
        **_gaps((pairs.second_age - pairs.first_age)[same]),
        **_range("child_age", pairs.first_age[same]),
        **_shares(pairs.first_identity[same]),
        "same_gender_negatives": _same_gender(pairs, gender),
        **_overlap(pairs, people, overlap),
        "sha256": pairs.sha256,
    }


def _gaps(gaps: NDArray[np.float64]) -> dict[str, Any]:
    gaps = gaps[~np.isnan(gaps)]
    known = len(gaps) > 0
    deciles = np.quantile(gaps, np.arange(1, 10) / 10).tolist() if known else None
    mean = float(gaps.mean()) if known else None
    return {**_range("gap", gaps), "gap_mean": mean, "gap_deciles": deciles}


def _range(name: str, values: NDArray[np.float64]) -> dict[str, Any]:
    values = values[~np.isnan(values)]
    ends = (float(values.min()), float(values.max())) if len(values) else (None, None)
    return {f"{name}_min": ends[0], f"{name}_max": ends[1]}


def _shares(identities: NDArray[np.str_]) -> dict[str, Any]:
    names, count = np.unique(identities, return_counts=True)
    share = count / count.sum()
    order = np.argsort(-share, kind="stable")
    return {
        "identity_shares": dict(zip(names[order].tolist(), share[order].tolist(), strict=True)),
        "largest_share": float(share.max()),
        "effective_identities": float(1 / np.square(share).sum()),
    }


def _same_gender(pairs: PairList, gender: Mapping[str, str]) -> float | None:
    negative = zip(pairs.first[~pairs.is_same], pairs.second[~pairs.is_same], strict=True)
    told = [(gender.get(str(first)), gender.get(str(second))) for first, second in negative]
    known = [first == second for first, second in told if first and second]
    return sum(known) / len(known) if known else None


def _overlap(
    pairs: PairList, people: NDArray[np.str_], overlap: Collection[str] | None
) -> dict[str, Any]:
    if overlap is None:
        return dict.fromkeys(("overlap", "overlap_identities", "overlap_pairs"))
    met = np.array(sorted({*people.tolist()} & {*overlap}), dtype=np.str_)
    touched = np.isin(pairs.first_identity, met) | np.isin(pairs.second_identity, met)
    return {
        "overlap": met.tolist(),
        "overlap_identities": len(met),
        "overlap_pairs": int(touched.sum()),
    }
