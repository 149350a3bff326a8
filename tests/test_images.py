import numpy as np
import pytest
import torch

from irlib.images import Batch, Transfer, augment, even_sizes, to_input


def test_pixels_go_to_minus_one_to_one():
    images = torch.tensor([0, 255], dtype=torch.uint8)[:, None, None, None].expand(2, 4, 4, 3)
    assert to_input(images)[:, 0, 0, 0].tolist() == [-1.0, 1.0]


def test_the_middle_of_the_range_is_the_middle_of_the_input():
    # 127 and 128 lie half a step of 2 / 255 below and above 0
    images = torch.tensor([127, 128], dtype=torch.uint8)[:, None, None, None].expand(2, 4, 4, 3)
    expected = torch.tensor([-1, 1]) / 255
    torch.testing.assert_close(to_input(images)[:, 0, 0, 0], expected)


def test_channels_rows_and_columns_keep_their_places():
    images = torch.zeros(1, 112, 112, 3, dtype=torch.uint8)
    images[0, 10, 20, 2] = 255  # row 10, column 20, blue
    found = to_input(images)
    assert found.shape == (1, 3, 112, 112)
    assert (found == 1).nonzero().tolist() == [[0, 2, 10, 20]]


def test_the_input_lies_in_memory_as_channels_last():
    images = torch.zeros(2, 112, 112, 3, dtype=torch.uint8)
    assert to_input(images).is_contiguous(memory_format=torch.channels_last)


def test_the_uint8_images_stay_as_they_are():
    images = torch.full((2, 4, 4, 3), 7, dtype=torch.uint8)
    to_input(images)
    augmented(images)
    assert (images == 7).all()


def numbered(count):
    """Images whose only bright column is the first, so that a mirrored one is told."""
    images = torch.zeros(count, 4, 4, 3, dtype=torch.uint8)
    images[:, :, 0] = 255
    return images


def batch_of(images, counts=None):
    count = len(images)
    return Batch(images, torch.arange(count), torch.arange(count) / 2, counts)


def augmented(images, seed=0, **options):
    generator = torch.Generator().manual_seed(seed)
    return augment(batch_of(images), generator=generator, **options)


def test_an_augmented_image_is_the_image_or_its_mirror_image():
    plain = to_input(numbered(1))[0]
    for image in augmented(numbered(32)):
        assert torch.equal(image, plain) or torch.equal(image, plain.flip(2))


def test_half_of_the_images_are_mirrored():
    mirrored = augmented(numbered(1000))[:, 0, 0, 3] == 1
    # binomial: mean 500, deviation 16; 80 is five of them
    assert abs(mirrored.sum().item() - 500) < 80


def test_mirroring_repeats_with_its_generator_and_changes_with_it():
    first, again, other = (augmented(numbered(16), seed) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_nothing_is_drawn_from_torchs_global_generator():
    before = torch.get_rng_state()
    augmented(numbered(16), crop=0.5, photometric=0.5)
    assert torch.equal(torch.get_rng_state(), before)


# A batch of several processes


@pytest.mark.parametrize(("total", "count"), [(7, 3), (6, 3), (2, 4), (0, 2)])
def test_even_sizes_are_those_of_array_split(total, count):
    expected = [len(part) for part in np.array_split(np.arange(total), count)]
    assert list(even_sizes(total, count)) == expected


def test_rows_of_the_processes_follow_one_another():
    batch = batch_of(numbered(3), (2, 3, 0, 1))
    assert [list(batch.rows(rank)) for rank in range(4)] == [[0, 1], [2, 3, 4], [], [5]]
    assert batch.total == 6


def test_a_batch_of_one_process_has_all_rows():
    batch = batch_of(numbered(3))
    assert (batch.rows(0), batch.total) == (range(3), 3)


def labels_and_counts(parts):
    return [(part.labels.tolist(), part.counts) for part in parts]


def test_parts_are_consecutive():
    # 7 in 3 parts: 3, 2 and 2
    parts = batch_of(numbered(7)).parts(3)
    assert labels_and_counts(parts) == [([0, 1, 2], None), ([3, 4], None), ([5, 6], None)]
    assert torch.equal(torch.cat([part.ages for part in parts]), torch.arange(7) / 2)
    assert [len(part.images) for part in parts] == [3, 2, 2]


def test_parts_of_several_processes_know_what_the_others_have():
    # of 5 images 3 and 2, of 4 images 2 and 2
    parts = batch_of(numbered(4), (5, 4)).parts(2)
    assert labels_and_counts(parts) == [([0, 1], (3, 2)), ([2, 3], (2, 2))]


def test_a_process_may_have_nothing_of_a_part():
    # of 2 images 1, 1, 0; of 5 images 2, 2, 1; a third part of a single image would not do
    parts = batch_of(numbered(2), (2, 5)).parts(3)
    assert labels_and_counts(parts) == [([0], (1, 3)), ([1], (1, 2))]
    parts = batch_of(numbered(0), (0, 6)).parts(3)
    assert labels_and_counts(parts) == [([], (0, 2))] * 3


def test_a_part_that_is_empty_everywhere_is_left_out():
    # one image in each of four processes: all of them are in the first part
    parts = batch_of(numbered(1), (1, 1, 1, 1)).parts(2)
    assert labels_and_counts(parts) == [([0], (1, 1, 1, 1))]


def test_no_part_is_of_a_single_image():
    # 5 in 4 parts would be 2, 1, 1, 1 and in 3 parts 2, 2, 1
    assert labels_and_counts(batch_of(numbered(5)).parts(4)) == [([0, 1, 2], None), ([3, 4], None)]


def by_ranks(images, size, seed, **options):
    """The batch augmented by so many processes, each with its own images and generator."""
    counts = even_sizes(len(images), size)
    return [
        augment(
            batch_of(own, counts), generator=torch.Generator().manual_seed(seed), rank=rank,
            **options,
        )
        for rank, own in enumerate(images.split(counts))
    ]  # fmt: skip


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("options", [
    {}, {"crop": 0.5}, {"low_resolution": 0.5}, {"photometric": 0.5},
    {"crop": 0.2, "low_resolution": 1.0, "photometric": 0.7},
])  # fmt: skip
def test_an_image_is_changed_alike_in_any_number_of_processes(size, options):
    # 11 images: 6 and 5, or 3, 3, 3 and 2; each pixel another value
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (11, 112, 112, 3), "uint8"))
    alone = augmented(images, 7, **options)
    assert torch.equal(torch.cat(by_ranks(images, size, 7, **options)), alone)


def test_generators_stay_alike_in_processes_of_unequal_shares():
    generators = [torch.Generator().manual_seed(1) for _ in range(3)]
    for rank, (generator, count) in enumerate(zip(generators, (0, 2, 3), strict=True)):
        batch = batch_of(numbered(count), (0, 2, 3))
        augment(batch, crop=0.5, photometric=0.5, generator=generator, rank=rank)
    first, *others = (generator.get_state() for generator in generators)
    assert all(torch.equal(first, other) for other in others)


# To a device


def test_a_batch_moves_as_a_whole():
    batch = batch_of(numbered(2), (1, 2))
    for moved in (batch.to(torch.device("meta")), Transfer(torch.device("meta"))(batch)):
        assert {t.device.type for t in (moved.images, moved.labels, moved.ages)} == {"meta"}
        assert moved.counts == (1, 2)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_batches_arrive_whole_beside_a_busy_device():
    transfer, large = Transfer(torch.device("cuda")), torch.rand(4096, 4096, device="cuda")
    sums = []
    for value in range(20):
        images = torch.full((256, 112, 112, 3), value, dtype=torch.uint8)
        moved = transfer(batch_of(images).pin_memory())
        large = (large @ large).clamp_(0, 1)  # keeps the device at work
        sums.append(moved.images.float().mean())
    assert torch.stack(sums).tolist() == list(range(20))
