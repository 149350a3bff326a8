import gc
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from irlib.data.faces import Faces
from irlib.data.loading import TrainLoader
from irlib.data.sources import ImageFiles


def as_faces(crops, count=None):
    names = np.array([str(path.relative_to(crops.root)) for path in crops.paths[:count]])
    return Faces(
        images=ImageFiles(crops.root, names), labels=crops.labels[:count],
        ages=crops.ages[:count], class_names=("0", "1", "2", "3"),
    )  # fmt: skip


def loader(crops, **options):
    options = {"batch_size": 4, "seed": 1, "workers": 0, **options}
    return TrainLoader(as_faces(crops), **options)


def images(batches):
    return [batch.images for batch in batches]


def equal(first, second):
    return len(first) == len(second) and all(map(torch.equal, first, second))


def threads():
    return sum(thread.name.startswith("decode") for thread in threading.enumerate())


@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_holds_uint8_images_with_labels_and_ages(crops, workers):
    batch = next(iter(loader(crops, workers=workers)))
    assert (batch.images.shape, batch.images.dtype) == ((4, 112, 112, 3), torch.uint8)
    assert (batch.labels.shape, batch.labels.dtype) == ((4,), torch.int64)
    assert (batch.ages.shape, batch.ages.dtype) == ((4,), torch.float32)


@pytest.mark.parametrize("workers", [0, 2])
def test_an_image_comes_with_its_own_label_and_age(crops, workers):
    own = {np.asarray(Image.open(p)).tobytes(): i for i, p in enumerate(crops.paths)}
    for batch in loader(crops, workers=workers):
        index = [own[image.numpy().tobytes()] for image in batch.images]
        assert batch.labels.tolist() == crops.labels[index].tolist()
        np.testing.assert_array_equal(batch.ages, crops.ages[index].astype(np.float32))


def test_the_order_is_that_of_a_permutation_by_seed_and_epoch(crops):
    # written down so that a change of the order, which ends every resumed run, cannot pass
    given = loader(crops, batch_size=19)
    for epoch in range(2):
        (batch,) = list(given)
        order = np.random.default_rng([1, epoch]).permutation(19)
        expected = np.stack([np.asarray(Image.open(crops.paths[i])) for i in order])
        assert np.array_equal(batch.images.numpy(), expected)


def test_an_epoch_has_every_image_once(crops):
    # 19 images: four batches of 4 and one of 3
    seen = torch.cat(images(loader(crops)))
    assert len(seen) == 19
    assert len({image.numpy().tobytes() for image in seen}) == 19


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("batch_size", "sizes"), [(4, [4, 4, 4, 4, 3]), (6, [6, 6, 6]), (19, [19])]
)
def test_a_last_batch_of_one_image_is_left_out(crops, batch_size, sizes, workers):
    # 19 is 3 * 6 + 1; batch norm cannot take a single image
    given = loader(crops, batch_size=batch_size, workers=workers)
    assert [len(batch.labels) for batch in given] == sizes
    assert len(given) == len(sizes)


def test_two_epochs_have_different_orders(crops):
    given = loader(crops)
    assert not equal(images(given), images(given))


def test_an_order_repeats_with_its_seed(crops):
    assert equal(images(loader(crops)), images(loader(crops)))


def test_another_seed_is_another_order(crops):
    assert not equal(images(loader(crops)), images(loader(crops, seed=2)))


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_the_order_does_not_depend_on_the_number_of_workers(crops, workers):
    given = loader(crops, workers=workers)
    kept = loader(crops)
    assert equal(images(given) + images(given), images(kept) + images(kept))


def test_threads_share_a_batch_of_many_pieces(crops):
    # 209 images are decoded in four pieces of at most 64
    many = as_faces(crops)
    rows = np.tile(np.arange(19), 11)
    many = Faces(
        images=ImageFiles(many.images.root, many.images.names[rows]), labels=many.labels[rows],
        ages=many.ages[rows], class_names=many.class_names,
    )  # fmt: skip
    (shared,) = TrainLoader(many, batch_size=209, seed=1, workers=3)
    (alone,) = TrainLoader(many, batch_size=209, seed=1)
    assert torch.equal(shared.images, alone.images)
    assert torch.equal(shared.labels, alone.labels)


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


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("taken", [1, 3, 5])
def test_another_loader_goes_on_where_one_stood(crops, taken, workers):
    whole = loader(crops)
    expected = images(whole) + images(whole)
    first = loader(crops, workers=workers)
    stream = iter(first)
    got = [next(stream).images for _ in range(taken)]
    second = loader(crops, workers=workers)
    second.load_state_dict(first.state_dict())
    while second.epoch < 2:
        got += images(second)
    assert equal(got, expected)


def test_its_position_is_plain_values(crops):
    given = loader(crops)
    next(iter(given))
    assert given.state_dict() == {"epoch": 0, "position": 1, "bad": []}


def test_an_epoch_given_out_is_counted(crops):
    given = loader(crops)
    list(given)
    assert given.state_dict() == {"epoch": 1, "position": 0, "bad": []}


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(("batch_size", "an_epoch"), [(4, 19), (6, 18)])
def test_images_given_out_are_counted(crops, batch_size, an_epoch, workers):
    given = loader(crops, batch_size=batch_size, workers=workers)
    seen, counted = 0, []
    for _ in range(2):
        for batch in given:
            seen += len(batch.labels)
            counted.append(given.images_seen == seen)
    assert all(counted)
    assert given.images_seen == 2 * an_epoch


# Threads


def test_a_consumer_that_stops_early_leaves_no_thread(crops):
    stream = iter(loader(crops, workers=3))
    next(stream)
    assert threads() > 0
    stream.close()
    assert threads() == 0


def test_an_epoch_leaves_no_thread(crops):
    list(loader(crops, workers=3))
    gc.collect()
    assert threads() == 0


class Slow:
    """Images that count how many were read."""

    def __init__(self, crops):
        self.images, self.read = as_faces(crops).images, 0

    def __len__(self):
        return len(self.images)

    def name(self, index):
        return self.images.name(index)

    def encoded(self, index):
        self.read += 1
        return self.images.encoded(index)


def test_only_a_few_batches_are_decoded_ahead(crops, monkeypatch):
    monkeypatch.setattr("irlib.data.loading._PIECE", 1)  # else one piece holds them all
    slow = Slow(crops)
    given = TrainLoader(replace(as_faces(crops), images=slow), batch_size=2, seed=1, workers=1)
    stream = iter(given)
    next(stream)
    time.sleep(0.2)  # long enough to decode all nineteen
    assert slow.read == 2 * (1 + 4)  # the batch given out and the four ahead of it
    stream.close()


# Bad input


def test_arrays_of_unequal_length_are_refused(crops):
    faces = replace(as_faces(crops), labels=crops.labels[1:])
    with pytest.raises(ValueError, match="19 images, 18 labels, 19 ages"):
        TrainLoader(faces, batch_size=4, seed=1)


def test_a_single_image_is_refused(crops):
    with pytest.raises(ValueError, match="1 images: expected at least 2"):
        TrainLoader(as_faces(crops, 1), batch_size=4, seed=1)


@pytest.mark.parametrize(
    "option", [{"batch_size": 1}, {"batch_size": 0}, {"workers": -1}, {"allowed_bad": -1}]
)
def test_an_option_out_of_range_is_named(crops, option):
    ((name, value),) = option.items()
    with pytest.raises(ValueError, match=f"{name}={value}: expected at least"):
        loader(crops, **option)


@pytest.fixture
def damaged(crops, tmp_path):
    """A function that gives the crops with some of them damaged, by position."""

    def damage(*rows):
        for index, path in enumerate(crops.paths):
            copy = tmp_path / path.relative_to(crops.root)
            copy.parent.mkdir(exist_ok=True)
            content = path.read_bytes()
            copy.write_bytes(content[:2000] if index in rows else content)
        paths = [tmp_path / path.relative_to(crops.root) for path in crops.paths]
        return SimpleNamespace(**{**vars(crops), "root": tmp_path, "paths": paths})

    return damage


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_a_damaged_image_is_named(damaged, workers):
    with pytest.raises(ValueError, match=r"^000003/00000018\.png: not a readable image"):
        list(loader(damaged(18), workers=workers))
    gc.collect()
    assert threads() == 0


def test_the_batches_before_a_damaged_image_are_given_out(damaged):
    # the order of the first epoch decides which batch of 4 image 7 falls into
    order = np.random.default_rng([1, 0]).permutation(19)
    before = int(np.flatnonzero(order == 7)[0]) // 4
    given, got = loader(damaged(7), workers=2), []
    with pytest.raises(ValueError, match=r"00000007\.png"):
        got += (batch for batch in given)
    assert given.position == before


@pytest.mark.parametrize("workers", [0, 2])
def test_an_allowed_number_of_damaged_images_is_left_out(crops, damaged, workers):
    given = loader(damaged(3, 11), workers=workers, allowed_bad=2)
    # two epochs: the same damaged images count once
    assert [sum(len(batch.labels) for batch in given) for _ in range(2)] == [17, 17]
    assert sorted(given.bad) == ["000000/00000003.png", "000002/00000011.png"]
    # the others come as they come without the damage
    kept = torch.cat(images(given))
    whole = loader(crops)
    whole.load_state_dict({"epoch": 2, "position": 0})
    order = np.random.default_rng([1, 2]).permutation(19)
    expected = torch.cat(images(whole))[torch.from_numpy(~np.isin(order, [3, 11]))]
    assert torch.equal(kept, expected)


@pytest.mark.parametrize("workers", [0, 2])
def test_one_more_than_allowed_stops(damaged, workers):
    with pytest.raises(ValueError, match=r"not a readable image .*; 1 may be damaged"):
        list(loader(damaged(3, 11), workers=workers, allowed_bad=1))


def test_the_damaged_met_before_count_in_a_run_that_goes_on(damaged):
    first = loader(damaged(3, 11), workers=1, allowed_bad=2)
    list(first)
    second = loader(damaged(3, 5), workers=1, allowed_bad=2)
    second.load_state_dict(first.state_dict())
    with pytest.raises(ValueError, match=r"00000005\.png"):
        list(second)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_that_shrinks_to_one_image_is_left_out(damaged, workers):
    # batches of 4, 4, 4, 4, 3: two of the last three are damaged
    order = np.random.default_rng([1, 0]).permutation(19)
    given = loader(damaged(*order[-2:]), workers=workers, allowed_bad=2)
    assert [len(batch.labels) for batch in given] == [4, 4, 4, 4]
    assert given.state_dict()["epoch"] == 1
