"""The maps inside a backbone, from fine to coarse."""

import pytest
import torch
from torch import nn

from irlib.backbones import build
from irlib.backbones.mtlface import MTLFaceEncoder
from irlib.backbones.pyramids import last_of_each_size

# every kind of network, the wide one of AdaFace too
KINDS = ["tiny", "mobilefacenet", "mbf_large", "ir_se_50", "adaface_ir_152", "iresnet_50"]
SMALL = ["tiny", "mobilefacenet", "mbf", "ir_18", "adaface_ir_18", "iresnet_18"]


def images(count=2):
    return torch.rand(count, 3, 112, 112, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_of_layers_of_one_size_the_last_is_taken():
    pool = nn.AvgPool2d(2)
    layers = [nn.Identity(), pool, nn.ReLU(), nn.Threshold(2.0, 7.0), pool]
    image = torch.tensor([[1.0, 1, 3, 3], [1, 1, 3, 3], [-4, -4, -4, -4], [-4, -4, -4, -4]])
    first, second, third = last_of_each_size(layers, image[None, None])
    assert torch.equal(first[0, 0], image)
    assert second[0, 0].tolist() == [[7, 3], [7, 7]]  # 1 and 0 are not above 2
    assert third.item() == 6


@pytest.mark.parametrize("name", KINDS)
def test_the_pyramid_of_every_backbone_halves_from_size_to_size_down_to_seven(name):
    with torch.device("meta"):
        backbone = build(name, 8)
        shapes = [maps.shape[1:] for maps in backbone.pyramid(torch.empty(2, 3, 112, 112))]
    sizes = [height for _, height, _ in shapes]
    assert sizes == [112, 56, 28, 14, 7][-len(sizes) :]
    assert len(sizes) >= 3
    assert tuple(shapes[-1]) == backbone.map_shape


@torch.no_grad()
@pytest.mark.parametrize("name", SMALL)
def test_the_coarsest_are_the_last_maps_bit_for_bit(name):
    torch.manual_seed(0)
    backbone = build(name, 8).eval()
    assert torch.equal(backbone.pyramid(images())[-1], backbone.maps(images()))


@torch.no_grad()
def test_the_finest_of_tiny_are_its_patches():
    torch.manual_seed(0)
    backbone = build("tiny", 8).eval()
    assert torch.equal(backbone.pyramid(images())[0], backbone.stem(images()))


@torch.no_grad()
def test_the_maps_of_a_stage_of_ir_are_those_after_its_last_unit():
    torch.manual_seed(0)
    backbone = build("ir_18", 8).eval()
    expected = backbone.body[:2](backbone.input_layer(images()))  # two units at 56 pixels
    assert torch.equal(backbone.pyramid(images())[1], expected)


@torch.no_grad()
def test_a_split_network_parts_the_coarsest_as_its_features_are():
    torch.manual_seed(0)
    network = build("tiny", 8, "attention").eval()
    features = network(images())
    identity, age = network.part(network.pyramid(images())[-1])
    assert torch.equal(identity, features.identity)
    assert torch.equal(age, features.age)
    assert torch.equal(network.embed_maps(identity), features.embeddings)


@torch.no_grad()
def test_mtlfaces_encoder_parts_the_coarsest_as_its_split_does():
    torch.manual_seed(0)
    network = MTLFaceEncoder(34, embedding_size=8).eval()
    for found, expected in zip(
        network.part(network.pyramid(images())[-1]), network.split(images()), strict=True
    ):
        assert torch.equal(found, expected)


@pytest.mark.parametrize("name", KINDS)
def test_images_of_another_shape_are_refused(name):
    with torch.device("meta"), pytest.raises(ValueError, match="112x112"):
        build(name).pyramid(torch.empty(2, 3, 128, 128))
