"""The margin softmax with the Inter-Prototype loss beside it."""

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from irlib.backbones.features import Features
from irlib.heads.margin import MarginHead
from irlib.images import Batch
from irlib.losses.inter_prototype import inter_prototype_loss
from irlib.objectives.base import Objective


class InterPrototypeObjective(Objective):
    """The margin softmax plus the Inter-Prototype loss on the prototypes of some classes.

    Args:
        head: margin head over all classes.
        class_ids: (n,) classes whose prototypes are pushed apart.
        weight: lambda; 1 in the paper's released code.

    Raises:
        ValueError: no class, or one that the head does not have.

    Source: Lee et al., BMVC 2021; released code, learner.py.
    """

    def __init__(
        self, head: MarginHead, class_ids: NDArray[np.int64], *, weight: float = 1.0
    ) -> None:
        super().__init__(head)
        if len(class_ids) == 0:
            raise ValueError("no class counts as a child: check the age labels and their filter")
        if max(class_ids) >= len(head.prototypes):
            raise ValueError(f"child class {max(class_ids)}: only {len(head.prototypes)} classes")
        self.weight = weight
        self.register_buffer("class_ids", torch.as_tensor(class_ids, dtype=torch.int64))

    @classmethod
    def of(cls, head: MarginHead, network: nn.Module, class_ids: NDArray, **options: Any) -> Self:
        """The objective on the method's classes."""
        return cls(head, class_ids, **options)

    def forward(self, features: Tensor | Features, batch: Batch) -> dict[str, Tensor]:
        """Losses ``id`` and ``child``; the second does not depend on the batch."""
        child_loss = inter_prototype_loss(self.head.prototypes[self.class_ids])
        return {**super().forward(features, batch), "child": child_loss}

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """Identity loss plus lambda times the Inter-Prototype loss."""
        return losses["id"] + self.weight * losses["child"]
