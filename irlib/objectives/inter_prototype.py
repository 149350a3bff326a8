"""The margin softmax with the Inter-Prototype loss beside it."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from irlib.backbones.features import Features
from irlib.heads.margin import MarginHead
from irlib.images import Batch
from irlib.losses.inter_prototype import inter_prototype_loss, require_variant
from irlib.objectives.base import Objective, everyones
from irlib.training.config import TrainConfig
from irlib.values import check_weight, unknown

ALWAYS, UNTIL_DROP, AFTER_DROP = "always", "until_drop", "after_drop"
WHEN = (ALWAYS, UNTIL_DROP, AFTER_DROP)


class InterPrototypeObjective(Objective):
    """The margin softmax plus the Inter-Prototype loss on the prototypes of some classes.

    While the loss is off, it is told but not minimised: a history then shows how near to each
    other the prototypes come without it.

    Args:
        head: margin head over all classes.
        class_ids: (n,) classes whose prototypes are pushed apart, each once.
        weight: lambda; 1 in the paper's released code.
        reduction: of the loss, as are the next two; see `inter_prototype_loss`.
        sides: "two" or "one".
        target: "mse", "l1" or "ce".
        when: "always", "until_drop" or "after_drop": the loss is on before or after the first
            milestone of the learning rate.

    Raises:
        ValueError: no class, one twice, or one that the head does not have; a weight that is
            negative or not finite; an unknown word, or words that do not go together.

    Source: Lee et al., BMVC 2021; released code, learner.py. `when` as in the authors'
        development repository.
    """

    def __init__(
        self,
        head: MarginHead,
        class_ids: NDArray[np.int64],
        *,
        weight: float = 1.0,
        reduction: str = "paper",
        sides: str = "two",
        target: str = "mse",
        when: str = ALWAYS,
    ) -> None:
        super().__init__(head)
        _require_classes(np.asarray(class_ids), head.num_classes)
        check_weight("weight", weight)
        require_variant(reduction, sides, target)
        if when not in WHEN:
            raise ValueError(unknown("when", when, WHEN))
        self.weight, self.when = weight, when
        self.reduction, self.sides, self.target = reduction, sides, target
        self.register_buffer("class_ids", torch.as_tensor(class_ids, dtype=torch.int64))
        head.keep(class_ids)
        self.begin_step(0, 0)

    @classmethod
    def of(cls, head: MarginHead, network: nn.Module, class_ids: NDArray, **options: Any) -> Self:
        """The objective on the method's classes."""
        return cls(head, class_ids, **options)

    @classmethod
    def require_recipe(cls, recipe: TrainConfig, options: Mapping[str, Any]) -> None:
        """See that the learning rate drops within a recipe, where these options wait for it.

        Args:
            recipe: of the training run.
            options: of the constructor.

        Raises:
            ValueError: it does not.
        """
        when = options.get("when", ALWAYS)
        drops = recipe.schedule == "steps" and recipe.drops(recipe.epochs - 1) > 0
        if when != ALWAYS and not drops:
            raise ValueError(
                f"when is {when!r}: expected a learning rate that drops before the last epoch is "
                f"over, but schedule is {recipe.schedule!r}, milestones is {recipe.milestones} "
                f"and epochs is {recipe.epochs}"
            )

    def begin_step(self, step: int, drops: int) -> None:
        """Turn the loss on or off."""
        self.is_on = {ALWAYS: True, UNTIL_DROP: drops == 0, AFTER_DROP: drops > 0}[self.when]

    def forward(self, features: Tensor | Features, batch: Batch) -> dict[str, Tensor]:
        """Losses ``id`` and ``child``; the second does not depend on the batch."""
        embeddings, labels = everyones(features, batch)
        classes = self.head.draw(labels)
        with torch.set_grad_enabled(self.is_on and torch.is_grad_enabled()):
            child_loss = inter_prototype_loss(
                classes.kept_rows,
                reduction=self.reduction,
                sides=self.sides,
                target=self.target,
                counts=self.head.kept_counts,
            )
        return {"id": self.head.loss(embeddings, labels, classes), "child": child_loss}

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """Identity loss, and while it is on lambda times the Inter-Prototype loss."""
        return losses["id"] + self.weight * losses["child"] if self.is_on else losses["id"]


def _require_classes(class_ids: NDArray[np.int64], num_classes: int) -> None:
    if not class_ids.size:
        raise ValueError("class_ids: no class is chosen; check the age labels and their filter")
    if class_ids.ndim != 1 or class_ids.dtype.kind not in "iu":
        found = f"{class_ids.dtype} of shape {class_ids.shape}"
        raise ValueError(f"class_ids: expected (n,) whole numbers, got {found}")
    for end in (class_ids.min(), class_ids.max()):
        if not 0 <= end < num_classes:
            raise ValueError(f"class_ids: no class {end}, only 0 to {num_classes - 1}")
    values, counts = np.unique(class_ids, return_counts=True)
    if (counts > 1).any():
        raise ValueError(f"class_ids: class {values[counts > 1][0]} is named twice")
