"""Ages as targets: groups, and means over the images whose age is known.

Shapes: b images in this process. Unit of ages: years; NaN where unknown.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from irlib.parallel import summed

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
    """Group (b,), from 0, of each age (b,): how many thresholds it exceeds, strictly.

    An unknown age is in group 0.

    Raises:
        ValueError: no thresholds are known for that many groups.

    Source: released code of MTLFace (Huang et al., CVPR 2021).
    """
    # Comparisons with numbers: a tensor of thresholds would have to be copied to the device.
    return torch.stack([ages > threshold for threshold in thresholds(num_groups)]).sum(dim=0)


def known_sums(values: Sequence[Tensor], known: Tensor) -> tuple[Tensor, Tensor]:
    """The sums (n,) of n values over all processes where known, and how many are known.

    Args:
        values: n tensors (b,) of one dtype.
        known: (b,) bool.
    """
    own = [torch.where(known, each, 0.0).sum() for each in values]
    everyone = summed(torch.stack([*own, known.sum().to(own[0].dtype)]))
    return everyone[:-1], everyone[-1]


def known_mean(values: Tensor, known: Tensor) -> Tensor:
    """Mean of the values (b,) of all processes where known (b,) is true.

    It is 0, with zero gradients, where none is known.
    """
    (total,), count = known_sums([values], known)
    return total / count.clamp(min=1)
