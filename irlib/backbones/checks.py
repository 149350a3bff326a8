"""The one check that every backbone makes of its input."""

from torch import Tensor

IMAGE_SIZE = 112  # pixels; the side of an aligned face crop


def check_images(images: Tensor) -> None:
    """Refuse anything but (B, 3, 112, 112).

    Args:
        images: the batch that a backbone was given.

    Raises:
        ValueError: another shape.
    """
    if images.ndim != 4 or images.shape[1:] != (3, IMAGE_SIZE, IMAGE_SIZE):
        raise ValueError(
            f"images: expected shape (B, 3, {IMAGE_SIZE}, {IMAGE_SIZE}), "
            f"crops of 112x112 pixels, got {tuple(images.shape)}"
        )
