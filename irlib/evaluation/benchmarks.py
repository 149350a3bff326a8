"""General verification sets by the field's protocol: mirrored images, ten contiguous folds.

Shapes: P pairs, N images, K folds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from irlib.data.sets import catalog
from irlib.data.sets.bins import PairBin, read_bin
from irlib.data.sources import Chosen, batches
from irlib.evaluation.embedding import embed
from irlib.evaluation.roc import checked
from irlib.evaluation.student import student_interval
from irlib.evaluation.verification import fit_threshold


@dataclass(frozen=True, eq=False)
class TenFold:
    """Accuracy over contiguous folds.

    Args:
        accuracy: mean over the folds.
        deviation: standard deviation of the folds, over K - 1.
        interval: ends of the 95 % interval of the mean by Student's t. Folds of the field's sets
            share no person; a list whose folds do makes it too narrow.
        fold_accuracy: (K,).
        thresholds: (K,) cosine at or above which a pair of the fold is accepted.
    """

    accuracy: float
    deviation: float
    interval: tuple[float, float]
    fold_accuracy: NDArray[np.float64]
    thresholds: NDArray[np.float64]


def judge(
    paths: Mapping[str, Path], backbone: nn.Module, *, device: torch.device | str
) -> tuple[dict[str, TenFold], dict[str, str]]:
    """The accuracy on each `.bin` set, and why those that cannot be used are left out.

    Args:
        paths: of the files, by key.
        backbone: float (B, 3, H, W) RGB in [-1, 1] to (B, D).
        device: where the backbone is.
    """
    found, refused = {}, {}
    for key, path in paths.items():
        try:
            pairs = read_bin(path)
            similarity = pair_cosines(pairs, backbone, device=device)
            found[key] = ten_fold_accuracy(similarity, pairs.is_same)
        except ValueError as error:
            refused[key] = str(error)
    return found, refused


def title_of(key: str) -> str:
    """Title of a `.bin` set: that of the catalog, else its own name."""
    known = catalog.CATALOG.get(key)
    return known.title if known else key.replace("_", " ").capitalize()


def fold_columns(key: str, found: TenFold) -> dict[str, Any]:
    """The folds of a set as columns: set, fold (from 1), accuracy and threshold."""
    folds = np.arange(1, len(found.fold_accuracy) + 1)
    accuracy, threshold = found.fold_accuracy, found.thresholds
    return {"set": title_of(key), "fold": folds, "accuracy": accuracy, "threshold": threshold}


def pair_cosines(
    pairs: PairBin, backbone: nn.Module, *, device: torch.device | str
) -> NDArray[np.float64]:
    """(P,) cosine of each pair; an image's embedding is that of it plus that of its mirror image.

    An image that stands in several pairs is embedded once.

    Args:
        pairs: P pairs.
        backbone: float (B, 3, H, W) RGB in [-1, 1] to (B, D).
        device: where the backbone is.

    Raises:
        ValueError: an image is damaged, or an embedding is not finite.
    """
    first: dict[bytes, int] = {}
    kept = [first.setdefault(file, row) for row, file in enumerate(pairs.images.files)]
    rows, place = np.unique(kept, return_inverse=True)
    images = batches(Chosen(pairs.images, rows))
    embeddings = embed(backbone, images, device=device, flip=True)
    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    left, right = unit[place[0::2]], unit[place[1::2]]
    return np.einsum("pd,pd->p", left, right, dtype=np.float64)


def ten_fold_accuracy(similarity: ArrayLike, is_same: ArrayLike, *, folds: int = 10) -> TenFold:
    """Accuracy where each fold takes the threshold that is best on the others.

    Folds are stretches of the list as it stands. Every similarity observed on the other folds is
    a candidate threshold; of several best ones the highest is taken, which is the first of the
    growing distances that the field's code tries.

    Args:
        similarity: (P,) cosine of each pair.
        is_same: (P,) bool, True where both images show one person.
        folds: K, at least 2; where they do not divide P, the first ones have a pair more.

    Raises:
        ValueError: a fold holds pairs of one kind only, as in a list that is sorted by kind, or
            the arrays do not fit.

    Source: the protocol of LFW as in the code of AdaFace and InsightFace, which tries squared
        distances in steps of 0.01 instead of every one.
    """
    similarity, is_same = checked(similarity, is_same)
    if not 2 <= folds <= len(is_same):
        raise ValueError(f"folds {folds}: expected 2 to {len(is_same)}, the number of pairs")
    accuracy, thresholds = [], []
    for number, tested in enumerate(np.array_split(np.arange(len(is_same)), folds)):
        same = int(is_same[tested].sum())
        if same in (0, len(tested)):
            raise ValueError(
                f"fold {number + 1} of {folds}: {same} of its {len(tested)} pairs show one person; "
                "expected pairs of both kinds in every fold"
            )
        fitted = np.ones(len(is_same), dtype=bool)
        fitted[tested] = False
        threshold = float(fit_threshold(similarity, is_same, fitted))
        accuracy.append(((similarity[tested] >= threshold) == is_same[tested]).mean())
        thresholds.append(threshold)
    each = np.array(accuracy)
    mean, deviation = float(each.mean()), float(each.std(ddof=1))
    return TenFold(mean, deviation, student_interval(each), each, np.array(thresholds))
