"""The residual networks IR and IR-SE of the paper, 18 to 152 layers deep.

Names and order of the entries in the state dict are those of the authors' checkpoints.

Shapes: B images, D numbers in an embedding.
"""

from torch import Tensor, nn

from irlib.backbones.checks import check_images
from irlib.backbones.pyramids import last_of_each_size

WIDTHS = (64, 128, 256, 512)  # channels of the four stages, at 56, 28, 14 and 7 pixels
UNITS = {
    18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 14, 3), 100: (3, 13, 30, 3),
    152: (3, 8, 36, 3),
}  # fmt: skip
DROPOUT = 0.6  # before the linear layer
REDUCTION = 16  # channels per bottleneck channel in squeeze and excitation


class SqueezeExcitation(nn.Module):
    """A factor in (0, 1) on every channel, from the means of all channels.

    Args:
        width: channels in and out.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(width, width // REDUCTION, 1, bias=False)
        self.relu = nn.ReLU()
        self.fc2 = nn.Conv2d(width // REDUCTION, width, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, width, h, w) of the same shape."""
        return maps * self.fc2(self.relu(self.fc1(self.avg_pool(maps)))).sigmoid()


class Unit(nn.Module):
    """A residual unit that normalises first and strides in its second convolution.

    Args:
        inputs: channels in.
        outputs: channels out.
        stride: 2 halves the maps, 1 keeps them.
        squeeze: with squeeze and excitation at the end of the residual.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int, squeeze: bool) -> None:
        super().__init__()
        self.shortcut_layer = shortcut(inputs, outputs, stride)
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False),
            nn.PReLU(outputs),
            nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        if squeeze:
            self.res_layer.append(SqueezeExcitation(outputs))

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, outputs, h / stride, w / stride)."""
        return self.shortcut_layer(maps) + self.res_layer(maps)


class IR(nn.Module):
    """The paper's backbone, with the embedding left un-normalised.

    Args:
        depth: a key of `UNITS`.
        squeeze: with squeeze and excitation (IR-SE).
        embedding_size: D.

    Raises:
        ValueError: an unknown depth.

    Source: the released code of Inter-Prototype (Lee et al., BMVC 2021), which normalises the
        embedding inside the network; depths 18 and 34 have the units per stage of ResNet.
    """

    map_shape = (WIDTHS[-1], 7, 7)

    def __init__(self, depth: int, *, squeeze: bool = False, embedding_size: int = 512) -> None:
        super().__init__()
        if depth not in UNITS:
            raise ValueError(f"depth: expected one of {', '.join(map(str, UNITS))}, got {depth}")
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, WIDTHS[0], 3, 1, 1, bias=False),
            nn.BatchNorm2d(WIDTHS[0]),
            nn.PReLU(WIDTHS[0]),
        )
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(WIDTHS[-1]),
            nn.Dropout(DROPOUT),
            nn.Flatten(),  # by channel, row, column, also where memory is channels-last
            nn.Linear(WIDTHS[-1] * 7 * 7, embedding_size),
            nn.BatchNorm1d(embedding_size),
        )
        self.body = nn.Sequential(*_units(UNITS[depth], squeeze))

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (B, D), not normalised, of images (B, 3, 112, 112) in [-1, 1]."""
        return self.embed_maps(self.maps(images))

    def maps(self, images: Tensor) -> Tensor:
        """The last maps (B, 512, 7, 7)."""
        check_images(images)
        return self.body(self.input_layer(images))

    def pyramid(self, images: Tensor) -> list[Tensor]:
        """The last maps of 112, 56, 28, 14 and 7 pixels; the coarsest are those of `maps`."""
        check_images(images)
        return last_of_each_size([self.input_layer, *self.body], images)

    def embed_maps(self, maps: Tensor) -> Tensor:
        """Embeddings (B, D) of the last maps."""
        return self.output_layer(maps)


def _units(counts: tuple[int, ...], squeeze: bool) -> list[Unit]:
    units, inputs = [], WIDTHS[0]
    for width, count in zip(WIDTHS, counts, strict=True):
        for index in range(count):
            units.append(Unit(inputs, width, stride=1 if index else 2, squeeze=squeeze))
            inputs = width
    return units


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    """A projection where the width changes, else every ``stride``-th pixel as it is."""
    if inputs != outputs:
        convolution = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(outputs))
    return nn.Identity() if stride == 1 else nn.MaxPool2d(1, stride)  # every second pixel
