"""Weights that age groups own, and share with their neighbours.

Shapes: B images, G age groups, C channels of the conditional blocks, h = w.
"""

import torch
from torch import Tensor, nn

OVERLAP = 0.1  # share of its channels that a group has in common with the next one


def unit_mapping(num_groups: int, units: int) -> Tensor:
    """Which channels each group uses, (G, C) of 0 and 1: a run of `units`, cut at whole channels.

    With 7 groups of 128 units: 819 channels, of which neighbours share 13.

    Args:
        num_groups: G.
        units: channels of a group.

    Raises:
        ValueError: so few units that no channel would be shared.

    Source: Huang et al., CVPR 2021, weight sharing of the identity conditional module; where the
        runs begin as in the released code.
    """
    if units * OVERLAP < 1:
        least = round(1 / OVERLAP)
        raise ValueError(f"units: expected at least {least}, so that groups share, got {units}")
    channels = int((num_groups - (num_groups - 1) * OVERLAP) * units)
    mapping = torch.zeros(num_groups, channels)
    start = 0
    for row in mapping:
        row[start : start + units] = 1
        start = int(start + (1 - OVERLAP) * units)
    return mapping


class Router(nn.Module):
    """Lets through the channels of the wanted age group.

    Args:
        num_groups: G.
        units: channels of a group.
    """

    def __init__(self, num_groups: int, units: int) -> None:
        super().__init__()
        self.register_buffer("_unit_mapping", unit_mapping(num_groups, units))

    def forward(self, maps: Tensor, groups: Tensor) -> Tensor:
        """Maps (B, C, h, w) times the masks of the groups' weights.

        Args:
            maps: (B, C, h, w).
            groups: (B, G) weight of each group, a row adds up to 1. One group alone is a row of a
                unit matrix; two neighbours with weights between 0 and 1 are an age between them.
        """
        return maps * (groups @ self._unit_mapping)[:, :, None, None]


class ConditionalBlock(nn.Module):
    """A residual block of the channels of one age group.

    Args:
        num_groups: G.
        units: channels of a group.
    """

    def __init__(self, num_groups: int, units: int) -> None:
        super().__init__()
        channels = unit_mapping(num_groups, units).shape[1]
        self.conv1 = _convolution(channels)
        self.router1 = Router(num_groups, units)
        self.conv2 = _convolution(channels)
        self.router2 = Router(num_groups, units)
        self.relu1 = nn.PReLU(channels)
        self.relu2 = nn.PReLU(channels)

    def forward(self, maps: Tensor, groups: Tensor) -> Tensor:
        """Maps (B, C, h, w), of which only those of the groups (B, G) are not 0."""
        residual = self.relu1(self.router1(self.conv1(maps), groups))
        residual = self.router2(self.conv2(residual), groups)
        return self.relu2(maps + residual)


def _convolution(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels))
