"""IResNet: the residual networks of InsightFace's arcface_torch, 18 to 200 layers deep.

Names and order of the entries in the state dict are those of its checkpoints.

Shapes: B images, D numbers in an embedding.
"""

from torch import Tensor, nn

from irlib.backbones.checks import check_images
from irlib.backbones.pyramids import last_of_each_size

WIDTHS = (64, 128, 256, 512)  # channels of the four stages, at 56, 28, 14 and 7 pixels
UNITS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 14, 3),
    100: (3, 13, 30, 3),
    200: (6, 26, 60, 6),
}


class Unit(nn.Module):
    """A residual unit that normalizes first, in between and last, and strides second.

    Args:
        inputs: channels in.
        outputs: channels out.
        stride: 2 halves the maps, beside a convolution of 1x1 pixels; 1 keeps them, beside a plain
            shortcut.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.prelu = nn.PReLU(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = nn.Identity()
        if stride > 1:
            convolution = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(convolution, nn.BatchNorm2d(outputs))

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, outputs, h / stride, w / stride)."""
        residual = self.prelu(self.bn2(self.conv1(self.bn1(maps))))
        return self.bn3(self.conv2(residual)) + self.downsample(maps)


class IResNet(nn.Module):
    """InsightFace's backbone.

    The scale of the last batch norm is 1 and is not trained.

    Args:
        depth: a key of `UNITS`.
        embedding_size: D.

    Raises:
        ValueError: an unknown depth.

    Source: recognition/arcface_torch of InsightFace (Guo and Deng).
    """

    map_shape = (WIDTHS[-1], 7, 7)

    def __init__(self, depth: int, *, embedding_size: int = 512) -> None:
        super().__init__()
        if depth not in UNITS:
            raise ValueError(f"depth: expected one of {', '.join(map(str, UNITS))}, got {depth}")
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        self.prelu = nn.PReLU(WIDTHS[0])
        first, second, third, fourth = UNITS[depth]
        self.layer1 = _stage(WIDTHS[0], WIDTHS[0], first)
        self.layer2 = _stage(WIDTHS[0], WIDTHS[1], second)
        self.layer3 = _stage(WIDTHS[1], WIDTHS[2], third)
        self.layer4 = _stage(WIDTHS[2], WIDTHS[3], fourth)
        self.bn2 = nn.BatchNorm2d(WIDTHS[3])
        self.fc = nn.Linear(WIDTHS[3] * 7 * 7, embedding_size)
        self.features = nn.BatchNorm1d(embedding_size)
        self.features.weight.requires_grad_(False)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, std=0.1)

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (B, D), not normalized, of images (B, 3, 112, 112) in [-1, 1]."""
        return self.embed_maps(self.maps(images))

    def maps(self, images: Tensor) -> Tensor:
        """The last maps (B, 512, 7, 7)."""
        check_images(images)
        maps = self.prelu(self.bn1(self.conv1(images)))
        return self.layer4(self.layer3(self.layer2(self.layer1(maps))))

    def pyramid(self, images: Tensor) -> list[Tensor]:
        """The last maps of 112, 56, 28, 14 and 7 pixels; the coarsest are those of `maps`."""
        check_images(images)
        stem = nn.Sequential(self.conv1, self.bn1, self.prelu)
        stages = (self.layer1, self.layer2, self.layer3, self.layer4)
        return last_of_each_size([stem, *stages], images)

    def embed_maps(self, maps: Tensor) -> Tensor:
        """Embeddings (B, D) of the last maps."""
        return self.features(self.fc(self.bn2(maps).flatten(1)))


def _stage(inputs: int, outputs: int, count: int) -> nn.Sequential:
    rest = [Unit(outputs, outputs, stride=1) for _ in range(count - 1)]
    return nn.Sequential(Unit(inputs, outputs, stride=2), *rest)
