"""Where a network fails: errors of verification within bands of pairs.

FNMR is the share of genuine pairs that are rejected, FMR the share of impostor pairs that are
accepted. Bands hold unequal shares of both, so the accuracy of a band is 1 - (FNMR + FMR) / 2:
both kinds weigh the same, and bands can be compared.

Shapes: P pairs.
Units: rates are fractions.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from irlib.data.pairs.rules import PairList
from irlib.evaluation.groupings import Grouping, kind_of
from irlib.evaluation.wilson import mean_ends, wilson_interval

UNKNOWN = "unknown"

# What a rate needs; below it, an interval over people means little.
FEWEST_PAIRS, FEWEST_PEOPLE = 30, 10

COLUMNS = (
    "set", "by", "band", "kind", "pairs", "genuine", "impostor", "people", "accuracy", "low",
    "high", "fnmr", "fnmr_low", "fnmr_high", "fmr", "fmr_low", "fmr_high",
)  # fmt: skip


def breakdown(
    title: str,
    pairs: PairList,
    right: NDArray[np.bool_],
    groups: Iterable[Grouping],
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Errors of each band with 95 % intervals over people, and why those left out are.

    The intervals of FNMR and FMR are Wilson's with the effective number of pairs, and that of the
    accuracy is made from these two (`mean_ends`). Thresholds count as given.

    Args:
        title: of the set.
        pairs: P pairs.
        right: (P,) whether each is judged rightly, such as `gap_bands.judged(...).folds`.
        groups: of these pairs.

    Returns:
        A row a band with `COLUMNS`, rates NaN for a kind with fewer than 30 pairs or 10 people;
        and reasons by set, property, band and kind.

    Raises:
        ValueError: `right` does not fit the pairs.
    """
    right = np.asarray(right)
    if right.shape != (len(pairs),) or right.dtype != bool:
        raise ValueError(f"right {right.shape} {right.dtype}: expected ({len(pairs)},) bool")
    rows: list[dict[str, Any]] = []
    left_out: dict[str, str] = {}
    for group in groups:
        where = f"{title}, {group.by}"
        if group.reason:
            left_out[where] = group.reason
            continue
        unknown = {UNKNOWN: group.unknown} if group.unknown.any() else {}
        for band, members in {**group.bands, **unknown}.items():
            rates, short = _rates(pairs, ~right, members)
            left_out |= {f"{where}, {band}: {kind}": reason for kind, reason in short.items()}
            if rates:
                told = {"set": title, "by": group.by, "band": band, "kind": kind_of(pairs)}
                rows.append({**told, **_counts(pairs, members), **rates})
    return pd.DataFrame(rows, columns=list(COLUMNS)), left_out


def _rates(
    pairs: PairList, wrong: NDArray[np.bool_], members: NDArray[np.bool_]
) -> tuple[dict[str, float], dict[str, str]]:
    told, short = {}, {}
    for rate, kind, of_kind in (
        ("fnmr", "genuine pairs", pairs.is_same),
        ("fmr", "impostor pairs", ~pairs.is_same),
    ):
        at = members & of_kind
        people = len(_people(pairs, at))
        if not at.any() and members.any():
            continue  # such as genuine pairs of different genders, which nobody asks for
        if at.sum() < FEWEST_PAIRS or people < FEWEST_PEOPLE:
            short[kind] = (
                f"{at.sum()} of {people} people; expected at least {FEWEST_PAIRS} of "
                f"{FEWEST_PEOPLE}"
            )
            continue
        found = wilson_interval(
            wrong[at], pairs.is_same[at], pairs.first_identity[at], pairs.second_identity[at]
        )
        told |= {rate: found.value, f"{rate}_low": found.low, f"{rate}_high": found.high}
    return told | (_accuracy(told) if len(told) == 6 else {}), short


def _accuracy(told: dict[str, float]) -> dict[str, float]:
    rates = ([told[name + end] for end in ("", "_low", "_high")] for name in ("fnmr", "fmr"))
    error, low, high = (float(each) for each in mean_ends(*rates))
    return {"accuracy": 1 - error, "low": 1 - high, "high": 1 - low}


def _people(pairs: PairList, members: NDArray[np.bool_]) -> NDArray[np.str_]:
    return np.unique(
        np.concatenate([pairs.first_identity[members], pairs.second_identity[members]])
    )


def _counts(pairs: PairList, members: NDArray[np.bool_]) -> dict[str, int]:
    genuine, total = int((members & pairs.is_same).sum()), int(members.sum())
    people = len(_people(pairs, members))
    return {"pairs": total, "genuine": genuine, "impostor": total - genuine, "people": people}
