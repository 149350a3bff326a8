"""How hard the Inter-Prototype loss and weight decay pull on prototypes.

Shapes: C classes, D embedding size, n classes that the loss acts on.
"""

import torch
from numpy.typing import ArrayLike, NDArray

from irlib.losses import inter_prototype_loss


def pull(
    prototypes: NDArray,
    class_ids: ArrayLike,
    *,
    weight: float,
    weight_decay: float,
    reduction: str = "paper",
    sides: str = "two",
    target: str = "mse",
) -> dict[str, float]:
    """Mean length, over the chosen prototypes, of the gradient of the loss and of weight decay.

    The two do not fight: decay acts along a prototype and only shortens it, the loss acts across
    it and turns it. Their sizes say whether the loss is a force at all: the mean over n x n
    cosines leaves each prototype a share that falls as 1/n.

    Args:
        prototypes: (C, D), of the length that training gave them.
        class_ids: (n,) classes that the loss acts on, n at least 2.
        weight: lambda of the loss.
        weight_decay: of the prototypes.
        reduction: see `irlib.losses.inter_prototype_loss`, as the next two.
        sides: one or two.
        target: mse, l1 or ce.

    Returns:
        ip_gradient and decay_gradient.

    Raises:
        ValueError: fewer than two classes, or a prototype of length 0 among them.
    """
    rows = torch.as_tensor(class_ids, dtype=torch.int64)
    chosen = torch.as_tensor(prototypes, dtype=torch.float64)[rows].requires_grad_()
    length = chosen.detach().norm(dim=1)  # (n,)
    if len(chosen) < 2 or not (length > 0).all():
        raise ValueError(f"{len(chosen)} prototypes: expected 2 or more of length above 0")
    loss = inter_prototype_loss(chosen, reduction=reduction, sides=sides, target=target)
    (slope,) = torch.autograd.grad(loss, chosen)
    return {
        "ip_gradient": float(weight * slope.norm(dim=1).mean()),
        "decay_gradient": float(weight_decay * length.mean()),
    }
