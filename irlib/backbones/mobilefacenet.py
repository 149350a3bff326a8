"""MobileFaceNet: depthwise convolutions, 1.2 million parameters.

Names and order of the entries in the state dict are those of the authors' checkpoints.

Shapes: B images, D numbers in an embedding.
"""

from torch import Tensor, nn

from irlib.backbones.checks import check_images
from irlib.backbones.pyramids import last_of_each_size


class Convolution(nn.Module):
    """Convolution and batch norm, with a PReLU unless it projects.

    Args:
        inputs: channels in.
        outputs: channels out.
        kernel: side of the kernel, pixels.
        stride: 2 halves the maps, 1 keeps them.
        padding: rows and columns of zeros on each side.
        groups: 1, or `inputs` for a depthwise convolution.
        activate: with a PReLU.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int = 1,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        activate: bool = True,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.prelu = nn.PReLU(outputs) if activate else nn.Identity()

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, outputs, h', w')."""
        return self.prelu(self.bn(self.conv(maps)))


class Bottleneck(nn.Module):
    """Widen, convolve each channel by itself, project.

    Args:
        inputs: channels in.
        outputs: channels out.
        hidden: channels between.
        stride: 2 halves the maps; 1 keeps them and adds the input to the result.
    """

    def __init__(self, inputs: int, outputs: int, *, hidden: int, stride: int) -> None:
        super().__init__()
        self.conv = Convolution(inputs, hidden)
        self.conv_dw = Convolution(
            hidden, hidden, kernel=3, stride=stride, padding=1, groups=hidden
        )
        self.project = Convolution(hidden, outputs, activate=False)
        self.is_residual = stride == 1

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, outputs, h / stride, w / stride)."""
        projected = self.project(self.conv_dw(self.conv(maps)))
        return maps + projected if self.is_residual else projected


class Stage(nn.Module):
    """Residual bottlenecks of one width in a row.

    Args:
        width: channels in and out.
        hidden: channels between.
        count: bottlenecks.
    """

    def __init__(self, width: int, *, hidden: int, count: int) -> None:
        super().__init__()
        blocks = [Bottleneck(width, width, hidden=hidden, stride=1) for _ in range(count)]
        self.model = nn.Sequential(*blocks)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, width, h, w) of the same shape."""
        return self.model(maps)


class MobileFaceNet(nn.Module):
    """Embeddings from six stages and a 7x7 depthwise convolution in place of pooling.

    Args:
        embedding_size: D.

    Source: Chen et al., CCBR 2018, in the variant of the released code of Inter-Prototype (Lee et
        al., BMVC 2021).
    """

    map_shape = (512, 7, 7)

    def __init__(self, embedding_size: int = 512) -> None:
        super().__init__()
        self.model = nn.Sequential(
            Convolution(3, 64, kernel=3, stride=2, padding=1),  # 56 x 56
            Convolution(64, 64, kernel=3, padding=1, groups=64),
            Bottleneck(64, 64, hidden=128, stride=2),  # 28 x 28
            Stage(64, hidden=128, count=4),
            Bottleneck(64, 128, hidden=256, stride=2),  # 14 x 14
            Stage(128, hidden=256, count=6),
            Bottleneck(128, 128, hidden=512, stride=2),  # 7 x 7
            Stage(128, hidden=256, count=2),
            Convolution(128, 512),
            Convolution(512, 512, kernel=7, groups=512, activate=False),  # 1 x 1
        )
        self.linear = nn.Sequential(
            nn.Linear(512, embedding_size, bias=False),
            nn.BatchNorm1d(embedding_size),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (B, D), not normalised, of images (B, 3, 112, 112) in [-1, 1]."""
        return self.embed_maps(self.maps(images))

    def maps(self, images: Tensor) -> Tensor:
        """The last maps (B, 512, 7, 7) before the depthwise convolution that takes them to 1x1."""
        check_images(images)
        return self.model[:-1](images)

    def pyramid(self, images: Tensor) -> list[Tensor]:
        """The last maps of 56, 28, 14 and 7 pixels; the coarsest are those of `maps`."""
        check_images(images)
        return last_of_each_size(self.model[:-1], images)

    def embed_maps(self, maps: Tensor) -> Tensor:
        """Embeddings (B, D) of the last maps."""
        return self.linear(self.model[-1](maps).flatten(1))
