"""From a uint8 batch to what a backbone takes, on the batch's own device.

Shapes: B batch, H = W = 112.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from irlib.augmentation import changed, cropped, low_resolution_of, photometric_of


@dataclass(frozen=True)
class Batch:
    """Images with what is known of them: b of the B that all processes take in a step."""

    images: Tensor  # (b, 112, 112, 3) uint8, RGB
    labels: Tensor  # (b,) int64
    ages: Tensor  # (b,) float32, years; NaN where no label exists
    counts: tuple[int, ...] | None = None  # b of each process; None: all images are here

    def to(self, device: torch.device) -> "Batch":
        """The batch on a device, copied without waiting where memory is pinned."""
        moved = (t.to(device, non_blocking=True) for t in (self.images, self.labels, self.ages))
        return Batch(*moved)

    def pin_memory(self) -> "Batch":
        """The batch in page-locked memory; which a copy to a GPU can leave without waiting."""
        return Batch(self.images.pin_memory(), self.labels.pin_memory(), self.ages.pin_memory())


def to_input(images: Tensor) -> Tensor:
    """Backbone input (B, 3, 112, 112) in [-1, 1], channels last, from uint8 (B, 112, 112, 3)."""
    return images.permute(0, 3, 1, 2).mul(1 / 127.5).sub_(1)  # two passes over memory, not three


def augment(
    images: Tensor, *, crop: float = 0.0, low_resolution: float = 0.0, photometric: float = 0.0
) -> Tensor:
    """`to_input` with each image changed at random, on the images' device.

    Each image is mirrored with probability one half, after the three changes of
    `irlib.augmentation`, in their order. With all three at 0 nothing is drawn but the mirroring.

    Args:
        images: (B, 112, 112, 3) uint8.
        crop: probability that an image is cut to a box on a black canvas.
        low_resolution: probability that it is made small and large again.
        photometric: probability that its brightness, contrast and saturation change.

    Source: the paper mirrors and does nothing else (released code, data_pipe.py); the rest is
        AdaFace's (Kim et al., CVPR 2022).
    """
    for change, probability in (
        (cropped, crop), (low_resolution_of, low_resolution), (photometric_of, photometric)
    ):  # fmt: skip
        images = changed(images, change, probability)
    mirrored = torch.rand(len(images), device=images.device) < 0.5  # (B,)
    images = torch.where(mirrored[:, None, None, None], images.flip(2), images)
    return to_input(images)
