"""What all margin heads share: the prototypes, the cosines, and where the margin goes.

A head is a rule on cosines. The rule is split in two, on the cosine to the image's own class and
on those to the others, so that it can be applied to some of the classes at a time: those that this
process holds, those whose logits fit into memory, a sample.

Shapes: B images, D numbers in an embedding, C classes.
Units: margins in radians where they are added to an angle, else in cosine.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from irlib.heads.prototypes import PrototypeTable
from irlib.heads.rows import Classes, taken_beside, unit_rows
from irlib.heads.softmax import highest_of_others, log_sum_of_others


class MarginHead(PrototypeTable):
    """Scaled cosines to the prototypes, with a margin rule that a subclass fills in.

    The subclass also initialises the prototypes.

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
    _to_unit = staticmethod(unit_rows)

    def __init__(
        self, embedding_size: int, num_classes: int, *, scale: float, detached_margin: bool = False
    ) -> None:
        super().__init__(embedding_size, num_classes)
        if not 0 < scale < math.inf:
            raise ValueError(f"scale: expected a positive number, got {scale}")
        self.scale, self.detached_margin = scale, detached_margin

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Logits (B, C), fp32 at least, from un-normalised embeddings (B, D) and labels (B,).

        All classes must be in this process.
        """
        return self._all_logits(embeddings, labels, self.prototypes)

    def cosine(self, embeddings: Tensor) -> Tensor:
        """Cosines (B, C) of embeddings (B, D) to every prototype, cut to `bound`, fp32 at least.

        All classes must be in this process.
        """
        with torch.autocast(embeddings.device.type, enabled=False):  # bf16 logits step by 0.25
            return self._cosine(_unit(embeddings)[0], self._to_unit(self.prototypes))

    def loss(self, embeddings: Tensor, labels: Tensor, classes: Classes | None = None) -> Tensor:
        """The scalar to minimise: mean cross entropy of the logits.

        Args:
            embeddings: (B, D), un-normalised, of all processes.
            labels: (B,), likewise; an image whose label is -100 does not count.
            classes: what `draw` gave for these labels; None: it is asked here.
        """
        known = labels.clamp(min=0)
        classes = self.draw(known) if classes is None else classes
        if self.shard is None and self.class_chunk == 0 and self.sampled_share == 1:
            return F.cross_entropy(self._all_logits(embeddings, known, classes.rows), labels)
        losses = self._losses(embeddings, known, classes)
        counts = labels >= 0
        return torch.where(counts, losses, 0).sum() / counts.sum()

    @torch.no_grad()
    def is_nearest(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Whether each embedding (B,) is nearest to its own prototype, without any margin."""
        if self.shard is None and self.class_chunk == 0 and self.sampled_share == 1:
            return self.cosine(embeddings).argmax(dim=1) == labels
        classes = self._all()
        # no more at a time than a step takes, or what fits in a step might not fit here
        chunk = self.class_chunk or math.ceil(self.sampled_share * len(classes.rows))
        with torch.autocast(embeddings.device.type, enabled=False):
            unit, _ = _unit(embeddings)
            own, _ = self._own(unit, labels, classes)
            best = highest_of_others(unit, classes, labels, self._cosine, chunk=chunk)
        return own[:, 0] > best

    def logits(self, cosine: Tensor, norms: Tensor, labels: Tensor) -> Tensor:
        """Logits (B, C): the rule on cosines (B, C), with norms (B, 1) and labels (B,)."""
        column = labels[:, None]  # (B, 1)
        own = cosine.gather(1, column)
        if self.training:
            self.observe(own.detach(), norms.detach())
        target = self.margin_target(own, norms)
        shifted = self.margin_others(cosine, own).scatter(1, column, target)
        return self.scale * self._shifted(cosine, shifted)

    def _all_logits(self, embeddings: Tensor, labels: Tensor, prototypes: Tensor) -> Tensor:
        with torch.autocast(embeddings.device.type, enabled=False):  # bf16 logits step by 0.25
            unit, norms = _unit(embeddings)
            return self.logits(self._cosine(unit, self._to_unit(prototypes)), norms, labels)

    def _losses(self, embeddings: Tensor, labels: Tensor, classes: Classes) -> Tensor:
        # cross entropies (B,) of the same logits, without those of all classes at once
        with torch.autocast(embeddings.device.type, enabled=False):
            unit, norms = _unit(embeddings)
            own, rows = self._own(unit, labels, classes)
            if self.training:
                self.observe(own.detach(), norms.detach())
            target = self.scale * self._shifted(own, self.margin_target(own, norms))[:, 0]
            others = log_sum_of_others(
                unit, own, rows, classes, labels, self._logits_of_others, chunk=self.class_chunk
            )
            return -F.logsigmoid(target - others)

    def _own(self, unit: Tensor, labels: Tensor, classes: Classes) -> tuple[Tensor, Tensor]:
        # cosines (B, 1) to the own class, each from the process that holds it; rows to go on with
        place, here = classes.places(labels)
        rows, own_rows = taken_beside(classes.rows, place)
        own = torch.where(here, (unit * F.normalize(own_rows)).sum(dim=1), 0)
        return classes.summed(own)[:, None].clamp(-self.bound, self.bound), rows

    def _cosine(self, unit: Tensor, unit_rows: Tensor) -> Tensor:
        return F.linear(unit, unit_rows).clamp(-self.bound, self.bound)

    def _logits_of_others(self, unit: Tensor, unit_rows: Tensor, own: Tensor) -> Tensor:
        cosine = self._cosine(unit, unit_rows)
        return self.scale * self._shifted(cosine, self.margin_others(cosine, own))

    def _shifted(self, cosine: Tensor, shifted: Tensor) -> Tensor:
        return cosine + (shifted - cosine).detach() if self.detached_margin else shifted

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
        return f"{self.prototypes.shape[1]}, {self.num_classes}, scale={self.scale}"


def unit_rows_(prototypes: nn.Parameter) -> None:
    """Fill prototypes (C, D) with uniform draws, each row scaled to unit length."""
    nn.init.uniform_(prototypes, -1, 1)
    with torch.no_grad():
        prototypes.copy_(F.normalize(prototypes))


def _unit(embeddings: Tensor) -> tuple[Tensor, Tensor]:
    # embeddings (B, D) of length 1, and their lengths before (B, 1), both fp32 at least
    embeddings = embeddings.to(torch.promote_types(embeddings.dtype, torch.float32))
    return F.normalize(embeddings), embeddings.norm(dim=1, keepdim=True)
