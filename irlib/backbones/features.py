"""What a network gives in training, where it splits age from identity.

Shapes: B batch, D embedding.
"""

from typing import NamedTuple

from torch import Tensor, nn


class Features(NamedTuple):
    """An embedding of the identity with the two parts that the network told apart."""

    embeddings: Tensor  # (B, D), of the identity, not normalised
    identity: Tensor  # (B, ...), what the embeddings are made of
    age: Tensor  # (B, ...), what was split off


class Recognition(nn.Module):
    """A network that tells age apart, as evaluation sees it: images to embeddings.

    Args:
        network: images to `Features`; its weights are shared, not copied.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (B, D) of the identity, not normalised."""
        return embeddings_of(self.network(images))


def embeddings_of(features: Tensor | Features) -> Tensor:
    """The embeddings (B, D) in what a network gave."""
    return features.embeddings if isinstance(features, Features) else features
