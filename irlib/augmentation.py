"""AdaFace's augmentations of uint8 batches, on the batch's own device.

Each is drawn anew for every image, and all images of a call are computed together. Which images
are changed is drawn on the CPU, so that those alone are computed without waiting for the device.

Shapes: B batch, H = W = 112, k images that are changed, T = 8 taps of an interpolation.

Source: Kim et al., CVPR 2022; released code, dataset/augmenter.py.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

AREA, RATIO, TRIES = (0.2, 1.0), (3 / 4, 4 / 3), 10  # of torchvision's RandomResizedCrop
SMALLEST = 0.2  # side of an image of low resolution, of the full side
FACTORS = (0.5, 1.5)
GRAY = (
    19595 / 65536,
    38470 / 65536,
    7471 / 65536,
)  # luminance of red, green, blue, as Pillow has it
TAPS = 8  # pixels that any of the interpolations reads along one axis
INTERPOLATIONS = ("nearest", "linear", "area", "cubic", "lanczos4")  # as OpenCV names them


def changed(images: Tensor, change: Callable[[Tensor], Tensor], probability: float) -> Tensor:
    """The batch with each image changed with a probability; with 0 nothing is drawn.

    Args:
        images: (B, H, W, 3) uint8; they stay as they are.
        change: (k, H, W, 3) uint8 to as many changed ones.
        probability: of each image.
    """
    if not probability:
        return images
    chosen = (torch.rand(len(images)) < probability).nonzero()[:, 0]  # on the CPU: no waiting
    chosen = chosen.to(images.device, non_blocking=True)
    return images.index_copy(0, chosen, change(images[chosen]))


def cropped(images: Tensor) -> Tensor:
    """Images (k, H, W, 3) with all but a random box of each black.

    The box has a share of the area in `AREA` and a ratio of its sides in `RATIO`, whose logarithm
    is uniform. It is the first of ten draws that fits in, or the whole image where none does.
    """
    count, height, width, _ = images.shape
    high, wide = _box(count, height, width, images.device)
    rows = _random_interval(high, height)  # (k, H)
    columns = _random_interval(wide, width)  # (k, W)
    return images * (rows[:, :, None] & columns[:, None, :])[..., None]


def low_resolution_of(images: Tensor) -> Tensor:
    """Square images (k, H, H, 3), each made small and large again.

    The small side is a share of H from `SMALLEST` to 1. Each way has an interpolation of
    `INTERPOLATIONS` of its own, with the weights of OpenCV: none of them but "area" averages over
    what lies between its taps. A value differs by at most 1 from OpenCV's fixed-point arithmetic.
    """
    count, side, device = len(images), images.shape[1], images.device
    small = (_uniform((count, 1), (SMALLEST, 1.0), device) * side).long()  # (k, 1)
    full = torch.full_like(small, side)
    kinds = torch.randint(len(INTERPOLATIONS), (2, count), device=device)
    down = _resizing(kinds[0], full, small, side)
    up = _resizing(kinds[1], small, full, side)
    planes = _planes(images)
    for matrix in (down[:, None], up[:, None]):
        planes = (matrix @ planes @ matrix.mT).round_().clamp_(0, 255)
    return planes.permute(0, 2, 3, 1).to(torch.uint8)


def photometric_of(images: Tensor) -> Tensor:
    """Images (k, H, W, 3) of another brightness, contrast and saturation.

    Each image has its own order of the three and its own factors, uniform in `FACTORS`. Values are
    those of Pillow's ImageEnhance. The luminance takes the channels as red, green and blue, where
    the released code takes them the other way round.
    """
    count, device = len(images), images.device
    factors = _uniform((count, 3), FACTORS, device)  # (k, 3)
    order = torch.rand(count, 3, device=device).argsort(dim=1)  # (k, 3), which comes when
    planes = _planes(images)
    for kind, factor in zip(order.T, factors.T, strict=True):
        planes = _enhanced(planes, kind, factor)
    return planes.permute(0, 2, 3, 1).to(torch.uint8)


def _planes(images: Tensor) -> Tensor:
    return images.permute(0, 3, 1, 2).contiguous().float()  # (k, 3, H, W)


def _uniform(shape: tuple[int, ...], limits: tuple[float, float], device: torch.device) -> Tensor:
    return torch.empty(shape, device=device).uniform_(*limits)


def _box(count: int, height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    # (k, 1) rows and columns
    area = _uniform((count, TRIES), AREA, device) * (height * width)
    ratio = _uniform((count, TRIES), (math.log(RATIO[0]), math.log(RATIO[1])), device).exp()
    high, wide = (area / ratio).sqrt().round(), (area * ratio).sqrt().round()
    fits = (high > 0) & (high <= height) & (wide > 0) & (wide <= width)
    first = fits.int().argmax(dim=1, keepdim=True)  # 0 where none fits
    some = fits.any(dim=1, keepdim=True)
    return (
        torch.where(some, high.gather(1, first), height),
        torch.where(some, wide.gather(1, first), width),
    )


def _random_interval(length: Tensor, side: int) -> Tensor:
    # (k, side), true on so many places (k, 1) in a row
    start = (torch.rand_like(length) * (side - length + 1)).floor()
    places = torch.arange(side, device=length.device)
    return (places >= start) & (places < start + length)


def _resizing(kind: Tensor, before: Tensor, after: Tensor, side: int) -> Tensor:
    """Matrices (k, side, side) that resize along one axis: `after` from `before` places.

    Rows and columns beyond the two sizes, (k, 1) each, are 0.
    """
    places = torch.arange(side, device=kind.device)
    first, weights = _taps(kind, before, after, places)
    weights = weights * (places < after)[..., None]  # (k, side, T)
    source = first[..., None] + torch.arange(TAPS, device=kind.device)  # (k, side, T)
    source = torch.minimum(source.clamp_min(0), before[..., None] - 1)  # the border goes on beyond
    # Taps that fall on one pixel get their sum each, so that the last to be written is no matter.
    shared = (source[..., :, None] == source[..., None, :]).float()  # (k, side, T, T)
    weights = (shared @ weights[..., None])[..., 0]
    matrix = torch.zeros(len(kind), side, side, device=kind.device)
    return matrix.scatter_(2, source, weights)


def _taps(kind: Tensor, before: Tensor, after: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """The first pixel (k, side) that each place reads, and the weights (k, side, T) from there.

    Source: OpenCV, modules/imgproc/src/resize.cpp.
    """
    tap = torch.arange(TAPS, device=kind.device)
    scale = (before / after)[..., None]  # (k, 1, 1)
    # Integers until the last division, so that every device rounds down alike.
    doubled = (2 * places + 1) * before - after  # twice the center of a place, times `after`
    center = doubled // (2 * after)
    distance = tap - 3 - (doubled % (2 * after) / (2 * after))[..., None]  # (k, side, T)
    left = places * before // after
    begin = (places * before % after / after)[..., None]
    covered = torch.minimum(begin + scale, tap + 1) - torch.maximum(begin, tap)
    onward = (places + 1 - (left + 1) * after / before).clamp_min(0)[..., None]  # area, enlarging
    weights = torch.stack([
        (tap == 0).expand_as(distance).float(),
        _linear(distance),
        torch.where(scale < 1, _linear(tap - onward), covered.clamp_min(0) / scale),
        _cubic(distance),
        _lanczos(distance),
    ])  # fmt: skip
    from_left = (kind[:, None] == 0) | (kind[:, None] == 2)  # nearest and area
    images = torch.arange(len(kind), device=kind.device)
    return torch.where(from_left, left, center - 3), weights[kind, images]


def _linear(distance: Tensor) -> Tensor:
    return (1 - distance.abs()).clamp_min(0)


def _cubic(distance: Tensor) -> Tensor:
    a, d = -0.75, distance.abs()
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return torch.where(d <= 1, near, torch.where(d < 2, far, 0.0))


def _lanczos(distance: Tensor) -> Tensor:
    weights = torch.sinc(distance) * torch.sinc(distance / 4)
    return weights / weights.sum(dim=-1, keepdim=True)


def _enhanced(planes: Tensor, kind: Tensor, factor: Tensor) -> Tensor:
    # brightness, contrast and saturation all go along a line from a black or a gray image
    kind, factor = (values[:, None, None, None] for values in (kind, factor))
    red, green, blue = planes.split(1, dim=1)
    gray = (GRAY[0] * red + GRAY[1] * green + GRAY[2] * blue).round_()  # (k, 1, H, W)
    mean = gray.mean(dim=(2, 3), keepdim=True).round_()
    other = torch.where(kind == 0, 0.0, torch.where(kind == 1, mean, gray))
    return torch.lerp(other, planes, factor).clamp_(0, 255).floor_()
