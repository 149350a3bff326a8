"""IJB-B and IJB-C: templates compared one to one, and searched one to many.

Shapes: N images, T templates, P pairs, F rates, K ranks.
Units: rates are fractions in [0, 1].
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from irlib.data.sets.identification import TemplateList
from irlib.data.sets.ijb import Ijb
from irlib.data.sources import Images
from irlib.evaluation.bootstrap import percentile_interval
from irlib.evaluation.embedding import Embeds
from irlib.evaluation.open_set import FPIRS, open_set_curve, open_set_replicates
from irlib.evaluation.operating import tar_at_far
from irlib.evaluation.roc import resolves
from irlib.evaluation.searching import (
    RANKS,
    Ranked,
    Scored,
    cmc,
    rank_replicates,
    rank_shares,
    search,
    told_shares,
)
from irlib.evaluation.templates import Templates, pair_scores, pool

FARS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)

_TPIR = "tpir_at_fpir_"
_CURVE = 121  # points of the curve over its six decades


@dataclass(frozen=True, eq=False)
class AlignedCrops:
    """The images of a set as crops, each aligned by its landmarks when it is read.

    Args:
        ijb: the set.
    """

    ijb: Ijb

    def __len__(self) -> int:
        """Number of images, N."""
        return len(self.ijb.images)

    def name(self, index: int) -> str:
        """Name of the loose crop."""
        return self.ijb.images.name(index)

    def encoded(self, index: int) -> bytes:
        """The aligned crop as a bitmap, without loss; ValueError if it cannot be made."""
        file = io.BytesIO()
        Image.fromarray(self.ijb.crop(index)).save(file, "BMP")
        return file.getvalue()


def score_ijb(
    ijb: Ijb,
    embedder: Embeds,
    *,
    seed: int,
    crops: Images | None = None,
    flip: bool = True,
    weighting: str = "norm",
    by_detector: bool = False,
    repeats: int = 1_000,
) -> Scored:
    """TAR at FAR of the template pairs, and the searches where their lists are there.

    Args:
        ijb: the set.
        embedder: gives the images' embeddings.
        seed: of the searches' draws of people.
        crops: (N,) the images aligned before, in the set's order; None aligns each whenever it
            is read, and an `Embedder` reads it twice.
        flip: add the embeddings of the mirrored images.
        weighting: "norm" or "unit", as in `irlib.evaluation.templates.pool`.
        by_detector: multiply each embedding by its detector score, as InsightFace does.
        repeats: of the draws.

    Returns:
        metrics: the counts of the set; what the templates were made by; verification (see
        `verification`); identification (see `identification`), None if its lists are absent, which
        then are named. Arrays: as those two give.

    Raises:
        ValueError: as in `pool`; an image that cannot be read or aligned; not as many crops as
            the set has images.
    """
    crops = AlignedCrops(ijb) if crops is None else crops
    if len(crops) != len(ijb.images):
        raise ValueError(f"crops: {len(crops)} for {len(ijb.images)} images; expected one each")
    embeddings = embedder.embed(crops, flip=flip)
    templates = pool(
        embeddings, ijb.template_ids, ijb.media_ids,
        weighting=weighting, scores=ijb.scores if by_detector else None,
    )  # fmt: skip
    found = verification(templates, ijb.pairs, ijb.is_same)
    searches, arrays = None, found.arrays
    if ijb.probes is not None and ijb.galleries:
        searched = identification(templates, ijb.galleries, ijb.probes, seed=seed, repeats=repeats)
        searches, arrays = searched.metrics, arrays | searched.arrays
    metrics = {
        **ijb.counts, "flip": flip, "weighting": weighting, "by_detector": by_detector,
        "verification": found.metrics, "identification": searches, "absent": list(ijb.absent),
    }  # fmt: skip
    return Scored(metrics, arrays)


def verification(
    templates: Templates,
    pairs: NDArray[np.integer],
    is_same: NDArray[np.bool_],
    *,
    fars: Sequence[float] = FARS,
) -> Scored:
    """TAR at FAR of pairs of templates.

    Args:
        templates: of the set.
        pairs: (P, 2) template ids.
        is_same: (P,) bool.
        fars: false accept rates.

    Returns:
        metrics: by rate, tar and its threshold by exact counting, and tar_nearest by the field's
        nearest-point rule; NaN where there are fewer than 1/far impostor pairs. Arrays: far and
        tar of a curve.
    """
    scores = pair_scores(templates, pairs)
    num_other = int((~is_same).sum())
    told = [far for far in fars if resolves(num_other, far)]
    metrics: dict[str, dict[str, float]] = {
        key: dict.fromkeys((f"{far:g}" for far in fars), np.nan)
        for key in ("tar", "threshold", "tar_nearest")
    }
    if told:
        exact = tar_at_far(scores, is_same, told)
        nearest = tar_at_far(scores, is_same, told, rule="nearest")
        for key, values in (
            ("tar", exact.tar), ("threshold", exact.threshold), ("tar_nearest", nearest.tar),
        ):  # fmt: skip
            metrics[key] |= {f"{far:g}": float(v) for far, v in zip(told, values, strict=True)}
    rates = [far for far in np.logspace(-6, 0, _CURVE) if resolves(num_other, far)]
    curve = tar_at_far(scores, is_same, rates)
    return Scored(metrics, {"far": np.array(rates), "tar": np.asarray(curve.tar)})


def identification(
    templates: Templates,
    galleries: Mapping[str, TemplateList],
    probes: TemplateList,
    *,
    seed: int,
    ranks: Sequence[int] = RANKS,
    fpirs: Sequence[float] = FPIRS,
    repeats: int = 1_000,
) -> Scored:
    """Searches in each gallery, their mean (the protocol), and in the galleries joined.

    In one gallery the probes of people in another are the non-mated ones; all galleries joined
    hold everybody, so that there is nobody to raise a false alarm.

    Args:
        templates: of the set.
        galleries: by name.
        probes: searched in each.
        seed: of the draws of the probes' people, the same for every gallery.
        ranks: of the closed set, over mated probes.
        fpirs: of the open set.
        repeats: of the draws.

    Returns:
        metrics: by gallery, and for "mean" and "joined": rank_1 ... and tpir_at_fpir_0.01 ...,
        each with its interval over people: Wilson's for rank-k in one gallery or all joined,
        percentiles of draws for TPIR and for the mean over galleries. TPIR is NaN where fewer than
        1/fpir probes are not mated. For each gallery also templates, mated, non_mated. Arrays:
        cmc_<name> by rank, and fpir_<name> with fnir_<name>.

    Raises:
        ValueError: a template without images, or a gallery that holds no person of the probes.
    """
    vectors = templates.of(probes.template_ids)
    metrics: dict[str, Any] = {}
    arrays: dict[str, NDArray] = {}
    drawn = []
    draws = {"seed": seed, "repeats": repeats}
    for name, gallery in {**galleries, "joined": _joined(galleries)}.items():
        mates = templates.of(gallery.template_ids)
        ranked = search(vectors, mates, probes.subject_ids, gallery.subject_ids)
        shares = told_shares(rank_shares(ranked.rank, ranked.identity, ranks=ranks))
        tpir = _open_replicates(ranked, fpirs, name, arrays, **draws)
        arrays[f"cmc_{name}"] = cmc(ranked.rank)
        mated = int(ranked.is_mated.sum())
        counts = {
            "templates": len(gallery), "mated": mated, "non_mated": len(probes) - mated,
        }  # fmt: skip
        metrics[name] = counts | shares | _percentiles(_TPIR, fpirs, tpir)
        if name in galleries:
            found = rank_replicates(ranked.rank, ranked.identity, ranks=ranks, **draws)
            drawn.append((found, tpir))
    found, tpir = (np.mean(each, axis=0) for each in zip(*drawn, strict=True))
    metrics["mean"] = _percentiles("rank_", ranks, found) | _percentiles(_TPIR, fpirs, tpir)
    return Scored(metrics, arrays)


def _joined(galleries: Mapping[str, TemplateList]) -> TemplateList:
    ids = np.concatenate([each.template_ids for each in galleries.values()])
    people = np.concatenate([each.subject_ids for each in galleries.values()])
    order = np.argsort(ids, kind="stable")
    return TemplateList(ids[order], people[order])


def _open_replicates(
    ranked: Ranked,
    fpirs: Sequence[float],
    name: str,
    arrays: dict[str, NDArray],
    *,
    seed: int,
    repeats: int,
) -> NDArray[np.float64]:
    # (1 + R, F), NaN where there are too few strangers; their curve goes to the arrays
    strangers = int((~ranked.is_mated).sum())
    if not strangers:
        return np.full((1 + repeats, len(fpirs)), np.nan)
    _, arrays[f"fpir_{name}"], arrays[f"fnir_{name}"] = open_set_curve(ranked)
    tpir = open_set_replicates(ranked, fpirs, seed=seed, repeats=repeats)
    tpir[:, [not resolves(strangers, fpir) for fpir in fpirs]] = np.nan
    return tpir


def _percentiles(kind: str, bounds: Sequence[float], drawn: NDArray) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for bound, column in zip(bounds, drawn.T, strict=True):
        found, name = percentile_interval(float(column[0]), column[1:]), f"{kind}{bound:g}"
        told |= {name: found.value, f"{name}_interval": [found.low, found.high]}
    return told
