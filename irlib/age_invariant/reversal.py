"""Gradient reversal: what one part learns, the part before it unlearns."""

from typing import Any

import torch
from torch import Tensor


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, coefficient: float) -> Tensor:
        ctx.coefficient = coefficient
        return features.view_as(features)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.coefficient * gradient, None


def reverse_gradient(features: Tensor, *, coefficient: float = 1.0) -> Tensor:
    """The features as they are; their gradient comes back times minus the coefficient.

    Args:
        features: of any shape.
        coefficient: 1 in MTLFace.

    Source: Ganin and Lempitsky, "Unsupervised Domain Adaptation by Backpropagation", ICML 2015.
    """
    return _Reversal.apply(features, coefficient)
