"""States that a training goes on from: complete or not at all, whoever writes them."""

import errno

import numpy as np
import pytest
import torch
from torch import nn

from irlib.heads import AdaFace
from irlib.objectives import InterPrototypeObjective
from irlib.training.config import TrainConfig
from irlib.training.optimizers import build_optimizers
from irlib.training.resuming import States
from irlib.training.running import Running

RECIPE = TrainConfig(lr=0.1)


def whole(backbone, objective, draws):
    optimizers = build_optimizers(backbone, objective, RECIPE)
    modules = {"backbone": backbone, "objective": objective}
    return Running(modules, optimizers, {"draws": draws}, head=objective.head)


def running(seed=0):
    """A training after two steps on noise, with momentum and running statistics of norms."""
    torch.manual_seed(seed)
    backbone = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4))
    objective = InterPrototypeObjective(AdaFace(4, 5), np.array([1, 3]))
    made = whole(backbone, objective, torch.Generator())
    for _ in range(2):
        step(made)
    return made


def step(made):
    """One step on noise from the generators whose states are saved."""
    images = torch.randn(8, 6) + torch.randn(8, 6, generator=made.draws["draws"])
    backbone, objective = made.modules.values()
    loss = objective.head.loss(backbone(images), torch.arange(8) % 5)
    loss.backward()
    for optimizer in made.optimizers:
        optimizer.step()
        optimizer.zero_grad()


def copied(made):
    return {name: value.clone() for name, value in made.tensors().items()}


def same(first, second):
    return first.keys() == second.keys() and all(map(torch.equal, first.values(), second.values()))


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_state_is_restored_bit_for_bit(tmp_path, asynchronous):
    made, states = running(), States(tmp_path, asynchronous=asynchronous)
    states.save(made, {"step": 2})
    expected = copied(made)
    step(made)  # what follows must not reach a state that is still being written
    states.finish()
    other = running(seed=1)
    other.load(states.newest())
    assert same(other.tensors(), expected)


def test_what_is_restored_goes_on_alike(tmp_path):
    made, states = running(), States(tmp_path, asynchronous=False)
    states.save(made, {"step": 2})
    other = running(seed=1)
    other.load(states.newest())
    torch.set_rng_state(made.tensors()["random.cpu.0"])
    for _ in range(2):
        step(made)
    other.load(states.newest())
    for _ in range(2):
        step(other)
    assert same(copied(other), copied(made))


def test_the_names_of_a_state_are_those_of_weights_and_slots():
    names = set(running().tensors())
    for name in (
        "backbone.0.weight", "backbone.1.running_mean", "objective.head.prototypes",
        "objective.head.batch_mean", "objective.class_ids", "random.draws", "random.cpu.0",
        "optimizer.backbone.0.weight.momentum_buffer",
        "optimizer.objective.head.prototypes.momentum_buffer",
    ):  # fmt: skip
        assert name in names


@pytest.mark.parametrize("asynchronous", [False, True])
def test_only_the_newest_state_stays(tmp_path, asynchronous):
    made, states = running(), States(tmp_path, asynchronous=asynchronous)
    for number in (9, 10):
        states.save(made, {"step": number})
    states.finish()
    assert [path.name for path in (tmp_path / "resume").iterdir()] == ["10"]
    assert states.newest().name == "10"


def test_a_state_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    made, states = running(), States(tmp_path, asynchronous=False)
    states.save(made, {"step": 2})

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("torch.distributed.checkpoint.filesystem.FileSystemWriter.write_data", full)
        with pytest.raises(OSError, match="No space left"):
            states.save(made, {"step": 3})
    assert states.newest().name == "2"


def test_a_state_of_another_network_is_refused_by_its_folder(tmp_path):
    made, states = running(), States(tmp_path, asynchronous=False)
    states.save(made, {"step": 2})
    backbone, objective = made.modules.values()
    backbone[0] = nn.Linear(7, 4)
    other = whole(backbone, objective, made.draws["draws"])
    with pytest.raises(ValueError, match=r"resume/2: cannot be gone on from"):
        other.load(states.newest())


def test_no_state_is_none(tmp_path):
    assert States(tmp_path, asynchronous=False).newest() is None
