"""BroadFace: past embeddings, brought up to date, train the prototypes along with the batch's.

Shapes: B images, D numbers in an embedding, C classes, Q places in the queue.
Units: margin in radians.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from irlib.heads.arcface import ArcFace
from irlib.heads.rows import Classes

UNFILLED = -100  # label of a place that has no embedding yet; it does not count in a loss


class BroadFace(ArcFace):
    """ArcFace, with a loss that adds the cross entropy of a queue of past embeddings and the batch.

    Since an embedding was queued its prototype has moved, and it is taken to have moved along: to
    f + |f| / |w_then| (w_now - w_then). Prototypes learn from both terms, embeddings from the
    batch's alone. Every step takes Q + B rows of C logits, whether or not the queue is full: at
    Q = 32,000 and C = 10,572 each array of them holds 1.4 GB.

    Buffers `queue_features` and `queue_prototypes` (Q, D), both as they were when queued,
    `queue_labels` (Q,), and `queued` (), how many embeddings have gone in. They change in `loss`
    alone, in training mode.

    Args:
        embedding_size: D.
        num_classes: C.
        scale: factor on every logit.
        margin: m, radians in [0, pi).
        queue_size: Q, at least 1.
        detached_margin: see `MarginHead`.

    Raises:
        ValueError: a setting out of its range.

    Source: Kim et al., ECCV 2020; settings, initialisation and un-normalised embeddings in the
        queue as in the baselines of Inter-Prototype (Lee et al., BMVC 2021).
    """

    # Of two losses, whose gradients must go on being added up in the order they always were.
    _to_unit = staticmethod(F.normalize)

    def __init__(
        self,
        embedding_size: int,
        num_classes: int,
        *,
        scale: float = 64.0,
        margin: float = 0.5,
        queue_size: int = 32_000,
        detached_margin: bool = False,
    ) -> None:
        super().__init__(
            embedding_size,
            num_classes,
            scale=scale,
            margin=margin,
            detached_margin=detached_margin,
        )
        if not isinstance(queue_size, int) or queue_size < 1:
            raise ValueError(f"queue_size: expected a whole number from 1, got {queue_size}")
        nn.init.xavier_uniform_(self.prototypes)
        self.register_buffer("queue_features", torch.zeros(queue_size, embedding_size))
        self.register_buffer("queue_prototypes", torch.zeros(queue_size, embedding_size))
        self.register_buffer("queue_labels", torch.full((queue_size,), UNFILLED))
        self.register_buffer("queued", torch.zeros((), dtype=torch.int64))

    def loss(self, embeddings: Tensor, labels: Tensor, classes: Classes | None = None) -> Tensor:
        """Cross entropy of the batch, plus that of the queue and the batch together."""
        past = embeddings.detach().to(self.queue_features.dtype)
        features = torch.cat([self.compensated(), past])  # (Q + B, D)
        all_labels = torch.cat([self.queue_labels, labels])
        classes = self.draw(labels) if classes is None else classes
        broad = super().loss(features, all_labels, classes)
        if self.training:
            self._enqueue(past, labels)
        return super().loss(embeddings, labels, classes) + broad

    def draw(self, labels: Tensor) -> Classes:
        """The classes that take part in a step, those of the queue among them."""
        return super().draw(torch.cat([self.queue_labels.clamp(min=0), labels]))

    @torch.no_grad()
    def compensated(self) -> Tensor:
        """Queued embeddings (Q, D), moved along with their prototypes; unfilled places are 0."""
        now = self.rows_of(self.queue_labels.clamp(min=0))
        length = self.queue_features.norm(dim=1, keepdim=True)
        # Rows of zeros, in places unfilled, must not turn into 0 / 0.
        then = self.queue_prototypes.norm(dim=1, keepdim=True).clamp(min=1e-12)
        return self.queue_features + length / then * (now - self.queue_prototypes)

    @torch.no_grad()
    def _enqueue(self, embeddings: Tensor, labels: Tensor) -> None:
        size = len(self.queue_labels)
        embeddings, labels = embeddings[-size:], labels[-size:]
        places = (self.queued + torch.arange(len(labels), device=labels.device)) % size
        self.queue_features.index_copy_(0, places, embeddings)
        self.queue_prototypes.index_copy_(0, places, self.rows_of(labels))
        self.queue_labels.index_copy_(0, places, labels)
        self.queued.add_(len(labels))

    def extra_repr(self) -> str:
        """Sizes and settings, for `print(head)`."""
        return f"{super().extra_repr()}, queue_size={len(self.queue_labels)}"
