"""Verification of any model on a list of pairs, each image embedded once.

Shapes: P pairs, N images, D embedding size.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from irlib.data.decoding import SIZE
from irlib.data.embeddings import listed
from irlib.data.sources import Chosen, ImageFiles, Images
from irlib.evaluation.cache import EmbeddingCache
from irlib.evaluation.embedding import Embedder, Embeds
from irlib.evaluation.operating import OperatingPoints, tar_at_far
from irlib.evaluation.protocols import Accuracy, accuracy
from irlib.evaluation.roc import area_under_roc, checked, equal_error_rate, resolves, roc

FARS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
_BLOCK = 65_536  # pairs whose embeddings are in memory at a time


@dataclass(frozen=True, eq=False)
class Verification:
    """What a model reaches on a list of pairs.

    Args:
        similarity: (P,) cosine of each pair.
        images: different images that the pairs name, each of which was embedded once.
        oracle: accuracy at the threshold that is best on these very pairs, as in the paper.
        folds: by contiguous folds, as for LFW; None if the list does not allow it.
        identity_folds: by folds that share no person; None without identities, or as above.
        at_threshold: at the threshold given; None without one.
        auc: area under the ROC.
        eer: equal error rate.
        tar: at those of `FARS` that the impostors suffice to tell; None if there are under ten.
        refused: why a protocol is None although it was asked for, by its name.
    """

    similarity: NDArray[np.float64]
    images: int
    oracle: Accuracy
    folds: Accuracy | None
    identity_folds: Accuracy | None
    at_threshold: Accuracy | None
    auc: float
    eer: float
    tar: OperatingPoints | None
    refused: dict[str, str]


def verify(
    model: Callable[[Tensor], Any],
    images_or_paths: Images | NDArray[np.uint8] | Sequence[str | Path],
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
) -> Verification:
    """What a network or any other function from images to embeddings reaches on a list of pairs.

    Args:
        model: float (B, 3, 112, 112) RGB in [-1, 1] to (B, D).
        images_or_paths: crops as uint8 (N, 112, 112, 3) RGB; paths of N files; or any `Images`.
            Only those that a pair names are read.
        pairs: (P, 2) rows of the images, or their names: paths as they are given.
        is_same: (P,) bool, True where both images show one person.
        identities: (P, 2) the people in each pair, the child first; None for no folds by identity.
        flip: add the embedding of the mirrored image. The paper does not.
        devices: as for `Embedder`.
        batch_size: as for `Embedder`.
        cache: as for `Embedder`; a function then needs a ``digest``.
        threshold: similarity at or above which a pair is accepted, carried over from other pairs.
        folds: of both protocols that have them.

    Raises:
        ValueError: arrays that do not fit; a list without pairs of both kinds, or with a pair that
            stands twice, or of an image with itself; images that are missing or damaged; and
            embeddings without a direction.
    """
    embedder = Embedder(model, devices=devices, batch_size=batch_size, cache=cache)
    return verify_with(
        embedder, images_or_paths, pairs, is_same, identities=identities, flip=flip,
        threshold=threshold, folds=folds,
    )  # fmt: skip


def verify_with(
    embedder: Embeds,
    images_or_paths: Images | NDArray[np.uint8] | Sequence[str | Path],
    pairs: ArrayLike,
    is_same: ArrayLike,
    *,
    identities: ArrayLike | None = None,
    flip: bool = False,
    threshold: float | None = None,
    folds: int = 10,
) -> Verification:
    """`verify` for an embedder: a network with its devices and cache, or a table of embeddings."""
    images = _images(images_or_paths)
    rows = _rows(images, np.asarray(pairs))
    _require_distinct(images, rows)
    # what cannot be judged is refused before the network runs
    _judged(np.zeros(len(rows)), np.asarray(is_same), 0, identities, threshold, folds)
    named, place = np.unique(rows, return_inverse=True)
    embeddings = embedder.embed(Chosen(images, named), flip=flip)
    similarity = cosines(embeddings, place.reshape(rows.shape))
    return _judged(similarity, np.asarray(is_same), len(named), identities, threshold, folds)


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


def _judged(
    similarity: NDArray[np.float64],
    is_same: NDArray[np.bool_],
    images: int,
    identities: ArrayLike | None,
    threshold: float | None,
    folds: int,
) -> Verification:
    similarity, is_same = checked(similarity, is_same)
    if identities is not None and np.shape(identities) != (len(is_same), 2):
        raise ValueError(
            f"identities {np.shape(identities)}: expected ({len(is_same)}, 2), both people of "
            "each pair"
        )
    refused: dict[str, str] = {}

    def tried(protocol: str) -> Accuracy | None:
        try:
            return accuracy(similarity, is_same, protocol, identities, folds=folds)
        except ValueError as error:
            refused[protocol] = str(error)
            return None

    curve = roc(similarity, is_same)
    fars = [far for far in FARS if resolves(int((~is_same).sum()), far)]
    carried = None
    if threshold is not None:
        carried = accuracy(similarity, is_same, "threshold", threshold=threshold)
    return Verification(
        similarity=similarity,
        images=images,
        oracle=accuracy(similarity, is_same, "oracle"),
        folds=tried("folds"),
        identity_folds=None if identities is None else tried("identity_folds"),
        at_threshold=carried,
        auc=float(area_under_roc(curve)),
        eer=float(equal_error_rate(curve)),
        tar=tar_at_far(similarity, is_same, fars) if fars else None,
        refused=refused,
    )


@dataclass(frozen=True, eq=False)
class _Pixels:
    """Crops in memory as images that lie nowhere."""

    pixels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.pixels)

    def name(self, index: int) -> str:
        return f"image {index}"

    def encoded(self, index: int) -> bytes:
        # a portable pixmap: the pixels themselves under a header
        return b"P6 %d %d 255\n" % (SIZE, SIZE) + self.pixels[index].tobytes()


def _images(given: Images | NDArray[np.uint8] | Sequence[str | Path]) -> Images:
    if isinstance(given, np.ndarray) and given.dtype.kind != "U":
        if given.dtype != np.uint8 or given.shape[1:] != (SIZE, SIZE, 3):
            raise ValueError(
                f"images: {given.dtype} {given.shape}; expected uint8 (N, {SIZE}, {SIZE}, 3)"
            )
        return _Pixels(given)
    if hasattr(given, "encoded"):
        return given
    return ImageFiles(Path(), np.array([str(path) for path in given], dtype=np.str_))


def _rows(images: Images, pairs: NDArray[Any]) -> NDArray[np.int64]:
    if pairs.ndim != 2 or pairs.shape[1] != 2 or len(pairs) == 0:
        raise ValueError(f"pairs {pairs.shape}: expected (P, 2) rows or names of images")
    if pairs.dtype.kind not in "iu":
        places = {images.name(row): row for row in range(len(images))}
        names = [str(name) for name in pairs.ravel()]
        absent = list(dict.fromkeys(name for name in names if name not in places))
        if absent:
            raise ValueError(f"pairs name {len(absent)} images not given: {listed(absent)}")
        return np.array([places[name] for name in names]).reshape(pairs.shape)
    outside = np.flatnonzero(((pairs < 0) | (pairs >= len(images))).any(axis=1))
    if len(outside):
        raise ValueError(
            f"{len(outside)} of {len(pairs)} pairs name a row outside 0 to {len(images) - 1}; the "
            f"first is pair {outside[0]}, {tuple(pairs[outside[0]].tolist())}"
        )
    return pairs.astype(np.int64)


def _require_distinct(images: Images, rows: NDArray[np.int64]) -> None:
    itself = np.flatnonzero(rows[:, 0] == rows[:, 1])
    if len(itself):
        name = images.name(int(rows[itself[0], 0]))
        raise ValueError(
            f"{len(itself)} pairs hold one image twice; the first is pair {itself[0]}, {name}"
        )
    low, high = rows.min(axis=1), rows.max(axis=1)
    _, first, place = np.unique(low * len(images) + high, return_index=True, return_inverse=True)
    twice = np.flatnonzero(first[place] != np.arange(len(rows)))
    if len(twice):
        pair = int(twice[0])
        names = " and ".join(images.name(int(row)) for row in rows[pair])
        raise ValueError(
            f"{len(twice)} pairs stand in the list before, in this order or the other; the first "
            f"is pair {pair}, {names}, as pair {first[place][pair]}; expected each pair once"
        )
