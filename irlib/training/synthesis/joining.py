"""A synthesis training from its run folder: where its loop meets data and a recognition network."""

import copy
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from irlib import checkpoints, graph, prepared, provenance, runs
from irlib.age_invariant import MTLFace
from irlib.age_invariant.ages import age_group
from irlib.age_invariant.synthesis.encoder import Encoder
from irlib.age_invariant.synthesis.groups import group_names
from irlib.data.faces import Faces
from irlib.data.manifests import INPUT
from irlib.parallel.starting import Place
from irlib.training import joining
from irlib.training.building import settle
from irlib.training.config import LAST
from irlib.training.joining import Ground, finished_alike
from irlib.training.synthesis.batches import Couples, couples
from irlib.training.synthesis.building import Networks, build
from irlib.training.synthesis.config import SynthesisConfig
from irlib.training.synthesis.loop import train_synthesis
from irlib.training.synthesis.recognition import Recognition
from irlib.training.synthesis.recorder import SynthesisRecorder
from irlib.training.task import Task


@dataclass(frozen=True, eq=False)
class SynthesisTask(Task):
    """What is to be trained, and where; the method is that of the recognition network."""

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """The task that the parameters of notebook 06 describe.

        Args:
            parameters: those of `irlib.training.task.PARAMETERS`; others are not looked at.

        Raises:
            ValueError: one is missing or wrong, or the method splits no age off.
        """
        task = super().of(parameters)
        if not issubclass(task.method.objective, MTLFace):
            raise ValueError(
                f"method {task.method.name!r} has no age head on maps that are split by attention: "
                "expected one that has, such as mtlface"
            )
        return task

    @property
    def folder(self) -> Path:
        """Its run folder."""
        return self.home / runs.run_name("synthesis", self.method.name, self.seed)


@dataclass(frozen=True, eq=False)
class Given:
    """A trained recognition network, as its run left it."""

    path: Path
    digest: str  # of the file
    content: Mapping[str, Any]
    encoder: Encoder


@dataclass(frozen=True, eq=False)
class Material:
    """What there is to train on."""

    ready: prepared.Prepared
    faces: Faces
    given: Given | None  # None in joint training
    recognition: joining.Material | None  # what joint training takes along


def collect(task: SynthesisTask) -> Material:
    """The data of a task, and the recognition network that it rests on.

    Raises:
        FileNotFoundError: notebook 01 did not run, or notebook 02 not for this method and seed, or
            the images are gone.
        ValueError: data or a network that cannot serve; the message says why.
    """
    if task.study.synthesis.joint:
        recognition = joining.collect(task)
        return Material(recognition.ready, recognition.faces, None, recognition)
    ready = prepared.load(task.study, task.home, task.data)
    ready.require_same_input(INPUT, [prepared.TRAIN])
    run = task.home / runs.run_name("train", task.method.name, task.seed)
    return Material(ready, ready.faces(), _given(runs.require(run, LAST, "02_train")), None)


def _given(path: Path) -> Given:
    content = checkpoints.load(path)
    trained = content["model"].get("input", INPUT)
    if dict(trained) != dict(INPUT):
        raise ValueError(f"{path}: was trained on {trained}, expected {INPUT}")
    try:
        return Given(path, provenance.file_digest(path), content, Encoder.of(content))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


@dataclass(frozen=True, eq=False)
class Assembled:
    """A synthesis training before its first step."""

    networks: Networks
    batches: Couples
    config: SynthesisConfig
    recorder: SynthesisRecorder
    seed: int
    recognition: Recognition | None
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
        settle(self.config, seed=self.seed)
        parts = self.networks
        train_synthesis(
            parts.encoder, parts.generator, parts.discriminator, self.batches, self.config,
            self.recorder, seed=self.seed, recognition=self.recognition,
        )  # fmt: skip
        along = self.recognition.loader.bad if self.recognition else []
        return list(dict.fromkeys([*self.batches.bad, *along]))


def assemble(task: SynthesisTask, material: Material, place: Place) -> Assembled:
    """What is trained, built in this process as one of those that are joined.

    Args:
        task: what is trained.
        material: what `collect` found for it.
        place: of this process.

    Raises:
        ValueError: an age group without images, widths that do not fit, or a joint training that
            ends before the recognition in it does; or the processes are to train different things.
    """
    study, config, device = task.study, task.study.synthesis, task.pick_device(place)
    origin = _Origin.along(task, material, place) if config.joint else _Origin.of(material.given)
    encoder = origin.encoder
    threads = study.threads if config.joint else study.synthesis_threads  # joint: as it would alone
    networks = build(encoder, config, seed=task.seed, threads=threads, device=device)
    batches = couples(
        material.faces, config, num_groups=encoder.num_groups, seed=task.seed,
        allowed_bad=study.allowed_bad, local_size=place.local_size,
    )  # fmt: skip
    if origin.recognition:
        origin.recognition.require_fit(encoder, config)
    told = {"data": material.ready.fingerprint, "device": device.type, "network": origin.key}
    recorder = SynthesisRecorder(
        task.folder,
        model=origin.model,
        key=graph.synthesis_key(study, task.method, task.seed, **told),
        tensorboard=task.tensorboard,
    )
    is_finished = finished_alike(recorder, device)
    about = {
        "title": f"Face age synthesis on {task.method.title}",
        "data": _counts(material.faces, encoder.num_groups),
        "recipe": dataclasses.asdict(config),
        "steps": config.steps,
        **origin.about,
    }
    return Assembled(
        networks, batches, config, recorder, task.seed, origin.recognition, is_finished, about
    )


@dataclass(frozen=True, eq=False)
class _Origin:
    # where the encoder comes from
    encoder: Encoder
    model: dict[str, Any]  # what checkpoints record of it
    key: str
    about: dict[str, Any]
    recognition: Recognition | None

    @classmethod
    def of(cls, given: Given) -> Self:
        about = {"first_weights": {"path": str(given.path), "digest": given.digest}}
        return cls(given.encoder, dict(given.content["model"]), given.digest, about, None)

    @classmethod
    def along(cls, task: SynthesisTask, material: Material, place: Place) -> Self:
        ground = joining.lay_ground(task, material.recognition, place)
        built = ground.built
        encoder = Encoder(*copy.deepcopy((built.backbone, built.objective.age_head)))
        along = ground.about
        about = {"first_weights": along.pop("first_weights"), "recognition": along}
        return cls(encoder, ground.model, ground.key, about, _recognition(ground))


def _recognition(ground: Ground) -> Recognition:
    built = ground.built
    return Recognition(
        built.backbone, built.objective, ground.loader, ground.recipe, seed=ground.seed
    )


def _counts(faces: Faces, num_groups: int) -> dict[str, int]:
    known = faces.ages[np.isfinite(faces.ages)].astype(np.float32)
    groups = age_group(torch.from_numpy(known), num_groups).bincount(minlength=num_groups)
    by_group = {f"of {name} years": count for name, count in
                zip(group_names(num_groups), groups.tolist(), strict=True)}  # fmt: skip
    return {"images": len(faces), "of known age": len(known), **by_group}
