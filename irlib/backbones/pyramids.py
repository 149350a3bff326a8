"""The maps inside a backbone, from fine to coarse: what a decoder takes beside the last ones."""

from collections.abc import Iterable

from torch import Tensor, nn


def last_of_each_size(layers: Iterable[nn.Module], images: Tensor) -> list[Tensor]:
    """The last maps of each size that layers in a row give, finest first.

    Args:
        layers: each takes what the one before gave, and never makes maps larger.
        images: (B, 3, 112, 112), for the first of them.
    """
    found: list[Tensor] = []
    maps = images
    for layer in layers:
        maps = layer(maps)
        if found and found[-1].shape[-1] == maps.shape[-1]:
            found.pop()
        found.append(maps)
    return found
