"""MTLFace's age-invariant recognition: age is read from one part, and driven out of the other.

This is the recipe as documented. What the released code does otherwise is left out: it never
lowers the learning rate, saves nothing, ignores its seed, loads no weights (the names do not fit),
and under mixed precision decays weights by a 65,536th of what is meant.

Shapes: b images in this process, D embedding, C channels of h x w pixels.
Unit of ages: years; NaN where unknown.
"""

from typing import Any, Self

from numpy.typing import NDArray
from torch import Tensor, nn

from irlib.age_invariant.age_head import AgeHead, age_loss
from irlib.age_invariant.reversal import reverse_gradient
from irlib.backbones.features import Features
from irlib.heads.margin import MarginHead
from irlib.images import Batch
from irlib.objectives.base import Objective
from irlib.values import check_weight


class MTLFace(Objective):
    """A margin head, an age head on the age maps, and an adversarial one on the identity maps.

    Args:
        head: margin head over all classes; CosFace in the paper's tables.
        map_shape: (C, h, w) of the maps.
        age_weight: of the age loss on the age maps.
        adversary_weight: of the age loss on the identity maps, which the adversary lowers and the
            network raises.
        num_groups: age groups, 4 to 8.

    Raises:
        ValueError: a weight is negative or not finite, or no thresholds for so many groups.

    Source: Huang et al., "When Age-Invariant Face Recognition Meets Face Age Synthesis", CVPR 2021;
        the released code's weights and 7 groups.
    """

    decomposition = "attention"
    needs_ages = True

    def __init__(
        self,
        head: MarginHead,
        map_shape: tuple[int, int, int],
        *,
        age_weight: float = 0.001,
        adversary_weight: float = 0.002,
        num_groups: int = 7,
    ) -> None:
        super().__init__(head)
        check_weight("age_weight", age_weight)
        check_weight("adversary_weight", adversary_weight)
        self.age_weight, self.adversary_weight = age_weight, adversary_weight
        self.age_head = AgeHead(map_shape, num_groups)
        self.adversary = AgeHead(map_shape, num_groups)

    @classmethod
    def of(cls, head: MarginHead, network: nn.Module, class_ids: NDArray, **options: Any) -> Self:
        """The objective for a network that splits its last maps by attention."""
        return cls(head, network.map_shape, **options)

    def forward(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        """Losses ``id``, ``age`` and ``adversary``, the last two over the known ages."""
        known = batch.ages.isfinite()
        reversed_identity = reverse_gradient(features.identity)
        return {
            **super().forward(features, batch),
            "age": age_loss(*self.age_head(features.age, known), batch.ages),
            "adversary": age_loss(*self.adversary(reversed_identity, known), batch.ages),
        }

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """The weighted sum; the gradient to the identity maps is that of minus the adversary's."""
        weighted = self.age_weight * losses["age"]
        return losses["id"] + weighted + self.adversary_weight * losses["adversary"]

    def undecayed(self) -> tuple[nn.Module, ...]:
        """The adversary, as in the released code."""
        return (self.adversary,)
