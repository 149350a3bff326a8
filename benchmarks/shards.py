"""What a process holds of a sharded head, and saving and restoring it.

Tables of `benchmarks.parallel`.
"""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import nn
from torch.distributed.tensor import DTensor

from benchmarks.measuring import MIB, Work, embedding_size
from benchmarks.ranks import in_processes
from benchmarks.turns import Case, objective_of
from irlib import backbones, parallel
from irlib.images import Batch
from irlib.training.config import TrainConfig
from irlib.training.optimizers import build_optimizers
from irlib.training.resuming import States
from irlib.training.running import Running

IMAGES = 64  # of all processes
STATES = 3  # saved and restored, of which the median counts


def head_mib(classes: int, size: int, chosen: NDArray[np.int64]) -> float:
    """MiB that the head takes at the most in this process, for training."""
    before = resident("VmRSS")
    objective = objective_of(classes, size, chosen)
    objective.head.divide(rank=parallel.rank(), size=parallel.size())
    recipe = TrainConfig(lr=1e-3)
    optimizers = build_optimizers(nn.Identity(), objective, recipe)
    make = torch.Generator().manual_seed(0)
    labels = torch.randint(classes, (IMAGES,), generator=make)
    embeddings = torch.randn(IMAGES, size, generator=make)
    batch = Batch(torch.empty(IMAGES, 0), labels, torch.full((IMAGES,), torch.nan))
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here on
    for _ in range(2):
        for optimizer in optimizers:
            optimizer.zero_grad()
        objective.total(objective(embeddings, batch)).backward()
        for optimizer in optimizers:
            optimizer.step()
    return resident("VmHWM") - before


def resident(what: str) -> float:
    """MiB of this process: VmRSS now, VmHWM at the most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def memory(shards: int, case: Case) -> dict[str, Any]:
    """Row of a head in so many processes, the largest of them."""
    size = embedding_size(case.backbone)
    found = max(in_processes(head_mib, shards, case.classes, size, case.chosen))
    arrays = 3 * -(-case.classes // shards) * size * 4 / MIB
    return {
        "shards": shards,
        "classes": f"{case.classes:,}",
        "weights, gradient, momentum MiB": arrays,
        "peak MiB a process": found,
        "ratio": found / arrays,
    }


def timed(work: Work) -> float:
    """Seconds of a work that all processes begin together and wait for."""
    dist.barrier()
    begun = time.perf_counter()
    work()
    dist.barrier()
    return time.perf_counter() - begun


def states(case: Case, folder: Path) -> dict[str, float]:
    """Seconds of saving and restoring a training, all processes together."""
    size = embedding_size(case.backbone)
    backbone = backbones.build(case.backbone, size)
    objective = objective_of(case.classes, size, case.chosen)
    objective.head.divide(rank=parallel.rank(), size=parallel.size())
    optimizers = build_optimizers(backbone, objective, case.recipe)
    for parameter in (*backbone.parameters(), *objective.parameters()):
        parameter.grad = torch.zeros_like(parameter)
    for optimizer in optimizers:
        optimizer.step()  # momenta
    modules = {"backbone": backbone, "objective": objective}
    running = Running(modules, optimizers, {"draws": torch.Generator()}, head=objective.head)
    saved = States(folder, asynchronous=False)
    whole = running.tensors()
    shared = {name: value for name, value in whole.items() if not isinstance(value, DTensor)}
    own = {name: v.to_local() for name, v in whole.items() if isinstance(v, DTensor)}
    own |= {} if parallel.rank() else shared
    file = folder / f"{parallel.rank()}.pt"
    seconds: dict[str, list[float]] = {}
    for number in range(STATES):
        works = {
            "save": lambda number=number: saved.save(running, {"step": number}),
            "restore": lambda: running.load(saved.newest()),
            "plain save": lambda: torch.save(own, file),
            "plain restore": lambda: torch.load(file, weights_only=True),
        }
        for name, work in works.items():
            seconds.setdefault(name, []).append(timed(work))
    return {name: statistics.median(values) for name, values in seconds.items()}


def saving(processes: int, case: Case) -> dict[str, Any]:
    """Row of so many processes."""
    with tempfile.TemporaryDirectory() as text:
        seconds = in_processes(states, processes, case, Path(text))[0]
        files = Path(text).rglob("*.distcp")
        told = {f"{name}, s": value for name, value in seconds.items()}
        return {"processes": processes, "MB": sum(f.stat().st_size for f in files) / 1e6, **told}
