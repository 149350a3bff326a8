"""The discriminator of face age synthesis: does each patch look like a real face of that age?

Entries of the state dict have the names, order and shapes of MTLFace's discriminator.

Shapes: B images, G age groups.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from irlib.age_invariant.ages import thresholds

SLOPE = 0.2  # of the leaky ReLUs


class PatchDiscriminator(nn.Module):
    """Conditional PatchGAN with spectral norm, on images of 112x112.

    Args:
        num_groups: G, 4 to 8.
        width: channels of the first convolution; the others have 2, 4, 8 and 8 times as many.

    Raises:
        ValueError: no thresholds are known for so many groups.

    Source: Huang et al., CVPR 2021, and its released code; Isola et al., "Image-to-Image
        Translation with Conditional Adversarial Networks", CVPR 2017; Miyato et al., "Spectral
        Normalization for Generative Adversarial Networks", ICLR 2018.
    """

    def __init__(self, num_groups: int = 7, width: int = 64) -> None:
        super().__init__()
        self.num_groups, self.width = 1 + len(thresholds(num_groups)), width
        self.conv1 = nn.Conv2d(3, width, 4, 2, 1)
        self.main = nn.Sequential(
            _normed(width + num_groups, 2 * width, stride=2),
            nn.LeakyReLU(SLOPE),
            _normed(2 * width, 4 * width, stride=2),
            nn.LeakyReLU(SLOPE),
            _normed(4 * width, 8 * width, stride=2),
            nn.LeakyReLU(SLOPE),
            _normed(8 * width, 8 * width, stride=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(8 * width, 1, 4, 1, 1),
        )

    def forward(self, images: Tensor, groups: Tensor) -> Tensor:
        """Logits (B, 1, 5, 5) of patches of images (B, 3, 112, 112), held to be of groups (B, G).

        Args:
            images: RGB in [-1, 1].
            groups: weight of each group, a row adds up to 1.
        """
        maps = nn.functional.leaky_relu(self.conv1(images), SLOPE)
        condition = groups[:, :, None, None].expand(-1, -1, *maps.shape[-2:])
        return self.main(torch.cat([maps, condition.to(maps.dtype)], dim=1))


def _normed(inputs: int, outputs: int, *, stride: int) -> nn.Module:
    # the older of torch's two: its entries are those of the authors' checkpoints
    return spectral_norm(nn.Conv2d(inputs, outputs, 4, stride, 1))
