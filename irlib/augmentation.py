"""AdaFace's augmentations of uint8 batches, on the batch's own device.

What changes an image is drawn on the CPU, anew for every image, and apart from the change itself:
so every process can draw for the images of all and change its own. All images of a call are
computed together, and none but those that are changed; nothing waits for the device.

Shapes: B images that all processes take in a step, b of them in this process, H = W = 112, k images
that are changed, T = 8 taps of an interpolation.

Source: Kim et al., CVPR 2022; released code, dataset/augmenter.py.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

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


@dataclass(frozen=True)
class Change:
    """One kind of change: what is drawn for an image, and what becomes of it.

    Args:
        drawn: from k, H and a generator on the CPU, k rows of values.
        made: images (k, H, H, 3) uint8 and their rows of values, on one device, to as many changed
            images.
    """

    drawn: Callable[[int, int, Generator], Tensor]
    made: Callable[[Tensor, Tensor], Tensor]


def changed(
    images: Tensor,
    change: Change,
    probability: float,
    *,
    rows: range,
    total: int,
    generator: Generator,
) -> Tensor:
    """The images with each changed with a probability; with 0 nothing is drawn.

    Args:
        images: (b, H, H, 3) uint8; they stay as they are.
        change: what happens to them.
        probability: of each image.
        rows: places of these b images among the B of all processes.
        total: B; so many are drawn for.
        generator: on the CPU.
    """
    if not probability:
        return images
    chosen = (torch.rand(total, generator=generator) < probability).nonzero()[:, 0]  # on the CPU
    drawn = change.drawn(len(chosen), images.shape[1], generator)
    here = (chosen >= rows.start) & (chosen < rows.stop)
    places = sent(chosen[here] - rows.start, images.device)
    drawn = sent(drawn[here], images.device)
    return images.index_copy(0, places, change.made(images[places], drawn))


def sent(values: Tensor, device: torch.device) -> Tensor:
    """Values from the CPU on a device, without waiting for it."""
    if device.type == "cuda":  # from other memory the copy would be awaited
        values = values.pin_memory()
    return values.to(device, non_blocking=True)


def drawn_boxes(count: int, side: int, generator: Generator) -> Tensor:
    """Top, left, height and width (k, 4) of a random box in each image.

    It has a share of the area in `AREA` and a ratio of its sides in `RATIO`, whose logarithm is
    uniform. It is the first of ten draws that fits in, or the whole image where none does.
    """
    area = _uniform((count, TRIES), AREA, generator) * (side * side)
    ratio = _uniform((count, TRIES), (math.log(RATIO[0]), math.log(RATIO[1])), generator).exp()
    sides = torch.stack([(area / ratio).sqrt().round(), (area * ratio).sqrt().round()])
    fits = ((sides > 0) & (sides <= side)).all(dim=0)  # (k, TRIES)
    first = fits.int().argmax(dim=1, keepdim=True).expand(2, -1, 1)  # 0 where none fits
    some = fits.any(dim=1, keepdim=True)
    sides = torch.where(some, sides.gather(2, first), side)  # (2, k, 1)
    starts = torch.rand(sides.shape, generator=generator) * (side - sides + 1)
    return torch.cat([*starts.floor(), *sides], dim=1)


def cropped(images: Tensor, boxes: Tensor) -> Tensor:
    """Images (k, H, H, 3) with all but a box (k, 4) of each black."""
    top, left, height, width = boxes.split(1, dim=1)  # (k, 1)
    places = torch.arange(images.shape[1], device=images.device)
    rows = (places >= top) & (places < top + height)  # (k, H)
    columns = (places >= left) & (places < left + width)
    return images * (rows[:, :, None] & columns[:, None, :])[..., None]


def drawn_sizes(count: int, side: int, generator: Generator) -> Tensor:
    """Small side and interpolations down and up (k, 3) of each image.

    The side is a share of H from `SMALLEST` to 1; each way has one of `INTERPOLATIONS`.
    """
    small = (_uniform((count, 1), (SMALLEST, 1.0), generator) * side).long()
    kinds = torch.randint(len(INTERPOLATIONS), (2, count), generator=generator)
    return torch.cat([small, kinds.T], dim=1)


def low_resolution_of(images: Tensor, sizes: Tensor) -> Tensor:
    """Images (k, H, H, 3), each made small and large again by its sizes (k, 3).

    The weights are OpenCV's: none of the interpolations but "area" averages over what lies between
    its taps. A value differs by at most 1 from OpenCV's fixed-point arithmetic.
    """
    side = images.shape[1]
    small, full = sizes[:, :1], torch.full_like(sizes[:, :1], side)
    down = _resizing(sizes[:, 1], full, small, side)
    up = _resizing(sizes[:, 2], small, full, side)
    planes = _planes(images)
    for matrix in (down[:, None], up[:, None]):
        planes = (matrix @ planes @ matrix.mT).round_().clamp_(0, 255)
    return planes.permute(0, 2, 3, 1).to(torch.uint8)


def drawn_factors(count: int, _side: int, generator: Generator) -> Tensor:
    """Brightness, contrast and saturation, 0 to 2, in an order of each image's own, with factors.

    (k, 3, 2): what comes when, and its factor, uniform in `FACTORS`.
    """
    factors = _uniform((count, 3), FACTORS, generator)
    order = torch.rand(count, 3, generator=generator).argsort(dim=1)
    return torch.stack([order.float(), factors], dim=2)


def photometric_of(images: Tensor, factors: Tensor) -> Tensor:
    """Images (k, H, H, 3) of another brightness, contrast and saturation, by factors (k, 3, 2).

    Values are those of Pillow's ImageEnhance. The luminance takes the channels as red, green and
    blue, where the released code takes them the other way round.
    """
    planes = _planes(images)
    for kind, factor in factors.permute(1, 2, 0):  # (k,) each
        planes = _enhanced(planes, kind, factor)
    return planes.permute(0, 2, 3, 1).to(torch.uint8)


CROP = Change(drawn_boxes, cropped)
LOW_RESOLUTION = Change(drawn_sizes, low_resolution_of)
PHOTOMETRIC = Change(drawn_factors, photometric_of)


def _planes(images: Tensor) -> Tensor:
    return images.permute(0, 3, 1, 2).contiguous().float()  # (k, 3, H, W)


def _uniform(shape: tuple[int, ...], limits: tuple[float, float], generator: Generator) -> Tensor:
    return torch.empty(shape).uniform_(*limits, generator=generator)


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
