"""What all margin heads share: the prototypes, the cosines, and where the margin goes.

A head is a rule on cosines. The rule is split in two, on the cosine to the image's own class and
on those to the others, so that it can be applied to some of the classes at a time.

Shapes: B images, D numbers in an embedding, C classes.
Units: margins in radians where they are added to an angle, else in cosine.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class MarginHead(nn.Module):
    """Scaled cosines to the prototypes, with a margin rule that a subclass fills in.

    `prototypes` is a Parameter (C, D), one row a class; the subclass initialises it.

    Args:
        embedding_size: D.
        num_classes: C.
        scale: factor on every logit, the softmax's inverse temperature.
        detached_margin: take what the rule adds to the cosines as a constant, so that the gradient
            is that of a plain softmax at the shifted logits, as some implementations do.

    Raises:
        ValueError: a size below 1, or a scale that is not positive.
    """

    bound = 1.0  # cosines are cut to [-bound, bound]

    def __init__(
        self, embedding_size: int, num_classes: int, *, scale: float, detached_margin: bool = False
    ) -> None:
        super().__init__()
        for name, value in [("embedding_size", embedding_size), ("num_classes", num_classes)]:
            if value < 1:
                raise ValueError(f"{name}: expected at least 1, got {value}")
        if not 0 < scale < math.inf:
            raise ValueError(f"scale: expected a positive number, got {scale}")
        self.scale, self.detached_margin = scale, detached_margin
        self.prototypes = nn.Parameter(torch.empty(num_classes, embedding_size))

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Logits (B, C), fp32 at least, from un-normalised embeddings (B, D) and labels (B,)."""
        norms = _at_least_fp32(embeddings).norm(dim=1, keepdim=True)  # (B, 1)
        return self.logits(self.cosine(embeddings), norms, labels)

    def cosine(self, embeddings: Tensor) -> Tensor:
        """Cosines (B, C) of embeddings (B, D) to every prototype, cut to `bound`, fp32 at least."""
        with torch.autocast(embeddings.device.type, enabled=False):  # bf16 logits step by 0.25
            unit = F.normalize(_at_least_fp32(embeddings))
            return F.linear(unit, F.normalize(self.prototypes)).clamp(-self.bound, self.bound)

    def loss(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The scalar to minimise: mean cross entropy of the logits."""
        return F.cross_entropy(self(embeddings, labels), labels)

    def logits(self, cosine: Tensor, norms: Tensor, labels: Tensor) -> Tensor:
        """Logits (B, C): the rule on cosines (B, C), with norms (B, 1) and labels (B,)."""
        column = labels[:, None]  # (B, 1)
        own = cosine.gather(1, column)
        if self.training:
            self.observe(own.detach(), norms.detach())
        target = self.margin_target(own, norms)
        shifted = self.margin_others(cosine, own).scatter(1, column, target)
        if self.detached_margin:
            shifted = cosine + (shifted - cosine).detach()
        return self.scale * shifted

    def observe(self, own: Tensor, norms: Tensor) -> None:
        """Bring running state, kept in buffers, up to date with a training batch, before its use.

        Args:
            own: (B, 1) cosines to the own class.
            norms: (B, 1) of the embeddings.
        """

    def margin_target(self, own: Tensor, norms: Tensor) -> Tensor:
        """The cosine to the own class (B, 1) after the margin; norms (B, 1) of the embeddings."""
        raise NotImplementedError

    def margin_others(self, cosine: Tensor, own: Tensor) -> Tensor:
        """The cosines to the other classes (B, C), given those to the own class (B, 1).

        The column of the own class is overwritten afterwards; here nothing changes.
        """
        return cosine

    def extra_repr(self) -> str:
        """Sizes and settings, for `print(head)`."""
        num_classes, embedding_size = self.prototypes.shape
        return f"{embedding_size}, {num_classes}, scale={self.scale}"


def unit_rows_(prototypes: nn.Parameter) -> None:
    """Fill prototypes (C, D) with uniform draws, each row scaled to unit length."""
    nn.init.uniform_(prototypes, -1, 1)
    with torch.no_grad():
        prototypes.copy_(F.normalize(prototypes))


def _at_least_fp32(embeddings: Tensor) -> Tensor:
    return embeddings.to(torch.promote_types(embeddings.dtype, torch.float32))
