"""A small residual network that trains on a CPU in minutes.

Shapes: B images, D numbers in an embedding.
"""

from torch import Tensor, nn

from irlib.backbones.checks import check_images
from irlib.backbones.pyramids import last_of_each_size

WIDTHS = (32, 64, 128)  # channels at 28, 14 and 7 pixels


class Residual(nn.Module):
    """Two 3x3 convolutions beside an identity shortcut, with no activation after the sum.

    Args:
        width: channels in and out.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.PReLU(width),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, width, h, w) of the same shape."""
        return maps + self.body(maps)


class Tiny(nn.Module):
    """Embeddings from patches of 4x4 pixels, two residual stages and a linear layer.

    3.7 million parameters, most of them in the linear layer, and 40 million multiplications an
    image. A residual at 28 pixels too would cost 30 % of the speed.

    Args:
        embedding_size: D.
    """

    map_shape = (WIDTHS[-1], 7, 7)

    def __init__(self, embedding_size: int = 512) -> None:
        super().__init__()
        first, second, third = WIDTHS
        self.stem = nn.Sequential(
            nn.Conv2d(3, first, 4, stride=4, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),  # on a CPU the gradient of a PReLU costs as much as a convolution's here
        )
        self.body = nn.Sequential(
            _halve(first, second), Residual(second), _halve(second, third), Residual(third)
        )
        self.output = nn.Sequential(
            nn.Flatten(),
            nn.Linear(third * 7 * 7, embedding_size, bias=False),
            nn.BatchNorm1d(embedding_size),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (B, D), not normalised, of images (B, 3, 112, 112) in [-1, 1]."""
        return self.embed_maps(self.maps(images))

    def maps(self, images: Tensor) -> Tensor:
        """The last maps (B, 128, 7, 7)."""
        check_images(images)
        return self.body(self.stem(images))

    def pyramid(self, images: Tensor) -> list[Tensor]:
        """The last maps of 28, 14 and 7 pixels; the coarsest are those of `maps`."""
        check_images(images)
        return last_of_each_size([self.stem, *self.body], images)

    def embed_maps(self, maps: Tensor) -> Tensor:
        """Embeddings (B, D) of the last maps."""
        return self.output(maps)


def _halve(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.PReLU(outputs),
    )
