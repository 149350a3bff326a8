import numpy as np
import pytest
import torch
from PIL import Image

from irlib.data.loading import TrainLoader


def loader(crops, **options):
    options = {"batch_size": 4, "seed": 1, "workers": 0, **options}
    return TrainLoader(crops.paths, crops.labels, crops.ages, **options)


def images(batches):
    return [batch.images for batch in batches]


def equal(first, second):
    return len(first) == len(second) and all(map(torch.equal, first, second))


def test_a_batch_holds_uint8_images_with_labels_and_ages(crops):
    batch = next(iter(loader(crops)))
    assert (batch.images.shape, batch.images.dtype) == ((4, 112, 112, 3), torch.uint8)
    assert (batch.labels.shape, batch.labels.dtype) == ((4,), torch.int64)
    assert (batch.ages.shape, batch.ages.dtype) == ((4,), torch.float32)


def test_an_image_comes_with_its_own_label_and_age(crops):
    own = {np.asarray(Image.open(p)).tobytes(): i for i, p in enumerate(crops.paths)}
    for batch in loader(crops):
        index = [own[image.numpy().tobytes()] for image in batch.images]
        assert batch.labels.tolist() == crops.labels[index].tolist()
        np.testing.assert_array_equal(batch.ages, crops.ages[index].astype(np.float32))


def test_an_epoch_has_every_image_once(crops):
    # 19 images: four batches of 4 and one of 3
    seen = torch.cat(images(loader(crops)))
    assert len(seen) == 19
    assert len({image.numpy().tobytes() for image in seen}) == 19


@pytest.mark.parametrize(
    ("batch_size", "sizes"), [(4, [4, 4, 4, 4, 3]), (6, [6, 6, 6]), (19, [19])]
)
def test_a_last_batch_of_one_image_is_left_out(crops, batch_size, sizes):
    # 19 is 3 * 6 + 1; batch norm cannot take a single image
    given = loader(crops, batch_size=batch_size)
    assert [len(batch.labels) for batch in given] == sizes
    assert len(given) == len(sizes)


def test_two_epochs_have_different_orders(crops):
    given = loader(crops)
    assert not equal(images(given), images(given))


def test_an_order_repeats_with_its_seed(crops):
    assert equal(images(loader(crops)), images(loader(crops)))


def test_another_seed_is_another_order(crops):
    assert not equal(images(loader(crops)), images(loader(crops, seed=2)))


def test_the_order_does_not_depend_on_the_number_of_workers(crops):
    assert equal(images(loader(crops)), images(loader(crops, workers=2)))


@pytest.mark.parametrize("workers", [0, 1])
def test_nothing_is_drawn_from_torchs_global_generator(crops, workers):
    # else a run that goes on in mid-epoch would see other flips than an undisturbed one
    before = torch.get_rng_state()
    list(loader(crops, workers=workers))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_order_does_not_depend_on_what_was_drawn_elsewhere(crops):
    first = images(loader(crops))
    torch.rand(3)
    np.random.default_rng().random(3)
    assert equal(first, images(loader(crops)))


@pytest.mark.parametrize("taken", [1, 3, 5])
def test_another_loader_goes_on_where_one_stood(crops, taken):
    whole = loader(crops)
    expected = images(whole) + images(whole)
    first = loader(crops)
    stream = iter(first)
    got = [next(stream).images for _ in range(taken)]
    second = loader(crops)
    second.load_state_dict(first.state_dict())
    while second.epoch < 2:
        got += images(second)
    assert equal(got, expected)


def test_its_position_is_plain_numbers(crops):
    given = loader(crops)
    next(iter(given))
    assert given.state_dict() == {"epoch": 0, "position": 1}


def test_an_epoch_given_out_is_counted(crops):
    given = loader(crops)
    list(given)
    assert given.state_dict() == {"epoch": 1, "position": 0}


@pytest.mark.parametrize(("batch_size", "an_epoch"), [(4, 19), (6, 18)])
def test_images_given_out_are_counted(crops, batch_size, an_epoch):
    given = loader(crops, batch_size=batch_size)
    seen, counted = 0, []
    for _ in range(2):
        for batch in given:
            seen += len(batch.labels)
            counted.append(given.images_seen == seen)
    assert all(counted)
    assert given.images_seen == 2 * an_epoch


def test_arrays_of_unequal_length_are_refused(crops):
    with pytest.raises(ValueError, match="19 paths, 18 labels, 19 ages"):
        TrainLoader(crops.paths, crops.labels[1:], crops.ages, batch_size=4, seed=1)


def test_a_single_image_is_refused(crops):
    with pytest.raises(ValueError, match="1 images: expected at least 2"):
        TrainLoader(crops.paths[:1], crops.labels[:1], crops.ages[:1], batch_size=4, seed=1)


@pytest.fixture
def damaged(crops, tmp_path):
    path = tmp_path / "damaged.png"
    path.write_bytes(crops.paths[0].read_bytes()[:2000])
    return path


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_image_is_named(crops, damaged, workers):
    paths = [*crops.paths[:-1], damaged]
    with pytest.raises(ValueError, match=r"damaged\.png: not a readable image"):
        list(TrainLoader(paths, crops.labels, crops.ages, batch_size=4, seed=1, workers=workers))
