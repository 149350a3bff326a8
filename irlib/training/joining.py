"""A training from its run folder: where the loop meets data, methods and evaluation."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from irlib import graph, parallel, prepared, provenance
from irlib.class_groups import Labelled
from irlib.data.faces import Faces
from irlib.data.loading import TrainLoader
from irlib.data.manifests import INPUT
from irlib.evaluation.validation import PairAccuracy
from irlib.parallel.starting import Place
from irlib.training.building import Built, batches, build, settle
from irlib.training.config import TrainConfig
from irlib.training.loop import train
from irlib.training.recorder import Recorder
from irlib.training.run_log import RunLog
from irlib.training.task import Task


@dataclass(frozen=True, eq=False)
class Material:
    """What there is to train on."""

    ready: prepared.Prepared
    faces: Faces
    child_ids: NDArray[np.int64]
    class_ids: NDArray[np.int64]  # that the method treats apart
    first: Path | None  # checkpoint to start from


def collect(task: Task) -> Material:
    """The data of a task, and the classes that its method treats apart.

    Raises:
        FileNotFoundError: notebook 01 did not run, or the images or the first weights are gone.
        ValueError: data that the method cannot learn from, or of another input.
    """
    study = task.study
    ready = prepared.load(study, task.home, task.data)
    first = task.method.first_weights(study, task.home, task.seed)
    sets = [prepared.TRAIN, *([prepared.VAL] if study.val_dir else [])]
    ready.require_same_input(INPUT, sets)
    faces = ready.faces()
    child = faces.child_ids(below=study.child_below, at_least=study.child_at_least)
    known = {"child_below": study.child_below, "child_at_least": study.child_at_least}
    labelled = Labelled(faces.labels, faces.ages, faces.num_classes, child, **known)
    task.method.require_ages(labelled)
    return Material(ready, faces, child, task.method.select(labelled, task.seed), first)


@dataclass(frozen=True, eq=False)
class Ground:
    """Network, losses and batches of a training, and what tells it from another one."""

    built: Built
    loader: TrainLoader
    recipe: TrainConfig
    model: dict[str, Any]  # what its checkpoints record
    key: str
    seed: int

    @property
    def about(self) -> dict[str, Any]:
        """Where its weights come from, its recipe, and how many steps it takes."""
        return {
            "first_weights": dataclasses.asdict(self.built.taken),
            "recipe": dataclasses.asdict(self.recipe),
            "steps": self.recipe.epochs * len(self.loader),
        }


@dataclass(frozen=True, eq=False)
class Assembled:
    """A training before its first step."""

    ground: Ground
    recorder: Recorder
    is_finished: bool  # under the same key
    about: dict[str, Any]  # for its record

    def train(self) -> list[str]:
        """Train in this process, as one of those that are joined.

        Returns:
            Names of the damaged images that were met.

        Raises:
            ValueError: too many damaged images.
            FloatingPointError: a loss is not finite; the message gives the step.
        """
        ground = self.ground
        settle(ground.recipe, seed=ground.seed)
        train(
            ground.built.backbone, ground.built.objective, ground.loader, ground.recipe,
            self.recorder, seed=ground.seed,
        )  # fmt: skip
        return ground.loader.bad


def assemble(task: Task, material: Material, place: Place) -> Assembled:
    """What is trained, built in this process as one of those that are joined.

    Args:
        task: what is trained.
        material: what `collect` found for it.
        place: of this process.

    Raises:
        ValueError: weights to start from that do not fit; or the processes are to train
            different things.
    """
    ground, faces = lay_ground(task, material, place), material.faces
    validate, val = None, material.ready.val_pairs()
    if val is not None:
        validate = PairAccuracy(task.data / task.study.val_dir, val, task.pick_device(place))
    data = {
        "images": len(faces),
        "identities": faces.num_classes,
        "identities of children": len(material.child_ids),
        "classes that the method treats apart": len(material.class_ids),
        "validation pairs": len(val) if val is not None else 0,
    }
    recorder = Recorder(
        task.folder,
        model=ground.model,
        key=ground.key,
        validate=validate,
        tensorboard=task.tensorboard,
    )
    is_finished = finished_alike(recorder, task.pick_device(place))
    about = {"title": task.method.title, "data": data, **ground.about}
    return Assembled(ground, recorder, is_finished, about)


def lay_ground(task: Task, material: Material, place: Place) -> Ground:
    """Network, losses and batches of a training, built in this process; see `assemble`.

    Raises:
        ValueError: weights to start from that do not fit.
    """
    study, method, seed, faces = task.study, task.method, task.seed, material.faces
    recipe, device = method.recipe_on(study), task.pick_device(place)
    model = method.model(study) | {"input": INPUT, "num_classes": faces.num_classes}
    model["classes"] = provenance.digest(list(faces.class_names))
    built = build(
        lambda: method.network(study),
        lambda network: method.build(study, network, faces.num_classes, material.class_ids),
        seed=seed, threads=study.threads, device=device, first=material.first, model=model,
    )  # fmt: skip
    known = {"child_below": study.child_below, "allowed_bad": study.allowed_bad}
    loader = batches(faces, recipe, seed=seed, local_size=place.local_size, **known)
    ids = {"child_ids": material.child_ids.tolist(), "class_ids": material.class_ids.tolist()}
    rest = {"data": material.ready.fingerprint, "device": device.type, "start": built.taken.digest}
    key = graph.training_key(study, method, seed, **rest, **ids)
    return Ground(built, loader, recipe, model | ids, key, seed)


def finished_alike(log: RunLog, device: torch.device) -> bool:
    """Whether a training has ended under its key; see `require_alike`.

    Args:
        log: of the training.
        device: of this process.
    """
    is_finished = log.seen() is not None
    require_alike({"device": device.type, "key": log.key, "finished": is_finished})
    return is_finished


def require_alike(values: dict[str, Any]) -> None:
    """See that all processes found the same.

    Else they would wait for each other, or train something that none of them was asked for.

    Raises:
        ValueError: one did not; the message tells what it found.
    """
    found = parallel.exchanged(values)
    for rank, others in enumerate(found):
        for name in values:
            if others[name] != found[0][name]:
                raise ValueError(
                    f"rank {rank} has {name} {others[name]!r}, rank 0 {found[0][name]!r}: expected "
                    "the same code, data, outputs and kind of device for all processes"
                )
