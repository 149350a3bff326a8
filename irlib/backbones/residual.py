"""Age split off an embedding as a residual: DAL's decomposition.

Shapes: B images, D numbers in an embedding.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from irlib.backbones.features import Features


class ResidualSplit(nn.Module):
    """A backbone whose embedding is the sum of an identity part and an age part.

    Args:
        backbone: images to embeddings (B, D).
        embedding_size: D.

    Source: Wang et al., "Decorrelated Adversarial Learning for Age-Invariant Face Recognition",
        CVPR 2019; the age part is made of the unit embedding, as in the baselines of
        Inter-Prototype (Lee et al., BMVC 2021).
    """

    def __init__(self, backbone: nn.Module, embedding_size: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.rfm = nn.Sequential(
            nn.Linear(embedding_size, embedding_size),
            nn.ReLU(),
            nn.Linear(embedding_size, embedding_size),
            nn.ReLU(),
        )

    def forward(self, images: Tensor) -> Features:
        """Identity and age parts (B, D), not normalised; the identity part is the embedding."""
        embeddings = self.backbone(images)
        age = self.rfm(F.normalize(embeddings))
        identity = embeddings - age
        return Features(identity, identity, age)
