"""Every evaluation under the same draws of people, as its similarities tell it.

Shapes: P pairs, R replicates or sets of weights.
Source: Fogliato, Patil and Perona, IJCV 2024 (see `irlib.evaluation.bootstrap`).
"""

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irlib.data.pairs.sets import PAIR_SETS
from irlib.evaluation.bootstrap import VertexDraws, identity_counts
from irlib.evaluation.roc import thresholds
from irlib.evaluation.verification import Folds, grouped_folds
from irlib.evaluation.weighted import rightly_judged
from irlib.progress import track
from irlib.report.basis import disagreeing
from irlib.report.collected import Found
from irlib.report.gains import PAIRS, RULES, Replicates
from irlib.report.readings import title_of
from irlib.report.result import STALE, UNREADABLE, Result

_CHUNK = 64  # replicates at once


@dataclass(frozen=True, eq=False)
class _Judged:
    """An evaluation: its similarities (P,) and pairs by set, and what marks its data and pairs."""

    run: Result
    similarities: Mapping[str, NDArray[np.float64]]
    pairs: Mapping[str, dict[str, NDArray]]
    marks: Mapping[str, str]


def replicates(found: Found, *, repeats: int, seed: int) -> Replicates:
    """Every complete evaluation under the same draws of people.

    An evaluation on other pairs or data than most, or one that cannot be read, is left out: in
    `Replicates.found` it is no complete run, and has its reason.

    Args:
        found: the runs; each evaluation left its ``similarities.npz``.
        repeats: R.
        seed: of the draws.
    """
    found, evaluations = _comparable(found)
    pairs = {key: arrays for each in evaluations for key, arrays in each.pairs.items()}
    values: dict[tuple[str, int, str, str], NDArray[np.float64]] = {}
    right: dict[tuple[str, int, str], NDArray[np.bool_]] = {}
    for place, keys in enumerate(_collections(evaluations)):
        names = [pairs[key][side] for key in keys for side in PAIRS[1:]]
        people = np.unique(np.concatenate(names))
        counts = identity_counts(len(people), repeats=repeats, seed=seed + place)
        for key in keys:
            is_same, *sides = (pairs[key][name] for name in PAIRS)
            split, (first, second) = grouped_folds(*sides), np.searchsorted(people, sides)
            weights = _weights(VertexDraws(counts, first, second, is_same))
            judged = [each for each in evaluations if key in each.similarities]
            label = f"draws of people, {title_of(key)}"
            for each in track(judged, total=len(judged), label=label, unit="evaluations"):
                name, similarity = (each.run.method, each.run.seed), each.similarities[key]
                right[*name, key] = rightly_judged(similarity, is_same, split)[: len(RULES)]
                parts = [accuracies(similarity, is_same, w, split) for w in weights]
                for rule, told in zip(RULES.values(), zip(*parts, strict=True), strict=True):
                    values[*name, key, rule] = np.concatenate(told)
    return Replicates(found, values, right, pairs)


def accuracies(
    similarity: NDArray[np.float64],
    is_same: NDArray[np.bool_],
    weights: NDArray[np.float64],
    split: Folds,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Accuracy at the best threshold on the pairs themselves, and on other people: (R,) each.

    The same numbers as `irlib.evaluation.bootstrap.weighted_statistics` gives, without the rest of
    the curve, which takes most of its time.

    Args:
        similarity: (P,) cosine of each pair.
        is_same: (P,) bool.
        weights: (R, P).
        split: the folds.
    """
    order, ends = thresholds(similarity)
    ordered = similarity[order]
    tied = np.setdiff1d(np.arange(len(order)), ends)  # no threshold parts equal similarities
    signed = np.take(weights * np.where(is_same, 1.0, -1.0), order, axis=1)
    gained = np.cumsum(signed, axis=1)  # right, less than by accepting nothing
    gained[:, tied] = -np.inf
    nothing, total = weights[:, ~is_same].sum(axis=1), weights.sum(axis=1)
    best, right = nothing + gained.max(axis=1), nothing
    for tested, fitted in zip(split.tested[:, order], split.fitted[:, order], strict=True):
        np.cumsum(np.multiply(signed, fitted, out=gained), axis=1, out=gained)
        gained[:, tied] = -np.inf
        start = int(np.argmax(fitted))  # before it nothing is accepted, which is no choice
        chosen = ordered[start + np.argmax(gained[:, start:], axis=1)]  # (R,)
        own = np.flatnonzero(tested)
        accepted = np.searchsorted(-ordered[own], -chosen, side="right")
        within = np.cumsum(np.take(signed, own, axis=1), axis=1)
        last = np.take_along_axis(within, np.maximum(accepted - 1, 0)[:, None], axis=1)[:, 0]
        right = right + np.where(accepted > 0, last, 0.0)
    return best / total, right / total


def _weights(draws: VertexDraws) -> list[NDArray[np.float64]]:
    # the pairs as they are, then a chunk of replicates at a time, which serve every run
    starts = range(0, len(draws.counts), _CHUNK)
    each = [draws.weights(slice(start, start + _CHUNK)) for start in starts]
    return [np.ones((1, len(draws.first))), *each]


def _comparable(found: Found) -> tuple[Found, list[_Judged]]:
    # the evaluations that judged what most did; the runs without the others
    judged, refused = [], {}
    known: dict[str, dict[str, NDArray]] = {}
    for run in found.complete("evaluate"):
        try:
            judged.append(_load(run, known))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            refused[run.folder] = (UNREADABLE, f"similarities.npz: {error}")
    other = disagreeing(found, {(each.run.method, each.run.seed): each.marks for each in judged})
    for each in judged:
        if name := other.get((each.run.method, each.run.seed)):
            told = f"its {name} are not those of most evaluations; delete its folder, run it again"
            refused[each.run.folder] = (STALE, told)
    kept = [each for each in judged if each.run.folder not in refused]
    return found.without(refused), kept


def _load(run: Result, known: dict[str, dict[str, NDArray]]) -> _Judged:
    # equal pairs are held once: `known` has them by their digest
    path = run.folder / "similarities.npz"
    similarities, pairs, marks = {}, {}, {"data": str(run.record.get("data"))}
    if not path.exists():
        return _Judged(run, {}, {}, {})
    with np.load(path) as stored:
        for key in dict.fromkeys(name.rpartition("/")[0] for name in stored.files):
            similarities[key] = stored[f"{key}/similarity"].astype(np.float64)
            if not np.isfinite(similarities[key]).all():
                raise ValueError(f"{key}: some cosines are not finite")
            arrays = {name: stored[f"{key}/{name}"] for name in PAIRS}
            digest = hashlib.sha256(b"".join(each.tobytes() for each in arrays.values()))
            mark = marks[f"pairs of {title_of(key)}"] = digest.hexdigest()
            pairs[key] = known.setdefault(mark, arrays)
    return _Judged(run, similarities, pairs, marks)


def _collections(evaluations: list[_Judged]) -> list[list[str]]:
    # the sets of one test collection share people, so they share draws
    keys = dict.fromkeys(key for each in evaluations for key in each.similarities)
    layouts: dict[str, list[str]] = {}
    for key in keys:
        layouts.setdefault(PAIR_SETS[key].layout if key in PAIR_SETS else key, []).append(key)
    return list(layouts.values())
