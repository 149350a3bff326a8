import gc
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import ranks
import torch
from PIL import Image

from irlib import parallel
from irlib.data.faces import Faces
from irlib.data.loading import TrainLoader
from irlib.data.sources import ImageFiles
from irlib.training.config import EVERY_CORE


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


# Several processes


def shards(crops, size, **options):
    return [loader(crops, rank=rank, size=size, **options) for rank in range(size)]


def together(parts):
    """The parts of one batch as the images, labels and ages of all processes."""
    return [torch.cat([getattr(part, n) for part in parts]) for n in ("images", "labels", "ages")]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("size", [2, 3, 4])
def test_processes_share_the_batches_of_one(crops, size, workers):
    alone, several = loader(crops), shards(crops, size, workers=workers)
    for _ in range(2):
        for batch, *parts in zip(alone, *several, strict=True):
            for found, expected in zip(together(parts), together([batch]), strict=True):
                assert torch.equal(found.nan_to_num(-1), expected.nan_to_num(-1))


@pytest.mark.parametrize("workers", [0, 2])
def test_every_process_knows_how_many_images_each_has(crops, workers):
    # 19 images in batches of 8, 8 and 3 for four processes
    for rank, given in enumerate(shards(crops, 4, batch_size=8, workers=workers)):
        batches = list(given)
        assert [b.counts for b in batches] == [(2, 2, 2, 2), (2, 2, 2, 2), (1, 1, 1, 0)]
        assert [len(b.images) for b in batches] == [2, 2, 0 if rank == 3 else 1]


def test_one_process_has_all_images_of_a_batch(crops):
    assert [batch.counts for batch in loader(crops)] == [None] * 5


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_counts_the_images_of_all(crops, rank):
    given = loader(crops, batch_size=6, rank=rank, size=2)
    assert (len(given), [given.images_seen for _ in given]) == (3, [6, 12, 18])


def test_a_process_decodes_its_own_images_alone(crops):
    slow = Slow(crops)
    faces = replace(as_faces(crops), images=slow)
    list(TrainLoader(faces, batch_size=4, seed=1, workers=1, rank=1, size=2))
    assert slow.read == 4 * 2 + 1  # two of each batch of 4, one of the last of 3


@pytest.mark.parametrize("size", [1, 3])
def test_any_number_of_processes_goes_on_where_four_stood(crops, size):
    expected = [together([batch]) for batch in loader(crops)][2:]
    saved = []
    for first in shards(crops, 4, workers=1):
        stream = iter(first)
        next(stream), next(stream)
        saved.append(first.state_dict())
        stream.close()
    assert saved == [{"epoch": 0, "position": 2, "bad": []}] * 4
    several = shards(crops, size)
    for given in several:
        given.load_state_dict(saved[0])
    found = [together(parts) for parts in zip(*several, strict=True)]
    assert all(map(equal, [f[:2] for f in found], [e[:2] for e in expected]))
    assert len(found) == 3


@pytest.mark.parametrize(
    ("cores", "local_size", "workers"),
    # 7 over 2 is 3; at least one; beyond 16 the interpreter's lock passes no more images
    [(7, 1, 7), (7, 2, 3), (2, 4, 1), (64, 1, 16), (64, 8, 8)],
)
def test_workers_for_every_core_are_this_processs_share(
    crops, monkeypatch, cores, local_size, workers
):
    monkeypatch.setattr("irlib.data.loading.available_cores", lambda: cores)
    assert loader(crops, workers=EVERY_CORE, local_size=local_size).workers == workers


@pytest.mark.parametrize(("option", "told"), [
    ({"rank": 2, "size": 2}, "rank=2: expected less than size=2"),
    ({"rank": -1, "size": 2}, "rank=-1: expected at least 0"),
    ({"size": 0}, "size=0: expected at least 1"),
    ({"local_size": 0}, "local_size=0: expected at least 1"),
    ({"size": 5}, "batch_size=4: expected at least 5"),  # else some never had an image
])  # fmt: skip
def test_a_place_among_processes_that_cannot_be_is_told(crops, option, told):
    with pytest.raises(ValueError, match=told):
        loader(crops, **option)


def epochs_among_others(root, names, workers, allowed_bad):
    """What this process's loader over damaged images gives in two epochs."""
    count = len(names)
    faces = Faces(
        images=ImageFiles(root, names), labels=np.arange(count), ages=np.zeros(count),
        class_names=("",) * count,
    )  # fmt: skip
    given = TrainLoader(
        faces, batch_size=4, seed=1, workers=workers, allowed_bad=allowed_bad, rank=parallel.rank(),
        size=parallel.size(),
    )  # fmt: skip
    batches, error = [], ""
    try:
        batches = [(b.labels.tolist(), b.counts) for _ in range(2) for b in given]
    except ValueError as refusal:
        error = str(refusal)
    return batches, given.state_dict(), error


def every_case(root, names):
    return {
        (workers, allowed_bad): epochs_among_others(root, names, workers, allowed_bad)
        for workers, allowed_bad in ((0, 4), (2, 4), (2, 3))
    }  # fmt: skip


@pytest.fixture(scope="module")
def among_others(crops, tmp_path_factory):
    """By process, and by workers and allowed images: four damaged ones, three in one batch of 4."""
    root = tmp_path_factory.mktemp("damaged")
    order = np.random.default_rng([1, 0]).permutation(19)
    damaged = {*order[4:7].tolist(), int(order[11])}
    for index, path in enumerate(crops.paths):
        content = path.read_bytes()
        (root / path.name).write_bytes(content[:2000] if index in damaged else content)
    names = np.array([path.name for path in crops.paths])
    alone = epochs_among_others(root, names, 2, 4)
    return alone, ranks.run(every_case, 2, root, names)


@pytest.mark.parametrize("workers", [0, 2])
def test_processes_leave_out_what_one_would(among_others, workers):
    (expected, state, _), several = among_others
    first, second = (cases[workers, 4] for cases in several)
    labels = [one + two for (one, _), (two, _) in zip(first[0], second[0], strict=True)]
    # the batch with a single sound image is left out by both
    assert labels == [labels for labels, _ in expected]
    for _, found, _ in (first, second):
        assert {**found, "bad": sorted(found["bad"])} == {**state, "bad": sorted(state["bad"])}


@pytest.mark.parametrize("workers", [0, 2])
def test_processes_agree_on_what_each_has_left(among_others, workers):
    _, several = among_others
    first, second = (cases[workers, 4][0] for cases in several)
    for (one, counts), (two, too) in zip(first, second, strict=True):
        assert counts == too == (len(one), len(two))
    # the third batch, now the second, lacks its last image: 2 and 1
    assert first[1][1] == (2, 1)


def test_damaged_images_of_all_processes_are_counted_together(among_others):
    # four are damaged and three allowed: each process meets two
    _, several = among_others
    first, second = (cases[2, 3] for cases in several)
    assert first[1] == second[1]
    assert first[2] == second[2]
    assert first[2].endswith("; 3 may be damaged")


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
    "option", [{"batch_size": 1}, {"batch_size": 0}, {"workers": -2}, {"allowed_bad": -1}]
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
