"""What synthesis sees of a face: frozen weights, the maps of any network that splits age off."""

import pytest
import torch
from synthesis_networks import NARROW, encoder, images, recognition

from irlib import backbones
from irlib.age_invariant.age_head import AgeHead
from irlib.age_invariant.synthesis import Encoder, Generator
from irlib.backbones.mtlface import MTLFaceEncoder, ReleasedGates


def network(name):
    """A network with random weights by its name; `released` is the released package's."""
    if name == "released":
        return MTLFaceEncoder(34, gates=ReleasedGates, embedding_size=8)
    return backbones.build(name, 8, "attention")


@pytest.fixture
def source():
    return encoder()


@pytest.mark.parametrize("name", [
    "tiny", "ir_18", "adaface_ir_18", "iresnet_18", "mobilefacenet", "mbf", "mbf_large", "released",
])  # fmt: skip
@torch.no_grad()
def test_a_narrow_generator_draws_from_any_network(name):
    torch.manual_seed(0)
    split = network(name)
    source = Encoder(split, AgeHead(split.map_shape, 7))
    seen = source.see(images())
    generator = Generator(source.map_shapes, 7, NARROW).eval()
    out = generator(images(), seen.pyramid, seen.identity, torch.eye(7)[[0, 6]])
    assert out.shape == (2, 3, 112, 112)


@torch.no_grad()
@pytest.mark.parametrize("name", ["tiny", "released"])
def test_the_two_parts_add_up_to_the_last_maps(name):
    torch.manual_seed(0)
    split = network(name)
    seen = Encoder(split, AgeHead(split.map_shape, 7)).see(images())
    torch.testing.assert_close(seen.identity + seen.age, seen.pyramid[-1], rtol=0, atol=1e-5)


def test_the_shapes_are_those_of_the_maps(source):
    expected = tuple(tuple(maps.shape[1:]) for maps in source.see(images()).pyramid)
    assert source.map_shapes == expected == ((32, 28, 28), (64, 14, 14), (128, 7, 7))


@torch.no_grad()
def test_it_embeds_and_parts_as_the_network_does(source):
    features, seen = source.network(images()), source.see(images())
    assert torch.equal(source.embed(images()), features.embeddings)
    assert torch.equal(seen.identity, features.identity)
    assert torch.equal(seen.age, features.age)


@torch.no_grad()
def test_years_and_group_logits_are_those_of_the_age_head(source):
    logits, group_logits = source.age_head(source.see(images()).age, torch.ones(2).bool())
    years = logits.softmax(dim=1) @ torch.arange(101.0)
    torch.testing.assert_close(source.years(images()), years)
    assert torch.equal(source.group_logits(source.see(images()).age), group_logits)


def test_its_weights_take_no_gradient_and_the_images_do(source):
    faces = images().requires_grad_()
    source.group_logits(source.see(faces).age).sum().backward()
    assert not any(parameter.requires_grad for parameter in source.parameters())
    assert faces.grad.abs().amax(dim=(1, 2, 3)).min() > 0


def test_it_stays_in_evaluation_mode_and_moves_no_statistics(source):
    before = {name: value.clone() for name, value in source.state_dict().items()}
    source.train()
    source.group_logits(source.see(images()).age)
    assert not any(module.training for module in source.modules())
    assert all(torch.equal(before[name], value) for name, value in source.state_dict().items())


def test_refreshed_it_has_the_weights_of_another_and_shares_none(source):
    torch.manual_seed(5)
    split = network("tiny")
    head = AgeHead(split.map_shape, 7)
    source.refresh(split, head)
    other = Encoder(split, head).state_dict()
    taken = {name: value.clone() for name, value in source.state_dict().items()}
    assert all(torch.equal(taken[name], value) for name, value in other.items())
    with torch.no_grad():
        split.backbone.stem[0].weight.zero_()
    name = "network.backbone.stem.0.weight"
    assert torch.equal(source.state_dict()[name], taken[name])


@torch.no_grad()
def test_of_a_recognition_checkpoint_it_is_what_was_saved(source):
    found = Encoder.of(recognition(source))
    assert found.num_groups == 7
    assert torch.equal(found.embed(images()), source.embed(images()))
    assert torch.equal(found.years(images()), source.years(images()))


@pytest.mark.parametrize("num_groups", [4, 8])
def test_the_number_of_groups_is_that_of_the_age_head(num_groups):
    assert Encoder.of(recognition(encoder(num_groups))).num_groups == num_groups


@pytest.mark.parametrize("decomposition", ["", "residual"])
def test_a_network_without_attention_is_refused(source, decomposition):
    content = recognition(source)
    content["model"]["decomposition"] = decomposition
    told = f"decomposition is '{decomposition}', expected 'attention': .*method mtlface"
    with pytest.raises(ValueError, match=told):
        Encoder.of(content)


def test_a_checkpoint_without_an_age_head_is_refused(source):
    content = {**recognition(source), "objective": {"head.prototypes": torch.zeros(4, 8)}}
    with pytest.raises(
        ValueError, match=r"objective: no age_head\.group_output_layer\.weight, exp"
    ):
        Encoder.of(content)


def test_an_age_head_that_is_not_whole_is_refused(source):
    content = recognition(source)
    del content["objective"]["age_head.age_output_layer.2.bias"]
    told = r"age_head\.\* do not fit: 1 missing: age_output_layer\.2\.bias"
    with pytest.raises(ValueError, match=told):
        Encoder.of(content)
