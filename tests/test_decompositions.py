"""Networks that split age off: MTLFace's attention on maps, DAL's residual on embeddings."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from irlib import backbones
from irlib.backbones import DECOMPOSITIONS, NAMES
from irlib.backbones.attention import AttentionGates, grid_pools
from irlib.backbones.residual import ResidualSplit

FIXTURES = Path(__file__).parent / "fixtures"
BOTH = sorted(DECOMPOSITIONS)


def images(count):
    return torch.rand(count, 3, 112, 112, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(scope="module")
def dal():
    return {name: torch.as_tensor(v) for name, v in np.load(FIXTURES / "dal_oecnn.npz").items()}


# Both


@pytest.mark.parametrize("decomposition", BOTH)
@pytest.mark.parametrize("name", NAMES)
def test_every_backbone_can_be_split(name, decomposition):
    with torch.device("meta"):
        features = backbones.build(name, 24, decomposition)(torch.empty(2, 3, 112, 112))
    assert features.embeddings.shape == (2, 24)
    assert features.identity.shape == features.age.shape


@pytest.mark.parametrize("decomposition", BOTH)
def test_evaluation_sees_the_identity_embedding(decomposition):
    torch.manual_seed(0)
    network = backbones.build("tiny", 8, decomposition).eval()
    embeddings = backbones.recognition(network)(images(2))
    assert torch.equal(embeddings, network(images(2)).embeddings)


@pytest.mark.parametrize("decomposition", BOTH)
def test_the_backbone_starts_as_it_does_without_a_split(decomposition):
    torch.manual_seed(0)
    plain = backbones.build("tiny", 8).state_dict()
    torch.manual_seed(0)
    split = backbones.build("tiny", 8, decomposition).backbone.state_dict()
    assert all(torch.equal(plain[name], split[name]) for name in plain)


@pytest.mark.parametrize("decomposition", BOTH)
def test_bf16_autocast_gives_finite_gradients_everywhere(decomposition):
    torch.manual_seed(0)
    network = backbones.build("tiny", 8, decomposition)
    with torch.autocast("cpu", torch.bfloat16):
        features = network(images(2))
    sum(part.float().square().sum() for part in features).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_an_unknown_decomposition_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="unknown decomposition 'atention': did you mean 'atten"):
        backbones.build("tiny", 8, "atention")


# Attention


def test_attention_splits_the_last_maps_without_a_rest():
    torch.manual_seed(0)
    network = backbones.build("tiny", 8, "attention").eval()
    features = network(images(2))
    expected = network.backbone.maps(images(2))
    torch.testing.assert_close(features.identity + features.age, expected, rtol=1e-5, atol=1e-5)


def test_attention_embeds_the_identity_maps():
    torch.manual_seed(0)
    network = backbones.build("tiny", 8, "attention").eval()
    features = network(images(2))
    assert torch.equal(features.embeddings, network.backbone.embed_maps(features.identity))


def test_the_gates_have_the_authors_names_and_shapes():
    with torch.device("meta"):
        state = AttentionGates(512).state_dict()
    expected = json.loads((FIXTURES / "mtlface_keys.json").read_text())["attention"]
    assert [[name, list(value.shape)] for name, value in state.items()] == expected


def test_gates_of_one_half_each_call_half_of_the_maps_age():
    gates = AttentionGates(16).eval()
    for gate in (gates.channel, gates.spatial):
        nn.init.zeros_(gate[-2].weight)  # the batch norm before the sigmoid; its bias is zero
    maps = torch.randn(2, 16, 7, 7)
    # sigmoid(0) = 1/2, and the mean of one half and one half is one half
    assert torch.equal(gates(maps), maps / 2)


def test_the_two_gates_weigh_alike():
    gates = AttentionGates(16).eval()
    for gate, bias in ((gates.channel, 50.0), (gates.spatial, -50.0)):
        nn.init.zeros_(gate[-2].weight)
        nn.init.constant_(gate[-2].bias, bias)
    maps = torch.randn(2, 16, 7, 7)
    # a channel gate of 1 and a spatial one of 0
    torch.testing.assert_close(gates(maps), maps / 2, rtol=0, atol=1e-6)


def test_the_spatial_gate_sees_the_maximum_first_and_the_mean_second():
    gates = AttentionGates(16).eval()
    seen = []
    gates.spatial.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    maps = torch.randn(2, 16, 7, 7)
    gates(maps)
    expected = torch.stack([maps.max(dim=1).values, maps.mean(dim=1)], dim=1)
    assert torch.equal(seen[0], expected)


def test_the_running_statistics_of_the_gates_move_by_a_hundredth():
    norms = [layer for layer in AttentionGates(16).modules() if isinstance(layer, nn.BatchNorm2d)]
    assert [norm.momentum for norm in norms] == [0.01, 0.01]


def test_the_channel_gate_pools_as_adaptive_pools_do():
    maps = torch.randn(2, 5, 7, 7, dtype=torch.float64)
    expected = torch.cat([
        (F.adaptive_avg_pool2d(maps, side) + F.adaptive_max_pool2d(maps, side)).flatten(1)
        for side in (1, 2, 3)
    ], dim=1)  # fmt: skip
    torch.testing.assert_close(grid_pools(maps), expected, rtol=0, atol=1e-12)


def test_the_pooled_values_are_ordered_by_grid_then_channel():
    maps = torch.arange(2.0)[None, :, None, None].expand(
        1, 2, 7, 7
    )  # channel 0 is 0, channel 1 is 1
    # mean plus maximum is 0 or 2; one cell, four cells, nine cells
    expected = [0, 2] + [0] * 4 + [2] * 4 + [0] * 9 + [2] * 9
    assert grid_pools(maps)[0].tolist() == expected


# Residual


def residual(dal):
    network = ResidualSplit(nn.Identity(), 16).double()
    weights = {k.removeprefix("w:").replace(".seq", ""): v for k, v in dal.items() if "rfm" in k}
    network.load_state_dict(weights)
    return network


def test_the_age_part_is_the_authors(dal):
    found = residual(dal)(dal["embs"].double()).age
    torch.testing.assert_close(found, dal["dal_feat_age"], rtol=0, atol=1e-9)


def test_the_identity_part_is_the_authors_and_the_embedding(dal):
    features = residual(dal)(dal["embs"].double())
    torch.testing.assert_close(features.identity, dal["dal_feat_id"], rtol=0, atol=1e-9)
    assert features.embeddings is features.identity
