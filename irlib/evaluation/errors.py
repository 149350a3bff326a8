"""What goes wrong at a threshold, and in which pairs.

Shapes: P pairs.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irlib.data.pairs.rules import PairList
from irlib.data.pairs.sets import PAIR_SETS

REJECT, ACCEPT = "false reject", "false accept"


def confusion(
    similarity: NDArray[np.floating], pairs: PairList, threshold: float
) -> dict[str, Any]:
    """Errors of both kinds among the pairs, as plain values.

    Args:
        similarity: (P,) cosine of each pair.
        pairs: P pairs.
        threshold: cosine at or above which a pair is accepted.

    Returns:
        threshold; genuine, false_rejects, impostor and false_accepts, counts of pairs; and fnmr,
        fmr (shares of the genuine and of the impostor pairs, NaN without any) and accuracy.
    """
    accepted = np.asarray(similarity) >= threshold
    genuine, impostor = int(pairs.is_same.sum()), int((~pairs.is_same).sum())
    rejects = int((pairs.is_same & ~accepted).sum())
    accepts = int((~pairs.is_same & accepted).sum())
    return {
        "threshold": float(threshold),
        "genuine": genuine,
        "false_rejects": rejects,
        "impostor": impostor,
        "false_accepts": accepts,
        "fnmr": rejects / genuine if genuine else np.nan,
        "fmr": accepts / impostor if impostor else np.nan,
        "accuracy": 1 - (rejects + accepts) / len(pairs),
    }


def worst(
    similarity: NDArray[np.floating], pairs: PairList, threshold: float, *, kind: str, count: int
) -> NDArray[np.int64]:
    """Positions of the pairs furthest on the wrong side of a threshold, the worst first.

    A person is shown at most once, so that few people do not fill the list.

    Args:
        similarity: (P,) cosine of each pair.
        pairs: P pairs.
        threshold: cosine at or above which a pair is accepted.
        kind: `REJECT` or `ACCEPT`.
        count: most pairs.
    """
    if kind not in (REJECT, ACCEPT):
        raise ValueError(f"kind {kind!r}: expected {REJECT!r} or {ACCEPT!r}")
    excess = np.asarray(similarity) - threshold  # accepted from 0
    if kind == REJECT:
        rows = np.flatnonzero(pairs.is_same & (excess < 0))
        rows = rows[np.argsort(excess[rows], kind="stable")]
    else:
        rows = np.flatnonzero(~pairs.is_same & (excess >= 0))
        rows = rows[np.argsort(-excess[rows], kind="stable")]
    shown: set[str] = set()
    found = []
    for row in rows.tolist():
        people = {str(pairs.first_identity[row]), str(pairs.second_identity[row])}
        if len(found) < count and not people & shown:
            found.append(row)
            shown |= people
    return np.array(found, dtype=np.int64)


def worst_rows(
    lists: Mapping[str, PairList],
    similarity: Mapping[str, NDArray[np.floating]],
    thresholds: Mapping[str, float],
    *,
    count: int,
) -> list[dict[str, Any]]:
    """The worst errors of each kind in each set, a row a pair, as `worst` picks them.

    Args:
        lists: pairs by set.
        similarity: (P,) cosine of each pair, by set.
        thresholds: cosine at or above which a pair is accepted, by set.
        count: most pairs of a kind and set.

    Returns:
        Rows with set (title, or the key where it has none), kind, cosine, threshold, first and
        second (images), first_age and second_age (years, NaN where the set has none), and a title
        for a picture of the pair.
    """
    fields = ("first", "second", "first_age", "second_age")
    rows = [
        {
            "set": PAIR_SETS[key].title if key in PAIR_SETS else key,
            "kind": kind,
            "cosine": float(similarity[key][row]),
            "threshold": float(thresholds[key]),
            **{field: getattr(pairs, field)[row].item() for field in fields},
        }
        for key, pairs in lists.items()
        for kind in (REJECT, ACCEPT)
        for row in worst(similarity[key], pairs, thresholds[key], kind=kind, count=count)
    ]
    return [{**row, "title": _title(row)} for row in rows]


def _title(row: Mapping[str, Any]) -> str:
    ages = (row["first_age"], row["second_age"])
    told = "young, grown up" if np.isnan(ages).any() else "{:.0f} and {:.0f} years".format(*ages)
    cosine = f"{row['cosine']:+.2f}".replace("-", "\u2212")
    return f"{row['set']}, {row['kind']}: {cosine}; {told}"


def rejected_images(
    similarity: NDArray[np.floating], pairs: PairList, threshold: float
) -> NDArray[np.str_]:
    """Images of the genuine pairs that fall below a threshold, sorted, each once."""
    wrong = pairs.is_same & (np.asarray(similarity) < threshold)
    return np.unique(np.concatenate([pairs.first[wrong], pairs.second[wrong]]))
