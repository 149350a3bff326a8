"""The generator of face age synthesis: what it adds to an image makes the face another age.

Entries of the state dict have the names, order and shapes of MTLFace's aging module.

Shapes: B images, G age groups, C channels of h x w pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from irlib.age_invariant.ages import thresholds
from irlib.age_invariant.synthesis.sharing import ConditionalBlock, Router, unit_mapping

SIZES = (14, 28, 56)  # sides of the maps that the decoder sees beside the image, pixels
WEIGHT_STD = 0.01  # of the convolutions at the start


@dataclass(frozen=True, kw_only=True)
class GeneratorShape:
    """How wide a generator is; the defaults are MTLFace's at full size."""

    units: int = 128  # channels of one age group in the conditional module
    blocks: int = 4  # conditional blocks
    widths: tuple[int, int, int, int] = (256, 128, 64, 32)  # of the decoder at 14 to 112 pixels


class UpBlock(nn.Module):
    """Maps at twice the size, or at their own, joined with what a skip connection brings there.

    Args:
        inputs: channels of the maps.
        beside: channels of the skip connection.
        outputs: channels out.
    """

    def __init__(self, inputs: int, beside: int, outputs: int) -> None:
        super().__init__()
        self.conv = _twice(inputs + beside, outputs)
        self.conv2 = _twice(outputs, outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, maps: Tensor, skip: Tensor) -> Tensor:
        """Maps (B, outputs, h, w), of maps of at most that size and a skip (B, beside, h, w)."""
        if maps.shape[-1] < skip.shape[-1]:
            maps = doubled(maps)
        joined = self.conv(torch.cat([maps, skip], dim=1)) + self.shortcut(maps)
        return joined + self.conv2(joined)


class Generator(nn.Module):
    """MTLFace's aging module: identity conditional module and residual U-Net decoder.

    Args:
        map_shapes: (C, h, w) of each of the encoder's maps, the last of which are 7x7. Where it
            has none of a size in `SIZES`, the image at that size takes their place.
        num_groups: G, 4 to 8.
        shape: its widths.

    Raises:
        ValueError: no thresholds are known for so many groups; too few units for a group; or
            last maps that are not 7x7.

    Source: Huang et al., "When Age-Invariant Face Recognition Meets Face Age Synthesis", CVPR 2021,
        and its released code.
    """

    def __init__(
        self,
        map_shapes: Sequence[tuple[int, int, int]],
        num_groups: int = 7,
        shape: GeneratorShape = GeneratorShape(),
    ) -> None:
        super().__init__()
        self.num_groups, self.shape = 1 + len(thresholds(num_groups)), shape
        last, *sides = map_shapes[-1]
        if sides != [7, 7]:
            raise ValueError(f"map_shapes: the last maps are {sides[0]}x{sides[1]}, expected 7x7")
        beside = [*(_channels(map_shapes, size) for size in SIZES), 3]
        conditional = unit_mapping(num_groups, shape.units).shape[1]
        self.conv1 = _pointwise(last, conditional)
        self.router = Router(num_groups, shape.units)
        self.transform = nn.ModuleList(
            ConditionalBlock(num_groups, shape.units) for _ in range(shape.blocks)
        )
        self.conv2 = _pointwise(conditional, last)
        first, second, third, fourth = shape.widths
        self.up_1 = UpBlock(last, beside[0], first)
        self.up_2 = UpBlock(first, beside[1], second)
        self.up_3 = UpBlock(second, beside[2], third)
        self.up_4 = UpBlock(third, beside[3], fourth)
        self.conv3 = nn.Conv2d(fourth, 3, 1)
        self.apply(_init)

    def forward(
        self, images: Tensor, pyramid: Sequence[Tensor], identity: Tensor, groups: Tensor
    ) -> Tensor:
        """The faces at the ages of the groups, (B, 3, 112, 112); not clamped to [-1, 1].

        Args:
            images: (B, 3, 112, 112) RGB in [-1, 1].
            pyramid: the encoder's maps of them, of the constructor's shapes.
            identity: (B, C, 7, 7) identity maps, of the last of these.
            groups: (B, G) weight of each group; see `Router`.
        """
        maps = self.router(self.conv1(identity), groups)
        for block in self.transform:
            maps = block(maps, groups)
        maps = self.conv2(maps)
        beside = [*_skips(images, pyramid), images]
        for up, skip in zip((self.up_1, self.up_2, self.up_3, self.up_4), beside, strict=True):
            maps = up(maps, skip)
        return images + self.conv3(maps)


def doubled(maps: Tensor) -> Tensor:
    """Maps (B, C, 2 h, 2 w), bilinear between the centers of pixels, of maps (B, C, h, w)."""
    if maps.is_cuda:  # there the gradient of the usual way adds up in no fixed order
        return doubled_by_means(maps)
    return F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)


def doubled_by_means(maps: Tensor) -> Tensor:
    """What `doubled` gives, as means of 2x2 pixels, taken twice, of each pixel four times."""
    twice = F.interpolate(maps, scale_factor=2, mode="nearest")
    mean = partial(F.avg_pool2d, kernel_size=2, stride=1)
    return mean(mean(twice, padding=1, count_include_pad=False))


def _skips(images: Tensor, pyramid: Sequence[Tensor]) -> list[Tensor]:
    found = {maps.shape[-1]: maps for maps in pyramid}
    side = images.shape[-1]
    return [found[size] if size in found else F.avg_pool2d(images, side // size) for size in SIZES]


def _channels(map_shapes: Sequence[tuple[int, int, int]], size: int) -> int:
    return {shape[-1]: shape[0] for shape in map_shapes}.get(size, 3)


def _pointwise(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1), nn.BatchNorm2d(outputs), nn.PReLU(outputs))


def _twice(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.BatchNorm2d(inputs),
        nn.PReLU(inputs),
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.PReLU(outputs),
        nn.Conv2d(outputs, outputs, 3, padding=1),
    )


def _init(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d):
        nn.init.normal_(layer.weight, std=WEIGHT_STD)
        nn.init.zeros_(layer.bias)
