"""Time and peak memory of head, Inter-Prototype term and optimizer, by how the softmax is computed.

Each row is a fresh process that takes steps on embeddings of 64 images. "chunks" makes the logits
of some thousand classes at a time, "sample" draws a tenth of the classes. The term is on as many
classes as a set with so many has children: 229, 1,148, 10,000. The ratio is to the memory of
weights, gradient and momentum. NaN: the machine has not the memory.

The last table is head and term beside a backbone, forward and backward, without an optimizer; on a
processor the backbone is measured with 8 images, and counted 8 times.

Run `python -m benchmarks head`: some three minutes on two cores, with 18 GiB free.

Shapes: C classes, 512 numbers in an embedding, 64 images.
Units: seconds; memory in MiB, on a GPU of tensors, else of the process beside what it had before.
"""

import math
import multiprocessing
import statistics
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.measuring import MIB, USUAL_SIZE, Chip, Work
from benchmarks.shards import resident
from benchmarks.turns import CASIA, CHILDREN, MS1M, Bare, objective_of, recipe
from irlib import backbones, devices
from irlib.images import Batch
from irlib.training.config import TrainConfig
from irlib.training.optimizers import build_optimizers, gather_rows

IMAGES, FEW = 64, 8
MILLION = 1_000_000
CHOSEN = {**CHILDREN, MILLION: 10_000, 2 * MILLION: 20_000}
CHUNK = {"cpu": 4_096, "cuda": 65_536}  # classes; on a processor, what its caches hold
NEEDED = {"all logits": 9, "chunks": 4, "sample": 4}  # times the weights; not tried with less
STEPS = 3  # the first of which warms up


def measure(*, classes: tuple[int, ...] = ()) -> list[dict[str, Any]]:
    """Rows of each number of classes and way, then the shares of a training step.

    Args:
        classes: C of each; none: 10,572, 85,742, a million, and on a GPU two.
    """
    chip = Chip.best()
    usual = (CASIA, MS1M, MILLION, *((2 * MILLION,) if chip.is_gpu else ()))
    rows = [_row(count, way, chip) for count in classes or usual for way in NEEDED]
    return [*rows, *shares_of_a_step(chip)]


def shares_of_a_step(chip: Chip) -> list[dict[str, Any]]:
    """Head and term with 85,742 classes beside an ir_50, forward and backward of 64 images."""
    count = IMAGES if chip.is_gpu else FEW
    backbone = backbones.build("ir_50", USUAL_SIZE).to(chip.device)
    backbone = backbone.to(memory_format=torch.channels_last)
    whole = _median(chip, Bare(backbone, recipe(count, precision=chip.precision))) * IMAGES / count
    rows = []
    for way in ("all logits", "chunks"):
        part = _median(chip, _Steps(MS1M, _recipe(way, chip), chip).gradients)
        told = {"C": f"{MS1M:,}", "children": CHOSEN[MS1M], "way": way}
        rows.append(told | {"head and term, s": part, "ir_50, s": whole, "share": part / whole})
    return rows


def _recipe(way: str, chip: Chip) -> TrainConfig:
    values: dict[str, dict[str, Any]] = {
        "chunks": {"class_chunk": CHUNK[chip.device.type]}, "sample": {"sampled_share": 0.1}
    }  # fmt: skip
    return recipe(IMAGES, **values.get(way, {}))


class _Steps:
    # Steps of a training that has a head and no backbone.
    def __init__(self, classes: int, made: TrainConfig, chip: Chip) -> None:
        count = CHOSEN.get(classes, max(1, classes // 100))
        chosen = np.arange(count) * classes // count
        self.objective = objective_of(classes, USUAL_SIZE, chosen).to(chip.device)
        self.objective.head.settle(
            class_chunk=made.class_chunk, sampled_share=made.sampled_share, seed=0
        )
        self.optimizers = build_optimizers(nn.Identity(), self.objective, made)
        make = torch.Generator().manual_seed(0)
        labels = torch.randint(classes, (IMAGES,), generator=make)
        self.batch = Batch(torch.empty(IMAGES, 0), labels, torch.full((IMAGES,), math.nan))
        self.batch = self.batch.to(chip.device)
        self.embeddings = torch.randn(IMAGES, USUAL_SIZE, generator=make).to(chip.device)
        self.embeddings.requires_grad_()
        self.taken = 0

    def gradients(self) -> None:
        self.objective.zero_grad()
        self.objective.head.begin_step(self.taken)
        self.taken += 1
        self.objective.total(self.objective(self.embeddings, self.batch)).backward()
        gather_rows(self.objective.head.prototypes, parts=1)

    def update(self) -> None:
        for optimizer in self.optimizers:
            optimizer.step()


def _row(classes: int, way: str, chip: Chip) -> dict[str, Any]:
    weights = classes * USUAL_SIZE * 4 / MIB
    found = (math.nan, math.nan, math.nan)
    if NEEDED[way] * weights < _free(chip):
        # A fresh process: what others left in memory would blur the peak.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            found = pool.submit(_measured, classes, way, torch.get_num_threads()).result()
    gradients, update, peak = found
    return {
        "C": f"{classes:,}",
        "way": way,
        "loss and gradient, s": gradients,
        "optimizer, s": update,
        "weights, gradient, momentum MiB": 3 * weights,
        "peak MiB": peak,
        "ratio": peak / (3 * weights),
    }


def _measured(classes: int, way: str, threads: int) -> tuple[float, float, float]:
    devices.keep_freed_memory()  # as every training does
    torch.set_num_threads(threads)
    chip = Chip.best()
    made = _recipe(way, chip)
    small = _Steps(1_000, made, chip)  # libraries are loaded here, not where memory is read
    small.gradients()
    small.update()
    before = chip.allocated() if chip.is_gpu else _resident_from_here()
    steps = _Steps(classes, made, chip)
    seconds = [(chip.seconds(steps.gradients), chip.seconds(steps.update)) for _ in range(STEPS)]
    peak = chip.peak() if chip.is_gpu else resident("VmHWM")
    gradients, update = map(statistics.median, zip(*seconds[1:], strict=True))
    return gradients, update, peak - before


def _resident_from_here() -> float:
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here on
    return resident("VmRSS")


def _free(chip: Chip) -> float:
    # MiB that are still to be had
    if chip.is_gpu:
        return torch.cuda.mem_get_info(chip.device)[0] / MIB
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if "MemAvailable" in line) / 1024


def _median(chip: Chip, work: Work) -> float:
    return statistics.median([chip.seconds(work) for _ in range(STEPS)][1:])
