"""A backbone from a file, whoever trained it, as the rest of irlib uses it.

Shapes: B images, D numbers in an embedding.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.func import functional_call

from irlib import provenance
from irlib.backbones.checks import IMAGE_SIZE

COLOR_ORDERS = ("RGB", "BGR")


class Brought(nn.Module):
    """A network that takes RGB whatever order it was trained on, in evaluation mode.

    Args:
        network: float (B, 3, 112, 112) in [-1, 1], channels in its own order, to (B, D), not
            normalized.
        family: name of the layout that the file has.
        color_order: the order that the network takes, ``RGB`` or ``BGR``.
        embedding_size: D.
        digest: of the file, the color order and the family; see `digest_of`.
    """

    def __init__(
        self, network: nn.Module, *, family: str, color_order: str, embedding_size: int, digest: str
    ) -> None:
        super().__init__()
        self.network = network
        self.family = family
        self.color_order = check_color_order(color_order)
        self.embedding_size = embedding_size
        self.digest = digest
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (B, D), float, not normalized, of RGB images (B, 3, 112, 112) in [-1, 1]."""
        ordered = images.flip(1) if self.color_order == "BGR" else images
        return self.network(ordered).float()


def check_color_order(color_order: str) -> str:
    """The color order itself.

    Raises:
        ValueError: neither RGB nor BGR.
    """
    if color_order not in COLOR_ORDERS:
        raise ValueError(f"color_order: expected RGB or BGR, got {color_order!r}")
    return color_order


def embedding_size_of(network: nn.Module) -> int:
    """D of a network in evaluation mode, without computing anything.

    Raises:
        ValueError: it does not give (B, D) for images (B, 3, 112, 112).
    """
    state = {name: value.to("meta") for name, value in network.state_dict().items()}
    images = torch.empty(2, 3, IMAGE_SIZE, IMAGE_SIZE, device="meta")
    shape = functional_call(network, state, (images,)).shape
    if len(shape) != 2:
        raise ValueError(f"network: expected embeddings (B, D), got shape {tuple(shape)}")
    return shape[1]


def digest_of(path: Path, family: str, color_order: str) -> str:
    """SHA-256 of all that decides the embeddings: file, layout and color order."""
    return provenance.digest(provenance.file_digest(path), color_order, family)
