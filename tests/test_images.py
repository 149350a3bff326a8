import torch

from irlib.images import Batch, augment, to_input


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
    augment(images)
    assert (images == 7).all()


def numbered(count):
    """Images whose only bright column is the first, so that a mirrored one is told."""
    images = torch.zeros(count, 4, 4, 3, dtype=torch.uint8)
    images[:, :, 0] = 255
    return images


def test_an_augmented_image_is_the_image_or_its_mirror_image():
    plain = to_input(numbered(1))[0]
    for image in augment(numbered(32)):
        assert torch.equal(image, plain) or torch.equal(image, plain.flip(2))


def test_half_of_the_images_are_mirrored():
    torch.manual_seed(0)
    mirrored = augment(numbered(1000))[:, 0, 0, 3] == 1
    # binomial: mean 500, deviation 16; 80 is five of them
    assert abs(mirrored.sum().item() - 500) < 80


def test_mirroring_repeats_with_torchs_seed():
    torch.manual_seed(3)
    first = augment(numbered(16))
    torch.manual_seed(3)
    assert torch.equal(augment(numbered(16)), first)


def test_a_batch_moves_as_a_whole():
    batch = Batch(numbered(2), torch.zeros(2, dtype=torch.int64), torch.zeros(2))
    moved = batch.to(torch.device("meta"))
    assert {t.device.type for t in (moved.images, moved.labels, moved.ages)} == {"meta"}
