"""MTLFace's network: a residual encoder whose last maps are parted in identity and age.

Two variants are in use, that of the paper and that of the package which its authors released
later; they differ in the gates alone. Names and order of the entries in the state dict are those
of the authors' checkpoints.

Shapes: B images, D numbers in an embedding.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from irlib.backbones.adaface_ir import basic_layers
from irlib.backbones.attention import AttentionGates, channel_gate, init_xavier, spatial_gate
from irlib.backbones.checks import check_images
from irlib.backbones.ir import SqueezeExcitation, shortcut
from irlib.backbones.pyramids import last_of_each_size

WIDTHS = (64, 128, 256, 512)  # channels of the four blocks, at 56, 28, 14 and 7 pixels
UNITS = {34: (3, 4, 6, 3), 50: (3, 4, 14, 3), 64: (3, 4, 10, 3), 101: (3, 13, 30, 3)}
DROPOUT = 0.5  # before the linear layer
WINDOWS = ((7, 7), (4, 3), (3, 2))  # side and stride that part 7x7 maps in 1, 4 and 9 cells


class ReleasedGates(nn.Module):
    """The gates of the released package: they pass the identity, and age is what they hold back.

    The channel gate sees average and maximum pools one after the other, not their sum.

    Args:
        channels: C, of maps of 7x7 pixels.

    Source: Huang et al., "When Age-Invariant Face Recognition Meets Face Age Synthesis: A
        Multi-Task Learning Framework and A New Benchmark", TPAMI 2022, and its released package.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        pooled = channels * 2 * (1 + 4 + 9)
        self.spatial = spatial_gate()
        self.channel = channel_gate(pooled, channels)

    def forward(self, maps: Tensor) -> Tensor:
        """The age maps (B, C, 7, 7) in maps of the same shape."""
        pools = [pool(maps, *window) for pool in (F.avg_pool2d, F.max_pool2d) for window in WINDOWS]
        pooled = torch.cat([cells.flatten(1) for cells in pools], dim=1)  # (B, 28 C)
        channel = self.channel(pooled[:, :, None, None])  # (B, C, 1, 1)
        extremes = torch.cat([maps.amax(1, keepdim=True), maps.mean(1, keepdim=True)], dim=1)
        return maps - maps * (0.5 * (channel + self.spatial(extremes)))


class Unit(nn.Module):
    """A residual unit that normalizes first, in between and last, and strides second.

    Args:
        inputs: channels in.
        outputs: channels out.
        stride: 2 halves the maps, 1 keeps them.
        squeeze: with squeeze and excitation at the end of the residual.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int, squeeze: bool) -> None:
        super().__init__()
        self.shortcut_layer = shortcut(inputs, outputs, stride)
        self.res_layer = nn.Sequential(*basic_layers(inputs, outputs, stride))
        if squeeze:
            self.res_layer.append(SqueezeExcitation(outputs))

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, outputs, h / stride, w / stride)."""
        return self.shortcut_layer(maps) + self.res_layer(maps)


class MTLFaceEncoder(nn.Module):
    """The network for recognition: embeddings of the identity maps.

    Args:
        depth: a key of `UNITS`.
        squeeze: with squeeze and excitation.
        gates: number of channels to a module that gives the age maps in maps: `AttentionGates`,
            the paper's, or `ReleasedGates`.
        embedding_size: D.

    Raises:
        ValueError: an unknown depth.

    Source: Huang et al., "When Age-Invariant Face Recognition Meets Face Age Synthesis", CVPR 2021,
        and its released code.
    """

    map_shape = (WIDTHS[-1], 7, 7)

    def __init__(
        self,
        depth: int = 50,
        *,
        squeeze: bool = False,
        gates: Callable[[int], nn.Module] = AttentionGates,
        embedding_size: int = 512,
    ) -> None:
        super().__init__()
        if depth not in UNITS:
            raise ValueError(f"depth: expected one of {', '.join(map(str, UNITS))}, got {depth}")
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, WIDTHS[0], 3, padding=1, bias=False),
            nn.BatchNorm2d(WIDTHS[0]),
            nn.PReLU(WIDTHS[0]),
        )
        first, second, third, fourth = UNITS[depth]
        self.block1 = _block(WIDTHS[0], WIDTHS[0], first, squeeze)
        self.block2 = _block(WIDTHS[0], WIDTHS[1], second, squeeze)
        self.block3 = _block(WIDTHS[1], WIDTHS[2], third, squeeze)
        self.block4 = _block(WIDTHS[2], WIDTHS[3], fourth, squeeze)
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(WIDTHS[3]),
            nn.Dropout(DROPOUT),
            nn.Flatten(),  # by channel, row, column, also where memory is channels-last
            nn.Linear(WIDTHS[3] * 7 * 7, embedding_size),
            nn.BatchNorm1d(embedding_size),
        )
        self.fsm = gates(WIDTHS[3])
        self.apply(init_xavier)

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (B, D), not normalized, of images (B, 3, 112, 112) in [-1, 1]."""
        return self.embed_maps(self.maps(images))

    def maps(self, images: Tensor) -> Tensor:
        """The identity maps (B, 512, 7, 7), of which embeddings are made."""
        return self.split(images)[0]

    def embed_maps(self, maps: Tensor) -> Tensor:
        """Embeddings (B, D) of identity maps."""
        return self.output_layer(maps)

    def split(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Identity maps and age maps, both (B, 512, 7, 7), that add up to the last maps."""
        return self.part(self.pyramid(images)[-1])

    def part(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Identity maps and age maps of the last maps (B, 512, 7, 7), in the same shape."""
        age = self.fsm(maps)
        return maps - age, age

    def pyramid(self, images: Tensor) -> list[Tensor]:
        """Maps of 112, 56, 28, 14 and 7 pixels: of the input layer and of the four blocks."""
        check_images(images)
        blocks = (self.block1, self.block2, self.block3, self.block4)
        return last_of_each_size([self.input_layer, *blocks], images)


def _block(inputs: int, outputs: int, count: int, squeeze: bool) -> nn.Sequential:
    rest = [Unit(outputs, outputs, stride=1, squeeze=squeeze) for _ in range(count - 1)]
    return nn.Sequential(Unit(inputs, outputs, stride=2, squeeze=squeeze), *rest)
