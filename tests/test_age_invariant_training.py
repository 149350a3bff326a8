"""The age-invariant methods through the training loop, on nineteen images."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from training_runs import Killed, equal, kill_before, weights_of, without_clock

from irlib import checkpoints, methods, studies
from irlib.backbones import DECOMPOSITIONS
from irlib.data.faces import open_faces
from irlib.data.loading import TrainLoader
from irlib.training.config import LAST, TrainConfig
from irlib.training.loop import train
from irlib.training.optimizers import build_optimizers
from irlib.training.recorder import Recorder

NAMES = ["oecnn", "dal", "mtlface"]
# 19 images in batches of 4: five steps an epoch
RECIPE = TrainConfig(
    epochs=5, milestones=(), batch_size=4, lr=0.02, log_every=1, save_every=4, workers=0
)
LONG = replace(RECIPE, epochs=24, save_every=1000)
STUDY = replace(studies.find("smoke"), embedding_size=8, scale=8.0)


class Net(nn.Module):
    """Mean colors of a 7x7 grid as maps, and a layer that makes embeddings of them."""

    map_shape = (16, 7, 7)

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.AvgPool2d(16), nn.Conv2d(3, 16, 1), nn.BatchNorm2d(16))
        self.output = nn.Sequential(nn.Flatten(), nn.Linear(784, 8), nn.BatchNorm1d(8))

    def forward(self, images):
        return self.output(self.body(images))

    def maps(self, images):
        return self.body(images)

    def embed_maps(self, maps):
        return self.output(maps)


class Run:
    """One training run of a method, that can be built again over the same folder."""

    def __init__(self, crops, folder):
        self.crops, self.folder = crops, folder

    def build(self, name, *, backbone=None):
        torch.manual_seed(0)
        method = methods.find(name)
        self.network = backbone or Net()
        if method.objective.decomposition and backbone is None:
            self.network = DECOMPOSITIONS[method.objective.decomposition](self.network, 8)
        self.objective = method.build(STUDY, self.network, 4)
        self.model = method.model(STUDY)

    def __call__(self, name, recipe=RECIPE, *, ages=None, kill_at=None, backbone=None):
        """Train from seed 0; kill_at is a step, from 0."""
        self.build(name, backbone=backbone)
        faces = open_faces(self.crops.root)
        faces = replace(faces, ages=self.crops.ages if ages is None else ages)
        loader = TrainLoader(faces, batch_size=recipe.batch_size, seed=1, workers=0)
        if kill_at is not None:
            kill_before(self.objective, kill_at)
        recorder = Recorder(self.folder, model=self.model, key="k")
        return train(self.network, self.objective, loader, recipe, recorder, seed=0)

    def weights(self):
        return weights_of(self.network, self.objective)


@pytest.fixture
def run(crops, tmp_path):
    return Run(crops, tmp_path / "run")


@pytest.fixture
def other(crops, tmp_path):
    return Run(crops, tmp_path / "other")


def ends(history):
    """Mean identity loss over the first epoch and over the last four, each of five steps."""
    losses = [line["id_loss"] for line in history]
    return np.mean(losses[:5]), np.mean(losses[-20:])


@pytest.mark.parametrize("name", NAMES)
def test_the_identity_loss_falls(run, name):
    first, last = ends(run(name, LONG))
    # four identities of one color each; CosFace alone falls to a third
    assert last < 0.6 * first


@pytest.mark.parametrize("name", NAMES)
def test_a_training_set_with_one_age_trains(run, name):
    ages = np.full(19, math.nan)
    ages[3] = 8.0
    first, last = ends(run(name, LONG, ages=ages))
    assert last < 0.6 * first


@pytest.mark.parametrize("name", NAMES)
def test_bf16_trains_with_finite_losses(run, name):
    # a loss that is not finite would stop the run
    history = run(name, replace(RECIPE, precision="bf16"))
    assert history[-1]["step"] == 25


# before, at and after the end of the adversarial steps, each some steps after a checkpoint
@pytest.mark.parametrize("kill_at", [13, 20, 27])
def test_dal_goes_on_after_a_kill_as_if_nothing_had_happened(run, other, kill_at):
    recipe = replace(RECIPE, epochs=6)
    expected = other("dal", recipe)
    with pytest.raises(Killed):
        run("dal", recipe, kill_at=kill_at)
    assert without_clock(run("dal", recipe)) == without_clock(expected)
    assert equal(run.weights(), other.weights())


def parameters(module):
    return [parameter.detach().clone() for parameter in module.parameters()]


def test_dals_first_20_steps_move_the_projections_and_nothing_else(run):
    run.build("dal")
    network, head = parameters(run.network), parameters(run.objective.head)
    projections = parameters(run.objective.project_age)
    run("dal", replace(RECIPE, epochs=4))  # of five steps
    assert equal(parameters(run.network), network)
    assert equal(parameters(run.objective.head), head)
    assert not equal(parameters(run.objective.project_age), projections)


def test_dals_next_steps_leave_the_projections_alone(run, other):
    run("dal", replace(RECIPE, epochs=4))
    other("dal", RECIPE)
    assert equal(
        parameters(run.objective.project_identity), parameters(other.objective.project_identity)
    )
    assert not equal(parameters(run.network), parameters(other.network))


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_in_the_optimizer_once(run, name):
    run.build(name)
    (optimizer,) = build_optimizers(run.network, run.objective, RECIPE)
    held = sorted(id(p) for group in optimizer.param_groups for p in group["params"])
    assert held == sorted(id(p) for part in (run.network, run.objective) for p in part.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_gives_the_identity_embedding(run, name):
    torch.manual_seed(0)
    backbone = methods.find(name).network(STUDY)
    run(name, replace(RECIPE, epochs=1), backbone=backbone)
    images = torch.rand(2, 3, 112, 112) * 2 - 1
    with torch.no_grad():
        embeddings = checkpoints.load_backbone(run.folder / LAST)(images)
        features = run.network.eval()(images)
    assert embeddings.shape == (2, 8)
    assert torch.equal(embeddings, getattr(features, "embeddings", features))
