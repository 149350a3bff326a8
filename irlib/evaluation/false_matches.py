"""How often strangers are accepted at given thresholds: among children, among adults, across.

The mean cosines of the same pairs are in `irlib.evaluation.impostors`; here is what they cost.

Shapes: N images, D embedding size, I people, T thresholds, R replicates.
Units: ages in years; rates are fractions.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from irlib.data.ages import CHILD_BELOW
from irlib.evaluation.bootstrap import Interval, identity_counts, percentile_interval
from irlib.evaluation.wilson import ends_of

CHILDREN, ADULTS, ACROSS = "child-child", "adult-adult", "child-adult"
FEWEST_PEOPLE = 10  # on each side

COLUMNS = (
    "set", "by", "band", "kind", "pairs", "genuine", "impostor", "people", "threshold", "fmr",
    "fmr_low", "fmr_high",
)  # fmt: skip

_ROWS = 512  # images at once: a block of cosines is 512 x N


def false_matches(
    title: str,
    embeddings: NDArray[np.floating],
    identity: ArrayLike,
    age: ArrayLike,
    thresholds: Mapping[str, float],
    *,
    seed: int,
    adult_from: float = 18.0,
    repeats: int = 1_000,
) -> tuple[pd.DataFrame, dict[str, str]]:
    """FMR over every pair of images of two different people, by who is in them.

    A threshold that was set on one group, such as child-adult pairs or adults, is carried over to
    the others. Exact over all pairs; memory is I x I and 512 x N numbers. Intervals are those of
    the vertex bootstrap; where no pair is accepted, Wilson's of as many pairs as there are people.

    Args:
        title: of the set.
        embeddings: (N, D), of any length.
        identity: (N,) person in each image.
        age: (N,) years; images of unknown age are left out.
        thresholds: cosine at or above which a pair is accepted, by what it was fitted on.
        seed: of the draws of people.
        adult_from: least age of an adult; a child is below 13.
        repeats: R, draws.

    Returns:
        Rows with set, by (names the threshold), band and kind (child-child, child-adult or
        adult-adult), pairs (of images), genuine (0), impostor, people, threshold, fmr, fmr_low
        and fmr_high: they fit below those of `irlib.evaluation.breakdowns.breakdown`. And reasons
        of what is left out.

    Raises:
        ValueError: lengths differ, or an embedding is not finite.
    """
    age, identity = np.asarray(age, dtype=np.float64), np.asarray(identity)
    _require(embeddings, identity, age)
    people, person = np.unique(identity, return_inverse=True)
    counts = identity_counts(len(people), repeats=repeats, seed=seed).astype(np.float64)
    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    child, adult = np.flatnonzero(age < CHILD_BELOW), np.flatnonzero(age >= adult_from)
    groups = {CHILDREN: (child, child), ACROSS: (child, adult), ADULTS: (adult, adult)}

    rows: list[dict[str, Any]] = []
    left_out = {}
    for band, (first, second) in groups.items():
        fewest = min(len(np.unique(person[side])) for side in (first, second))
        if fewest < FEWEST_PEOPLE:
            reason = f"{fewest} people; expected at least {FEWEST_PEOPLE}"
            left_out[f"{title}, strangers, {band}"] = reason
            continue
        hits = _accepted(unit, person, first, second, list(thresholds.values()), len(people))
        total = _pairs(person[first], person[second], len(people))
        told = {"set": title, "band": band, "kind": band, **_counts(person, first, second, total)}
        for (fitted_on, threshold), found in zip(thresholds.items(), hits, strict=True):
            fmr = _interval(_between(found), total, counts, told["people"])
            told |= {"by": f"strangers, threshold of {fitted_on}", "threshold": float(threshold)}
            rows.append(told | {"fmr": fmr.value, "fmr_low": fmr.low, "fmr_high": fmr.high})
    return pd.DataFrame(rows, columns=list(COLUMNS)), left_out


def _require(embeddings: NDArray, identity: NDArray, age: NDArray) -> None:
    if not len(embeddings) == len(identity) == len(age):
        raise ValueError(
            f"{len(embeddings)} embeddings, {len(identity)} identities and {len(age)} ages: "
            "expected one of each an image"
        )
    if not np.isfinite(embeddings).all():
        raise ValueError("embeddings: some are not finite; expected real numbers")


def _accepted(
    unit: NDArray,
    person: NDArray[np.int64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    levels: Sequence[float],
    num_people: int,
) -> NDArray[np.int64]:
    # (T, I, I) image pairs at or above each level, by the person in the first and in the second
    second = second[np.argsort(person[second], kind="stable")]
    who, starts = np.unique(person[second], return_index=True)
    gallery = unit[second].T
    hits = np.zeros((len(levels), num_people, len(who)), dtype=np.int64)
    for start in range(0, len(first), _ROWS):
        block = first[start : start + _ROWS]
        cosine = unit[block] @ gallery
        for at, level in zip(hits, levels, strict=True):
            of_person = np.add.reduceat(cosine >= level, starts, axis=1, dtype=np.int64)
            np.add.at(at, person[block], of_person)
    found = np.zeros((len(levels), num_people, num_people), dtype=np.int64)
    found[:, :, who] = hits
    return found


def _pairs(
    first: NDArray[np.int64], second: NDArray[np.int64], num_people: int
) -> NDArray[np.float64]:
    # (I, I) image pairs of every two people
    images = [np.bincount(side, minlength=num_people) for side in (first, second)]
    return _between(np.outer(*images))


def _counts(
    person: NDArray[np.int64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    total: NDArray[np.float64],
) -> dict[str, int]:
    pairs = int(total.sum()) // (2 if first is second else 1)  # within a group each stands twice
    people = len(np.unique(person[np.concatenate([first, second])]))
    return {"pairs": pairs, "genuine": 0, "impostor": pairs, "people": people}


def _between(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    # (I, I) without the pairs of one person
    between = counts.astype(np.float64)
    np.fill_diagonal(between, 0.0)
    return between


def _interval(hits: NDArray, total: NDArray, counts: NDArray, num_people: int) -> Interval:
    if not hits.any():
        # draws of people would say that there is no doubt: as if each person were one pair
        low, high = ends_of(np.zeros(1), np.array([num_people]), num_people - 1)
        return Interval(0.0, float(low[0]), float(high[0]), len(counts))
    weighed = ((counts @ total) * counts).sum(axis=1)
    replicates = np.full(len(counts), np.nan)
    np.divide(((counts @ hits) * counts).sum(axis=1), weighed, out=replicates, where=weighed > 0)
    return percentile_interval(float(hits.sum() / total.sum()), replicates)
