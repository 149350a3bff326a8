"""From a uint8 batch to what a backbone takes, on the batch's own device.

Shapes: B images that all processes take in a step, b of them in this process, H = W = 112.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from irlib.augmentation import CROP, LOW_RESOLUTION, PHOTOMETRIC, changed, sent


@dataclass(frozen=True)
class Batch:
    """Images with what is known of them: b of the B that all processes take in a step."""

    images: Tensor  # (b, 112, 112, 3) uint8, RGB
    labels: Tensor  # (b,) int64
    ages: Tensor  # (b,) float32, years; NaN where no label exists
    counts: tuple[int, ...] | None = None  # b of each process; None: all images are here

    @property
    def total(self) -> int:
        """Images in all processes, B."""
        return len(self.labels) if self.counts is None else sum(self.counts)

    def rows(self, rank: int) -> range:
        """Places of a process's images among the B, which stand in the order of the processes."""
        if self.counts is None:
            return range(len(self.labels))
        first = sum(self.counts[:rank])
        return range(first, first + self.counts[rank])

    def parts(self, count: int) -> "list[Batch]":
        """The batch in so many consecutive parts, alike in every process.

        Each process's images are cut by `even_sizes`, so that a part may be empty somewhere; one
        that is empty everywhere is left out. There are fewer parts where one would else be of a
        single image, which batch norm cannot take.

        Args:
            count: parts, at least 1.
        """
        everyone = (len(self.labels),) if self.counts is None else self.counts
        counts = list(zip(*(even_sizes(each, count) for each in everyone), strict=True))
        if count > 1 and any(sum(part) == 1 for part in counts):
            return self.parts(count - 1)
        sizes = even_sizes(len(self.labels), count)
        cut = (tensor.split(sizes) for tensor in (self.images, self.labels, self.ages))
        return [
            Batch(*tensors, None if self.counts is None else part)
            for *tensors, part in zip(*cut, counts, strict=True)
            if sum(part)
        ]

    def to(self, device: torch.device) -> "Batch":
        """The batch on a device, copied without waiting where memory is pinned."""
        moved = (t.to(device, non_blocking=True) for t in (self.images, self.labels, self.ages))
        return Batch(*moved, self.counts)

    def pin_memory(self) -> "Batch":
        """The batch in page-locked memory; which a copy to a GPU can leave without waiting."""
        pinned = (tensor.pin_memory() for tensor in (self.images, self.labels, self.ages))
        return Batch(*pinned, self.counts)


class Transfer:
    """Batches on a device; on a GPU each is copied while the steps before it still compute.

    The copy has a stream of its own: in that of the steps it would wait for all that was asked of
    the device before.

    Args:
        device: where the batches go.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def __call__(self, batch: Batch) -> Batch:
        """The batch on the device; what is computed from it there waits for the copy."""
        if self.stream is None:
            return batch.to(self.device)
        with torch.cuda.stream(self.stream):
            moved = batch.to(self.device)
        computing = torch.cuda.current_stream(self.device)
        computing.wait_stream(self.stream)
        for tensor in (moved.images, moved.labels, moved.ages):
            tensor.record_stream(computing)  # its memory is not used again before that is done
        return moved


def even_sizes(total: int, count: int) -> tuple[int, ...]:
    """Sizes of so many parts of a total, as even as possible, the larger ones first.

    Source: the rule of `numpy.array_split`.
    """
    each, left = divmod(total, count)
    return (each + 1,) * left + (each,) * (count - left)


def to_input(images: Tensor) -> Tensor:
    """Backbone input (b, 3, 112, 112) in [-1, 1], channels last, from uint8 (b, 112, 112, 3)."""
    # in place and in the order of memory: on a CPU a third of the time of one expression
    return images.float().mul_(1 / 127.5).sub_(1).permute(0, 3, 1, 2)


def augment(
    batch: Batch,
    *,
    crop: float = 0.0,
    low_resolution: float = 0.0,
    photometric: float = 0.0,
    generator: torch.Generator,
    rank: int = 0,
) -> Tensor:
    """`to_input` of the batch with each image changed at random, on the images' device.

    Each image is mirrored with probability one half, after the three changes of
    `irlib.augmentation`, in their order. With all three at 0 nothing is drawn but the mirroring.
    Every process draws for all B images and takes what its own get, so that an image is changed
    alike on any device and in any number of processes.

    Args:
        batch: b images.
        crop: probability that an image is cut to a box on a black canvas.
        low_resolution: probability that it is made small and large again.
        photometric: probability that its brightness, contrast and saturation change.
        generator: on the CPU, in the same state in every process.
        rank: number of this process.

    Returns:
        (b, 3, 112, 112) in [-1, 1], channels last.

    Source: the paper mirrors and does nothing else (released code, data_pipe.py); the rest is
        AdaFace's (Kim et al., CVPR 2022).
    """
    images, rows = batch.images, batch.rows(rank)
    for change, probability in (
        (CROP, crop), (LOW_RESOLUTION, low_resolution), (PHOTOMETRIC, photometric)
    ):  # fmt: skip
        images = changed(
            images, change, probability, rows=rows, total=batch.total, generator=generator
        )
    mirrored = torch.rand(batch.total, generator=generator)[rows.start : rows.stop] < 0.5  # (b,)
    mirrored = sent(mirrored, images.device)
    images = torch.where(mirrored[:, None, None, None], images.flip(2), images)
    return to_input(images)
