"""Embeddings of images, each image once.

`Embedder` (a network) and `TableEmbedder` (embeddings made elsewhere) are used alike: `usable`
tells which images they can embed, `embed` gives the embeddings.

Shapes: N images, B of them in a batch, D embedding size.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from irlib.data.embeddings import EmbeddingTable, check_rows
from irlib.data.sources import Chosen, Images
from irlib.evaluation.cache import EmbeddingCache, kept
from irlib.evaluation.forwarding import embeddings_of, evaluating, forwarded
from irlib.evaluation.model_digests import model_identity, model_key
from irlib.evaluation.reading import Crops, Failures, decoded, digests, refuse

Progress = Callable[[int, int], None]  # distinct images done, and in all


class Embeds(Protocol):
    """What turns images into embeddings."""

    flips: bool  # whether `flip` makes a difference

    def failures(self, images: Images) -> Failures:
        """Why an image cannot be embedded, by name; empty where all can."""

    def embed(
        self, images: Images, *, flip: bool = False, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """(N, D) embeddings in the order given, not normalized; ValueError if one cannot be."""


class Embedder:
    """A network that embeds every distinct image once, on one device or several.

    Images of equal content share one embedding, under however many names. Threads read and decode
    ahead of the network.

    Args:
        model: float (B, 3, 112, 112) RGB in [-1, 1] to (B, D), a tensor or an array, or as
            `irlib.evaluation.forwarding` takes it with norms. A module is in evaluation mode
            meanwhile. It is called from other threads than the caller's, and
            from several at once where there are several devices or a GPU.
        devices: where batches go. A module is copied to those where it is not.
        batch_size: B; the last batch may have fewer. A CPU takes 16 a thread at a time.
        cache: where embeddings are kept and looked up; None keeps none.
        key: text that tells the model from every other one in the cache. If it is empty, it is a
            digest of a module's weights and settings at each call, or the ``digest`` of a function.

    Raises:
        ValueError: no device, a batch size below 1, or a cache for a function without a key.
    """

    flips = True

    def __init__(
        self,
        model: Callable[[Tensor], Any],
        *,
        devices: Sequence[torch.device | str] = ("cpu",),
        batch_size: int = 256,
        cache: EmbeddingCache | None = None,
        key: str = "",
    ) -> None:
        if isinstance(devices, str) or not devices:
            raise ValueError(f"devices {devices!r}: expected at least one, e.g. ('cpu',)")
        if batch_size < 1:
            raise ValueError(f"batch_size {batch_size}: expected at least 1")
        is_told = bool(key) or isinstance(model, nn.Module) or bool(model_identity(model))
        if cache is not None and not is_told:
            raise ValueError(
                "cache: the model is a function, which nothing tells from other functions; "
                "expected key=, a text of your choice that changes with the model"
            )
        self.model, self.batch_size = model, batch_size
        self.devices = tuple(torch.device(device) for device in devices)
        self.cache, self.key = cache, key

    def failures(self, images: Images) -> Failures:
        """Why an image is missing or damaged, by name; all are read and decoded."""
        batches = decoded(images, np.arange(len(images)), self.batch_size)
        return {name: reason for crops in batches for name, reason in crops.failures.items()}

    def embed(
        self, images: Images, *, flip: bool = False, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """(N, D) embeddings in the order given, not normalized.

        What is new goes to the cache on the way, so a run that stops loses nothing it has made.

        Args:
            images: N crops, 112x112.
            flip: add the embedding of the mirrored image. The paper does not.
            progress: told how many distinct images are done, and how many there are.

        Raises:
            ValueError: no image; some are missing (all told before the network runs) or damaged
                (all told, once the first is met); an embedding that is zero or not finite, or of
                another size than the rest.
        """
        if len(images) == 0:
            raise ValueError("images: none given; expected at least one")
        contents, failures = digests(images)
        refuse(failures, len(images))
        contents, rows, place = np.unique(contents, return_index=True, return_inverse=True)
        shelf = None
        if self.cache is not None:
            shelf = self.cache.shelf(model_key(self.model, self.key), flip=flip)
        known, old = shelf.found(contents) if shelf else (np.zeros(len(rows), dtype=bool), None)
        new = np.argsort(rows)  # in the order of the list: neighbors on the disk
        new = new[~known[new]]
        if len(new) == 0:
            return old[place]
        made = []
        for batch in kept(self._made(Chosen(images, rows[new]), flip), shelf, contents[new]):
            made.append(batch)
            if progress:
                progress(len(rows) - len(new) + sum(map(len, made)), len(rows))
        fresh = np.concatenate(made)
        if old is not None and known.any() and old.shape[1] != fresh.shape[1]:
            raise ValueError(
                f"embeddings of unequal width: {old.shape[1]} numbers in the cache, "
                f"{fresh.shape[1]} of the model; expected a key of its own for each model"
            )
        embeddings = np.empty((len(rows), fresh.shape[1]), dtype=np.float32)
        embeddings[new] = fresh
        if known.any():
            embeddings[known] = old
        return embeddings[place]

    def _made(self, images: Images, flip: bool) -> Iterator[NDArray[np.float32]]:
        failures: Failures = {}
        width = None
        batches = decoded(images, np.arange(len(images)), self.batch_size)
        with closing(batches), evaluating(self.model):
            sound = _sound(batches, failures)
            for crops, rows in forwarded(self.model, sound, devices=self.devices, flip=flip):
                width = width or rows.shape[1]
                names = [images.name(row) for row in crops.rows]
                if rows.shape[1] != width:
                    raise ValueError(
                        f"embeddings of unequal width: {rows.shape[1]} numbers from {names[0]} on, "
                        f"{width} before"
                    )
                check_rows(rows, names)
                yield rows
        refuse(failures, len(images))


class TableEmbedder:
    """Embeddings that were made elsewhere, looked up by the images' names.

    Args:
        table: the embeddings.
    """

    flips = False  # a table is what it is

    def __init__(self, table: EmbeddingTable) -> None:
        self.table = table

    def failures(self, images: Images) -> Failures:
        """The images that the table lacks, by name."""
        names = map(images.name, range(len(images)))
        return {n: f"{n}: not in the table of embeddings" for n in names if n not in self.table}

    def embed(
        self, images: Images, *, flip: bool = False, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """(N, D) rows of the table, whatever `flip` is; `progress` hears nothing.

        Raises:
            ValueError: the table lacks some images.
        """
        refuse(self.failures(images), len(images))
        return self.table.embeddings[self.table.rows(list(map(images.name, range(len(images)))))]


def usable(embedder: Embeds, images: Images, *, allowed: int = 0) -> tuple[Images, Failures]:
    """The images that can be embedded, and why the others cannot, before any network runs.

    Args:
        embedder: what is to embed them.
        images: the list.
        allowed: so many of them may be missing or damaged.

    Raises:
        ValueError: more are; the message counts them and names the first ten.
    """
    failures = embedder.failures(images)
    refuse(failures, len(images), allowed=allowed)
    rows = [row for row in range(len(images)) if images.name(row) not in failures]
    return Chosen(images, np.array(rows, dtype=np.int64)), failures


def embed(
    backbone: nn.Module,
    batches: Iterable[NDArray[np.uint8]],
    *,
    device: torch.device | str,
    flip: bool = False,
) -> NDArray[np.float32]:
    """The embedding of each image, (N, D), in the order given and not normalised.

    For crops that are in memory already, as in a training's validation; see `Embedder` for files.
    The backbone is in evaluation mode meanwhile, and afterwards as it was.

    Args:
        backbone: float (B, 3, H, W) RGB in [-1, 1] to (B, D).
        batches: uint8 (B, H, W, 3) RGB each, such as `irlib.data.sources.batches` yields.
        device: where the backbone is.
        flip: add the embedding of the mirrored image before normalisation. The paper does not.

    Raises:
        ValueError: no batch, one that is not uint8 (B, H, W, 3), or a non-finite embedding.
    """
    with evaluating(backbone), torch.inference_mode():
        rows = [embeddings_of(backbone, images, torch.device(device), flip) for images in batches]
        if not rows:
            raise ValueError("batches: none given; expected at least one image")
        embeddings = torch.cat(rows).cpu().numpy()  # the only read that waits for the device
    if not np.isfinite(embeddings).all():
        raise ValueError("embeddings: some are not finite; the backbone has diverged")
    return embeddings


def _sound(batches: Iterator[Crops], failures: Failures) -> Iterator[Crops]:
    # after the first failure the rest is only decoded, so that all that fail can be told
    for crops in batches:
        failures |= crops.failures
        if not failures:
            yield crops
