"""A training in several processes: its rate, what goes between them, memory, saving and restoring.

The loop trains ir_18 on 85,742 classes with the Inter-Prototype term on 1,148 of them, 16 images a
process, each process on one thread. `of apart` is its rate as a share of the same arithmetic in the
same processes at the same time with nothing sent: backbone, the process's classes for the images
of all, optimizer. What is missing is communication and waiting for each other; with one process it
is what the loop adds. Plain: DistributedDataParallel over backbone and whole head, which sends the
gradients of all prototypes. `sent` is what a process gives to collectives in a step; over a ring
up to twice as much leaves it. The three take turns. Head memory: what a process takes at the most,
beyond what it held before, for weights, gradient, momentum and a step with 64 images. State: all
that `irlib.training.resuming` saves, beside torch.save of what each process holds, the first one
the backbone too; files are in the system's cache.

Everything runs on the processor and over gloo, also where there is a GPU.

Run `python -m benchmarks.parallel`: five minutes on two cores.

Shapes: B images of all processes, b of them in this one, D embedding.
"""

import copy
import statistics
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from benchmarks import shards
from benchmarks.measuring import Chip, Work, embedding_size, rate, ratio
from benchmarks.ranks import Traffic, alone, in_processes
from benchmarks.turns import MS1M, Case, TurnsLoader, faces, objective_of, recipe, run
from irlib import backbones, parallel
from irlib.images import Batch
from irlib.objectives import InterPrototypeObjective
from irlib.training.config import TrainConfig
from irlib.training.optimizers import build_optimizers

BACKBONE, CLASSES = "ir_18", MS1M
IMAGES = 16  # of a process


class Apart:
    """The arithmetic of a process's part of a step, with nothing sent.

    Args:
        backbone: an own copy.
        objective: likewise, whole.
        recipe: of the training.
    """

    def __init__(
        self, backbone: nn.Module, objective: InterPrototypeObjective, recipe: TrainConfig
    ) -> None:
        size, total = parallel.size(), recipe.batch_size
        own = total // size
        objective.head.divide(rank=parallel.rank(), size=size)
        self.backbone, self.objective = backbone.train(), objective.train()
        self.optimizers = build_optimizers(backbone, objective, recipe)
        make = torch.Generator().manual_seed(0)
        images = torch.randn(own, 3, 112, 112, generator=make)
        self.images = images.to(memory_format=torch.channels_last)
        dimension = objective.head.prototypes.shape[1]
        self.others = torch.randn(total - own, dimension, generator=make)  # embeddings (B - b, D)
        labels = torch.randint(objective.head.num_classes, (total,), generator=make)
        nothing = torch.empty(total, 0)
        self.batch = Batch(nothing, labels, torch.full((total,), torch.nan))

    def __call__(self) -> None:
        """Take a step."""
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        embeddings = torch.cat([self.backbone(self.images), self.others])
        with alone():
            losses = self.objective(embeddings, self.batch)
            self.objective.total(losses).backward()
        for optimizer in self.optimizers:
            optimizer.step()


class Whole(nn.Module):
    """Backbone and whole head as one module, as DistributedDataParallel takes it."""

    def __init__(self, backbone: nn.Module, objective: InterPrototypeObjective) -> None:
        super().__init__()
        self.backbone, self.objective = backbone, objective

    def forward(self, images: Tensor, batch: Batch) -> Tensor:
        """The loss of this process's images."""
        return self.objective.total(self.objective(self.backbone(images), batch))


def plain_step(whole: Whole, own: int) -> Work:
    """A step of the plain way on so many images in each process."""
    network = DistributedDataParallel(whole.train())
    optimizer = torch.optim.SGD(whole.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4)
    labels = torch.randint(whole.objective.head.num_classes, (own,))
    batch = Batch(torch.empty(own, 0), labels, torch.full((own,), torch.nan))
    images = torch.randn(own, 3, 112, 112)

    def step() -> None:
        optimizer.zero_grad()
        with alone():
            network(images, batch).backward()
        optimizer.step()

    return step


def take_turns(case: Case) -> dict[str, float]:
    """Rates and shares of this process; it is one of a group, all of which call this."""
    torch.manual_seed(0)
    recipe, own = case.recipe, case.recipe.batch_size // parallel.size()
    size = embedding_size(case.backbone)
    backbone = backbones.build(case.backbone, size)
    objective = objective_of(case.classes, size, case.chosen)
    plain = Whole(copy.deepcopy(backbone), copy.deepcopy(objective))
    sent = sum(parameter.nbytes for parameter in plain.parameters())
    backbone = backbone.to(memory_format=torch.channels_last)
    works = {
        "ready": dist.barrier,
        "apart": Apart(copy.deepcopy(backbone), copy.deepcopy(objective), recipe),
        "ready again": dist.barrier,
        "plain": plain_step(plain, own),
        "ready for the loop": dist.barrier,
    }
    data = faces((case.turns + 2) * recipe.batch_size, case.classes)
    places = {"rank": parallel.rank(), "size": parallel.size()}
    loader = TurnsLoader(data, case, Chip(torch.device("cpu")), works, workers=1, **places)
    traffic = Traffic()
    with traffic.counting():
        run(backbone, objective, loader, recipe)
    several = parallel.size() > 1
    return {
        "apart": rate(loader.turns, "apart", own),
        "loop": rate(loader.turns, "loop", own),
        "of apart": ratio(loader.turns, "apart", "loop"),
        "sent": traffic.bytes / (case.turns + 1) / 1e6,
        "plain": rate(loader.turns, "plain", own),
        "plain sent": several * sent / 1e6,
        "by plain": ratio(loader.turns, "plain", "loop"),
    }


def rates(processes: int, case: Case) -> dict[str, Any]:
    """Row of so many processes, the mean over them."""
    found = in_processes(take_turns, processes, case)
    mean = {name: statistics.mean(one[name] for one in found) for name in found[0]}
    return {
        "processes": processes,
        "batch of all": case.recipe.batch_size,
        "apart images/s each": mean["apart"],
        "loop images/s each": mean["loop"],
        "of apart": mean["of apart"],
        "communication": 1 - mean["of apart"],
        "sent MB": mean["sent"],
        "plain images/s each": mean["plain"],
        "plain sent MB": mean["plain sent"],
        "loop by plain": mean["by plain"],
    }


def measure() -> list[dict[str, Any]]:
    """Rates of 1 and 2 processes, memory and states of 1, 2 and 4."""

    def case(processes: int) -> Case:
        return Case(backbone=BACKBONE, classes=CLASSES, recipe=recipe(IMAGES * processes))

    return [
        *(rates(count, case(count)) for count in (1, 2)),
        *(shards.memory(count, case(count)) for count in (1, 2, 4)),
        *(shards.saving(count, case(count)) for count in (1, 2, 4)),
    ]


if __name__ == "__main__":
    for found in measure():
        print({key: round(v, 3) if isinstance(v, float) else v for key, v in found.items()})
