"""The generator: the authors' entries at full size, the residual, narrow ones on any encoder."""

import pytest
import torch
from brought_files import tensor
from synthesis_networks import KEYS, NARROW, encoder, generator, images
from torch import nn

from irlib.age_invariant.synthesis import Generator
from irlib.age_invariant.synthesis.generator import doubled, doubled_by_means

FULL = ((64, 112, 112), (64, 56, 56), (128, 28, 28), (256, 14, 14), (512, 7, 7))  # of ir_50


def entries(network):
    """Name, shape and type of each entry, as the lists tell them."""
    state = network.state_dict().items()
    return [[name, list(v.shape), str(v.dtype).removeprefix("torch.")] for name, v in state]


def seen(source):
    with torch.no_grad():
        return source.see(images())


def test_the_entries_at_full_size_are_the_authors():
    with torch.device("meta"):
        network = Generator(FULL)
    assert entries(network) == KEYS["generator"]


def test_the_full_size_has_54_million_parameters():
    with torch.device("meta"):
        network = Generator(FULL)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count / 1e6 == pytest.approx(54.04, abs=0.005)


def test_weights_under_the_authors_names_load_and_save_back_unchanged():
    draws = torch.Generator().manual_seed(0)
    theirs = {name: tensor(name, shape, draws) for name, shape, _ in KEYS["generator"]}
    with torch.device("meta"):
        network = Generator(FULL)
    network.to_empty(device="cpu").load_state_dict(theirs, strict=True)
    saved = network.state_dict()
    assert list(saved) == list(theirs)
    assert all(torch.equal(saved[name], value) for name, value in theirs.items())


def test_convolutions_start_at_a_deviation_of_a_hundredth_without_bias():
    torch.manual_seed(0)
    layer = Generator(FULL[2:], shape=NARROW).up_1.conv[2]
    # 16 x 768 x 3 x 3 draws: 0.2 % of error
    assert layer.weight.std().item() == pytest.approx(0.01, rel=0.02)
    assert not layer.bias.any()


def test_a_silent_last_layer_gives_the_image_itself():
    source = encoder()
    network = generator(source)
    nn.init.zeros_(network.conv3.weight)  # its bias is zero from the start
    pyramid, identity, _ = seen(source)
    assert torch.equal(network(images(), pyramid, identity, torch.eye(7)[[0, 6]]), images())


def test_what_the_last_layer_gives_is_added_and_not_clamped():
    source = encoder()
    network = generator(source)
    nn.init.zeros_(network.conv3.weight)
    nn.init.constant_(network.conv3.bias, 2.0)
    pyramid, identity, _ = seen(source)
    assert torch.equal(network(images(), pyramid, identity, torch.eye(7)[[0, 6]]), images() + 2)


@torch.no_grad()
def test_another_group_gives_another_face():
    source = encoder()
    network, (pyramid, identity, _) = generator(source), seen(source)
    first, second = (network(images(), pyramid, identity, torch.eye(7)[[g, g]]) for g in (0, 6))
    assert (first - second).abs().amax(dim=(1, 2, 3)).min() > 0


@torch.no_grad()
def test_an_image_is_drawn_without_regard_to_the_others_of_its_batch():
    source = encoder()
    network, (pyramid, identity, _) = generator(source), seen(source)
    both = network(images(), pyramid, identity, torch.eye(7)[[0, 6]])
    alone = network(images()[1:], [m[1:] for m in pyramid], identity[1:], torch.eye(7)[[6]])
    torch.testing.assert_close(both[1:], alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("num_groups", [4, 5, 6, 7, 8])
@torch.no_grad()
def test_any_number_of_groups_that_has_thresholds_is_drawn(num_groups):
    source = encoder(num_groups)
    pyramid, identity, _ = seen(source)
    groups = torch.eye(num_groups)[[0, num_groups - 1]]
    out = generator(source)(images(), pyramid, identity, groups)
    assert out.shape == (2, 3, 112, 112)


def test_an_image_takes_the_place_of_maps_that_the_encoder_does_not_have():
    # tiny has none of 56 pixels: 8 channels from the level before, 3 of the image
    assert generator(encoder()).up_3.conv[0].num_features == 8 + 3


def test_every_weight_of_a_generator_learns():
    source = encoder()
    network, (pyramid, identity, _) = generator(source).train(), seen(source)
    network(images(), pyramid, identity, torch.full((2, 7), 1 / 7)).square().sum().backward()
    idle = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    # what a batch norm follows has no use for a bias
    assert [name for name in idle if not name.endswith("bias")] == []


def test_maps_that_do_not_end_at_seven_pixels_are_refused():
    with pytest.raises(ValueError, match="map_shapes: the last maps are 14x14, expected 7x7"):
        Generator(FULL[:-1])


def test_an_unknown_number_of_groups_is_refused():
    with pytest.raises(ValueError, match="num_groups: expected one of 4, 5, 6, 7, 8, got 9"):
        Generator(FULL, 9)


def test_maps_are_doubled_alike_in_both_ways_and_so_are_their_gradients():
    maps = torch.randn(2, 3, 7, 7, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(2, 3, 14, 14, dtype=torch.float64)
    ways = [doubled(maps), doubled_by_means(maps)]
    torch.testing.assert_close(*ways, rtol=0, atol=1e-14)
    gradients = [torch.autograd.grad((way * weights).sum(), maps)[0] for way in ways]
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-14)
