"""The losses of synthesis: least squares of the discriminator, identity kept, age reached.

Each is a mean over the images of all processes, and the same scalar in every one of them; see
`irlib.parallel` for what that makes of gradients.

Shapes: b images in this process, G age groups, C channels of the identity maps.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from irlib.parallel import summed


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Half the squared distance of real patches to 1 plus half that of synthesized ones to 0.

    Args:
        real_logits: (b, 1, 5, 5) of real faces, each with its own age group.
        fake_logits: (b', 1, 5, 5) of synthesized ones, with the group that was asked for.

    Source: Mao et al., "Least Squares Generative Adversarial Networks", ICCV 2017; as in Huang et
        al., CVPR 2021.
    """
    real, fake = _means((_wide(real_logits) - 1).square(), _wide(fake_logits).square())
    return 0.5 * (real + fake)


def generator_losses(
    fake_logits: Tensor,
    source_identity: Tensor,
    fake_identity: Tensor,
    group_logits: Tensor,
    groups: Tensor,
) -> dict[str, Tensor]:
    """The losses ``adversarial``, ``identity`` and ``age``, before any weight.

    The first is half the squared distance of the synthesized patches to 1, the second the mean
    squared difference of the identity maps, the third the cross entropy of the age group.

    Args:
        fake_logits: (b, 1, 5, 5) of the discriminator on the synthesized faces.
        source_identity: (b, C, 7, 7) of the images that they were made of.
        fake_identity: (b, C, 7, 7) of the synthesized faces.
        group_logits: (b, G) of the encoder's age head on the synthesized faces.
        groups: (b, G) weight of each group that was asked for.

    Source: Huang et al., "When Age-Invariant Face Recognition Meets Face Age Synthesis", CVPR 2021.
    """
    adversarial, identity, age = _means(
        (_wide(fake_logits) - 1).square(),
        (_wide(fake_identity) - _wide(source_identity)).square(),
        F.cross_entropy(_wide(group_logits), _wide(groups), reduction="none"),
    )
    return {"adversarial": 0.5 * adversarial, "identity": identity, "age": age}


def _means(*values: Tensor) -> Tensor:
    """The mean of each tensor over all processes, (n,); one sum is sent."""
    counts = [each.new_full((), each.numel()) for each in values]
    everyone = summed(torch.stack([*(each.sum() for each in values), *counts]))
    sums, counts = everyone.chunk(2)
    return sums / counts


def _wide(values: Tensor) -> Tensor:
    # a network may compute in bf16; squares and sums may not
    return values.to(torch.promote_types(values.dtype, torch.float32))
