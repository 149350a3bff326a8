"""AdaFace: the margin goes with the quality of an image, read off the norm of its embedding.

Units: margin in radians where it is added to the angle, in cosine where it is subtracted.
"""

import math

import torch
from torch import Tensor

from irlib.heads.margin import MarginHead, unit_rows_

EPS = 1e-3  # in all its places: the cut of the cosine and of the angle, and beside the std
LARGEST_NORM = 100.0


class AdaFace(MarginHead):
    """Target logit cos(theta - m z) - (m + m z), z in [-1, 1] the standardised norm times h.

    Buffers `batch_mean` and `batch_std` (1,) are running statistics of the norms, from which z is
    taken. They move before they are used, in training mode only. A batch of one has no standard
    deviation: it moves the mean alone. No gradient passes through a norm.

    Args:
        embedding_size: D.
        num_classes: C.
        scale: factor on every logit.
        margin: m, in [0, pi).
        h: z reaches 1 at 1 / h standard deviations above the mean; 0 turns adaptation off, below 0
            a low norm counts as high quality.
        t_alpha: share of a new batch in the running statistics, in (0, 1].
        detached_margin: see `MarginHead`.

    Raises:
        ValueError: a setting out of its range.

    Source: Kim et al., CVPR 2022; clips, initialisation and start of the statistics as in their
        code, settings those of their README.
    """

    bound = 1 - EPS

    def __init__(
        self,
        embedding_size: int,
        num_classes: int,
        *,
        scale: float = 64.0,
        margin: float = 0.4,
        h: float = 0.333,
        t_alpha: float = 0.01,
        detached_margin: bool = False,
    ) -> None:
        super().__init__(embedding_size, num_classes, scale=scale, detached_margin=detached_margin)
        if not 0 <= margin < math.pi:
            raise ValueError(f"margin: expected radians in [0, pi), got {margin}")
        if not math.isfinite(h):
            raise ValueError(f"h: expected a finite number, got {h}")
        if not 0 < t_alpha <= 1:
            raise ValueError(f"t_alpha: expected a share in (0, 1], got {t_alpha}")
        self.margin, self.h, self.t_alpha = margin, h, t_alpha
        unit_rows_(self.prototypes)
        # Wide, so that z is near 0, and the head near CosFace, until real norms have come in.
        self.register_buffer("batch_mean", torch.full((1,), 20.0))
        self.register_buffer("batch_std", torch.full((1,), 100.0))

    def observe(self, own: Tensor, norms: Tensor) -> None:
        """Move the running statistics towards those of the batch's norms (B, 1)."""
        norms = norms.clamp(EPS, LARGEST_NORM)
        self.batch_mean.lerp_(norms.mean(), self.t_alpha)
        if len(norms) > 1:
            self.batch_std.lerp_(norms.std(), self.t_alpha)

    def margin_target(self, own: Tensor, norms: Tensor) -> Tensor:
        """The cosine (B, 1) after both margins, given norms (B, 1) of the embeddings."""
        norms = norms.detach().clamp(EPS, LARGEST_NORM)
        z = (self.h * (norms - self.batch_mean) / (self.batch_std + EPS)).clamp(-1, 1)
        theta = (own.acos() - self.margin * z).clamp(EPS, math.pi - EPS)
        return theta.cos() - (self.margin + self.margin * z)

    def extra_repr(self) -> str:
        """Sizes and settings, for `print(head)`."""
        own = f"margin={self.margin}, h={self.h}, t_alpha={self.t_alpha}"
        return f"{super().extra_repr()}, {own}"
