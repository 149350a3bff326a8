"""The accuracy that is read after each epoch, on identities that neither train nor test."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from irlib.data.pairs.rules import PairList
from irlib.data.sources import ImageFiles, batches
from irlib.evaluation.embedding import embed
from irlib.evaluation.protocols import accuracy


class PairAccuracy:
    """A callable on a backbone: its accuracy on validation pairs, by the oracle threshold.

    The images are decoded once and kept in memory.

    Args:
        root: folder that the pairs' names are relative to.
        pairs: validation pairs.
        device: where the backbone is.

    Raises:
        ValueError: an image is damaged.
    """

    def __init__(self, root: Path, pairs: PairList, device: torch.device) -> None:
        self.pairs, self.device = pairs, device
        self.images = list(batches(ImageFiles(root, np.array(pairs.images))))

    def __call__(self, backbone: nn.Module) -> dict[str, float]:
        """``val_accuracy``, a fraction."""
        embeddings = embed(backbone, self.images, device=self.device)
        similarity = self.pairs.cosine(self.pairs.images, embeddings)
        return {"val_accuracy": accuracy(similarity, self.pairs.is_same, "oracle").mean}
