"""From a uint8 batch to what a backbone takes, on the batch's own device.

Shapes: B batch, H = W = 112.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Images with what is known of them."""

    images: Tensor  # (B, 112, 112, 3) uint8, RGB
    labels: Tensor  # (B,) int64
    ages: Tensor  # (B,) float32, years; NaN where no label exists

    def to(self, device: torch.device) -> "Batch":
        """The batch on a device, copied without waiting where memory is pinned."""
        moved = (t.to(device, non_blocking=True) for t in (self.images, self.labels, self.ages))
        return Batch(*moved)

    def pin_memory(self) -> "Batch":
        """The batch in page-locked memory; called by torch's loader."""
        return Batch(self.images.pin_memory(), self.labels.pin_memory(), self.ages.pin_memory())


def to_input(images: Tensor) -> Tensor:
    """Backbone input (B, 3, 112, 112) in [-1, 1], channels last, from uint8 (B, 112, 112, 3)."""
    return images.permute(0, 3, 1, 2).mul(1 / 127.5).sub_(1)  # two passes over memory, not three


def augment(images: Tensor) -> Tensor:
    """`to_input` with each image mirrored with probability one half, on the images' device.

    Source: the paper's only augmentation; released code, data_pipe.py.
    """
    mirrored = torch.rand(len(images), device=images.device) < 0.5  # (B,)
    images = torch.where(mirrored[:, None, None, None], images.flip(2), images)
    return to_input(images)
