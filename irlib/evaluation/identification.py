"""Searching a gallery of adults for the person whom a child's photograph shows.

The authors' lists of probes and galleries were never published; the rule here is our own, in
their form: each probe has a gallery of its own, in which one image shows its person.

Shapes: N images, D embedding size, S searches, A adult images, I people in the gallery.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irlib.data.pairs.rules import PairList
from irlib.data.sets.crossage import TestFaces
from irlib.evaluation.searching import places, rank_shares, told_shares, unit_rows

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
        ValueError: the adults show nobody but a probe's own person, an image has no embedding, or
            an embedding is zero or not finite.
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
    unit = unit_rows(embeddings, "embeddings")
    probes = unit[_rows(names, child)]
    # the mates behind the others: equal images have equal cosines only in one product
    gallery = unit[_rows(names, np.concatenate([adults[order], mate]))]
    drawn = start + np.random.default_rng(seed).integers(0, count, is_other.shape)  # (S, I)
    rank = np.ones(len(child), dtype=np.int64)
    for first in range(0, len(child), _ROWS):
        at = slice(first, first + _ROWS)
        cosine = probes[at] @ gallery.T
        mates = np.diagonal(cosine, len(adults) + first)
        others = np.take_along_axis(cosine, drawn[at], axis=1)
        rank[at] = places(mates, np.where(is_other[at], others, -np.inf))
    return Searches(own, rank, int(is_other.sum(axis=1).max()) + 1)


def summary(searches: Searches) -> dict[str, Any]:
    """What is reported of the searches in one set, as plain values for ``metrics.json``.

    Args:
        searches: in the set.

    Returns:
        searches, people (who are searched for), gallery (people in each), and rank_1, rank_5 and
        rank_10 with their intervals: fractions of the searches.
    """
    shares = rank_shares(searches.rank, searches.identity, ranks=RANKS)
    return {
        "searches": len(searches.rank),
        "people": len(np.unique(searches.identity)),
        "gallery": searches.size,
        **told_shares(shares),
    }


def _rows(names: NDArray[np.str_], wanted: NDArray[np.str_]) -> NDArray[np.int64]:
    rows = np.minimum(np.searchsorted(names, wanted), len(names) - 1)
    if (absent := names[rows] != wanted).any():
        raise ValueError(f"{wanted[absent][0]}: no embedding; expected one for every image")
    return rows
