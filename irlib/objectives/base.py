"""The objective that every other one extends: a margin head and nothing more.

Shapes: b images in this process, B in all, D embedding, C classes.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from irlib.backbones.features import Features, embeddings_of
from irlib.heads.margin import MarginHead
from irlib.images import Batch
from irlib.parallel import gathered
from irlib.training.config import TrainConfig


class Objective(nn.Module):
    """What a method minimises: the loss of a margin head, and whatever a subclass adds.

    State that must survive an interruption belongs in parameters and buffers.

    Args:
        head: margin head over all classes.
    """

    decomposition: ClassVar[str] = ""  # how its network splits age off: see `irlib.backbones.build`
    needs_ages: ClassVar[bool] = False  # of the training images
    trains_network: bool = True  # in the step under way; else features need no gradient

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
        """Named losses, each a scalar and the same names in every step, of a batch.

        Args:
            features: of this process's images.
            batch: this process's part; the losses are those of the whole, alike everywhere.
        """
        return {"id": self.head.loss(*everyones(features, batch))}

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """The scalar that is minimised."""
        return sum(losses.values())

    def undecayed(self) -> tuple[nn.Module, ...]:
        """Parts of the objective that weight decay leaves alone, beside batch norms."""
        return ()

    @torch.no_grad()
    def accuracy(self, features: Tensor | Features, batch: Batch) -> Tensor:
        """Share of a batch, in all processes, nearest to its own prototype without any margin."""
        return self.head.is_nearest(*everyones(features, batch)).float().mean()


def everyones(features: Tensor | Features, batch: Batch) -> tuple[Tensor, Tensor]:
    """Embeddings (B, D), fp32 at least, and labels (B,) of the batch of all processes.

    Args:
        features: of this process's b images.
        batch: these images.
    """
    embeddings = embeddings_of(features)
    # Gradients of several processes are added up before they are rounded.
    embeddings = embeddings.to(torch.promote_types(embeddings.dtype, torch.float32))
    return gathered(embeddings, batch.counts), gathered(batch.labels, batch.counts)
