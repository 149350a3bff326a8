import pytest
import torch

from irlib import backbones, checkpoints
from irlib.data.manifests import INPUT
from irlib.heads import ArcFace
from irlib.objectives import Objective

CPU = torch.device("cpu")


@pytest.fixture
def saved(tmp_path):
    """A checkpoint of a small backbone with a head of 3 classes, and both."""
    torch.manual_seed(0)
    backbone = backbones.build("tiny", 8)
    objective = Objective(ArcFace(8, 3))
    model = {"backbone": "tiny", "embedding_size": 8}
    states = {"backbone": backbone.state_dict(), "objective": objective.state_dict()}
    checkpoints.save(tmp_path / "last.pt", {"model": model, **states})
    return tmp_path / "last.pt", backbone, objective


def test_a_backbone_comes_back_with_its_weights(saved):
    path, backbone, _ = saved
    images = torch.randn(2, 3, 112, 112, generator=torch.Generator().manual_seed(1))
    loaded = checkpoints.load_backbone(path)
    assert torch.equal(loaded(images), backbone.eval()(images))


def test_a_loaded_backbone_is_ready_to_evaluate(saved):
    assert not checkpoints.load_backbone(saved[0]).training


def test_prototypes_come_back(saved):
    path, _, objective = saved
    assert torch.equal(checkpoints.load_prototypes(path), objective.head.prototypes.detach())


def test_saving_leaves_no_other_file(saved):
    assert [path.name for path in saved[0].parent.iterdir()] == ["last.pt"]


def test_an_error_while_saving_leaves_the_old_checkpoint(saved):
    path = saved[0]
    before = path.read_bytes()
    with pytest.raises(Exception, match="pickle"):
        checkpoints.save(path, {"model": lambda: None})
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["last.pt"]


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pt: no such checkpoint"):
        checkpoints.load(tmp_path / "none.pt")


@pytest.mark.parametrize("size", [0, 10, 5000])
def test_a_checkpoint_cut_short_is_named(saved, size):
    path = saved[0]
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"last\.pt: not a readable checkpoint"):
        checkpoints.load(path)


class Stranger:
    """What only a program could read."""


def test_a_file_that_would_run_code_is_refused(tmp_path):
    torch.save({"model": Stranger()}, tmp_path / "a.pt")
    with pytest.raises(ValueError, match=r"a\.pt: not a readable checkpoint"):
        checkpoints.load(tmp_path / "a.pt")


@pytest.mark.parametrize("content", [{"weights": 1}, [1, 2], {"model": {}, "backbone": {}}])
def test_a_file_of_other_content_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(ValueError, match=r"a\.pt: not a checkpoint of irlib"):
        checkpoints.load(tmp_path / "a.pt")


def test_an_unknown_architecture_is_told(saved):
    path = saved[0]
    checkpoints.save(
        path, {**checkpoints.load(path), "model": {"backbone": "tinny", "embedding_size": 8}}
    )
    with pytest.raises(ValueError, match="did you mean 'tiny'"):
        checkpoints.load_backbone(path)


# What a checkpoint records of its network


def test_nobody_is_told_to_trust_a_file_that_would_run_code(tmp_path):
    torch.save({"model": Stranger()}, tmp_path / "a.pt")
    with pytest.raises(ValueError, match=r"\(Unsupported global: .*Stranger was not [^`]+default"):
        checkpoints.load(tmp_path / "a.pt")


@pytest.mark.parametrize(("change", "told"), [
    ({"embedding_size": None}, "model: embedding_size is NoneType, expected int"),
    ({"backbone": 3}, "model: backbone is int, expected str"),
    ({"input": "RGB"}, "model: input is str, expected Mapping"),
    ({"input": {"color_order": "GRB"}}, "its color_order is 'GRB', expected RGB or BGR"),
])  # fmt: skip
def test_a_network_that_is_not_told_is_refused_by_what_is_wrong(saved, change, told):
    path = saved[0]
    content = checkpoints.load(path)
    checkpoints.save(path, content | {"model": content["model"] | change})
    with pytest.raises(ValueError) as error:
        checkpoints.load_backbone(path)
    assert str(error.value) == f"{path}: {told}"


def test_a_network_without_its_embedding_size_is_refused(saved):
    path = saved[0]
    content = checkpoints.load(path)
    del content["model"]["embedding_size"]
    checkpoints.save(path, content)
    for read in (checkpoints.load_backbone, checkpoints.own_content):
        with pytest.raises(ValueError, match=r"pt: model: embedding_size is missing, expected int"):
            read(path)


@pytest.mark.parametrize("states", ["none", {"stem.0.weight": 1}])
def test_a_network_without_tensors_is_refused(saved, states):
    path = saved[0]
    checkpoints.save(path, checkpoints.load(path) | {"backbone": states})
    with pytest.raises(ValueError, match=r"last\.pt: backbone is no dict of tensors"):
        checkpoints.load_backbone(path)


def test_a_checkpoint_tells_what_its_network_takes(saved):
    path = saved[0]
    model = {"backbone": "tiny", "embedding_size": 8, "input": INPUT}
    checkpoints.save(path, {**checkpoints.load(path), "model": model})
    assert checkpoints.model_of(path) == model
    assert checkpoints.model_of(path)["input"]["color_order"] == "RGB"


def test_a_checkpoint_that_does_not_say_what_its_network_takes_is_refused(saved):
    with pytest.raises(ValueError, match=r"last\.pt: does not say what input it was trained for"):
        checkpoints.model_of(saved[0])


def test_the_input_of_a_missing_or_a_damaged_checkpoint_is_refused(saved):
    path = saved[0]
    with pytest.raises(FileNotFoundError, match=r"none\.pt: no such checkpoint"):
        checkpoints.model_of(path.with_name("none.pt"))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"last\.pt: not a readable checkpoint"):
        checkpoints.model_of(path)


def test_random_numbers_go_on_from_a_saved_state():
    state = checkpoints.random_state(CPU)
    first = torch.rand(3)
    checkpoints.set_random_state(state, CPU)
    assert torch.equal(torch.rand(3), first)
