"""The discriminator: the authors' entries, its patches, spectral norm, its condition."""

import pytest
import torch
from brought_files import tensor
from synthesis_networks import KEYS, discriminator, images
from torch.nn.functional import avg_pool2d

from irlib.age_invariant.synthesis import PatchDiscriminator


def groups(*numbers):
    return torch.eye(7)[list(numbers)]


def test_the_entries_are_the_authors():
    state = PatchDiscriminator().state_dict().items()
    ours = [[name, list(v.shape), str(v.dtype).removeprefix("torch.")] for name, v in state]
    assert ours == KEYS["discriminator"]


def test_it_has_seven_million_parameters():
    count = sum(parameter.numel() for parameter in PatchDiscriminator().parameters())
    assert count / 1e6 == pytest.approx(6.97, abs=0.005)


def test_weights_under_the_authors_names_load_and_save_back_unchanged():
    draws = torch.Generator().manual_seed(0)
    theirs = {name: tensor(name, shape, draws) for name, shape, _ in KEYS["discriminator"]}
    network = PatchDiscriminator()
    network.load_state_dict(theirs, strict=True)
    saved = network.state_dict()
    assert list(saved) == list(theirs)
    assert all(torch.equal(saved[name], value) for name, value in theirs.items())


@torch.no_grad()
def test_it_judges_five_by_five_patches():
    # three halvings to 14, then a fourth to 7, and two kernels of 4 with padding of 1: 6 and 5
    assert discriminator()(images(), groups(0, 6)).shape == (2, 1, 5, 5)


@torch.no_grad()
def test_after_some_steps_the_largest_singular_value_of_its_normed_layers_is_one():
    network = discriminator().train()
    for _ in range(100):  # one round of the power iteration each
        network(images(), groups(0, 6))
    for index in (0, 2, 4, 6):
        layer = network.main[index]
        before, after = (
            torch.linalg.matrix_norm(weight.flatten(1), ord=2).item()
            for weight in (layer.weight_orig, layer.weight)
        )
        assert before < 0.95  # it was not one by itself
        assert after == pytest.approx(1, abs=0.01)


@torch.no_grad()
def test_the_first_and_the_last_layer_are_not_normed():
    network = discriminator()
    normed = {name.rpartition(".")[0] for name in network.state_dict() if name.endswith("_orig")}
    assert normed == {f"main.{index}" for index in (0, 2, 4, 6)}


@torch.no_grad()
def test_a_face_is_judged_by_the_age_that_it_is_held_to_be():
    network = discriminator().eval()
    first, second = (network(images(), groups(group, group)) for group in (0, 6))
    assert (first - second).abs().amax(dim=(1, 2, 3)).min() > 0


@torch.no_grad()
def test_the_condition_is_the_weight_of_each_group_everywhere():
    network = discriminator().eval()
    entered = []
    network.main.register_forward_pre_hook(lambda _, given: entered.append(given[0]))
    network(images(1), torch.tensor([[0.25, 0.75, 0, 0, 0, 0, 0]]))
    condition = entered[0][0, 8:]  # after 8 maps of 56 x 56
    assert torch.equal(avg_pool2d(condition, 56).flatten(), torch.tensor([0.25, 0.75, *[0.0] * 5]))
    assert condition[0].unique().tolist() == [0.25]


def test_two_looks_before_one_step_back_are_allowed():
    network = discriminator().train()
    real = network(images(), groups(0, 6))
    fake = network(images() / 2, groups(6, 0))
    (real.sum() - fake.sum()).backward()  # each forward moves the estimate of the norm
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@torch.no_grad()
def test_a_copy_of_the_weights_judges_alike():
    network = discriminator().train()
    network(images(), groups(0, 6))
    other = discriminator().eval()
    other.load_state_dict(network.state_dict())
    assert torch.equal(other(images(), groups(0, 6)), network.eval()(images(), groups(0, 6)))


def test_an_unknown_number_of_groups_is_refused():
    with pytest.raises(ValueError, match="num_groups: expected one of 4, 5, 6, 7, 8, got 3"):
        PatchDiscriminator(3)
