"""Each method learns to recognise people that it never saw, on a small part of the demo's faces."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from irlib import backbones, methods, studies
from irlib.class_groups import Labelled
from irlib.data import synthetic
from irlib.data.faces import Faces, open_faces
from irlib.data.loading import TrainLoader
from irlib.data.sources import Chosen, batches
from irlib.evaluation.embedding import embed
from irlib.evaluation.protocols import accuracy
from irlib.training.loop import train
from irlib.training.recorder import Recorder

DEMO = studies.find("demo")
PEOPLE, TRAINED_ON = 110, 60  # the rest are strangers
SCHEDULE = {"epochs": 12, "milestones": (10,), "log_every": 1000, "save_every": 10_000}


@dataclass(frozen=True, eq=False)
class Part:
    """A small training set, and pairs of portraits of other people."""

    faces: Faces
    pictures: list[NDArray[np.uint8]]  # of strangers
    pairs: NDArray[np.int64]  # (P, 2) among them
    is_same: NDArray[np.bool_]  # (P,)

    def accuracy(self, network: torch.nn.Module) -> float:
        embeddings = embed(backbones.recognition(network), self.pictures, device="cpu")
        unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
        first, second = self.pairs.T
        return accuracy((unit[first] * unit[second]).sum(axis=1), self.is_same).mean


def part_of(faces: Faces, classes: NDArray[np.int64]) -> Faces:
    rows = np.flatnonzero(np.isin(faces.labels, classes))
    _, labels = np.unique(faces.labels[rows], return_inverse=True)
    return dataclasses.replace(
        faces,
        images=Chosen(faces.images, rows),
        labels=labels,
        ages=faces.ages[rows],
        class_names=tuple(faces.class_names[index] for index in np.sort(classes)),
    )


def all_pairs(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    # every pair of one person, and as many of two
    pairs = np.stack(np.triu_indices(len(labels), k=1), axis=1)
    is_same = labels[pairs[:, 0]] == labels[pairs[:, 1]]
    others = np.random.default_rng(0).permutation(pairs[~is_same])[: is_same.sum()]
    both = np.concatenate([pairs[is_same], others])
    return both, np.arange(len(both)) < is_same.sum()


@pytest.fixture(scope="module")
def part(tmp_path_factory):
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("learning") / "demo"
    none = dict.fromkeys([f"{kind}_identities" for kind in ("agedb", "fgnet", "lag", "val")], 0)
    spec = dataclasses.replace(DEMO.synthetic, identities=PEOPLE, **none)
    synthetic.write(spec, root)
    faces = open_faces(root / "train", root / "age-labels.txt")
    order = np.random.default_rng(0).permutation(PEOPLE)
    strangers = part_of(faces, order[TRAINED_ON:])
    pairs, is_same = all_pairs(strangers.labels)
    return Part(part_of(faces, order[:TRAINED_ON]), list(batches(strangers.images)), pairs, is_same)


def gain(name: str, part: Part, folder) -> float:
    """Points of accuracy on strangers that training adds to an untrained network."""
    method, faces = methods.find(name), part.faces
    labelled = Labelled(faces.labels, faces.ages, faces.num_classes, faces.child_ids())
    torch.manual_seed(1)
    network = method.network(DEMO)
    objective = method.build(DEMO, network, faces.num_classes, method.select(labelled, 1))
    before = part.accuracy(network)
    recipe = dataclasses.replace(method.recipe_on(DEMO), **SCHEDULE)
    loader = TrainLoader(faces, batch_size=recipe.batch_size, seed=1)
    train(network, objective, loader, recipe, Recorder(folder, model={}, key=""), seed=1)
    return 100 * (part.accuracy(network) - before)


@pytest.fixture(scope="module")
def arcface_gain(part, tmp_path_factory):
    return gain("arcface", part, tmp_path_factory.mktemp("arcface"))


def test_arcface_learns(arcface_gain):
    assert arcface_gain > 10  # points; the untrained network stands at about 70 %


def cases() -> list:
    """The other methods; of those that are a rule on cosines and nothing more most are slow."""
    names = [name for name in methods.GROUPS["all"] if name != "arcface"]
    rules = ("cosface", "sphereface", "mv_am", "mv_arc")
    return [pytest.param(name, marks=pytest.mark.slow) if name in rules else name for name in names]


@pytest.mark.parametrize("name", cases())
def test_a_method_learns_nearly_as_much_as_arcface(name, part, arcface_gain, tmp_path):
    assert gain(name, part, tmp_path) >= 0.8 * arcface_gain
