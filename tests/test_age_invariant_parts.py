"""Age groups, the age head and its loss, gradient reversal: against MTLFace's numbers."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from irlib.age_invariant.age_head import AgeHead, KnownBatchNorm, age_loss, dex_age
from irlib.age_invariant.ages import age_group, known_mean
from irlib.age_invariant.reversal import reverse_gradient

FIXTURES = Path(__file__).parent / "fixtures"
ALL = torch.ones(3, dtype=torch.bool)


def load(name):
    return {key: torch.as_tensor(value) for key, value in np.load(FIXTURES / name).items()}


@pytest.fixture(scope="module")
def authors():
    return load("mtlface_age_loss.npz")


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


# Groups


@pytest.mark.parametrize("count", [4, 5, 6, 7, 8])
def test_groups_are_the_authors(authors, count):
    assert torch.equal(age_group(authors["ages"], count), authors[f"group_{count}"])


def test_a_threshold_belongs_to_the_younger_group():
    assert age_group(torch.tensor([10.0, 10.5, 61.0]), 7).tolist() == [0, 1, 6]


def test_the_years_of_dals_eight_groups():
    # completed years: below 13, 13 to 18, 19 to 25, 26 to 35, 36 to 45, 46 to 55, 56 to 65, older
    firsts = torch.tensor([0.0, 13, 19, 26, 36, 46, 56, 66])
    lasts = torch.tensor([12.0, 18, 25, 35, 45, 55, 65, 100])
    assert age_group(firsts, 8).tolist() == list(range(8))
    assert age_group(lasts, 8).tolist() == list(range(8))


@pytest.mark.parametrize("count", [0, 3, 9])
def test_an_unknown_number_of_groups_is_refused(count):
    with pytest.raises(ValueError, match=f"num_groups: expected one of .*, got {count}"):
        age_group(torch.tensor([10.0]), count)


def test_the_mean_over_known_values():
    known = torch.tensor([True, False, True])
    assert known_mean(torch.tensor([1.0, 100.0, 4.0]), known).item() == 2.5


def test_the_mean_over_no_known_value_is_zero_with_zero_gradient():
    values = torch.tensor([1.0, 2.0], requires_grad=True)
    mean = known_mean(values, torch.tensor([False, False]))
    mean.backward()
    assert (mean.item(), values.grad.tolist()) == (0.0, [0.0, 0.0])


# The age head and its loss


def test_expected_ages_are_the_authors(authors):
    close(dex_age(authors["age_logits"]), authors["dex_age"])


def test_even_logits_expect_fifty_years():
    assert dex_age(torch.zeros(1, 101)).item() == pytest.approx(50)  # mean of 0 to 100


def test_the_age_loss_and_its_gradients_are_the_authors(authors):
    logits = authors["age_logits"].clone().requires_grad_()
    group_logits = authors["group_logits"].clone().requires_grad_()
    loss = age_loss(logits, group_logits, authors["true_ages"])
    loss.backward()
    close(loss.detach(), authors["age_loss"])
    close(logits.grad, authors["grad_age_logits"])
    close(group_logits.grad, authors["grad_group_logits"])


def test_the_age_loss_is_their_squared_error_plus_their_cross_entropy(authors):
    close(authors["mse"] + authors["ce"], authors["age_loss"])


def test_the_age_loss_leaves_unknown_ages_out(authors):
    ages = authors["true_ages"].clone()
    ages[4:] = math.nan
    logits, group_logits = authors["age_logits"], authors["group_logits"]
    close(age_loss(logits, group_logits, ages), age_loss(logits[:4], group_logits[:4], ages[:4]))


def test_an_unknown_age_gives_no_gradient(authors):
    ages = authors["true_ages"].clone()
    ages[4:] = math.nan
    logits = authors["age_logits"].clone().requires_grad_()
    age_loss(logits, authors["group_logits"], ages).backward()
    assert [row.abs().max().item() > 0 for row in logits.grad] == [True] * 4 + [False] * 2


def test_the_age_head_has_the_authors_names_and_shapes():
    with torch.device("meta"):
        state = AgeHead((512, 7, 7), 7).state_dict()
    expected = json.loads((FIXTURES / "mtlface_keys.json").read_text())["age_head"]
    assert [[name, list(value.shape)] for name, value in state.items()] == expected


def test_group_logits_are_linear_in_the_age_logits():
    head = AgeHead((4, 7, 7), 5)
    logits, group_logits = head(torch.randn(3, 4, 7, 7), ALL)
    weight, bias = head.group_output_layer.weight, head.group_output_layer.bias
    torch.testing.assert_close(group_logits, logits @ weight.T + bias)


def test_the_age_head_computes_in_fp32_under_autocast():
    head = AgeHead((4, 7, 7), 5).eval()
    maps = torch.randn(3, 4, 7, 7).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        found = head(maps, ALL)
    assert all(map(torch.equal, found, head(maps.float(), ALL)))


# Gradient reversal


@pytest.mark.parametrize(("coefficient", "name"), [(1.0, "coeff1"), (0.3, "coeff0.3")])
def test_reversed_gradients_are_the_authors(coefficient, name):
    authors = load("mtlface_grl.npz")
    features = authors["x"].clone().requires_grad_()
    reversing = reverse_gradient(features, coefficient=coefficient)
    (reversing * authors["w"]).sum().backward()
    close(reversing.detach(), authors["y"])
    close(features.grad, authors[f"grad_x_{name}"])


def test_a_batch_norm_of_known_images_is_that_of_those_alone():
    torch.manual_seed(0)
    maps, plain, masked = torch.randn(5, 4, 3, 3), nn.BatchNorm2d(4), KnownBatchNorm(4)
    known = torch.tensor([True, False, True, True, False])
    told = masked(maps, known)
    torch.testing.assert_close(told[known], plain(maps[known]), rtol=0, atol=1e-5)
    torch.testing.assert_close(masked.running_mean, plain.running_mean)
    torch.testing.assert_close(masked.running_var, plain.running_var)


def test_a_batch_norm_without_known_images_keeps_its_statistics():
    norm = KnownBatchNorm(4)
    told = norm(torch.randn(3, 4, 3, 3), torch.zeros(3, dtype=torch.bool))
    assert told.isfinite().all()
    assert norm.running_mean.tolist() == [0] * 4
    assert norm.running_var.tolist() == [1] * 4
