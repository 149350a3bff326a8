"""Ages as targets: groups, and means over the images whose age is known.

Shapes: B images. Unit of ages: years; NaN where unknown.
"""

import torch
from torch import Tensor

# By number of groups: a face belongs to the group whose number of thresholds it is older than.
THRESHOLDS = {
    4: (30, 40, 50),
    5: (20, 30, 40, 50),
    6: (10, 20, 30, 40, 50),
    7: (10, 20, 30, 40, 50, 60),
    8: (12, 18, 25, 35, 45, 55, 65),
}


def thresholds(num_groups: int) -> tuple[int, ...]:
    """Ages, ascending, that part so many groups.

    Raises:
        ValueError: none are known for that many.
    """
    if num_groups not in THRESHOLDS:
        known = ", ".join(map(str, THRESHOLDS))
        raise ValueError(f"num_groups: expected one of {known}, got {num_groups}")
    return THRESHOLDS[num_groups]


def age_group(ages: Tensor, num_groups: int) -> Tensor:
    """Group (B,), from 0, of each age (B,): how many thresholds it exceeds, strictly.

    An unknown age is in group 0.

    Raises:
        ValueError: no thresholds are known for that many groups.

    Source: released code of MTLFace (Huang et al., CVPR 2021).
    """
    # Comparisons with numbers: a tensor of thresholds would have to be copied to the device.
    return torch.stack([ages > threshold for threshold in thresholds(num_groups)]).sum(dim=0)


def known_mean(values: Tensor, known: Tensor) -> Tensor:
    """Mean of values (B,) where known (B,) is true; 0, with zero gradients, where it never is."""
    return torch.where(known, values, 0.0).sum() / known.sum().clamp(min=1)
