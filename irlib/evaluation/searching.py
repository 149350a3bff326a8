"""Searching a gallery for the person in each probe, in bounded memory.

A probe is mated if its person is in the gallery. Of several images of that person the most similar
one counts (the field's any-positive rule). A tie with somebody else counts against the probe, so
that a network that gives every image one embedding finds nobody.

Shapes: Q probes, G gallery images or templates, D embedding size, K ranks, R replicates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.evaluation.bootstrap import Interval
from irlib.evaluation.clustered import identity_replicates, share_intervals

RANKS = (1, 5, 10, 20)

_CELLS = 2**24  # similarities at once: 64 MiB


@dataclass(frozen=True, eq=False)
class Ranked:
    """What the search of each probe gave.

    Args:
        identity: (Q,) the person in each probe.
        rank: (Q,) place of the probe's person by falling similarity, from 1; 0 where the gallery
            does not hold that person.
        mate: (Q,) highest cosine to the probe's person; -inf where the gallery does not hold it.
        other: (Q,) highest cosine to anybody else; -inf where there is nobody else.
    """

    identity: NDArray[np.generic]
    rank: NDArray[np.int64]
    mate: NDArray[np.float32]
    other: NDArray[np.float32]

    @property
    def is_mated(self) -> NDArray[np.bool_]:
        """(Q,) whether the gallery holds the probe's person."""
        return self.rank > 0


@dataclass(frozen=True, eq=False)
class Scored:
    """The result of a protocol.

    Args:
        metrics: plain values for ``metrics.json``; rates are fractions, intervals cover 95 %.
        arrays: what figures are drawn from, by name.
    """

    metrics: dict[str, Any]
    arrays: dict[str, NDArray[np.generic]]


def search(
    probes: ArrayLike,
    gallery: ArrayLike,
    probe_ids: ArrayLike,
    gallery_ids: ArrayLike,
    *,
    own: ArrayLike | None = None,
) -> Ranked:
    """The place of each probe's person in a gallery.

    Args:
        probes: (Q, D), of any length.
        gallery: (G, D), of any length.
        probe_ids: (Q,) the person in each, text or whole numbers.
        gallery_ids: (G,) the person in each; strangers may share a number that no probe has.
        own: (Q,) place of each probe itself in the gallery, to be left out.

    Raises:
        ValueError: lengths or widths differ, or an embedding is zero or not finite.
    """
    probes, gallery = unit_rows(probes, "probes"), unit_rows(gallery, "gallery")
    if probes.shape[1] != gallery.shape[1]:
        raise ValueError(f"probes {probes.shape}, gallery {gallery.shape}: expected equal widths")
    identity = _people(probe_ids, len(probes), "probe_ids")
    people = _people(gallery_ids, len(gallery), "gallery_ids")
    own = np.full(len(probes), -1) if own is None else np.asarray(own)
    if (people[own[own >= 0]] != identity[own >= 0]).any():
        raise ValueError("own: a probe's own place in the gallery shows somebody else")
    order = np.argsort(people, kind="stable")
    first, end = (np.searchsorted(people[order], identity, side) for side in ("left", "right"))
    rank = np.zeros(len(probes), dtype=np.int64)
    mate, other = (np.full(len(probes), -np.inf, dtype=np.float32) for _ in range(2))
    rows = max(_CELLS // len(gallery), 1)
    for start in range(0, len(probes), rows):
        at = slice(start, start + rows)
        cosine = probes[at] @ gallery.T  # (q, G)
        row, column = _mates(order, first[at], end[at])
        is_mate = column != own[at][row]
        np.maximum.at(mate[at], row[is_mate], cosine[row[is_mate], column[is_mate]])
        cosine[row, column] = -np.inf  # what is left shows others
        other[at] = cosine.max(axis=1)
        rank[at] = np.where(mate[at] > -np.inf, places(mate[at], cosine), 0)
    return Ranked(identity, rank, mate, other)


def places(mate: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.int64]:
    """(Q,) place of each mate, from 1: one more than the others that are at least as similar.

    Args:
        mate: (Q,) similarity of probe and mate.
        others: (Q, G) similarity of probe and everybody else; -inf does not count.
    """
    return 1 + np.count_nonzero(others >= mate[:, None], axis=1)


def rank_replicates(
    rank: ArrayLike,
    identity: ArrayLike,
    *,
    seed: int,
    ranks: Sequence[int] = RANKS,
    repeats: int = 1_000,
) -> NDArray[np.float64]:
    """(1 + R, K) share of the mated probes found among the first k, under draws of people.

    A draw without mated probes gives NaN.

    Args:
        rank: (Q,) from 1; 0 where the probe is not mated.
        identity: (Q,) the person in each probe; all of them are drawn from.
        seed: of the draws.
        ranks: each k, ascending.
        repeats: R.

    Raises:
        ValueError: no probe is mated.
    """
    place = np.asarray(rank)[:, None]
    is_mated = _mated(place)
    columns = np.hstack([is_mated & (place <= np.asarray(ranks)), is_mated])  # (Q, K + 1)
    drawn = identity_replicates(columns, identity, seed=seed, repeats=repeats)
    hits, mated = drawn[:, :-1], drawn[:, -1:]
    return np.divide(hits, mated, out=np.full_like(hits, np.nan), where=mated > 0)


def rank_shares(
    rank: ArrayLike, identity: ArrayLike, *, ranks: Sequence[int] = RANKS
) -> dict[int, Interval]:
    """Share of the mated probes found among the first k, by k, with Wilson's 95 % intervals.

    The intervals are over people; the gallery is taken as it is.

    Args:
        rank: (Q,) from 1; 0 where the probe is not mated.
        identity: (Q,) the person in each probe.
        ranks: each k, ascending.

    Raises:
        ValueError: no probe is mated.
    """
    place = np.asarray(rank)
    is_mated = _mated(place)
    found = place[is_mated, None] <= np.asarray(ranks)  # (Q', K)
    person = np.asarray(identity)[is_mated]
    told = share_intervals(found, np.ones(len(person), dtype=bool), person, person)
    return dict(zip(ranks, told, strict=True))


def _mated(place: NDArray[np.integer]) -> NDArray[np.bool_]:
    is_mated = place > 0
    if not is_mated.any():
        raise ValueError(f"none of {len(place)} probes is mated: the gallery holds no one of them")
    return is_mated


def told_shares(shares: dict[int, Interval]) -> dict[str, float | list[float]]:
    """Shares by rank as plain values: rank_1, rank_1_interval and so on."""
    told: dict[str, float | list[float]] = {}
    for rank, share in shares.items():
        told |= {f"rank_{rank}": share.value, f"rank_{rank}_interval": [share.low, share.high]}
    return told


def cmc(rank: ArrayLike, *, up_to: int = 100) -> NDArray[np.float64]:
    """(up_to,) cumulative match characteristic: share of the mated probes found by rank 1, 2, ...

    Args:
        rank: (Q,) from 1; 0 where the probe is not mated.
        up_to: the last rank.
    """
    place = np.asarray(rank)
    found = np.bincount(place[(place > 0) & (place <= up_to)], minlength=up_to + 1)[1:]
    return np.cumsum(found) / np.count_nonzero(place)


def unit_rows(embeddings: ArrayLike, name: str) -> NDArray[np.float32]:
    """Embeddings scaled to unit length, (N, D).

    Args:
        embeddings: (N, D).
        name: what to call them in an error.

    Raises:
        ValueError: not (N, D) with at least one row, or a row that is zero or not finite.
    """
    rows = np.asarray(embeddings, dtype=np.float32)
    if rows.ndim != 2 or not rows.size:
        raise ValueError(f"{name} {rows.shape}: expected (N, D), at least one embedding")
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    if (bad := ~(np.isfinite(norms) & (norms > 0))[:, 0]).any():
        row = int(bad.argmax())
        raise ValueError(
            f"{name}: {bad.sum()} of {len(rows)} embeddings are zero or not finite, first row {row}"
        )
    return rows / norms


def _people(ids: ArrayLike, count: int, name: str) -> NDArray[np.generic]:
    people = np.asarray(ids)
    if people.shape != (count,):
        raise ValueError(f"{name} {people.shape}: expected one for each of {count} embeddings")
    return people


def _mates(
    order: NDArray[np.int64], first: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    # row and column of everything in the gallery that shows a probe's person; order sorts the
    # gallery by person, and each probe's person stands from first to end
    count = end - first
    row = np.repeat(np.arange(len(first)), count)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return row, order[np.repeat(first, count) + within]
