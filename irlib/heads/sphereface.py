"""SphereFace, as a softmax on cosines: the angle to the own prototype is multiplied.

Units: margin is a factor.
"""

import math

from torch import Tensor, nn

from irlib.heads.margin import MarginHead


class SphereFace(MarginHead):
    """Target logit cos(m theta).

    Past theta = pi / m the target rises again, as it does in the baselines' code. Its slope in the
    cosine has no limit at theta = pi, so cosines are cut to 1 - 1e-7, where it is below 2236 m.

    Args:
        embedding_size: D.
        num_classes: C.
        scale: factor on every logit.
        margin: m, a factor on the angle; at least 1.
        detached_margin: see `MarginHead`.

    Raises:
        ValueError: a setting out of its range.

    Source: Liu et al., CVPR 2017; settings and the plain cosine of m theta as in the baselines of
        Inter-Prototype (Lee et al., BMVC 2021). These leave the prototypes' memory as they find it;
        here they are drawn as CosFace's, Xavier uniform, to give a run a defined start.
    """

    bound = 1 - 1e-7

    def __init__(
        self,
        embedding_size: int,
        num_classes: int,
        *,
        scale: float = 64.0,
        margin: float = 1.35,
        detached_margin: bool = False,
    ) -> None:
        super().__init__(embedding_size, num_classes, scale=scale, detached_margin=detached_margin)
        if not 1 <= margin < math.inf:
            raise ValueError(f"margin: expected a factor of at least 1, got {margin}")
        self.margin = margin
        nn.init.xavier_uniform_(self.prototypes)

    def margin_target(self, own: Tensor, norms: Tensor) -> Tensor:
        """The cosine (B, 1) of the angle times the margin; norms are not used."""
        return (self.margin * own.acos()).cos()

    def extra_repr(self) -> str:
        """Sizes and settings, for `print(head)`."""
        return f"{super().extra_repr()}, margin={self.margin}"
