"""CurricularFace: ArcFace that weighs hard other classes more as training goes on.

Units: margin in radians.
"""

import torch
from torch import Tensor, nn

from irlib.heads.arcface import ArcFace, widened

SHARE = 0.01  # of a new batch in the running mean


class CurricularFace(ArcFace):
    """ArcFace's target; other cosines above cos(theta + m) become cos (t + cos).

    Buffer `t` (1,) is the running mean of the cosines to the own class. It moves before it is used,
    in training mode only, and no gradient passes through it.

    Args:
        embedding_size: D.
        num_classes: C.
        scale: factor on every logit.
        margin: m, radians in [0, pi).
        detached_margin: see `MarginHead`.

    Raises:
        ValueError: a setting out of its range.

    Source: Huang et al., CVPR 2020; settings, initialisation and order of steps as in the
        baselines of Inter-Prototype (Lee et al., BMVC 2021).
    """

    def __init__(
        self,
        embedding_size: int,
        num_classes: int,
        *,
        scale: float = 64.0,
        margin: float = 0.5,
        detached_margin: bool = False,
    ) -> None:
        super().__init__(
            embedding_size,
            num_classes,
            scale=scale,
            margin=margin,
            detached_margin=detached_margin,
        )
        nn.init.normal_(self.prototypes, std=0.01)
        self.register_buffer("t", torch.zeros(1))

    def observe(self, own: Tensor, norms: Tensor) -> None:
        """Move `t` towards the mean of the cosines (B, 1) to the own class."""
        self.t.lerp_(own.mean(), SHARE)

    def margin_others(self, cosine: Tensor, own: Tensor) -> Tensor:
        """Cosines (B, C), those above the widened angle's reweighed by t."""
        hard = cosine > widened(own, self.margin)
        return torch.where(hard, cosine * (self.t + cosine), cosine)
