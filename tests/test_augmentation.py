"""Each augmentation beside a plain rendering, image by image, by OpenCV, Pillow or torchvision."""

import math

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance
from torchvision.transforms import RandomResizedCrop

from irlib import augmentation
from irlib.augmentation import CROP, LOW_RESOLUTION, PHOTOMETRIC, Change, changed
from irlib.images import Batch, augment, to_input

SIDE = 112
OPENCV = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "area": cv2.INTER_AREA,
    "cubic": cv2.INTER_CUBIC,
    "lanczos4": cv2.INTER_LANCZOS4,
}
CHANGES = {"crop": CROP, "low_resolution": LOW_RESOLUTION, "photometric": PHOTOMETRIC}
each_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)


def pictures(count, seed=0):
    """Half of them smooth, half noise; no pixel black."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(1, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)
    for image in noise[::2]:
        small = rng.integers(1, 256, (14, 14, 3), dtype=np.uint8)
        image[:] = cv2.resize(small, (SIDE, SIDE)).clip(1)
    return torch.from_numpy(noise)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def made(seed, change, images):
    """All images changed, by what a generator of this seed draws."""
    return change.made(images, change.drawn(len(images), images.shape[1], seeded(seed)))


def drawn_and_changed(images, change, probability, generator):
    """Some of the images changed, where they are all there are."""
    count = len(images)
    return changed(images, change, probability, rows=range(count), total=count, generator=generator)


def augmented(images, generator, **options):
    count = len(images)
    batch = Batch(images, torch.zeros(count, dtype=torch.int64), torch.zeros(count))
    return augment(batch, generator=generator, **options)


# All three


@each_change
def test_a_change_keeps_shape_and_type_and_leaves_its_input_alone(change):
    images = pictures(4)
    before = images.clone()
    found = made(0, change, images)
    assert (found.shape, found.dtype) == (images.shape, torch.uint8)
    assert torch.equal(images, before)
    assert not torch.equal(found, before)


@each_change
def test_a_change_repeats_with_its_generator(change):
    images = pictures(8)
    assert torch.equal(made(3, change, images), made(3, change, images))
    assert not torch.equal(made(3, change, images), made(4, change, images))


@each_change
def test_every_image_is_changed_in_a_way_of_its_own(change):
    found = made(0, change, pictures(1).expand(20, -1, -1, -1))
    assert len({image.numpy().tobytes() for image in found}) == 20


@pytest.mark.parametrize("name", CHANGES)
def test_a_probability_is_the_share_of_images_that_are_changed(name):
    images = pictures(1)[:, :28, :28].expand(3000, -1, -1, -1)
    found = drawn_and_changed(images, CHANGES[name], 0.2, seeded(0))
    share = (found != images).flatten(1).any(dim=1).float().mean().item()
    # deviation 0.0073; a crop is the whole image in about 1 % of the draws
    assert abs(share - 0.2) < 5 * 0.0073


def test_images_that_are_not_chosen_stay_as_they_are_at_their_place():
    images = pictures(50)
    inverted = Change(lambda count, *_: torch.zeros(count, 1), lambda some, _: 255 - some)
    found = drawn_and_changed(images, inverted, 0.5, seeded(0))
    is_changed = (found != images).flatten(1).any(dim=1)
    assert torch.equal(found[is_changed], 255 - images[is_changed])
    assert 10 < is_changed.sum() < 40


def test_with_no_probability_nothing_is_drawn():
    generator = seeded(0)
    drawn_and_changed(pictures(4), CROP, 0.0, generator)
    assert torch.equal(generator.get_state(), seeded(0).get_state())


def test_without_augmentations_a_batch_is_mirrored_by_the_same_draws_as_ever():
    images = pictures(16)
    torch.manual_seed(5)
    mirrored = torch.rand(16) < 0.5
    expected = to_input(torch.where(mirrored[:, None, None, None], images.flip(2), images))
    assert torch.equal(augmented(images, seeded(5)), expected)


def test_the_changes_come_in_the_order_crop_low_resolution_photometric_flip():
    images = pictures(6)
    generator, expected = seeded(1), images
    for change in CHANGES.values():
        expected = drawn_and_changed(expected, change, 0.7, generator)
    expected = augmented(expected, generator)
    found = augmented(images, seeded(1), crop=0.7, low_resolution=0.7, photometric=0.7)
    assert torch.equal(found, expected)


@each_change
def test_no_image_at_all_can_be_changed(change):
    # a draw may choose none of a batch
    assert made(0, change, pictures(2)[:0]).shape == (0, SIDE, SIDE, 3)


# Crop


def boxes(count):
    """Rows and columns that a crop leaves, as booleans, and the images it gives."""
    images = torch.full((count, SIDE, SIDE, 3), 9, dtype=torch.uint8)
    left = made(0, CROP, images)[..., 0] > 0
    return left.any(dim=2).numpy(), left.any(dim=1).numpy(), left.numpy()


def test_a_crop_is_the_image_in_a_box_and_black_around_it():
    images = pictures(40)
    found = made(0, CROP, images)
    for image, crop in zip(images.numpy(), found.numpy(), strict=True):
        rows, columns = np.nonzero(crop.any(axis=2))
        box = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
        expected = np.zeros_like(image)
        expected[box] = image[box]
        assert np.array_equal(crop, expected)


def test_sides_and_places_of_the_box_are_those_of_torchvision():
    rows, columns, _ = boxes(4000)
    ours = np.stack([
        rows.sum(axis=1), columns.sum(axis=1), rows.argmax(axis=1), columns.argmax(axis=1)
    ])  # fmt: skip
    torch.manual_seed(1)
    image = torch.empty(3, SIDE, SIDE)
    drawn = [RandomResizedCrop.get_params(image, (0.2, 1.0), (3 / 4, 4 / 3)) for _ in range(4000)]
    theirs = np.array(drawn).T[[2, 3, 0, 1]]
    # of height, width, top, left: deviations about 20, so 0.45 for a difference of two means
    np.testing.assert_allclose(ours.mean(axis=1), theirs.mean(axis=1), atol=5 * 0.45)
    np.testing.assert_allclose(ours.std(axis=1), theirs.std(axis=1), rtol=0.06)


def test_the_box_keeps_its_limits_of_area_and_ratio():
    rows, columns, _ = boxes(2000)
    height, width = rows.sum(axis=1), columns.sum(axis=1)
    # sides are rounded by at most half a pixel, and the shorter one has at least 43
    assert (height * width / SIDE**2).min() > 0.2 * 0.97
    assert (height / width).max() < 4 / 3 * 1.025
    assert (height / width).min() > 3 / 4 * 0.975


def test_the_mean_area_is_that_of_boxes_that_fit():
    _, _, left = boxes(4000)
    # by a plain draw: area uniform in 0.2 to 1, redrawn up to ten times while a side is too long
    rng = np.random.default_rng(0)
    area = rng.uniform(0.2, 1.0, (20_000, 10))
    ratio = np.exp(rng.uniform(-math.log(4 / 3), math.log(4 / 3), (20_000, 10)))
    fits = np.maximum(area * ratio, area / ratio) <= 1
    first = np.take_along_axis(area, fits.argmax(axis=1)[:, None], axis=1)[:, 0]
    expected = np.where(fits.any(axis=1), first, 1.0).mean()
    # deviation of an area 0.2: 0.0035 of the mean of 4000
    assert abs(left.mean() - expected) < 5 * 0.0035


# Low resolution


def resized(kind, image, before, after):
    """What our matrices make of a square image, (after, after, 3) in floats."""
    kinds = torch.tensor([list(OPENCV).index(kind)])
    sizes = torch.tensor([[before]]), torch.tensor([[after]])
    matrix = augmentation._resizing(kinds, *sizes, SIDE)
    padded = torch.zeros(3, SIDE, SIDE)
    padded[:, :before, :before] = image.permute(2, 0, 1)
    found = (matrix @ padded @ matrix.mT).round().clamp(0, 255)
    return found[:, :after, :after].permute(1, 2, 0).numpy()


# an exact fraction, and two that are none
@pytest.mark.parametrize("small", [28, 37, 101])
@pytest.mark.parametrize("kind", OPENCV)
def test_an_image_is_made_small_as_by_opencv(kind, small):
    for image in pictures(2):
        expected = cv2.resize(image.numpy(), (small, small), interpolation=OPENCV[kind])
        # OpenCV reckons with 11 binary places
        assert np.abs(resized(kind, image, SIDE, small) - expected).max() <= 1


@pytest.mark.parametrize("small", [28, 37, 101])
@pytest.mark.parametrize("kind", OPENCV)
def test_an_image_is_made_large_as_by_opencv(kind, small):
    for image in pictures(2)[:, :small, :small]:
        image = image.contiguous()
        expected = cv2.resize(image.numpy(), (SIDE, SIDE), interpolation=OPENCV[kind])
        assert np.abs(resized(kind, image, small, SIDE) - expected).max() <= 1


def test_low_resolution_is_the_two_resizings_it_draws():
    images = pictures(60)
    found = made(2, LOW_RESOLUTION, images).numpy()
    torch.manual_seed(2)  # the draws, in their order
    sides = (torch.empty(60, 1).uniform_(0.2, 1.0) * SIDE).long().flatten().tolist()
    kinds = torch.randint(5, (2, 60)).tolist()
    flags = list(OPENCV.values())
    far = []
    for image, ours, side, down, up in zip(images.numpy(), found, sides, *kinds, strict=True):
        small = cv2.resize(image, (side, side), interpolation=flags[down])
        large = cv2.resize(small, (SIDE, SIDE), interpolation=flags[up])
        far.append((np.abs(large.astype(int) - ours) > 2).mean())
    # 1 from each way; but for pixels that lie on an edge between two, as nearest decides them
    assert np.median(far) == 0
    assert np.mean(far) < 0.01


def test_every_small_side_is_drawn_from_a_fifth_on(monkeypatch):
    drawn = []
    resizing = augmentation._resizing

    def watching(kind, before, after, side):
        drawn.append(torch.minimum(before, after).flatten())
        return resizing(kind, before, after, side)

    monkeypatch.setattr(augmentation, "_resizing", watching)
    made(0, LOW_RESOLUTION, pictures(1).expand(200, -1, -1, -1))
    sides = drawn[0]
    # int(0.2 * 112) is 22; uniform up to 112 exclusively: mean 0.6 * 112 - 0.5, deviation 26
    assert 22 <= sides.min().item() <= 24
    assert 109 <= sides.max().item() <= 111
    assert abs(sides.float().mean().item() - 66.7) < 5 * 26 / math.sqrt(200)


@pytest.mark.parametrize("kind", OPENCV)
@pytest.mark.parametrize("sizes", [(112, 22), (112, 75), (22, 112), (75, 112)])
def test_a_flat_image_stays_flat(kind, sizes):
    found = resized(kind, torch.full((sizes[0], sizes[0], 3), 200.0), *sizes)
    assert (found == 200).all()


# Photometric


def test_brightness_contrast_and_saturation_are_those_of_pillow():
    images = pictures(100)
    found = made(6, PHOTOMETRIC, images).numpy()
    torch.manual_seed(6)  # the draws, in their order
    factors = torch.empty(100, 3).uniform_(0.5, 1.5).tolist()
    orders = torch.rand(100, 3).argsort(dim=1).tolist()
    kinds = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
    differing = 0
    for image, ours, order, factor in zip(images.numpy(), found, orders, factors, strict=True):
        picture = Image.fromarray(image)
        for kind, value in zip(order, factor, strict=True):
            picture = kinds[kind](picture).enhance(value)
        distance = np.abs(np.asarray(picture).astype(int) - ours)
        assert distance.max() <= 2  # where a value falls on a border, in each of the three
        differing += (distance > 0).mean()
    assert differing / 100 < 1e-4


def test_factors_lie_between_a_half_and_one_and_a_half():
    # a flat gray image: contrast and saturation leave it alone, brightness multiplies it
    images = torch.full((2000, 8, 8, 3), 100, dtype=torch.uint8)
    found = made(0, PHOTOMETRIC, images)[:, 0, 0, 0].float()
    assert (found.min().item(), found.max().item()) == pytest.approx((50, 149), abs=1)
    # uniform: mean 100 less half of what is cut off, deviation 29
    assert abs(found.mean().item() - 99.5) < 5 * 29 / math.sqrt(2000)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_augmentation_does_not_wait_for_the_device():
    images = pictures(32).cuda()
    options = {"crop": 0.5, "low_resolution": 0.5, "photometric": 0.5}
    augmented(images, seeded(0), **options)  # loads the kernels
    torch.cuda.set_sync_debug_mode("error")
    try:
        augmented(images, seeded(0), **options)
    finally:
        torch.cuda.set_sync_debug_mode("default")
