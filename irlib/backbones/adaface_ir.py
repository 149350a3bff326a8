"""The residual networks of AdaFace, 18 to 200 layers deep.

Names and order of the entries in the state dict are those of the authors' checkpoints.

Shapes: B images, D numbers in an embedding.
"""

from torch import Tensor, nn

from irlib.backbones.checks import check_images
from irlib.backbones.ir import SqueezeExcitation, shortcut
from irlib.backbones.pyramids import last_of_each_size

UNITS = {
    18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 14, 3), 101: (3, 13, 30, 3),
    152: (3, 8, 36, 3), 200: (3, 24, 36, 3),
}  # fmt: skip
WIDTHS = (64, 128, 256, 512)  # channels of the four stages, at 56, 28, 14 and 7 pixels
WIDE = (256, 512, 1024, 2048)  # of the depths with bottlenecks
BOTTLENECKS = (152, 200)  # depths
NARROWING = 4  # channels out per channel inside a bottleneck
DROPOUT = 0.4  # before the linear layer


class AdaFaceUnit(nn.Module):
    """A residual unit that normalizes first, and between its convolutions too.

    Args:
        inputs: channels in.
        outputs: channels out.
        stride: 2 halves the maps, 1 keeps them.
        squeeze: with squeeze and excitation at the end of the residual.
        bottleneck: of convolutions of 1x1, 3x3 and 1x1 instead of two of 3x3.
    """

    def __init__(
        self, inputs: int, outputs: int, *, stride: int, squeeze: bool, bottleneck: bool
    ) -> None:
        super().__init__()
        self.shortcut_layer = shortcut(inputs, outputs, stride)
        layers = _bottleneck if bottleneck else basic_layers
        self.res_layer = nn.Sequential(*layers(inputs, outputs, stride))
        if squeeze:
            self.res_layer.add_module("se_block", SqueezeExcitation(outputs))

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, outputs, h / stride, w / stride)."""
        return self.shortcut_layer(maps) + self.res_layer(maps)


class AdaFaceIR(nn.Module):
    """AdaFace's backbone, with the embedding left un-normalized.

    The authors feed it BGR; in a training of irlib it sees RGB as every other backbone.

    Args:
        depth: a key of `UNITS`.
        squeeze: with squeeze and excitation.
        embedding_size: D.

    Raises:
        ValueError: an unknown depth.

    Source: the released code of AdaFace (Kim et al., CVPR 2022), which gives the unit embedding
        and its norm apart.
    """

    def __init__(self, depth: int, *, squeeze: bool = False, embedding_size: int = 512) -> None:
        super().__init__()
        if depth not in UNITS:
            raise ValueError(f"depth: expected one of {', '.join(map(str, UNITS))}, got {depth}")
        self.map_shape = ((WIDE if depth in BOTTLENECKS else WIDTHS)[-1], 7, 7)
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, WIDTHS[0], 3, 1, 1, bias=False),
            nn.BatchNorm2d(WIDTHS[0]),
            nn.PReLU(WIDTHS[0]),
        )
        channels = self.map_shape[0]
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.Dropout(DROPOUT),
            nn.Flatten(),  # by channel, row, column, also where memory is channels-last
            nn.Linear(channels * 7 * 7, embedding_size),
            nn.BatchNorm1d(embedding_size, affine=False),
        )
        self.body = nn.Sequential(*_units(depth, squeeze))
        self.apply(_init)

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (B, D), not normalized, of images (B, 3, 112, 112) in [-1, 1]."""
        return self.embed_maps(self.maps(images))

    def maps(self, images: Tensor) -> Tensor:
        """The last maps (B, C, 7, 7); C is 512, or 2048 of bottlenecks."""
        check_images(images)
        return self.body(self.input_layer(images))

    def pyramid(self, images: Tensor) -> list[Tensor]:
        """The last maps of 112, 56, 28, 14 and 7 pixels; the coarsest are those of `maps`."""
        check_images(images)
        return last_of_each_size([self.input_layer, *self.body], images)

    def embed_maps(self, maps: Tensor) -> Tensor:
        """Embeddings (B, D) of the last maps."""
        return self.output_layer(maps)


def _units(depth: int, squeeze: bool) -> list[AdaFaceUnit]:
    bottleneck = depth in BOTTLENECKS
    units, inputs = [], WIDTHS[0]
    for width, count in zip(WIDE if bottleneck else WIDTHS, UNITS[depth], strict=True):
        for index in range(count):
            stride = 1 if index else 2
            units.append(
                AdaFaceUnit(inputs, width, stride=stride, squeeze=squeeze, bottleneck=bottleneck)
            )
            inputs = width
    return units


def basic_layers(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    """The residual of a unit that normalizes first, between its convolutions and last."""
    return [
        nn.BatchNorm2d(inputs),
        nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.PReLU(outputs),
        nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
    ]


def _bottleneck(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    narrow = outputs // NARROWING
    return [
        nn.BatchNorm2d(inputs),
        nn.Conv2d(inputs, narrow, 1, bias=False),
        nn.BatchNorm2d(narrow),
        nn.PReLU(narrow),
        nn.Conv2d(narrow, narrow, 3, 1, 1, bias=False),
        nn.BatchNorm2d(narrow),
        nn.PReLU(narrow),
        nn.Conv2d(narrow, outputs, 1, stride, bias=False),
        nn.BatchNorm2d(outputs),
    ]


def _init(layer: nn.Module) -> None:
    # normalizations and slopes keep torch's start
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
