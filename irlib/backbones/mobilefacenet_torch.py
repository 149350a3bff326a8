"""MobileFaceNet as InsightFace's arcface_torch has it: wider, in two sizes.

Names and order of the entries in the state dict are those of its checkpoints.

Shapes: B images, D numbers in an embedding.
"""

from torch import Tensor, nn

from irlib.backbones.checks import check_images
from irlib.backbones.pyramids import last_of_each_size

LAST = 512  # channels of the last maps
SIZES = {"mbf": ((1, 4, 6, 2), 2), "mbf_large": ((2, 8, 12, 4), 4)}  # blocks and scale


class Convolution(nn.Module):
    """Convolution and batch norm, with a PReLU unless it projects.

    Args:
        inputs: channels in.
        outputs: channels out.
        kernel: side of the kernel, pixels.
        stride: 2 halves the maps, 1 keeps them.
        padding: rows and columns of zeros on each side.
        groups: of channels that the convolution keeps apart.
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
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
        )
        if activate:
            self.layers.append(nn.PReLU(outputs))

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, outputs, h', w')."""
        return self.layers(maps)


class Bottleneck(nn.Module):
    """Change the width, convolve each channel by itself, project.

    Args:
        inputs: channels in.
        outputs: channels out.
        hidden: channels between.
        stride: 2 halves the maps; 1 keeps them and adds the input to the result.
    """

    def __init__(self, inputs: int, outputs: int, *, hidden: int, stride: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            Convolution(inputs, hidden),
            Convolution(hidden, hidden, kernel=3, stride=stride, padding=1, groups=hidden),
            Convolution(hidden, outputs, activate=False),
        )
        self.is_residual = stride == 1

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, outputs, h / stride, w / stride)."""
        projected = self.layers(maps)
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
        self.layers = nn.Sequential(*blocks)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, width, h, w) of the same shape."""
        return self.layers(maps)


class Embedding(nn.Module):
    """A 7x7 depthwise convolution in place of pooling, and a linear layer.

    Args:
        embedding_size: D.
    """

    def __init__(self, embedding_size: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            Convolution(LAST, LAST, kernel=7, groups=LAST, activate=False),
            nn.Flatten(),
            nn.Linear(LAST, embedding_size, bias=False),
            nn.BatchNorm1d(embedding_size),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Embeddings (B, D) of maps (B, 512, 7, 7)."""
        return self.layers(maps)


class MobileFaceNetTorch(nn.Module):
    """Embeddings from six stages; stages grow with the scale, the channels inside them do not.

    Args:
        size: a key of `SIZES`.
        embedding_size: D.

    Raises:
        ValueError: an unknown size.

    Source: Chen et al., CCBR 2018, in the variant of recognition/arcface_torch of InsightFace.
    """

    map_shape = (LAST, 7, 7)

    def __init__(self, size: str = "mbf", *, embedding_size: int = 512) -> None:
        super().__init__()
        if size not in SIZES:
            raise ValueError(f"size: expected one of {', '.join(SIZES)}, got {size!r}")
        blocks, scale = SIZES[size]
        narrow, wide = 64 * scale, 128 * scale
        self.layers = nn.ModuleList(
            [
                Convolution(3, narrow, kernel=3, stride=2, padding=1),  # 56 x 56
                _second(narrow, blocks[0]),
                Bottleneck(narrow, narrow, hidden=128, stride=2),  # 28 x 28
                Stage(narrow, hidden=128, count=blocks[1]),
                Bottleneck(narrow, wide, hidden=256, stride=2),  # 14 x 14
                Stage(wide, hidden=256, count=blocks[2]),
                Bottleneck(wide, wide, hidden=512, stride=2),  # 7 x 7
                Stage(wide, hidden=256, count=blocks[3]),
            ]
        )
        self.conv_sep = Convolution(wide, LAST)
        self.features = Embedding(embedding_size)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (B, D), not normalized, of images (B, 3, 112, 112) in [-1, 1]."""
        return self.embed_maps(self.maps(images))

    def maps(self, images: Tensor) -> Tensor:
        """The last maps (B, 512, 7, 7) before the depthwise convolution that takes them to 1x1."""
        check_images(images)
        maps = images
        for layer in self.layers:
            maps = layer(maps)
        return self.conv_sep(maps)

    def pyramid(self, images: Tensor) -> list[Tensor]:
        """The last maps of 56, 28, 14 and 7 pixels; the coarsest are those of `maps`."""
        check_images(images)
        return last_of_each_size([*self.layers, self.conv_sep], images)

    def embed_maps(self, maps: Tensor) -> Tensor:
        """Embeddings (B, D) of the last maps."""
        return self.features(maps)


def _second(width: int, blocks: int) -> nn.Module:
    if blocks > 1:
        return Stage(width, hidden=128, count=blocks)
    return Convolution(width, width, kernel=3, padding=1, groups=64)  # 64 groups at any scale
