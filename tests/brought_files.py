"""Tensors of networks made elsewhere, from the lists of their entries."""

import gzip
import json
from pathlib import Path

import torch
from torch import Tensor

FIXTURES = Path(__file__).parent / "fixtures"
LAYOUTS = json.loads(gzip.decompress((FIXTURES / "checkpoint_keys.json.gz").read_bytes()))


def weights(layout: str, *, embedding_size: int = 512) -> dict[str, Tensor]:
    """Random tensors under the names and in the shapes of a layout of `LAYOUTS`.

    Values keep the maps of about one size over the layers, so that no difference drowns.

    Args:
        layout: a list of entries, made with an embedding size of 512.
        embedding_size: in the place of 512 in the layers after the last maps.
    """
    generator = torch.Generator().manual_seed(0)
    return {
        name: tensor(name, _shape(name, shape, embedding_size), generator)
        for name, shape in LAYOUTS[layout]
    }


def _shape(name: str, shape: list[int], embedding_size: int) -> list[int]:
    is_last = name.startswith(("output_layer.3.", "output_layer.4.", "linear.", "bn."))
    return [embedding_size, *shape[1:]] if is_last else shape


def tensor(name: str, shape: list[int], generator: torch.Generator) -> Tensor:
    """What an entry of this name holds."""
    if name.endswith("num_batches_tracked"):
        return torch.tensor(7)
    if name.endswith("running_var"):
        return torch.rand(shape, generator=generator) + 0.5
    if len(shape) > 1:
        inputs = torch.Size(shape[1:]).numel()
        return torch.randn(shape, generator=generator) / inputs**0.5
    if name.endswith("weight"):
        return torch.rand(shape, generator=generator) * 0.5 + 0.25
    return torch.randn(shape, generator=generator) * 0.1


def images(count: int = 1) -> Tensor:
    """Random images (count, 3, 112, 112) in [-1, 1]."""
    return torch.rand(count, 3, 112, 112, generator=torch.Generator().manual_seed(1)) * 2 - 1
