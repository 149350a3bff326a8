"""Age from maps: a distribution over years, its expectation, and age groups.

Shapes: b images in this process, C channels of h x w pixels, G age groups.
Unit of ages: years; NaN where unknown.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from irlib.age_invariant.ages import age_group, known_mean, thresholds
from irlib.backbones.attention import init_xavier
from irlib.parallel import summed

YEARS = 101  # logits for the ages 0 to 100
HIDDEN = 512  # width between maps and logits


class KnownBatchNorm(nn.BatchNorm2d):
    """Batch norm whose statistics are those of some images of all processes.

    Where there are none such, nothing moves. A process may have no image at all.
    """

    def forward(self, maps: Tensor, known: Tensor) -> Tensor:
        """Maps (b, C, h, w), normalised; in training by the images that known (b,) marks."""
        if not self.training:
            return super().forward(maps)
        share = known.to(maps.dtype)[:, None, None, None]  # (b, 1, 1, 1)
        own_count = share.sum() * maps.shape[2:].numel()
        own_sum = (maps * share).sum(dim=(0, 2, 3), keepdim=True)
        everyone = summed(torch.cat([own_sum.flatten(), own_count[None]]))
        count = everyone[-1]
        mean = everyone[:-1].view_as(own_sum) / count.clamp(min=1)  # (1, C, 1, 1)
        square = summed(((maps - mean).square() * share).sum(dim=(0, 2, 3), keepdim=True))
        self._move(mean.detach().flatten(), square.detach().flatten(), count)
        scale = (square / count.clamp(min=1) + self.eps).rsqrt() * self.weight[:, None, None]
        return (maps - mean) * scale + self.bias[:, None, None]

    @torch.no_grad()
    def _move(self, mean: Tensor, square: Tensor, count: Tensor) -> None:
        # the running variance is unbiased, as torch's own is
        momentum = self.momentum * (count > 0)
        self.running_mean.lerp_(mean, momentum.to(mean.dtype))
        variance = square / (count - 1).clamp(min=1)
        self.running_var.lerp_(variance, momentum.to(mean.dtype))
        self.num_batches_tracked.add_(1)


class AgeHead(nn.Module):
    """Logits of years and of age groups; the names of its entries are those of MTLFace.

    Args:
        map_shape: (C, h, w) of the maps.
        num_groups: G, 4 to 8.

    Raises:
        ValueError: no thresholds are known for that many groups.

    Source: Huang et al., CVPR 2021, and its released code.
    """

    def __init__(self, map_shape: tuple[int, int, int], num_groups: int) -> None:
        super().__init__()
        channels, height, width = map_shape
        self.age_output_layer = nn.Sequential(
            KnownBatchNorm(channels),
            nn.Flatten(),
            nn.Linear(channels * height * width, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, YEARS),
        )
        self.group_output_layer = nn.Linear(YEARS, 1 + len(thresholds(num_groups)))
        self.apply(init_xavier)

    def forward(self, maps: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Age logits (b, 101) and, linear in them, group logits (b, G).

        Args:
            maps: (b, C, h, w).
            known: (b,) bool, images whose age is known; the others leave no trace in training.
        """
        norm, *rest = self.age_output_layer
        with torch.autocast(maps.device.type, enabled=False):  # squared years need more than bf16
            logits = norm(maps.to(self.group_output_layer.weight.dtype), known)
            for layer in rest:
                logits = layer(logits)
            return logits, self.group_output_layer(logits)


def dex_age(logits: Tensor) -> Tensor:
    """Expected age (b,), years, of logits (b, 101) for the ages 0 to 100.

    Source: Rothe et al., "DEX: Deep EXpectation of Apparent Age", ICCV workshops 2015.
    """
    years = torch.arange(YEARS, dtype=logits.dtype, device=logits.device)
    return logits.softmax(dim=1) @ years


def age_loss(logits: Tensor, group_logits: Tensor, ages: Tensor) -> Tensor:
    """Squared error of the expected age plus cross entropy of the group, over all known ages.

    Args:
        logits: (b, 101) of years.
        group_logits: (b, G).
        ages: (b,).

    Returns:
        Scalar, the same in all processes; 0, with zero gradients, where none knows an age.

    Raises:
        ValueError: thresholds for G groups are not known.

    Source: Huang et al., CVPR 2021.
    """
    known = ages.isfinite()
    target = torch.where(known, ages, 0.0)  # a NaN would reach the gradient, masked or not
    squared = (dex_age(logits) - target).square()
    groups = age_group(target, group_logits.shape[1])
    return known_mean(squared + F.cross_entropy(group_logits, groups, reduction="none"), known)
