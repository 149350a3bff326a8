"""OE-CNN: the direction of an embedding tells who it is, its length how old.

Shapes: b images in this process, D embedding. Unit of ages: years; NaN where unknown.
"""

import torch
from torch import Tensor, nn

from irlib.age_invariant.ages import known_mean
from irlib.backbones.features import Features, embeddings_of
from irlib.heads.margin import MarginHead
from irlib.images import Batch
from irlib.objectives.base import Objective
from irlib.values import check_weight


class NormAge(nn.Module):
    """Age as a straight line in the norm of the embedding: slope a, offset b in years.

    It starts as the norm itself, a = 1 and b = 0, and draws no random number.
    """

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.ones(()))
        self.offset = nn.Parameter(torch.zeros(()))

    def forward(self, embeddings: Tensor) -> Tensor:
        """Ages (b,), years, of embeddings (b, D), not normalised."""
        return self.slope * embeddings.to(self.slope.dtype).norm(dim=1) + self.offset


class OECNN(Objective):
    """The loss of a margin head, which sees directions only, plus the squared error of the age.

    Args:
        head: margin head over all classes; CosFace in the paper's tables.
        age_weight: of the squared error, per square year.

    Raises:
        ValueError: the weight is negative or not finite.

    Source: Wang et al., "Orthogonal Deep Features Decomposition for Age-Invariant Face
        Recognition", ECCV 2018; weight as in the baselines of Inter-Prototype (Lee et al., BMVC
        2021), which train it without weight decay and for 10,572 classes only.
    """

    needs_ages = True

    def __init__(self, head: MarginHead, *, age_weight: float = 0.001) -> None:
        super().__init__(head)
        check_weight("age_weight", age_weight)
        self.age_weight = age_weight
        self.norm_age = NormAge()

    def forward(self, features: Tensor | Features, batch: Batch) -> dict[str, Tensor]:
        """Losses ``id`` and ``age``, the second in square years over all known ages."""
        known = batch.ages.isfinite()
        wrong = self.norm_age(embeddings_of(features)) - torch.where(known, batch.ages, 0.0)
        return {**super().forward(features, batch), "age": known_mean(wrong.square(), known)}

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """Identity loss plus weighted age loss."""
        return losses["id"] + self.age_weight * losses["age"]

    def undecayed(self) -> tuple[nn.Module, ...]:
        """The line: at an offset of 30 years the common decay outweighs a mean error of 7 years."""
        return (self.norm_age,)
