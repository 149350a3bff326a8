"""What a method minimises, as the training loop sees it: named losses, weights, state.

Shapes: B batch, D embedding, C classes, n child classes.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from irlib.heads.margin import MarginHead
from irlib.images import Batch
from irlib.losses.inter_prototype import inter_prototype_loss


class Objective(nn.Module):
    """What a method minimises: cross entropy on a margin head, and whatever a subclass adds.

    State that must survive an interruption belongs in parameters and buffers.

    Args:
        head: margin head over all classes.
        child_ids: (n,) child classes, for the subclasses that need them.
        child_weight: weight of what a subclass adds for them.
    """

    def __init__(
        self, head: MarginHead, child_ids: np.ndarray | None = None, child_weight: float = 0.0
    ) -> None:
        super().__init__()
        self.head = head

    def begin_step(self, step: int) -> None:
        """Called before each step, e.g. to choose the parameters that this step updates."""

    def forward(self, embeddings: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Named losses, each a scalar, of what the backbone gave for a batch."""
        return {"id": F.cross_entropy(self.head(embeddings, batch.labels), batch.labels)}

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """The scalar that is minimised."""
        return sum(losses.values())

    @torch.no_grad()
    def accuracy(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Share of a batch nearest to its own prototype, without any margin."""
        return (self.head.cosine(embeddings).argmax(dim=1) == labels).float().mean()


class InterPrototypeObjective(Objective):
    """The margin softmax plus the Inter-Prototype loss on the prototypes of some classes.

    Args:
        head: margin head over all classes.
        child_ids: (n,) classes whose prototypes are pushed apart.
        child_weight: lambda; 1 in the paper's released code.

    Raises:
        ValueError: no child class, or one that the head does not have.

    Source: Lee et al., BMVC 2021; released code, learner.py.
    """

    def __init__(self, head: MarginHead, child_ids: np.ndarray, child_weight: float) -> None:
        super().__init__(head)
        if len(child_ids) == 0:
            raise ValueError("no class counts as a child: check the age labels and their filter")
        if max(child_ids) >= len(head.prototypes):
            raise ValueError(f"child class {max(child_ids)}: only {len(head.prototypes)} classes")
        self.child_weight = child_weight
        self.register_buffer("child_ids", torch.as_tensor(child_ids, dtype=torch.int64))

    def forward(self, embeddings: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Losses ``id`` and ``child``; the second does not depend on the batch."""
        child_loss = inter_prototype_loss(self.head.prototypes[self.child_ids])
        return {**super().forward(embeddings, batch), "child": child_loss}

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """Identity loss plus lambda times the Inter-Prototype loss."""
        return losses["id"] + self.child_weight * losses["child"]
