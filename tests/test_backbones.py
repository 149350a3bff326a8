"""The backbones: the paper's layouts and counts, input checks, memory formats, types."""

import gzip
import json
import math
from pathlib import Path

import pytest
import torch
from torch import nn

from irlib.backbones import NAMES, build, name_of
from irlib.backbones.adaface_ir import AdaFaceIR
from irlib.backbones.ir import IR, SqueezeExcitation, Unit
from irlib.backbones.mobilefacenet import Bottleneck

FIXTURES = Path(__file__).parent / "fixtures"
SMALL = ["tiny", "mobilefacenet", "ir_18", "adaface_ir_18"]  # what a test can afford to run


def weightless(name: str) -> nn.Module:
    with torch.device("meta"):
        return build(name)


def images(count: int) -> torch.Tensor:
    return torch.rand(count, 3, 112, 112, generator=torch.Generator().manual_seed(0)) * 2 - 1


LAYOUTS = json.loads(gzip.decompress((FIXTURES / "checkpoint_keys.json.gz").read_bytes()))


@pytest.mark.parametrize(("name", "authors"), [
    ("ir_50", "inter_prototype_ir50"),
    ("ir_se_50", "inter_prototype_ir_se50"),
    ("ir_100", "inter_prototype_ir100"),
    ("ir_se_100", "inter_prototype_ir_se100"),
    ("ir_152", "inter_prototype_ir152"),
    ("ir_se_152", "inter_prototype_ir_se152"),
    ("mobilefacenet", "inter_prototype_mobilefacenet512"),
    ("adaface_ir_18", "adaface_ir_18"),
    ("adaface_ir_34", "adaface_ir_34"),
    ("adaface_ir_50", "adaface_ir_50"),
    ("adaface_ir_101", "adaface_ir_101"),
    ("adaface_ir_se_50", "adaface_ir_se_50"),
])  # fmt: skip
def test_state_dict_has_the_authors_names_order_and_shapes(name, authors):
    ours = [[key, list(value.shape)] for key, value in weightless(name).state_dict().items()]
    assert ours == LAYOUTS[authors]


@pytest.mark.parametrize(("name", "entries"), [("adaface_ir_152", 1291), ("adaface_ir_200", 1691)])
def test_the_deep_networks_of_adaface_have_the_authors_number_of_entries(name, entries):
    assert len(weightless(name).state_dict()) == entries


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ir_50", 43_574_976),
        ("ir_se_50", 43_797_696),
        ("ir_100", 65_129_792),
        ("ir_se_100", 65_502_016),
        ("ir_152", 70_737_600),
        ("ir_se_152", 71_148_736),
        ("adaface_ir_18", 24_020_352),
        ("adaface_ir_34", 34_134_080),
        ("adaface_ir_50", 43_585_600),
        ("adaface_ir_101", 65_150_912),
        ("adaface_ir_152", 109_636_736),
        ("adaface_ir_200", 114_138_240),
        ("adaface_ir_se_50", 43_808_320),
        ("mobilefacenet", 1_200_512),
    ],
)
def test_parameter_count_of_the_authors(name, expected):
    assert sum(parameter.numel() for parameter in weightless(name).parameters()) == expected


@pytest.mark.parametrize(("name", "units"), [("ir_18", 8), ("ir_34", 16), ("ir_50", 24)])
def test_depth_is_two_convolutions_a_unit_and_two_layers_more(name, units):
    assert len(weightless(name).body) == units
    assert 2 * units + 2 == int(name.removeprefix("ir_"))


@pytest.mark.parametrize(("name", "dropout"), [("ir_se_50", 0.6), ("adaface_ir_50", 0.4)])
def test_dropout_is_that_of_the_authors(name, dropout):
    layers = weightless(name).modules()
    assert [layer.p for layer in layers if isinstance(layer, nn.Dropout)] == [dropout]


def test_adaface_starts_convolutions_at_kaiming_normal_by_fan_out():
    torch.manual_seed(0)
    weight = build("adaface_ir_18", 8).body[0].res_layer[1].weight
    # 36,864 draws of a deviation of sqrt(2 / (64 * 3 * 3)): 0.4 % of error
    assert weight.std().item() == pytest.approx(math.sqrt(2 / 576), rel=0.02)


def test_adaface_normalizes_its_embedding_without_weights():
    layer = weightless("adaface_ir_18").output_layer[4]
    assert (layer.weight, layer.bias) == (None, None)


@pytest.mark.parametrize("name", ["ir_se_50", "adaface_ir_200", "mobilefacenet", "tiny"])
def test_a_network_is_known_by_its_name_whatever_its_embedding_size(name):
    with torch.device("meta"):
        assert name_of(build(name, 24)) == name


def test_a_network_of_another_kind_has_no_name():
    assert name_of(nn.Linear(2, 2)) == ""


@pytest.mark.parametrize("name", NAMES)
def test_embedding_size_is_free(name):
    with torch.device("meta"):
        backbone = build(name, embedding_size=24)
        assert backbone(torch.empty(2, 3, 112, 112)).shape == (2, 24)


@pytest.mark.parametrize("name", SMALL)
def test_embeddings_are_not_normalized(name):
    torch.manual_seed(0)
    norms = build(name, embedding_size=64)(images(4)).norm(dim=1)
    # in training mode the last batch norm gives unit variance: sqrt(64) = 8 in the mean square
    assert norms.square().mean().sqrt().item() == pytest.approx(8, rel=1e-2)


@pytest.mark.parametrize("name", SMALL)
def test_channels_last_gives_the_same_embeddings(name):
    torch.manual_seed(0)
    backbone = build(name).eval()
    with torch.no_grad():
        expected = backbone(images(2))
        backbone = backbone.to(memory_format=torch.channels_last)
        got = backbone(images(2).contiguous(memory_format=torch.channels_last))
    # a flattening in another order would give unrelated embeddings
    torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-4 * expected.std().item())


@pytest.mark.parametrize("name", SMALL)
def test_bf16_autocast_gives_finite_gradients_everywhere(name):
    torch.manual_seed(0)
    backbone = build(name)
    with torch.autocast("cpu", torch.bfloat16):
        embeddings = backbone(images(2))
    embeddings.float().square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in backbone.parameters())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", SMALL)
def test_cuda_gives_the_embeddings_of_the_cpu(name):
    torch.manual_seed(0)
    backbone = build(name).eval()
    with torch.no_grad():
        expected = backbone(images(2))
        got = backbone.cuda()(images(2).cuda()).cpu()
    # TF32 convolutions keep 10 bits: a few parts in a thousand over the layers
    torch.testing.assert_close(got, expected, rtol=0, atol=0.02 * expected.std().item())


def test_two_builds_from_one_seed_are_equal():
    torch.manual_seed(3)
    first = build("tiny").state_dict()
    torch.manual_seed(3)
    second = build("tiny").state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_a_unit_with_a_silent_residual_keeps_every_second_pixel():
    unit = Unit(4, 4, stride=2, squeeze=False)
    nn.init.zeros_(unit.res_layer[4].weight)  # its bias is zero from the start
    maps = torch.arange(4 * 6 * 6.0).reshape(1, 4, 6, 6)
    assert torch.equal(unit(maps), maps[:, :, ::2, ::2])


def test_a_unit_strides_in_its_second_convolution():
    convolutions = Unit(4, 4, stride=2, squeeze=False).res_layer[1:4:2]
    assert [layer.stride for layer in convolutions] == [(1, 1), (2, 2)]


def test_squeeze_and_excitation_of_zero_weights_halves():
    squeeze = SqueezeExcitation(16)
    nn.init.zeros_(squeeze.fc2.weight)
    maps = torch.randn(2, 16, 3, 3)
    assert torch.equal(squeeze(maps), maps / 2)  # sigmoid(0) = 1 / 2


def test_a_bottleneck_of_stride_one_adds_its_input():
    bottleneck = Bottleneck(4, 4, hidden=8, stride=1)
    nn.init.zeros_(bottleneck.project.bn.weight)
    maps = torch.randn(2, 4, 5, 5)
    assert torch.equal(bottleneck(maps), maps)


def test_an_unknown_name_is_refused_with_the_nearest_and_all():
    with pytest.raises(ValueError, match=r"'ir_se50'.*did you mean 'ir_se_50'.*ir_18.*tiny"):
        build("ir_se50")


def test_an_embedding_size_of_zero_is_refused():
    with pytest.raises(ValueError, match="embedding_size: expected at least 1, got 0"):
        build("tiny", embedding_size=0)


def test_an_unknown_depth_is_refused():
    with pytest.raises(ValueError, match="depth: expected one of 18, 34, 50, 100, 152, got 20"):
        IR(20)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(2, 3, 128, 128), (2, 1, 112, 112), (3, 112, 112)])
def test_images_of_another_shape_are_refused(name, shape):
    with torch.device("meta"), pytest.raises(ValueError, match="112x112"):
        build(name)(torch.empty(shape))


def test_an_unknown_depth_of_adaface_is_refused():
    with pytest.raises(ValueError, match="depth: expected one of 18, 34, 50, 101, 152, 200, got 1"):
        AdaFaceIR(1)
