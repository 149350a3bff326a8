"""Cost of a training step of each method, as a ratio to ArcFace's.

A step: network in training mode, losses, backward, optimizer. All methods take turns in one
process, and a cost is the median over the turns of the ratio within a turn. DAL has two kinds of
steps, 20 of one and then 50 of the other: its cost is their mean. "whole step" is that of the demo
(tiny network, 420 classes, batch 32). "without network" leaves the network out, parts that split
age off included, with 10,572 classes of 512 numbers, 512 x 7 x 7 maps and batch 64 as on
CASIA-WebFace; the queue of BroadFace there holds 2,048 on a CPU and the authors' 32,000 on a GPU.

Run `python -m benchmarks.methods`: some minutes on two cores.

Shapes: B batch, D embedding, C classes.
"""

import dataclasses
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.measuring import Chip, threads
from irlib import methods, studies
from irlib.backbones.features import Features
from irlib.images import Batch, to_input
from irlib.studies import Study
from irlib.training.config import TrainConfig
from irlib.training.optimizers import build_optimizers

CLASSES, CHILDREN, BATCH = 10_572, 229, 64  # of CASIA-WebFace by the paper's recipe
QUEUE_ON_CPU = 2_048
TURNS, STEPS = 8, 3


class Given(nn.Module):
    """A network of no cost: features that were made beforehand, of the kind a method takes.

    Args:
        network: of the method; its kind of features is kept, its work is left out.
        images: (B, 3, 112, 112) that the features are made of once.
    """

    def __init__(self, network: nn.Module, images: Tensor) -> None:
        super().__init__()
        self.map_shape = getattr(network, "map_shape", None)
        with torch.no_grad():
            made = network(images)
        self.made = Features(*made) if isinstance(made, Features) else made

    def forward(self, images: Tensor) -> Tensor | Features:
        """The features, as fresh leaves that gradients are computed for."""
        if isinstance(self.made, Features):
            return Features(*(part.clone().requires_grad_() for part in self.made))
        return self.made.clone().requires_grad_()


def random_batch(size: int, classes: int, device: torch.device) -> Batch:
    """Random pixels with classes and ages, one image in twenty without an age."""
    rng = np.random.default_rng(0)
    ages = rng.uniform(1, 80, size).astype(np.float32)
    ages[::20] = np.nan
    batch = Batch(
        torch.from_numpy(rng.integers(0, 256, (size, 112, 112, 3), dtype=np.uint8)),
        torch.from_numpy(rng.integers(0, classes, size)),
        torch.from_numpy(ages),
    )
    return batch.to(device)


def stepper(
    name: str, study: Study, classes: int, batch: Batch, *, with_network: bool
) -> Callable[[int], None]:
    """A function of the step's number that takes one training step of a method.

    Args:
        name: of the method.
        study: gives network, scale and recipe.
        classes: C.
        batch: what every step sees.
        with_network: False leaves the network's work out.
    """
    method = methods.find(name)
    device = batch.images.device
    torch.manual_seed(0)
    network = method.network(study).to(device, memory_format=torch.channels_last)
    chosen = np.arange(CHILDREN if classes == CLASSES else 61)
    objective = method.build(study, network, classes, chosen).to(device)
    images = to_input(batch.images)
    if not with_network:
        network = Given(network, images)
    optimizers = build_optimizers(network, objective, TrainConfig(lr=1e-4))

    def step(number: int) -> None:
        objective.head.begin_step(number)
        objective.begin_step(number, 0)
        for optimizer in optimizers:
            optimizer.zero_grad()
        with torch.set_grad_enabled(objective.trains_network):
            features = network(images)
        objective.total(objective(features, batch)).backward()
        for optimizer in optimizers:
            optimizer.step()

    return step


def seconds_of(step: Callable[[int], None], begin: int, chip: Chip) -> float:
    """Seconds of one step from a number on, the mean of `STEPS`."""

    def steps() -> None:
        for number in range(begin, begin + STEPS):
            step(number)

    return chip.seconds(steps) / STEPS


def costs(study: Study, classes: int, size: int, *, with_network: bool) -> dict[str, list[float]]:
    """Seconds of a step of each method, one number a turn after the first."""
    chip = Chip.best()
    batch = random_batch(size, classes, chip.device)
    names = methods.GROUPS["all"]
    steps = {
        name: stepper(name, study, classes, batch, with_network=with_network) for name in names
    }
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(TURNS + 1):
        for name, step in steps.items():
            first, second = seconds_of(step, 0, chip), seconds_of(step, 20, chip)
            if turn:  # the first one warms up
                seconds[name].append((20 * first + 50 * second) / 70)
    return seconds


def measure() -> list[dict[str, Any]]:
    """One row a method: milliseconds a step and the ratio to ArcFace's."""
    demo = studies.find("demo")
    queue = {} if Chip.best().is_gpu else {"BroadFace": {"queue_size": QUEUE_ON_CPU}}
    large = dataclasses.replace(
        demo, backbone="ir_18", embedding_size=512, scale=64.0, head_options=queue
    )
    with threads(1):  # as the demo trains
        whole = costs(demo, 420, 32, with_network=True)
        heads = costs(large, CLASSES, BATCH, with_network=False)
    return [
        {
            "method": methods.find(name).title,
            "whole step, ms": 1e3 * statistics.median(whole[name]),
            "against ArcFace": _ratio(whole, name),
            "without network, ms": 1e3 * statistics.median(heads[name]),
            "against ArcFace's": _ratio(heads, name),
        }
        for name in whole
    ]


def _ratio(seconds: dict[str, list[float]], name: str) -> float:
    pairs = zip(seconds[name], seconds["arcface"], strict=True)
    return statistics.median(ours / arcface for ours, arcface in pairs)


if __name__ == "__main__":
    for row in measure():
        print(row)
