"""Age split off the last maps of a backbone by attention: MTLFace's decomposition.

The gates' entries in the state dict have the names of the authors' checkpoints, below ``fsm.``.

Shapes: B images, D numbers in an embedding, C channels of the last maps.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from irlib.backbones.features import Features

GRIDS = (1, 2, 3)  # sides of the three pools of the channel gate, cells
REDUCTION = 16  # pooled values per hidden value of the channel gate
MOMENTUM = 0.01  # of the gates' batch norms


class AttentionGates(nn.Module):
    """The share of the maps that tells age: the mean of a channel gate and a spatial gate.

    Args:
        channels: C.

    Source: Huang et al., CVPR 2021; released code: average and maximum pools are added.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        pooled = channels * sum(side**2 for side in GRIDS)  # 14 C
        self.spatial = spatial_gate()
        self.channel = channel_gate(pooled, channels)
        self.apply(init_xavier)

    def forward(self, maps: Tensor) -> Tensor:
        """The age maps (B, C, h, w) in maps of the same shape."""
        extremes = torch.cat([maps.amax(1, keepdim=True), maps.mean(1, keepdim=True)], dim=1)
        channel = self.channel(grid_pools(maps)[:, :, None, None])  # (B, C, 1, 1)
        return 0.5 * (maps * channel + maps * self.spatial(extremes))


class AttentionSplit(nn.Module):
    """A backbone whose last maps are split in age and identity; the latter become embeddings.

    Args:
        backbone: gives the last maps of images, and embeddings of such maps.
        embedding_size: D, of the backbone.

    Source: Huang et al., "When Age-Invariant Face Recognition Meets Face Age Synthesis", CVPR 2021.
    """

    def __init__(self, backbone: nn.Module, embedding_size: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.map_shape = backbone.map_shape
        self.fsm = AttentionGates(self.map_shape[0])

    def forward(self, images: Tensor) -> Features:
        """Embeddings (B, D), identity and age maps (B, C, 7, 7) that add up to the last maps."""
        identity, age = self.part(self.backbone.maps(images))
        return Features(self.embed_maps(identity), identity, age)

    def pyramid(self, images: Tensor) -> list[Tensor]:
        """The last maps of each size in the backbone, finest first; the coarsest are parted."""
        return self.backbone.pyramid(images)

    def part(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Identity maps and age maps of the last maps (B, C, 7, 7), in the same shape."""
        age = self.fsm(maps)
        return maps - age, age

    def embed_maps(self, maps: Tensor) -> Tensor:
        """Embeddings (B, D) of identity maps."""
        return self.backbone.embed_maps(maps)


def grid_pools(maps: Tensor) -> Tensor:
    """Mean plus maximum (B, 14 C) over grids of 1x1, 2x2 and 3x3 cells of maps (B, C, h, h).

    Ordered by grid, channel, row, column. On 7x7 maps the cells are those of adaptive pooling.
    """
    # Plain pools of row-major maps: on a GPU adaptive ones sum their gradients in no fixed order.
    maps = maps.contiguous()
    pooled = []
    for side in GRIDS:
        stride = maps.shape[-1] // side
        size = maps.shape[-1] - (side - 1) * stride
        cells = F.avg_pool2d(maps, size, stride) + F.max_pool2d(maps, size, stride)
        pooled.append(cells.flatten(1))  # (B, C side^2)
    return torch.cat(pooled, dim=1)


def spatial_gate() -> nn.Sequential:
    """Maximum and mean over the channels (B, 2, h, w) to a share of each place (B, 1, h, w)."""
    return nn.Sequential(
        nn.Conv2d(2, 1, 7, padding=3, bias=False),
        nn.BatchNorm2d(1, momentum=MOMENTUM),
        nn.Sigmoid(),
    )


def channel_gate(pooled: int, channels: int) -> nn.Sequential:
    """Pooled values (B, pooled, 1, 1) to a share of each channel (B, channels, 1, 1)."""
    return nn.Sequential(
        nn.Conv2d(pooled, pooled // REDUCTION, 1, bias=False),
        nn.ReLU(),
        nn.Conv2d(pooled // REDUCTION, channels, 1, bias=False),
        nn.BatchNorm2d(channels, momentum=MOMENTUM),
        nn.Sigmoid(),
    )


def init_xavier(layer: nn.Module) -> None:
    """Start a convolution or linear layer at Xavier-uniform weights and no bias, as MTLFace."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
