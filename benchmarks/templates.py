"""Templates of a set as large as IJB-C: pooled, compared and searched, in bounded memory.

469,375 image embeddings of 512 half-precision numbers in 23,124 templates, 15,658,489 pairs of
them, and 19,593 probe templates searched in a gallery of 1,772. The plain way loops over templates
and their media; gathers both sides of all pairs at once; sorts the gallery for one probe at a time.
It runs on a part of the work, which the row states; its seconds are scaled to the whole, and its
memory too where it grows with the work. Both sides must agree on that part. Memory is what is taken
beyond the inputs, at the most.

Run `python -m benchmarks.templates`.
"""

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irlib.evaluation.searching import search
from irlib.evaluation.templates import Templates, pair_scores, pool

IMAGES, TEMPLATES, PAIRS, SIZE = 469_375, 23_124, 15_658_489, 512
PROBES, GALLERY = 19_593, 1_772
POOLED, SCORED, SEARCHED = 1_000, 200_000, 1_000  # what the plain way does of it

_BLOCK = 2**14


def measure() -> list[dict[str, float | int | str]]:
    """Rows of work, seconds and MB of both ways (the plain one scaled to the whole), and ratios."""
    embeddings, template_ids, media_ids = images()
    return [
        _pooling(embeddings, template_ids, media_ids),
        *_comparing(pool(embeddings, template_ids, media_ids)),
    ]


def images() -> tuple[NDArray[np.float16], NDArray[np.int64], NDArray[np.int64]]:
    """Embeddings, templates and media of as many images as IJB-C has."""
    rng = np.random.default_rng(0)
    embeddings = np.empty((IMAGES, SIZE), dtype=np.float16)
    for start in range(0, IMAGES, _BLOCK):
        block = embeddings[start : start + _BLOCK]
        block[:] = rng.standard_normal(block.shape, dtype=np.float32)
    more = rng.integers(0, TEMPLATES, IMAGES - TEMPLATES)
    template_ids = np.sort(np.concatenate([np.arange(TEMPLATES), more]))
    return embeddings, template_ids, rng.integers(0, 100_000, IMAGES)


def plain_pool(
    embeddings: NDArray, template_ids: NDArray, media_ids: NDArray, wanted: int
) -> NDArray[np.float32]:
    """The first templates, one at a time and one media at a time."""
    rows = []
    for template in range(wanted):
        (own,) = np.where(template_ids == template)
        vectors, media = embeddings[own].astype(np.float32), media_ids[own]
        means = [vectors[media == one].mean(axis=0) for one in np.unique(media)]
        rows.append(np.sum(means, axis=0))
    return np.array(rows) / np.linalg.norm(rows, axis=1, keepdims=True)


def plain_scores(templates: Templates, pairs: NDArray) -> NDArray[np.float32]:
    """The cosines of some pairs, both sides gathered at once."""
    first, second = (templates.vectors[column] for column in pairs.T)
    return np.sum(first * second, axis=1)


def plain_ranks(probes: NDArray, gallery: NDArray, person: NDArray) -> NDArray[np.int64]:
    """The place of each probe's person, by sorting the whole gallery."""
    ranks = []
    for probe, own in zip(probes, person, strict=True):
        order = np.argsort(-(gallery @ probe))
        ranks.append(int(np.where(order == own)[0][0]) + 1)
    return np.array(ranks)


def _pooling(embeddings: NDArray, template_ids: NDArray, media_ids: NDArray) -> dict[str, Any]:
    plain = _plain(lambda: plain_pool(embeddings, template_ids, media_ids, POOLED))
    found = _used(lambda: pool(embeddings, template_ids, media_ids).vectors)
    _agree("pooling", found[0][:POOLED], plain[0])
    return _row("pooling", f"{POOLED:,} of {TEMPLATES:,} templates", found, plain,
                TEMPLATES / POOLED)  # fmt: skip


def _comparing(templates: Templates) -> list[dict[str, Any]]:
    rng = np.random.default_rng(1)
    pairs = rng.integers(0, TEMPLATES, (PAIRS, 2), dtype=np.int32)
    plain = _plain(lambda: plain_scores(templates, pairs[:SCORED]))
    found = _used(lambda: pair_scores(templates, pairs))
    _agree("pairs", found[0][:SCORED], plain[0])
    rows = [_row("pairs", f"{SCORED:,} of {PAIRS:,} pairs", found, plain, PAIRS / SCORED)]
    gallery, probes = templates.vectors[:GALLERY], templates.vectors[-PROBES:]
    person = rng.integers(0, GALLERY, PROBES)
    plain = _plain(lambda: plain_ranks(probes[:SEARCHED], gallery, person[:SEARCHED]))
    found = _used(lambda: search(probes, gallery, person, np.arange(GALLERY)).rank)
    _agree("search", found[0][:SEARCHED], plain[0])
    part = f"{SEARCHED:,} of {PROBES:,} probes"
    return [*rows, _row("search", part, found, plain, PROBES / SEARCHED, grows=False)]


def _used(work: Callable[[], NDArray]) -> tuple[NDArray, float, float]:
    # result, seconds, MB; the tracing slows down what takes memory often, and ours does not
    tracemalloc.start()
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return result, seconds, peak


def _plain(work: Callable[[], NDArray]) -> tuple[NDArray, float, float]:
    # timed without the tracing
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    result, _, peak = _used(work)
    return result, seconds, peak


def _agree(name: str, found: NDArray, plain: NDArray) -> None:
    # ranks by another order of additions may differ where two cosines are equal but for rounding
    if found.dtype.kind == "i":
        agree = np.mean(found == plain) > 0.99
    else:
        agree = np.allclose(found, plain, atol=1e-5)
    if not agree:
        raise AssertionError(f"{name}: the plain way gives something else")


def _row(
    name: str,
    part: str,
    found: tuple[NDArray, float, float],
    plain: tuple[NDArray, float, float],
    scale: float,
    *,
    grows: bool = True,
) -> dict[str, Any]:
    seconds, megabytes = plain[1] * scale, plain[2] * (scale if grows else 1)
    return {
        "work": name,
        "seconds": round(found[1], 2),
        "MB": round(found[2]),
        "plain way on": part,
        "plain seconds, scaled": round(seconds, 1),
        "plain MB, scaled": round(megabytes, 1),
        "times faster": round(seconds / found[1], 1),
    }


if __name__ == "__main__":
    for row in measure():
        print("  ".join(f"{name} {value}" for name, value in row.items()))
