"""Searching a gallery of adults for the person whom a child's photograph shows.

The authors' lists of probes and galleries were never published; the rule here is our own, in
their form: each probe has a gallery of its own, in which one image shows its person.

Shapes: N images, D embedding size, S searches, A adult images, I people in the gallery.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.data.pairs.rules import PairList
from irlib.data.sets.crossage import TestFaces
from irlib.evaluation.bootstrap import Interval
from irlib.evaluation.clustered import identity_replicates, intervals

RANKS = (1, 5, 10)
ADULT_FROM = 18.0  # years

_ROWS = 256  # searches at once


@dataclass(frozen=True, eq=False)
class Searches:
    """Closed-set searches, one for each genuine pair of a child and an adult.

    Args:
        identity: (S,) the person searched for.
        rank: (S,) place of the mate in its gallery by falling cosine, from 1.
        size: people in a gallery, the mate's among them.
    """

    identity: NDArray[np.str_]
    rank: NDArray[np.int64]
    size: int


def adults_of(
    pairs: PairList, faces: TestFaces | None = None
) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    """The adult images that a gallery is drawn from, and who is in each.

    Args:
        pairs: whose children are searched for.
        faces: of the set, from 18 years on; None where it has no ages, as LAG: then the images
            that stand second in a pair, which for LAG's one-to-one pairs show everyone.
    """
    if faces is not None:
        grown = faces.age >= ADULT_FROM
        return faces.names[grown], faces.identity[grown]
    names, row = np.unique(pairs.second, return_index=True)
    return names, pairs.second_identity[row]


def search(
    pairs: PairList,
    adults: NDArray[np.str_],
    identity: NDArray[np.str_],
    names: NDArray[np.str_],
    embeddings: NDArray[np.floating],
    *,
    seed: int,
) -> Searches:
    """The rank of each mate among one adult image of everyone in the set.

    Each genuine pair is a search: the child's image is the probe, the adult's its mate. Of every
    other person one adult image is drawn, anew for each search.

    Args:
        pairs: of children and adults; the genuine ones are searched.
        adults: (A,) adult images that can be drawn.
        identity: (A,) the person in each.
        names: (N,) image of each row of the embeddings, sorted and without repeats.
        embeddings: (N, D), of any length.
        seed: of the draws.

    Raises:
        ValueError: the adults show nobody but a probe's own person, or an image has no embedding.
    """
    adults, identity = np.asarray(adults), np.asarray(identity)
    order = np.argsort(identity, kind="stable")
    people, start, count = np.unique(identity[order], return_index=True, return_counts=True)
    child, mate, own = (
        side[pairs.is_same] for side in (pairs.first, pairs.second, pairs.first_identity)
    )
    is_other = own[:, None] != people  # (S, I)
    if not is_other.any(axis=1).all():
        raise ValueError(f"adults: they show {len(people)} people; expected others than the probe")
    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    probes, gallery = unit[_rows(names, child)], unit[_rows(names, adults[order])]
    mates = np.einsum("sd,sd->s", probes, unit[_rows(names, mate)])
    drawn = start + np.random.default_rng(seed).integers(0, count, is_other.shape)  # (S, I)
    rank = np.ones(len(child), dtype=np.int64)
    for first in range(0, len(child), _ROWS):
        at = slice(first, first + _ROWS)
        cosine = np.take_along_axis(probes[at] @ gallery.T, drawn[at], axis=1)
        rank[at] = mate_ranks(mates[at], cosine, is_other[at])
    return Searches(own, rank, int(is_other.sum(axis=1).max()) + 1)


def mate_ranks(
    mate: NDArray[np.floating], others: NDArray[np.floating], counts: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """(S,) place of the mate, from 1: one more than the others that are at least as similar.

    A tie counts against the probe, so that a network that gives every image one embedding finds
    nobody.

    Args:
        mate: (S,) similarity of probe and mate.
        others: (S, I) similarity of probe and each other image.
        counts: (S, I) whether that image is in the gallery.
    """
    return 1 + ((others >= mate[:, None]) & counts).sum(axis=1)


def rank_shares(
    rank: ArrayLike,
    identity: ArrayLike,
    *,
    seed: int,
    ranks: Sequence[int] = RANKS,
    repeats: int = 1_000,
) -> dict[int, Interval]:
    """Share of the searches whose mate is among the first k, by k, with intervals over people.

    Args:
        rank: (S,) from 1.
        identity: (S,) the person searched for; the intervals draw them.
        seed: of the draws.
        ranks: each k.
        repeats: of the draws.
    """
    found = np.asarray(rank)[:, None] <= np.asarray(ranks)  # (S, K)
    shares = intervals(identity_replicates(found, identity, seed=seed, repeats=repeats))
    return dict(zip(ranks, shares, strict=True))


def summary(searches: Searches, *, seed: int, repeats: int = 1_000) -> dict[str, Any]:
    """What is reported of the searches in one set, as plain values for ``metrics.json``.

    Args:
        searches: in the set.
        seed: of the intervals' draws of people.
        repeats: of the draws.

    Returns:
        searches, people (who are searched for), gallery (people in each), and rank_1, rank_5 and
        rank_10 with their intervals: fractions of the searches.
    """
    shares = rank_shares(searches.rank, searches.identity, seed=seed, repeats=repeats)
    told: dict[str, Any] = {
        "searches": len(searches.rank),
        "people": len(np.unique(searches.identity)),
        "gallery": searches.size,
    }
    for rank, share in shares.items():
        told |= {f"rank_{rank}": share.value, f"rank_{rank}_interval": [share.low, share.high]}
    return told


def _rows(names: NDArray[np.str_], wanted: NDArray[np.str_]) -> NDArray[np.int64]:
    rows = np.minimum(np.searchsorted(names, wanted), len(names) - 1)
    if (absent := names[rows] != wanted).any():
        raise ValueError(f"{wanted[absent][0]}: no embedding; expected one for every image")
    return rows
