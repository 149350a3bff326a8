"""TinyFace: each probe searched among its mates and a gallery full of strangers."""

import numpy as np

from irlib.data.sets.tinyface import TinyFace
from irlib.evaluation.embedding import Embeds
from irlib.evaluation.searching import Scored, cmc, rank_shares, search, told_shares

RANKS = (1, 5, 20)


def score_tinyface(test: TinyFace, embedder: Embeds, *, flip: bool = True) -> Scored:
    """Share of the mated probes whose person is among the first 1, 5 and 20.

    Every embedding counts as its direction alone. A probe without a mate is not scored.

    Args:
        test: the images, aligned crops of 112x112.
        embedder: gives their embeddings.
        flip: add the embeddings of the mirrored images.

    Returns:
        metrics: probes, mates, distractors, mated (probes that are scored), people (in those),
        flip, and rank_1, rank_5 and rank_20 with their intervals. Arrays: cmc, by rank.

    Raises:
        ValueError: an image that cannot be read, or no probe has a mate.

    Source: owners' protocol, as AdaFace's evaluation renders it.
    """
    ranked = search(
        embedder.embed(test.probes, flip=flip),
        embedder.embed(test.gallery, flip=flip),
        test.probe_ids,
        test.gallery_ids,
    )
    is_mated = ranked.is_mated
    rank, identity = ranked.rank[is_mated], ranked.identity[is_mated]
    shares = rank_shares(rank, identity, ranks=RANKS)
    metrics = {
        **test.counts, "mated": len(rank), "people": len(np.unique(identity)), "flip": flip,
        **told_shares(shares),
    }  # fmt: skip
    return Scored(metrics, {"cmc": cmc(rank)})
