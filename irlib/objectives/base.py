"""The objective that every other one extends: a margin head and nothing more.

Shapes: B batch, D embedding, C classes.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from irlib.backbones.features import Features, embeddings_of
from irlib.heads.margin import MarginHead
from irlib.images import Batch
from irlib.training.config import TrainConfig


class Objective(nn.Module):
    """What a method minimises: the loss of a margin head, and whatever a subclass adds.

    State that must survive an interruption belongs in parameters and buffers.

    Args:
        head: margin head over all classes.
    """

    decomposition: ClassVar[str] = ""  # how its network splits age off: see `irlib.backbones.build`
    needs_ages: ClassVar[bool] = False  # of the training images

    def __init__(self, head: MarginHead) -> None:
        super().__init__()
        self.head = head

    @classmethod
    def of(cls, head: MarginHead, network: nn.Module, class_ids: NDArray, **options: Any) -> Self:
        """The objective of a method; a subclass takes from this what it needs.

        Args:
            head: margin head over all classes.
            network: what gives the features.
            class_ids: (n,) classes that the method treats apart, perhaps none.
            options: of the constructor.
        """
        return cls(head, **options)

    @classmethod
    def require_recipe(cls, recipe: TrainConfig, options: Mapping[str, Any]) -> None:
        """See that a recipe has what these options of the constructor rest on.

        Raises:
            ValueError: it has not.
        """

    def begin_step(self, step: int, drops: int) -> None:
        """Called before each step, e.g. to choose the parameters that this step updates.

        Args:
            step: steps taken before.
            drops: milestones of the learning rate that are behind.
        """

    def forward(self, features: Tensor | Features, batch: Batch) -> dict[str, Tensor]:
        """Named losses, each a scalar and the same names in every step, of a batch."""
        return {"id": self.head.loss(embeddings_of(features), batch.labels)}

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """The scalar that is minimised."""
        return sum(losses.values())

    def undecayed(self) -> tuple[nn.Module, ...]:
        """Parts of the objective that weight decay leaves alone, beside batch norms."""
        return ()

    @torch.no_grad()
    def accuracy(self, features: Tensor | Features, labels: Tensor) -> Tensor:
        """Share of a batch nearest to its own prototype, without any margin."""
        nearest = self.head.cosine(embeddings_of(features)).argmax(dim=1)
        return (nearest == labels).float().mean()
