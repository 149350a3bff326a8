"""Verification of any model on a list of pairs, each image embedded once.

Shapes: P pairs, N images, D embedding size.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from irlib.data.sources import Chosen, Images
from irlib.evaluation.cache import EmbeddingCache
from irlib.evaluation.embedding import Embedder, Embeds, usable
from irlib.evaluation.operating import OperatingPoints, tar_at_far, too_few
from irlib.evaluation.pair_inputs import ImagesLike, images_of, rows_of
from irlib.evaluation.protocols import Accuracy, accuracy
from irlib.evaluation.roc import area_under_roc, checked, equal_error_rate, resolves, roc
from irlib.evaluation.verification import pair_people

FARS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
_BLOCK = 65_536  # pairs whose embeddings are in memory at a time


@dataclass(frozen=True, eq=False)
class Verification:
    """What a model reaches on a list of pairs.

    Args:
        similarity: (K,) cosine of each pair that is judged: of all, unless images may be missing.
        oracle: accuracy at the threshold that is best on these very pairs, as in the paper.
        folds: by contiguous folds, as for LFW; None if the list does not allow it.
        identity_folds: by folds that choose their threshold on pairs without the people whom they
            show first; None without identities, or as above.
        at_threshold: at the threshold given; None without one.
        auc: area under the ROC.
        eer: equal error rate.
        tar: at those of `FARS` that the impostors suffice to tell; None if there are under ten.
        refused: why a protocol is None although it was asked for, by its name; under "tar" the
            rates that are left out.
        images: different images that these pairs name, each of which was embedded once.
        missing: names of images that are missing or damaged.
        kept: (P,) bool, which of the pairs given are judged: those without such an image.
    """

    similarity: NDArray[np.float64]
    oracle: Accuracy
    folds: Accuracy | None
    identity_folds: Accuracy | None
    at_threshold: Accuracy | None
    auc: float
    eer: float
    tar: OperatingPoints | None
    refused: dict[str, str]
    images: int
    missing: tuple[str, ...]
    kept: NDArray[np.bool_]

    @property
    def pairs_left_out(self) -> int:
        """Pairs of missing images."""
        return int(np.count_nonzero(~self.kept))


def verify(
    model: Callable[[Tensor], Any],
    images_or_paths: ImagesLike,
    pairs: ArrayLike,
    is_same: ArrayLike,
    *,
    identities: ArrayLike | None = None,
    flip: bool = False,
    devices: Sequence[torch.device | str] = ("cpu",),
    batch_size: int = 256,
    cache: EmbeddingCache | None = None,
    threshold: float | None = None,
    folds: int = 10,
    allowed_missing: int = 0,
) -> Verification:
    """What a network or any other function from images to embeddings reaches on a list of pairs.

    Args:
        model: float (B, 3, 112, 112) RGB in [-1, 1] to (B, D), or as for `Embedder`.
        images_or_paths: paths of N files; crops as uint8 (N, 112, 112, 3) RGB, in an array or a
            tensor, or a list of such or of Pillow's images; or any `Images`. Only those that a
            pair names are read, and a file that stands twice counts as one image.
        pairs: (P, 2) rows of the images, or their names: paths.
        is_same: (P,) bool or 0 and 1, True where both images show one person.
        identities: (P, 2) the people in each pair, the child first; None for no folds by identity.
        flip: add the embedding of the mirrored image. The paper does not.
        devices: as for `Embedder`.
        batch_size: as for `Embedder`.
        cache: as for `Embedder`; a function then needs a ``digest``.
        threshold: similarity at or above which a pair is accepted, carried over from other pairs.
        folds: of both protocols that have them.
        allowed_missing: so many images may be missing or damaged; their pairs are left out. If it
            is not 0, all images are read and decoded once more, before the network runs.

    Raises:
        ValueError: arrays that do not fit, or identities that contradict is_same; a list without
            pairs of both kinds, or with a pair that stands twice, or of an image with itself; more
            images than allowed that are missing or damaged; and embeddings without a direction.
    """
    embedder = Embedder(model, devices=devices, batch_size=batch_size, cache=cache)
    return verify_with(
        embedder, images_or_paths, pairs, is_same, identities=identities, flip=flip,
        threshold=threshold, folds=folds, allowed_missing=allowed_missing,
    )  # fmt: skip


def verify_with(
    embedder: Embeds,
    images_or_paths: ImagesLike,
    pairs: ArrayLike,
    is_same: ArrayLike,
    *,
    identities: ArrayLike | None = None,
    flip: bool = False,
    threshold: float | None = None,
    folds: int = 10,
    allowed_missing: int = 0,
) -> Verification:
    """`verify` for an embedder: a network with its devices and cache, or a table of embeddings."""
    if allowed_missing < 0:
        raise ValueError(f"allowed_missing {allowed_missing}: expected a number of images")
    images = images_of(images_or_paths)
    rows = rows_of(images, pairs)
    _, truth = checked(np.zeros(len(rows)), is_same)
    people = None if identities is None else pair_people(identities, truth)
    asked = _Asked(truth, people, threshold, folds)
    _judged(np.zeros(len(rows)), asked)  # what cannot be judged is refused before the network runs
    lost = _lost(embedder, images, rows, allowed_missing)
    kept = ~np.isin(rows, list(lost)).any(axis=1)
    if lost:
        asked = _remaining(asked, kept, len(lost))
    named, place = np.unique(rows[kept], return_inverse=True)
    embeddings = embedder.embed(Chosen(images, named), flip=flip)
    found = _judged(cosines(embeddings, place.reshape(-1, 2)), asked)
    return replace(found, images=len(named), missing=tuple(lost.values()), kept=kept)


def cosines(embeddings: NDArray[np.float32], pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """(P,) cosine of each pair.

    Args:
        embeddings: (N, D), none of them zero.
        pairs: (P, 2) rows of the embeddings.
    """
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    found = np.empty(len(pairs))
    for start in range(0, len(pairs), _BLOCK):
        first, second = pairs[start : start + _BLOCK].T
        block = found[start : start + _BLOCK]
        np.einsum("pd,pd->p", unit[first], unit[second], out=block, dtype=np.float64)
    return found


@dataclass(frozen=True, eq=False)
class _Asked:
    """What similarities are judged by; arguments as of `verify`."""

    is_same: NDArray[np.bool_]
    identities: NDArray | None
    threshold: float | None
    folds: int


def _lost(
    embedder: Embeds, images: Images, rows: NDArray[np.int64], allowed: int
) -> dict[int, str]:
    # names of those that cannot be embedded, by row; where none may be lost, embedding tells
    if not allowed:
        return {}
    named = np.unique(rows)
    _, failures = usable(embedder, Chosen(images, named), allowed=allowed)
    names = {row: images.name(row) for row in named.tolist()}
    return {row: name for row, name in names.items() if name in failures}


def _remaining(asked: _Asked, kept: NDArray[np.bool_], lost: int) -> _Asked:
    people = None if asked.identities is None else asked.identities[kept]
    left = replace(asked, is_same=asked.is_same[kept], identities=people)
    try:
        _judged(np.zeros(len(left.is_same)), left)
    except ValueError as error:
        out = f"{np.count_nonzero(~kept)} of {len(kept)} pairs"
        raise ValueError(f"without the {out} of {lost} missing images: {error}") from None
    return left


def _judged(similarity: NDArray[np.floating], asked: _Asked) -> Verification:
    similarity, is_same = checked(similarity, asked.is_same)
    refused: dict[str, str] = {}

    def tried(protocol: str) -> Accuracy | None:
        try:
            return accuracy(similarity, is_same, protocol, asked.identities, folds=asked.folds)
        except ValueError as error:
            refused[protocol] = str(error)
            return None

    curve, num_other = roc(similarity, is_same), int((~is_same).sum())
    fars = [far for far in FARS if resolves(num_other, far)]
    if len(fars) < len(FARS):
        refused["tar"] = too_few(num_other, [far for far in FARS if far not in fars])
    carried = None
    if asked.threshold is not None:
        carried = accuracy(similarity, is_same, "threshold", threshold=asked.threshold)
    return Verification(
        similarity=similarity,
        oracle=accuracy(similarity, is_same, "oracle"),
        folds=tried("folds"),
        identity_folds=None if asked.identities is None else tried("identity_folds"),
        at_threshold=carried,
        auc=float(area_under_roc(curve)),
        eer=float(equal_error_rate(curve)),
        tar=tar_at_far(similarity, is_same, fars) if fars else None,
        refused=refused,
        images=0,
        missing=(),
        kept=np.ones(len(is_same), dtype=bool),
    )
