"""The accuracy that is read after each epoch, on identities that neither train nor test."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from irlib import parallel
from irlib.data.pairs.rules import PairList
from irlib.data.sources import ImageFiles, batches
from irlib.evaluation.embedding import embed
from irlib.evaluation.protocols import accuracy


class PairAccuracy:
    """A callable on a backbone: its accuracy on validation pairs, by the oracle threshold.

    Each process decodes and embeds a part of the images, once decoded kept in memory, so all must
    call it.

    Args:
        root: folder that the pairs' names are relative to.
        pairs: validation pairs.
        device: where the backbone is.

    Raises:
        ValueError: an image is damaged.
    """

    def __init__(self, root: Path, pairs: PairList, device: torch.device) -> None:
        self.pairs, self.device = pairs, device
        total, size = len(pairs.images), parallel.size()
        self.each = -(-total // size)  # images a process; the last ones begin again at the first
        first = parallel.rank() * self.each
        own = np.arange(first, first + self.each) % total
        self.images = list(batches(ImageFiles(root, pairs.images[own])))

    def __call__(self, backbone: nn.Module) -> dict[str, float]:
        """``val_accuracy``, a fraction, alike in every process."""
        own = torch.from_numpy(embed(backbone, self.images, device=self.device))
        everyone = parallel.gathered(own, (self.each,) * parallel.size())
        embeddings = everyone[: len(self.pairs.images)].numpy()  # (N, D)
        similarity = self.pairs.cosine(self.pairs.images, embeddings)
        return {"val_accuracy": accuracy(similarity, self.pairs.is_same, "oracle").mean}
