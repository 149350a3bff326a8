"""MV-softmax: hard other classes are raised, over CosFace's margin (AM) or ArcFace's (Arc).

Units: MVAM's margin in cosine, MVArc's in radians.
"""

import math

import torch
from torch import Tensor, nn

from irlib.heads.arcface import ArcFace, widened
from irlib.heads.cosface import CosFace


class MVAM(CosFace):
    """Target logit cos(theta) - m; other cosines above it become (1 + w) cos + w.

    Args:
        embedding_size: D.
        num_classes: C.
        scale: factor on every logit.
        margin: m, in cosine; at least 0. Wang et al. use 0.35, the baselines below 0.5.
        hard_weight: w, at least 0; t - 1 in the paper's terms.
        detached_margin: see `MarginHead`.

    Raises:
        ValueError: a setting out of its range.

    Source: Wang et al., AAAI 2020; settings and initialisation as in the baselines of
        Inter-Prototype (Lee et al., BMVC 2021).
    """

    def __init__(
        self,
        embedding_size: int,
        num_classes: int,
        *,
        scale: float = 32.0,
        margin: float = 0.5,
        hard_weight: float = 0.2,
        detached_margin: bool = False,
    ) -> None:
        super().__init__(
            embedding_size,
            num_classes,
            scale=scale,
            margin=margin,
            detached_margin=detached_margin,
        )
        self.hard_weight = _checked(hard_weight)

    def margin_others(self, cosine: Tensor, own: Tensor) -> Tensor:
        """Cosines (B, C), those above the target's raised."""
        return _raised(cosine, own - self.margin, self.hard_weight)

    def extra_repr(self) -> str:
        """Sizes and settings, for `print(head)`."""
        return f"{super().extra_repr()}, hard_weight={self.hard_weight}"


class MVArc(ArcFace):
    """Target logit cos(theta + m); other cosines above it become (1 + w) cos + w.

    Args:
        embedding_size: D.
        num_classes: C.
        scale: factor on every logit.
        margin: m, radians in [0, pi).
        hard_weight: w, at least 0; t - 1 in the paper's terms.
        straight_line: continue the target past pi - m as ArcFace does. The baselines' code does
            not: the target then rises again towards pi, where whole trainings can get stuck.
        detached_margin: see `MarginHead`.

    Raises:
        ValueError: a setting out of its range.

    Source: as `MVAM`.
    """

    def __init__(
        self,
        embedding_size: int,
        num_classes: int,
        *,
        scale: float = 32.0,
        margin: float = 0.5,
        hard_weight: float = 0.2,
        straight_line: bool = False,
        detached_margin: bool = False,
    ) -> None:
        super().__init__(
            embedding_size,
            num_classes,
            scale=scale,
            margin=margin,
            detached_margin=detached_margin,
        )
        self.hard_weight, self.straight_line = _checked(hard_weight), straight_line
        nn.init.xavier_uniform_(self.prototypes)

    def margin_target(self, own: Tensor, norms: Tensor) -> Tensor:
        """The cosine (B, 1) of the angle widened by the margin; norms are not used."""
        return (
            super().margin_target(own, norms) if self.straight_line else widened(own, self.margin)
        )

    def margin_others(self, cosine: Tensor, own: Tensor) -> Tensor:
        """Cosines (B, C), those above the target's raised."""
        return _raised(cosine, widened(own, self.margin), self.hard_weight)

    def extra_repr(self) -> str:
        """Sizes and settings, for `print(head)`."""
        return f"{super().extra_repr()}, hard_weight={self.hard_weight}"


def _checked(hard_weight: float) -> float:
    if not 0 <= hard_weight < math.inf:
        raise ValueError(f"hard_weight: expected a number of at least 0, got {hard_weight}")
    return hard_weight


def _raised(cosine: Tensor, threshold: Tensor, weight: float) -> Tensor:
    return torch.where(cosine > threshold, (1 + weight) * cosine + weight, cosine)
