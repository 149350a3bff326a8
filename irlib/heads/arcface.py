"""ArcFace: an angle is added between an embedding and its own prototype.

Units: margin in radians.
"""

import math

import torch
from torch import Tensor

from irlib.heads.margin import MarginHead, unit_rows_


class ArcFace(MarginHead):
    """Target logit cos(theta + m), and cos(theta) - m sin(m) past theta = pi - m.

    Args:
        embedding_size: D.
        num_classes: C.
        scale: factor on every logit.
        margin: m, radians in [0, pi).
        detached_margin: see `MarginHead`.

    Raises:
        ValueError: a setting out of its range.

    Source: Deng et al., CVPR 2019; the straight line past pi - m and the initialisation as in the
        code of Inter-Prototype (Lee et al., BMVC 2021).
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
        super().__init__(embedding_size, num_classes, scale=scale, detached_margin=detached_margin)
        if not 0 <= margin < math.pi:
            raise ValueError(f"margin: expected radians in [0, pi), got {margin}")
        self.margin = margin
        unit_rows_(self.prototypes)

    def margin_target(self, own: Tensor, norms: Tensor) -> Tensor:
        """The cosine (B, 1) of the angle widened by the margin; norms are not used."""
        shifted = widened(own, self.margin)
        # Past pi - m the shifted cosine would rise again; go on with a straight line instead.
        line = own - self.margin * math.sin(self.margin)
        return torch.where(own > -math.cos(self.margin), shifted, line)

    def extra_repr(self) -> str:
        """Sizes and settings, for `print(head)`."""
        return f"{super().extra_repr()}, margin={self.margin}"


def widened(cosine: Tensor, margin: float) -> Tensor:
    """Cosine of each angle widened by a margin (radians), with a finite slope everywhere."""
    # The slope of sqrt is infinite at 0; below `tiny` clamp's slope is 0 instead.
    tiny = torch.finfo(cosine.dtype).tiny
    sine = ((1 - cosine) * (1 + cosine)).clamp(min=tiny).sqrt()
    return cosine * math.cos(margin) - sine * math.sin(margin)
