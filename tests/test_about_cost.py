import pytest
import torch
from torch import nn

from irlib import backbones
from irlib.analyses.about_cost import deployed_cost, objective_cost


class Split(nn.Module):
    """An embedding of 10 inputs to 4, with a part for age that it does not depend on."""

    def __init__(self):
        super().__init__()
        self.identity = nn.Linear(10, 4)
        self.age = nn.Linear(10, 6)

    def forward(self, images):
        features = images.flatten(1)[:, :10]
        self.age(features)
        return self.identity(features)


def test_parameters_are_those_that_the_embedding_depends_on():
    cost = deployed_cost(Split())
    assert cost["parameters"] == 10 * 4 + 4
    assert cost["training_only"] == 10 * 6 + 6


def test_multiply_adds_of_a_convolution():
    # 2 filters of 3 x 4 x 4 weights at 28 x 28 places
    network = nn.Conv2d(3, 2, 4, stride=4, bias=False)
    assert deployed_cost(network)["multiply_adds"] == 28 * 28 * 2 * 3 * 4 * 4


def test_a_backbone_is_deployed_whole_and_left_as_it_was():
    network = backbones.build("tiny", 32).eval()
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    cost = deployed_cost(network)
    assert cost["parameters"] == sum(weight.numel() for weight in network.parameters())
    assert cost["training_only"] == 0
    assert all(torch.equal(before[name], now) for name, now in network.state_dict().items())
    assert all(weight.grad is None for weight in network.parameters())


def test_training_holds_prototypes_and_what_else_are_numbers():
    state = {
        "head.prototypes": torch.zeros(7, 4),
        "class_ids": torch.arange(3),
        "age.weight": torch.zeros(5, 2),
    }
    assert objective_cost(state) == {"prototypes": 28, "further": 10}


@pytest.mark.parametrize("decomposition", backbones.DECOMPOSITIONS)
def test_a_part_that_splits_age_off_is_deployed_too(decomposition):
    plain = backbones.build("tiny", 32).eval()
    split = backbones.recognition(backbones.build("tiny", 32, decomposition)).eval()
    assert deployed_cost(split)["parameters"] > deployed_cost(plain)["parameters"]
    assert deployed_cost(split)["multiply_adds"] > deployed_cost(plain)["multiply_adds"]
