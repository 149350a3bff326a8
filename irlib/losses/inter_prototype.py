"""The Inter-Prototype loss: it pulls the prototypes of children apart.

Shapes: n child prototypes of D numbers each.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def inter_prototype_loss(prototypes: Tensor) -> Tensor:
    """Mean over all n x n entries of (cosine - identity) squared.

    Two-sided: a negative cosine is pushed up to 0 as hard as a positive one is pushed down. The
    diagonal counts in the mean. With n > D it cannot fall below the Welch floor 1/D - 1/n.

    Args:
        prototypes: (n, D) class vectors of the children, of any length; a zero row has cosine 0
            to everything, itself included.

    Returns:
        Scalar in [0, 1], in the type of `prototypes`, fp32 at least.

    Raises:
        ValueError: not a matrix, or no rows.

    Source: Lee et al., "Improving Face Recognition with Large Age Gaps by Learning to Distinguish
        Children", BMVC 2021, equation of L_ip as the authors' code computes it.
    """
    if prototypes.ndim != 2 or len(prototypes) == 0:
        shape = tuple(prototypes.shape)
        raise ValueError(f"prototypes: expected (n, D) with n >= 1, got shape {shape}")
    n, embedding_size = prototypes.shape
    with torch.autocast(prototypes.device.type, enabled=False):  # bf16 cosines step by 0.004
        dtype = torch.promote_types(prototypes.dtype, torch.float32)
        unit = F.normalize(prototypes.to(dtype))  # (n, D)
        if n > embedding_size:
            return _from_small_gram(unit)
        cosine = unit @ unit.T  # (n, n)
        return (cosine - torch.eye(n, dtype=dtype, device=unit.device)).square().mean()


def _from_small_gram(unit: Tensor) -> Tensor:
    # ||P P^T|| = ||P^T P|| and tr P P^T = tr P^T P, hence, with G either of the two products,
    # ||P P^T - I||^2 = ||G||^2 - 2 tr G + n: exact, and the n x n matrix is never made.
    gram = unit.T @ unit  # (D, D)
    n = len(unit)
    return (gram.square().sum() - 2 * gram.trace() + n) / n**2
