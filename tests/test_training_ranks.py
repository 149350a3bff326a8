"""A training by several processes, beside the same training by one, in float64."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import ranks
import torch
from torch import nn
from torch.distributed.tensor import DTensor
from training_runs import Killed, kill_before, without_clock

from irlib import checkpoints, parallel
from irlib.age_invariant import DAL, OECNN
from irlib.backbones.features import Features, embeddings_of
from irlib.data.faces import open_faces
from irlib.data.loading import TrainLoader
from irlib.heads import AdaFace, ArcFace, BroadFace, CosFace, CurricularFace, MVArc
from irlib.objectives import InterPrototypeObjective, Objective
from irlib.training.config import LAST, TrainConfig
from irlib.training.history import read_history
from irlib.training.loop import train
from irlib.training.optimizers import build_optimizers
from irlib.training.recorder import Recorder
from irlib.training.resuming import States
from irlib.training.running import Running
from irlib.training.spread import spread

# 19 images in batches of 4: the last one, of three, leaves one of four processes without an image
RECIPE = TrainConfig(
    epochs=2, milestones=(1,), batch_size=4, lr=0.02, log_every=1, save_every=3, workers=0
)
CLASSES, CHILDREN = 4, np.array([0, 1, 3])


class Net(nn.Module):
    """Mean colors through two layers with batch norms, in float64."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.AvgPool2d(28), nn.Conv2d(3, 16, 1), nn.BatchNorm2d(16), nn.PReLU(16),
            nn.Flatten(), nn.Linear(256, 8), nn.BatchNorm1d(8),
        ).double()  # fmt: skip

    def forward(self, images):
        return self.body(images.double())


class Split(Net):
    """With an age part, as networks have that split it off."""

    def forward(self, images):
        embeddings = super().forward(images)
        return Features(embeddings, embeddings, embeddings.roll(1, dims=1))


def inter_prototype(head, **options):
    return InterPrototypeObjective(head, CHILDREN, **options)


def head(kind, **options):
    return kind(8, CLASSES, scale=8.0, **options)


CASES = {
    "arcface": (Net, lambda: Objective(head(ArcFace)), {}),
    "inter_prototype": (Net, lambda: inter_prototype(head(ArcFace)), {}),
    "inter_prototype_l1": (Net, lambda: inter_prototype(head(ArcFace), target="l1"), {}),
    "in_chunks": (Net, lambda: inter_prototype(head(CosFace)), {"class_chunk": 2}),
    "adaface": (Net, lambda: Objective(head(AdaFace)), {"clip_norm": 0.7}),
    "curricularface": (Net, lambda: Objective(head(CurricularFace)), {}),
    "mv_arc": (Net, lambda: Objective(head(MVArc)), {}),
    "broadface": (Net, lambda: Objective(head(BroadFace, queue_size=6)), {}),
    "oecnn": (Net, lambda: OECNN(head(CosFace)), {}),
    "dal": (
        Split,
        lambda: DAL(head(CosFace), adversarial_steps=2, ordinary_steps=2, age_weight=1.0),
        {},
    ),
    "augmented": (
        Net, lambda: Objective(head(ArcFace)),
        {"crop": 0.5, "low_resolution": 0.5, "photometric": 0.5},
    ),
    "adamw": (Net, lambda: Objective(head(ArcFace)), {"optimizer": "adamw", "lr": 0.002}),
}  # fmt: skip


def built(name):
    network, objective, changes = CASES[name]
    torch.manual_seed(0)
    backbone = network()
    return backbone, objective().double(), replace(RECIPE, **changes)


def trained(name, root, ages, folder, *, kill_at=None, changes=None):
    """History of a training, by as many processes as there are."""
    backbone, objective, recipe = built(name)
    recipe = replace(recipe, **(changes or {}))
    faces = replace(open_faces(root), ages=ages)
    share = {"rank": parallel.rank(), "size": parallel.size()}
    loader = TrainLoader(faces, batch_size=recipe.batch_size, seed=1, **share)
    recorder = Recorder(folder / name, model={}, key="k", validate=validation)
    if kill_at is not None:
        kill_before(objective, kill_at)
    try:
        return train(backbone, objective, loader, recipe, recorder, seed=5)
    except Killed:
        return recorder.lines


def validation(backbone):
    images = torch.linspace(-1, 1, 2 * 3 * 112 * 112).reshape(2, 3, 112, 112)
    with torch.no_grad():
        return {"val_accuracy": embeddings_of(backbone.eval()(images)).abs().mean().item()}


def all_trained(root, ages, folder):
    return {name: trained(name, root, ages, folder) for name in CASES}


@pytest.fixture(scope="module", params=[2, 4])
def several(request, crops, tmp_path_factory):
    """Histories of every case by several processes, and their folder."""
    home = tmp_path_factory.mktemp("ranks")
    found = ranks.run(all_trained, request.param, crops.root, crops.ages, home / "several")
    return found, home


@pytest.fixture(scope="module")
def one(crops, tmp_path_factory):
    """Histories of every case by one process, and their folder."""
    home = tmp_path_factory.mktemp("one")
    return all_trained(crops.root, crops.ages, home), home


def same_numbers(history, expected):
    pairs = zip(without_clock(history), without_clock(expected), strict=True)
    return all(ours == pytest.approx(theirs, rel=1e-6, abs=1e-9) for ours, theirs in pairs)


def require_same_weights(folder, other):
    ours, expected = (checkpoints.load(each / LAST) for each in (folder, other))
    for part in ("backbone", "objective"):
        assert list(ours[part]) == list(expected[part])
        for key, value in expected[part].items():
            torch.testing.assert_close(ours[part][key], value, rtol=1e-6, atol=1e-8, msg=key)


@pytest.mark.parametrize("name", CASES)
def test_several_processes_tell_the_losses_of_one(several, one, name):
    assert len(one[0][name]) == 12  # ten steps and two validations
    assert all(same_numbers(each[name], one[0][name]) for each in several[0])


@pytest.mark.parametrize("name", CASES)
def test_several_processes_end_with_the_weights_of_one(several, one, name):
    require_same_weights(several[1] / "several" / name, one[1] / name)


def test_the_history_is_written_once(several):
    found, home = several
    text = (home / "several/arcface/history.jsonl").read_text()
    assert [json.loads(line) for line in text.splitlines()] == found[0]["arcface"]


def test_two_machines_end_with_the_losses_and_weights_of_one_process(one, crops, tmp_path):
    # two agents of torchrun, each of which believes to be a machine of its own
    np.save(tmp_path / "ages.npy", crops.ages)
    program = [Path(__file__).with_name("one_rank.py"), SHARDED, crops.root, tmp_path / "ages.npy"]
    port = str(ranks.free_port())
    agents = [
        subprocess.Popen(
            [
                sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--node-rank",
                str(machine), "--nproc-per-node", "1", "--master-addr", "127.0.0.1",
                "--master-port", port, *map(str, program), str(tmp_path / "two"),
            ],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for machine in range(2)
    ]  # fmt: skip
    for agent in agents:
        told, _ = agent.communicate(timeout=120)
        assert agent.returncode == 0, told
    history = read_history(tmp_path / "two" / SHARDED)
    assert same_numbers(history, one[0][SHARDED])
    require_same_weights(tmp_path / "two" / SHARDED, one[1] / SHARDED)


# Going on with another number of processes

SHARDED = "inter_prototype"  # four prototypes: over three processes two, two and none


def saved(root, ages, folder):
    """The whole tensors of a training that two processes leave after step 6, by name."""
    trained(SHARDED, root, ages, folder, kill_at=8)
    return restored(folder)


def restored(folder):
    """The whole tensors of the newest state, restored by as many processes as there are."""
    backbone, objective, recipe = built(SHARDED)
    spread(backbone, objective, recipe, seed=5)
    optimizers = build_optimizers(backbone, objective, recipe)
    modules = {"backbone": backbone, "objective": objective}
    running = Running(modules, optimizers, {"draws": torch.Generator()}, head=objective.head)
    newest = States(folder / SHARDED, asynchronous=False).newest()
    running.load(newest)
    tensors = {
        name: _whole(value)
        for name, value in running.tensors().items()
        if not name.startswith(("random.cpu",))
    }
    return newest.name, len(objective.head.prototypes), tensors


@pytest.fixture(scope="module")
def left_by_two(crops, tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    return folder, ranks.run(saved, 2, crops.root, crops.ages, folder)[0]


@pytest.mark.parametrize("size", [1, 3, 4])
def test_what_two_processes_saved_is_restored_bit_for_bit(left_by_two, size):
    folder, (step, _, expected) = left_by_two
    found = [restored(folder)] if size == 1 else ranks.run(restored, size, folder)
    shards = {1: [4], 3: [2, 2, 0], 4: [1, 1, 1, 1]}[size]
    assert [rows for _, rows, _ in found] == shards
    for found_step, _, tensors in found:
        assert found_step == step == "6"
        assert tensors.keys() == expected.keys()
        assert all(torch.equal(tensors[name], value) for name, value in expected.items())
    momentum = expected["optimizer.objective.head.prototypes.momentum_buffer"]
    assert momentum.shape == (4, 8)
    assert momentum.abs().sum() > 0


@pytest.mark.parametrize("size", [1, 3])
def test_another_number_of_processes_goes_on_to_the_same_end(
    left_by_two, one, crops, tmp_path, size
):
    folder = tmp_path / "two"
    shutil.copytree(left_by_two[0], folder)
    arguments = SHARDED, crops.root, crops.ages, folder
    history = trained(*arguments) if size == 1 else ranks.run(trained, size, *arguments)[0]
    assert same_numbers(history, one[0][SHARDED])


# Writing beside the training


def busy(folder):
    """Saves states in the background while the processes exchange values, then restores one."""
    backbone, objective, recipe = built(SHARDED)
    spread(backbone, objective, recipe, seed=5)
    optimizers = build_optimizers(backbone, objective, recipe)
    modules = {"backbone": backbone, "objective": objective}
    running = Running(modules, optimizers, {"draws": torch.Generator()}, head=objective.head)
    states = States(folder, asynchronous=True)
    for step in range(4):
        states.save(running, {"step": step})
        expected = {name: _whole(value) for name, value in running.tensors().items()}
        talk = [parallel.exchanged((step, number)) for number in range(20)]
        with torch.no_grad():
            objective.head.prototypes.add_(1.0)  # must not reach the state any more
    states.finish()
    running.load(states.newest())
    found = {name: _whole(value) for name, value in running.tensors().items()}
    same = all(torch.equal(found[name], value) for name, value in expected.items())
    return same, states.newest().name, talk[-1]


def _whole(value):
    return value.full_tensor() if isinstance(value, DTensor) else value.clone()


def test_a_state_is_written_while_the_processes_go_on(tmp_path):
    assert ranks.run(busy, 2, tmp_path) == [(True, "3", [(3, 19), (3, 19)])] * 2


def drawn(root, ages, folder):
    """A training that draws half of each process's classes; over three the last holds none."""
    return trained(SHARDED, root, ages, folder, changes={"sampled_share": 0.5})


def test_a_process_without_classes_may_draw_from_none(crops, tmp_path):
    histories = ranks.run(drawn, 3, crops.root, crops.ages, tmp_path)
    losses = [[line["id_loss"] for line in each if "id_loss" in line] for each in histories]
    assert losses[0] == losses[2]
    assert np.isfinite(losses[0]).all()


# What goes wrong


class Broken(Net):
    """In the second process it gives no numbers from its third batch on."""

    seen = 0

    def forward(self, images):
        self.seen += self.training
        wrong = self.seen > 2 and parallel.rank() == 1
        return super().forward(images) * (torch.nan if wrong else 1.0)


def broken(root, folder):
    """What each process raises."""
    _, objective, recipe = built("arcface")
    loader = TrainLoader(
        open_faces(root), batch_size=4, seed=1, rank=parallel.rank(), size=parallel.size()
    )
    try:
        train(Broken(), objective, loader, recipe, Recorder(folder, model={}, key="k"), seed=5)
    except FloatingPointError as error:
        return str(error)


def test_a_loss_that_is_not_finite_ends_every_process(crops, tmp_path):
    expected = "step 3: the id loss is nan; is lr too high?"
    assert ranks.run(broken, 2, crops.root, tmp_path) == [expected, expected]
