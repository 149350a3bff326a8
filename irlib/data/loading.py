"""Training batches of uint8 images with their labels and ages.

Shapes: B batch, N images.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from irlib.data.decoding import decode_all
from irlib.images import Batch


class _Faces(torch.utils.data.Dataset):
    """Decodes a whole batch at a time; keeps every image in memory where asked to."""

    def __init__(
        self, paths: Sequence[Path], labels: np.ndarray, ages: np.ndarray, keep: bool
    ) -> None:
        self.paths, self.labels, self.ages = paths, labels, ages
        self.kept = decode_all(paths) if keep else None

    def __getitems__(self, indices: list[int]) -> Batch:
        chosen = np.asarray(indices)
        if self.kept is None:
            images = decode_all([self.paths[index] for index in indices])
        else:
            images = self.kept[chosen]
        return Batch(
            torch.from_numpy(images),
            torch.from_numpy(self.labels[chosen].astype(np.int64)),
            torch.from_numpy(self.ages[chosen].astype(np.float32)),
        )


class TrainLoader:
    """Shuffled training batches, epoch after epoch, that can go on from any batch.

    The order of an epoch depends on the seed and the epoch alone: neither on the file system, nor
    on the number of workers, nor on what was drawn elsewhere. A last batch of one image is left
    out, since batch norm cannot take it.

    Args:
        paths: (N,) image files.
        labels: (N,) class of each image.
        ages: (N,) years, NaN where unknown.
        batch_size: images a batch.
        seed: of the order.
        workers: processes that decode; with 0 all images are decoded once and kept in memory
            (37,632 bytes each), which suits small sets and machines without spare cores.

    Raises:
        ValueError: no images, or arrays of unequal length; or, with 0 workers, a damaged image.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        labels: np.ndarray,
        ages: np.ndarray,
        *,
        batch_size: int,
        seed: int,
        workers: int = 0,
    ) -> None:
        if not len(paths) == len(labels) == len(ages):
            counts = f"{len(paths)} paths, {len(labels)} labels, {len(ages)} ages"
            raise ValueError(f"{counts}: expected one of each an image")
        if len(paths) < 2:
            raise ValueError(f"{len(paths)} images: expected at least 2 to train on")
        self.faces = _Faces(paths, labels, ages, keep=workers == 0)
        self.batch_size, self.seed, self.workers = batch_size, seed, workers
        self.epoch = 0  # whole epochs given out
        self.position = 0  # batches given out in the epoch under way

    def __len__(self) -> int:
        """Batches an epoch."""
        full, rest = divmod(len(self.faces.paths), self.batch_size)
        return full + (rest > 1)

    def __iter__(self) -> Iterator[Batch]:
        """What is left of the epoch under way; then the next epoch is due."""
        order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.faces.paths))
        starts = range(self.position * self.batch_size, len(order), self.batch_size)
        chunks = [order[start : start + self.batch_size].tolist() for start in starts]
        loader = torch.utils.data.DataLoader(
            self.faces,
            batch_sampler=[chunk for chunk in chunks if len(chunk) > 1],
            collate_fn=_as_it_is,
            num_workers=self.workers,
            pin_memory=torch.cuda.is_available(),
            # Else torch would draw from its global generator here, and a run that goes on in the
            # middle of an epoch would see other random numbers than an undisturbed one.
            generator=torch.Generator(),
        )
        for batch in loader:
            self.position += 1
            yield batch
        self.epoch, self.position = self.epoch + 1, 0

    @property
    def images_seen(self) -> int:
        """Images given out so far, over all epochs."""
        count = len(self.faces.paths)
        an_epoch = count - (count % self.batch_size == 1)
        return self.epoch * an_epoch + min(self.position * self.batch_size, an_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Where the loader stands."""
        return {"epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where another loader over the same images stood."""
        self.epoch, self.position = state["epoch"], state["position"]


def _as_it_is(batch: Batch) -> Batch:
    return batch
