import numpy as np
import pytest
import torch
from torch import nn

from irlib import backbones
from irlib.backbones.features import Features, Recognition
from irlib.evaluation.grad_cam import cosine_cams


class Grid(nn.Module):
    """Maps of 7x7 means of the first two channels; their means are the embedding."""

    def forward(self, images):
        return self.embed_maps(self.maps(images))

    def maps(self, images):
        pooled = nn.functional.avg_pool2d(images[:, :2], 16)
        return (pooled + 1.0).requires_grad_()

    def embed_maps(self, maps):
        return maps.mean(dim=(2, 3))


def picture(color, where=slice(None)):
    pixels = np.zeros((1, 112, 112, 3), dtype=np.uint8)
    pixels[:, where] = color
    return pixels


def test_what_both_images_share_shines_where_it_is():
    # the second image is red, so red adds to the cosine: of the first, the upper half is red
    first = picture((255, 0, 0), slice(0, 48)) + picture((0, 255, 0), slice(48, 112))
    cams = cosine_cams(Grid(), first, picture((255, 0, 0)), device="cpu")
    assert cams.shape == (1, 2, 112, 112)
    assert cams[0, 0, :40].mean() > 0.9
    assert cams[0, 0, 64:].max() == 0


def test_the_largest_place_is_one_whatever_the_other_pairs_are():
    rng = np.random.default_rng(0)
    faces = rng.integers(0, 256, (3, 112, 112, 3), dtype=np.uint8)
    network = backbones.build("tiny", 16).eval()
    together = cosine_cams(network, faces, faces[::-1].copy(), device="cpu")
    alone = cosine_cams(network, faces[:1], faces[2:], device="cpu")
    assert together[:1] == pytest.approx(alone, abs=1e-4)
    assert together.min() >= 0
    assert together.max(axis=(2, 3)) == pytest.approx(np.ones((3, 2)), abs=0.2)


class Halved(nn.Module):
    """Stands for a network that tells age apart: half of the embedding each."""

    def __init__(self):
        super().__init__()
        self.backbone = backbones.build("tiny", 16)

    def forward(self, images):
        whole = self.backbone(images)
        return Features(whole[:, :8], whole[:, :8], whole[:, 8:])


def test_a_network_that_tells_age_apart_is_seen_by_its_backbones_maps():
    torch.manual_seed(0)
    network = Recognition(Halved()).eval()
    faces = np.random.default_rng(0).integers(0, 256, (2, 112, 112, 3), dtype=np.uint8)
    cams = cosine_cams(network, faces[:1], faces[1:], device="cpu")
    assert cams.max() > 0.5


def test_a_network_that_is_split_by_attention_is_seen_by_its_backbones_maps():
    network = Recognition(backbones.build("tiny", 16, "attention").eval())
    faces = np.random.default_rng(0).integers(0, 256, (2, 112, 112, 3), dtype=np.uint8)
    cams = cosine_cams(network, faces, faces[::-1].copy(), device="cpu")
    assert cams.shape == (2, 2, 112, 112)
    assert cams.max() > 0.9


def test_the_backbone_is_afterwards_as_it_was():
    network = backbones.build("tiny", 16).eval()
    cosine_cams(network, picture(90), picture((9, 80, 7)), device="cpu")
    assert "maps" not in vars(network)
    assert all(each.grad is None for each in network.parameters())


def test_a_network_without_maps_is_refused():
    with pytest.raises(ValueError, match="Flatten: no backbone"):
        cosine_cams(nn.Flatten(), picture(90), picture(90), device="cpu")
