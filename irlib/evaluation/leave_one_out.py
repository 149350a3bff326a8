"""Leave-one-out identification: each image searched among all others, as on FG-NET.

Shapes: M probes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from irlib.data.ages import CHILD_BELOW
from irlib.data.sets.leave_one_out import LeaveOneOut
from irlib.evaluation.embedding import Embeds
from irlib.evaluation.identification import ADULT_FROM
from irlib.evaluation.searching import (
    Ranked,
    Scored,
    cmc,
    rank_shares,
    search,
    told_shares,
)

RANKS = (1, 5, 10)


def score_leave_one_out(protocol: LeaveOneOut, embedder: Embeds, *, flip: bool = True) -> Scored:
    """Share of the images whose nearest neighbor shows the same person, by age of the probe too.

    Args:
        protocol: the images; those of people who have one image are searched among, not for.
        embedder: gives their embeddings.
        flip: add the embeddings of the mirrored images.

    Returns:
        metrics: gallery (images that each probe is searched among), flip, and for "all",
        "children" (probes below 13 years) and "adults" (from 18 years on): probes, people,
        rank_1, rank_5 and rank_10 with their intervals; None where there are no such probes.
        Arrays: cmc by rank; rank, identity and age of the probes, (M,) each.

    Raises:
        ValueError: the protocol has no images, or one that cannot be read.
    """
    if protocol.images is None:
        raise ValueError("protocol: it knows people but no images; expected images to embed")
    embeddings = embedder.embed(protocol.images, flip=flip)
    people, ages = protocol.identities, protocol.ages[protocol.probes]
    ranked = search(
        embeddings[protocol.probes], embeddings, people[protocol.probes], people,
        own=protocol.probes,
    )  # fmt: skip
    chosen = {
        "all": np.ones(len(ages), dtype=bool),
        "children": ages < CHILD_BELOW,
        "adults": ages >= ADULT_FROM,
    }
    shares = {name: _shares(ranked, mask) for name, mask in chosen.items()}
    metrics = {"gallery": len(people) - 1, "flip": flip, **shares}
    arrays = {
        "cmc": cmc(ranked.rank), "rank": ranked.rank, "identity": ranked.identity, "age": ages,
    }  # fmt: skip
    return Scored(metrics, arrays)


def _shares(ranked: Ranked, mask: NDArray[np.bool_]) -> dict[str, Any] | None:
    if not mask.any():
        return None
    rank, identity = ranked.rank[mask], ranked.identity[mask]
    shares = rank_shares(rank, identity, ranks=RANKS)
    return {"probes": len(rank), "people": len(np.unique(identity)), **told_shares(shares)}
