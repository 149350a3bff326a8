"""Age groups as synthesis asks for them: one, or a place between two.

Shapes: b images, G age groups. Unit of ages: years.
"""

import torch
from torch import Tensor

from irlib.age_invariant.ages import thresholds


def one_group(groups: Tensor, num_groups: int) -> Tensor:
    """Weights (b, G) that are 1 for the group of each image and 0 for the others.

    Args:
        groups: (b,) int64, each from 0 to G - 1.
        num_groups: G.
    """
    # a comparison: torch's own one_hot reads the numbers on a CPU to check them
    return (groups[:, None] == torch.arange(num_groups, device=groups.device)).float()


def between(position: Tensor, num_groups: int) -> Tensor:
    """Weights (b, G) of the two groups nearest to a place on the line of groups.

    Args:
        position: (b,) float from 0 to G - 1; 2.5 is half of group 2 and half of group 3.
        num_groups: G.

    Raises:
        ValueError: a place before the first group or after the last one.
    """
    last = num_groups - 1
    if not ((position >= 0) & (position <= last)).all():
        raise ValueError(f"position: expected 0 to {last}, got {position.tolist()}")
    groups = torch.arange(num_groups, device=position.device)
    return (1 - (position[:, None] - groups).abs()).clamp(min=0)


def group_names(num_groups: int) -> list[str]:
    """The ages of each group, youngest first, such as ``0-10`` and ``over 60``.

    Raises:
        ValueError: no thresholds are known for so many groups.
    """
    last = thresholds(num_groups)
    first = [0, *(age + 1 for age in last)]
    return [*(f"{a}-{b}" for a, b in zip(first, last, strict=False)), f"over {last[-1]}"]


def check_group(group: int, num_groups: int) -> int:
    """The group itself.

    Raises:
        ValueError: there is none of that number; the message tells the ages of all groups.
    """
    if isinstance(group, bool) or group not in range(num_groups):
        ages = ", ".join(f"{i}: {name}" for i, name in enumerate(group_names(num_groups)))
        raise ValueError(
            f"group: expected 0 to {num_groups - 1}, got {group}; ages of the groups: {ages}"
        )
    return int(group)
