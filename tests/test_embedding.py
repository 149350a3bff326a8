import numpy as np
import pytest
import torch
from torch import nn

from irlib.evaluation.embedding import embed
from irlib.images import to_input


class Rows(nn.Module):
    """Two numbers of each image: its mean, and its left half's less its right half's."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(2)
        self.sizes = []

    def forward(self, images):
        self.sizes.append(len(images))
        left, right = images.mean((1, 2)).chunk(2, dim=1)
        values = torch.stack([images.mean((1, 2, 3)), left.mean(1) - right.mean(1)], dim=1)
        return self.norm(values) if self.training else values


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 112, 112, 3), dtype=np.uint8)


def test_embeddings_keep_the_order_and_take_each_image_once(images):
    backbone = Rows()
    embeddings = embed(backbone, iter([images[:3], images[3:]]), device="cpu")
    expected = images.mean((1, 2, 3)) / 127.5 - 1
    np.testing.assert_allclose(embeddings[:, 0], expected, atol=1e-5)
    assert embeddings.dtype == np.float32
    assert backbone.sizes == [3, 2]


def test_flip_adds_the_mirrored_image(images):
    plain = embed(Rows(), [images], device="cpu")
    mirrored = embed(Rows(), [np.ascontiguousarray(images[:, :, ::-1])], device="cpu")
    both = embed(Rows(), [images], device="cpu", flip=True)
    np.testing.assert_allclose(both, plain + mirrored, atol=1e-6)
    np.testing.assert_allclose(both[:, 1], 0, atol=1e-6)  # left and right change places


def test_modes_are_restored_module_by_module(images):
    backbone = Rows()
    backbone.norm.eval()
    embed(backbone, [images], device="cpu")
    assert backbone.training
    assert not backbone.norm.training


def test_modes_are_restored_after_an_error():
    backbone = Rows()
    with pytest.raises(ValueError, match="none given"):
        embed(backbone, [], device="cpu")
    assert backbone.training


def test_running_statistics_stay(images):
    backbone = Rows()
    before = backbone.norm.running_mean.clone()
    embed(backbone, [images], device="cpu")
    assert torch.equal(backbone.norm.running_mean, before)


@pytest.mark.parametrize("wrong", [np.zeros((2, 3, 112, 112), np.uint8), np.zeros((1, 8, 8, 3))])
def test_a_wrong_batch_is_refused(wrong):
    with pytest.raises(ValueError, match=r"expected uint8 \(B, height, width, 3\)"):
        embed(Rows(), [wrong], device="cpu")


def test_a_diverged_backbone_is_named(images):
    class Diverged(nn.Module):
        def forward(self, images):
            return images.mean((2, 3)) / 0

    with pytest.raises(ValueError, match="the backbone has diverged"):
        embed(Diverged(), [images], device="cpu")


def test_input_range():
    ends = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 112, 112, 3)
    assert to_input(ends).amax((1, 2, 3)).tolist() == [-1.0, 1.0]
