"""Photographs to embeddings: find the face, cut the crop, embed it.

Shapes: N photographs, M of them that gave an embedding, D embedding size.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from irlib.data.alignment.detection import Detector
from irlib.data.embeddings import EmbeddingTable
from irlib.data.sources import Images
from irlib.embeddings.cutting import Crops, Cut, Failure, cut_all
from irlib.embeddings.finding import FaceFinder
from irlib.evaluation.cache import EmbeddingCache
from irlib.evaluation.embedding import Embedder
from irlib.evaluation.model_digests import model_identity


@dataclass(frozen=True, eq=False)
class Embedded:
    """What photographs gave.

    Args:
        names: of all N photographs.
        rows: (M,) positions of those that gave an embedding, growing.
        embeddings: (M, D) float32, not normalised.
        failures: the N - M others.
        notes: (name, remark) of embeddings to look at twice, such as a choice among several faces.
    """

    names: tuple[str, ...]
    rows: NDArray[np.int64]
    embeddings: NDArray[np.float32]
    failures: tuple[Failure, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()

    @property
    def table(self) -> EmbeddingTable:
        """The embeddings by name.

        Raises:
            ValueError: there is none, or two photographs have one name.
        """
        if not len(self.rows):
            first = f"; {self.failures[0].name}: {self.failures[0].reason}" if self.failures else ""
            raise ValueError(f"none of {len(self.names):,} images gave an embedding{first}")
        return EmbeddingTable(np.array(self.names)[self.rows], self.embeddings)


@dataclass(frozen=True, eq=False)
class PhotoEmbedder:
    """Embeds photographs, or crops that are aligned already.

    Args:
        model: float (B, 3, 112, 112) RGB in [-1, 1] to (B, D).
        detector: finds the faces; None takes aligned 112x112 crops only.
        flip: add the embedding of the mirrored crop.
        devices: that the model runs on.
        batch_size: crops at a time.
        workers: threads that decode photographs and find faces.
        cache: folder in which faces and embeddings are kept by content, so that work which stopped
            goes on; None keeps nothing.
        key: text that tells the model from others, for a function; a module is told by its
            settings and weights.
    """

    model: Callable[[torch.Tensor], Any]
    detector: Detector | None = None
    flip: bool = False
    devices: Sequence[torch.device | str] = ("cpu",)
    batch_size: int = 64
    workers: int = 1
    cache: Path | None = None
    key: str = ""

    @cached_property
    def _embedder(self) -> Embedder:
        cache = None if self.cache is None else EmbeddingCache(self.cache / "embeddings")
        return Embedder(
            self.model, devices=tuple(self.devices), batch_size=self.batch_size, cache=cache,
            key=self.key,
        )  # fmt: skip

    @property
    def digest(self) -> str:
        """What tells the model, as it is now, from others; empty for a function without a key."""
        return self.key or model_identity(self.model)

    @property
    def settings(self) -> dict[str, Any]:
        """All that embeddings depend on, besides the photographs."""
        return {
            "digest": self.digest,
            "flip": self.flip,
            "detector": self.detector.sha256 if self.detector else "",
        }

    def embed(
        self, images: Images, *, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> Embedded:
        """The embedding of each photograph, and which gave none.

        Args:
            images: N photographs.
            progress: told the photographs done and in all.

        Raises:
            ValueError: the model gives something else than finite embeddings of one width.
        """
        cuts: list[Cut] = []
        rows: list[NDArray[np.float32]] = []
        for chunk in cut_all(images, self._finder, workers=self.workers):
            before = len(cuts)
            good = [each for each in chunk if each.crop is not None]
            rows += self.embed_crops(
                good, progress=lambda done, _, before=before: progress(before + done, len(images))
            )
            cuts += [Cut(each.name, None, each.kind, each.remark) for each in chunk]
            progress(len(cuts), len(images))
        return _embedded(cuts, rows)

    @cached_property
    def _finder(self) -> FaceFinder | None:
        return None if self.detector is None else FaceFinder(self.detector, self.cache)

    def cut(self, images: Images) -> list[Cut]:
        """What each photograph gave, with its crop; for few of them, as all are held in memory."""
        return [c for chunk in cut_all(images, self._finder, workers=self.workers) for c in chunk]

    def embed_crops(
        self,
        cuts: Sequence[Cut],
        *,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[NDArray[np.float32]]:
        """The embedding (D,) of each crop, in order.

        Args:
            cuts: that have a crop.
            progress: told the crops done and in all.

        Raises:
            ValueError: the model gives something else than finite embeddings of one width.
        """
        if not cuts:
            return []
        crops = Crops(
            tuple(each.name for each in cuts),
            tuple(each.crop for each in cuts if each.crop is not None),
        )
        return list(self._embedder.embed(crops, flip=self.flip, progress=progress))


def _embedded(cuts: Sequence[Cut], rows: Sequence[NDArray[np.float32]]) -> Embedded:
    good = [row for row, each in enumerate(cuts) if not each.kind]
    return Embedded(
        names=tuple(each.name for each in cuts),
        rows=np.array(good, dtype=np.int64),
        embeddings=np.stack(rows) if rows else np.empty((0, 0), dtype=np.float32),
        failures=tuple(Failure(each.name, each.kind, each.remark) for each in cuts if each.kind),
        notes=tuple((each.name, each.remark) for each in cuts if each.remark and not each.kind),
    )


def unit(embeddings: NDArray[np.floating]) -> NDArray[np.float64]:
    """(M, D) of length 1 each, of embeddings none of which is zero."""
    wide = np.asarray(embeddings, dtype=np.float64)
    return wide / np.linalg.norm(wide, axis=1, keepdims=True)
