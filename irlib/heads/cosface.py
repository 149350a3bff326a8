"""CosFace: a constant is subtracted from the cosine to the own prototype."""

import math

from torch import Tensor, nn

from irlib.heads.margin import MarginHead


class CosFace(MarginHead):
    """Target logit cos(theta) - m.

    Args:
        embedding_size: D.
        num_classes: C.
        scale: factor on every logit.
        margin: m, in cosine, not radians; at least 0.
        detached_margin: see `MarginHead`.

    Raises:
        ValueError: a setting out of its range.

    Source: Wang et al., CVPR 2018; scale, margin and the Xavier initialisation as in the
        baselines of Inter-Prototype (Lee et al., BMVC 2021).
    """

    def __init__(
        self,
        embedding_size: int,
        num_classes: int,
        *,
        scale: float = 64.0,
        margin: float = 0.35,
        detached_margin: bool = False,
    ) -> None:
        super().__init__(embedding_size, num_classes, scale=scale, detached_margin=detached_margin)
        if not 0 <= margin < math.inf:
            raise ValueError(f"margin: expected a cosine of at least 0, got {margin}")
        self.margin = margin
        nn.init.xavier_uniform_(self.prototypes)

    def margin_target(self, own: Tensor, norms: Tensor) -> Tensor:
        """The cosine (B, 1) less the margin; norms are not used."""
        return own - self.margin

    def extra_repr(self) -> str:
        """Sizes and settings, for `print(head)`."""
        return f"{super().extra_repr()}, margin={self.margin}"
