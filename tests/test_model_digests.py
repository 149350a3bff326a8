import pytest
import torch
from torch import nn

from irlib.backbones import build
from irlib.evaluation.model_digests import model_digest, model_key


def network():
    torch.manual_seed(0)
    return build("tiny", 8)


def test_equal_networks_have_one_digest():
    assert model_digest(network()) == model_digest(network())


def one_weight_moved(module):
    with torch.no_grad():
        next(module.parameters()).view(-1)[0] += 1e-6
    return module


@pytest.mark.parametrize("other", [
    nn.Linear(2, 3).double(),
    nn.Sequential(nn.Linear(2, 3)),
    nn.Linear(2, 3, bias=False),
])  # fmt: skip
def test_another_network_has_another_digest(other):
    assert model_digest(other) != model_digest(nn.Linear(2, 3))


def test_a_weight_and_a_setting_move_the_digest():
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(2)
    digests = {model_digest(norm), model_digest(nn.BatchNorm1d(2, eps=1e-3))}
    digests.add(model_digest(one_weight_moved(norm)))
    assert len(digests) == 3


def test_the_digest_that_a_module_bears_is_its_key():
    one, two = nn.Identity(), nn.Identity()
    one.digest, two.digest = "first file", "second file"
    assert model_key(one) != model_key(two)
    assert model_key(one, "mine") == model_key(two, "mine")


def test_the_key_rests_on_irlibs_code_of_the_network(monkeypatch):
    asked = []

    def source_digest(root, *modules):
        asked.extend(modules)
        return "code"

    monkeypatch.setattr("irlib.provenance.source_digest", source_digest)
    model_key(network())
    assert {"irlib.backbones.tiny", "irlib.data.decoding", "irlib.images"} <= set(asked)


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
def test_scripted_networks_that_compute_something_else_are_told_apart():
    class Shifted(nn.Module):
        def forward(self, images):
            return images.mean((2, 3)) + 1

    class Scaled(nn.Module):
        def forward(self, images):
            return images.mean((2, 3)) * 2

    images = torch.zeros(1, 3, 4, 4)
    one, two = (torch.jit.trace(module, images) for module in (Shifted(), Scaled()))
    assert model_digest(one) != model_digest(two)
