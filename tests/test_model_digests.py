import pytest
import torch
from torch import nn

from irlib.backbones import build
from irlib.checkpoints.brought import Brought
from irlib.evaluation.model_digests import model_digest, model_identity, model_key


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


def test_a_bearer_of_a_digest_is_told_by_its_weights_too():
    module = network()
    module.digest = "its file"
    before = model_key(module)
    assert model_key(one_weight_moved(module)) != before


def test_the_color_order_is_a_part_of_the_key():
    module = Brought(network(), family="", color_order="RGB", embedding_size=8, digest="a file")
    before = model_key(module)
    module.color_order = "BGR"
    assert model_key(module) != before


class Shift(nn.Module):
    def __init__(self):
        super().__init__()
        self.by, self.mean, self.images = 0.5, torch.zeros(3), 0
        self.register_buffer("unsaved", torch.zeros(3), persistent=False)

    def forward(self, images):
        return images


@pytest.mark.parametrize(("name", "value", "is_other"), [
    ("by", 0.25, True),
    ("mean", torch.ones(3), True),
    ("unsaved", torch.ones(3), True),
    ("images", 7, False),  # a count of what it was given
])  # fmt: skip
def test_what_a_module_holds_beside_its_weights(name, value, is_other):
    module = nn.Sequential(Shift())
    before = model_digest(module)
    setattr(module[0], name, value)
    assert (model_digest(module) != before) is is_other


def test_a_function_is_told_by_its_digest_alone():
    def function(images):
        return images

    assert model_identity(function) == ""
    function.digest = "mine"
    assert model_identity(function) == "mine"


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


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
@pytest.mark.parametrize("wrap", [lambda script: script, nn.Sequential])
def test_settings_that_a_scripted_network_keeps_are_told_apart(wrap):
    class Scaled(nn.Module):
        def __init__(self, scale):
            super().__init__()
            self.scale = scale

        def forward(self, images):
            return images * self.scale

    one, two, again = (wrap(torch.jit.script(Scaled(scale))) for scale in (2.0, 3.0, 2.0))
    assert model_digest(one) == model_digest(again)
    assert model_digest(one) != model_digest(two)
