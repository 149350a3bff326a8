"""A training from its run folder: where the loop meets data, methods and evaluation."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from irlib import (
    devices,
    graph,
    methods,
    parallel,
    prepared,
    provenance,
    runs,
    studies,
)
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
from irlib.values import typed

# parameters of notebook 02 that decide what is trained, and their types
PARAMETERS = {
    "study": "str", "overrides": "dict", "method": "str", "seed": "int", "device": "str",
    "data": "str", "outputs": "str", "tensorboard": "bool",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be trained, and where."""

    study: studies.Study
    method: methods.Method
    seed: int
    device: str  # as a user names it
    data: Path
    home: Path  # the study's folder of runs
    tensorboard: bool

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """The task that the parameters of notebook 02 describe.

        Args:
            parameters: those of `PARAMETERS`; others are not looked at.

        Raises:
            ValueError: one is missing or wrong, or study and method do not fit each other.
        """
        if missing := PARAMETERS.keys() - parameters.keys():
            raise ValueError(f"parameter {min(missing)!r} of the training is missing")
        given = {name: typed(name, parameters[name], kind) for name, kind in PARAMETERS.items()}
        study = studies.find(given["study"], given["overrides"])
        method = methods.find(given["method"])
        method.check(study)
        home = runs.resolve(given["outputs"]) / study.name
        return cls(
            study, method, given["seed"], given["device"], runs.resolve(given["data"]), home,
            given["tensorboard"],
        )  # fmt: skip

    @property
    def folder(self) -> Path:
        """Its run folder."""
        return self.home / runs.run_name("train", self.method.name, self.seed)

    def pick_device(self, place: Place) -> torch.device:
        """The device of one of the training's processes.

        Args:
            place: of the process; its local rank chooses among the GPUs of its machine.

        Raises:
            ValueError: no such device here, or fewer GPUs than processes.
        """
        device = devices.pick(self.device)
        if place.size == 1 or device.type == "cpu":
            return device
        if device.type != "cuda" or device.index is not None:
            told = f"expected cuda or cpu for {place.size} processes"
            raise ValueError(f"device is {self.device!r}, here {device}: {told}")
        if place.local_size > (present := torch.cuda.device_count()):
            told = f"{place.local_size} processes on this machine, which has {present} GPUs"
            raise ValueError(f"{told}: expected one each")
        return torch.device("cuda", place.local_rank)


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
class Assembled:
    """A training before its first step."""

    built: Built
    loader: TrainLoader
    recorder: Recorder
    recipe: TrainConfig
    seed: int
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
        settle(self.recipe, seed=self.seed)
        train(
            self.built.backbone, self.built.objective, self.loader, self.recipe, self.recorder,
            seed=self.seed,
        )  # fmt: skip
        return self.loader.bad


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
    study, method, seed, faces = task.study, task.method, task.seed, material.faces
    recipe, device = method.recipe_on(study), task.pick_device(place)
    model = method.model(study) | {"input": INPUT, "num_classes": faces.num_classes}
    model["classes"] = provenance.digest(list(faces.class_names))
    built = build(
        lambda: method.network(study),
        lambda network: method.build(study, network, faces.num_classes, material.class_ids),
        seed=seed, threads=study.threads, device=device, first=material.first, model=model,
    )  # fmt: skip
    validate, val = None, material.ready.val_pairs()
    if val is not None:
        validate = PairAccuracy(task.data / study.val_dir, val, device)
    known = {"child_below": study.child_below, "allowed_bad": study.allowed_bad}
    loader = batches(faces, recipe, seed=seed, local_size=place.local_size, **known)
    data = {
        "images": len(faces),
        "identities": faces.num_classes,
        "identities of children": len(material.child_ids),
        "classes that the method treats apart": len(material.class_ids),
        "validation pairs": len(val) if val is not None else 0,
    }
    told = {"first_weights": dataclasses.asdict(built.taken), "recipe": dataclasses.asdict(recipe)}
    about = {"title": method.title, "data": data, **told, "steps": recipe.epochs * len(loader)}
    ids = {"child_ids": material.child_ids.tolist(), "class_ids": material.class_ids.tolist()}
    rest = {"data": material.ready.fingerprint, "device": device.type, "start": built.taken.digest}
    recorder = Recorder(
        task.folder,
        model=model | ids,
        key=graph.training_key(study, method, seed, **rest, **ids),
        validate=validate,
        tensorboard=task.tensorboard,
    )
    is_finished = recorder.seen() is not None
    _require_alike({"device": device.type, "key": recorder.key, "finished": is_finished})
    return Assembled(built, loader, recorder, recipe, seed, is_finished, about)


def _require_alike(values: dict[str, Any]) -> None:
    # else they would wait for each other, or train something that none of them was asked for
    found = parallel.exchanged(values)
    for rank, others in enumerate(found):
        for name in values:
            if others[name] != found[0][name]:
                raise ValueError(
                    f"rank {rank} has {name} {others[name]!r}, rank 0 {found[0][name]!r}: expected "
                    "the same code, data, outputs and kind of device for all processes"
                )
