"""A training that takes turns with other works, in one process.

Shapes: n classes of the Inter-Prototype term.
Units: seconds.
"""

import contextlib
import copy
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks import loading
from benchmarks.measuring import Chip, MatrixProduct, Turn, Work, embedding_size, take_turn
from benchmarks.plain import PlainTraining
from irlib import backbones, devices, provenance
from irlib.data.faces import Faces
from irlib.data.loading import TrainLoader
from irlib.data.sources import Chosen
from irlib.heads import ArcFace
from irlib.images import Batch
from irlib.objectives import InterPrototypeObjective
from irlib.training.config import TrainConfig
from irlib.training.loop import train
from irlib.training.recorder import Recorder

CASIA, MS1M = 10_572, 85_742  # classes
CHILDREN = {480: 96, CASIA: 229, MS1M: 1_148}  # of which the Inter-Prototype term has so many
CHILD_SHARE = 1_148 / 85_742  # with other numbers of classes
JPEGS = 512  # different ones


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the table."""

    backbone: str
    classes: int
    recipe: TrainConfig
    turns: int = 5  # beside one that warms up
    steps: int = 1  # a turn

    @property
    def chosen(self) -> NDArray[np.int64]:
        """(n,) classes of the Inter-Prototype term, spread evenly."""
        count = CHILDREN.get(self.classes, max(1, round(CHILD_SHARE * self.classes)))
        return np.arange(count) * self.classes // count


def recipe(batch_size: int, **values: Any) -> TrainConfig:
    """The default recipe with some values, and nothing that comes once in many steps."""
    never = 10**9
    return TrainConfig(
        epochs=1, batch_size=batch_size, lr=1e-3, milestones=(), log_every=never,
        save_every=never, **values,
    )  # fmt: skip


class EnoughTurnsError(Exception):
    """What ends a training whose loader has measured enough."""


class TurnsLoader(TrainLoader):
    """Batches in turns of some steps, with other works' turns in between.

    Args:
        faces: images.
        case: how many turns and steps.
        chip: what the training and the works run on.
        works: by name.
        options: of the loader.
    """

    def __init__(
        self, faces: Faces, case: Case, chip: Chip, works: dict[str, Work], **options: int
    ) -> None:
        super().__init__(faces, batch_size=case.recipe.batch_size, seed=0, **options)
        self.case, self.chip, self.works = case, chip, works
        self.turns: list[Turn] = []  # with the training's own seconds as "loop"
        self.mib = 0.0  # the most memory of the loop's turns

    def __iter__(self) -> Iterator[Batch]:
        """Batches for as long as turns are measured.

        Raises:
            EnoughTurnsError: after the last of them.
        """
        batches = super().__iter__()
        for number in range(self.case.turns + 1):
            turn = take_turn(self.chip, self.works)
            self.chip.allocated()
            begun = self.chip.now()
            for _ in range(self.case.steps):
                yield next(batches)
            turn["loop"] = self.chip.now() - begun
            if number:
                self.turns.append(turn)
                self.mib = max(self.mib, self.chip.peak())
        raise EnoughTurnsError


class Bare:
    """Forward and backward of a backbone, nothing else.

    Args:
        backbone: on its device.
        recipe: batch size, precision and mode of compilation.
    """

    def __init__(self, backbone: nn.Module, recipe: TrainConfig) -> None:
        self.backbone, self.in_bf16 = backbone.train(), recipe.precision == "bf16"
        self.device = next(backbone.parameters()).device
        self.network = backbone
        if recipe.compile:
            self.network = torch.compile(backbone, mode=recipe.compile, dynamic=False)
        self.images = torch.randn(recipe.batch_size, 3, 112, 112, device=self.device)
        self.images = self.images.to(memory_format=torch.channels_last)

    def __call__(self) -> None:
        """Take a step."""
        self.backbone.zero_grad()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.in_bf16):
            embeddings = self.network(self.images)
        # A random direction: gradients of an ordinary size, not zeros and denormal numbers.
        embeddings.backward(torch.randn_like(embeddings))


def faces(count: int, classes: int) -> Faces:
    """Smooth random pictures as JPEGs in memory, some hundred different ones."""
    images = Chosen(loading.Pictures(min(count, JPEGS)), np.arange(count) % JPEGS)
    labels = np.random.default_rng(0).integers(0, classes, count)
    names = tuple(map(str, range(classes)))
    return Faces(images=images, labels=labels, ages=np.full(count, np.nan), class_names=names)


def objective_of(classes: int, size: int, chosen: NDArray[np.int64]) -> InterPrototypeObjective:
    """A whole objective with the Inter-Prototype term."""
    return InterPrototypeObjective(ArcFace(size, classes), chosen)


def repeated(work: Work, count: int) -> Work:
    """A work that is done so often in a turn."""

    def works() -> None:
        for _ in range(count):
            work()

    return works


def take_turns(case: Case, chip: Chip) -> tuple[list[Turn], float]:
    """Seconds of bare, loop, plain and chip in each turn; MiB that the loop adds on a GPU."""
    recipe = case.recipe
    devices.choose_kernels(tf32=recipe.tf32, deterministic=recipe.deterministic)
    torch.compiler.reset()  # it would stop compiling after some networks of one class
    torch.manual_seed(0)
    size = embedding_size(case.backbone)
    data = faces((case.turns + 2) * case.steps * recipe.batch_size, case.classes)
    workers = provenance.available_cores() if recipe.workers else 0
    backbone = backbones.build(case.backbone, size).to(chip.device)
    plain = PlainTraining(
        copy.deepcopy(backbone), data, case.classes, case.chosen,
        batch_size=recipe.batch_size, in_bf16=recipe.precision == "bf16", workers=workers,
    )  # fmt: skip
    backbone = backbone.to(memory_format=torch.channels_last)
    bare = Bare(copy.deepcopy(backbone), recipe)
    works = {
        "chip": MatrixProduct(chip),
        "bare": repeated(bare, case.steps),
        "plain": repeated(plain, case.steps),
    }
    take_turn(chip, works)  # so that their memory is there before ours
    before = chip.allocated()
    objective = objective_of(case.classes, size, case.chosen).to(chip.device)
    loader = TurnsLoader(data, case, chip, works, workers=workers)
    run(backbone, objective, loader, recipe)
    return loader.turns, loader.mib - before


def run(
    backbone: nn.Module,
    objective: InterPrototypeObjective,
    loader: TurnsLoader,
    recipe: TrainConfig,
) -> None:
    """Train until the loader has measured enough."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        recorder = Recorder(Path(folder), model={}, key="")
        with contextlib.suppress(EnoughTurnsError):
            train(backbone, objective, loader, recipe, recorder, seed=0)
