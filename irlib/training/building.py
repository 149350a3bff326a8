"""Network, objective and batches of a training, built alike in every process.

All of this counts in the key of a training; see `irlib.graph.training_key`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from irlib import devices, parallel
from irlib.data import sampling
from irlib.data.faces import Faces
from irlib.data.loading import TrainLoader
from irlib.images import even_sizes
from irlib.objectives import Objective
from irlib.training.config import TrainConfig
from irlib.training.finetuning import NOTHING, Taken, take_weights


@dataclass(frozen=True, eq=False)
class Built:
    """What is trained."""

    backbone: nn.Module
    objective: Objective
    taken: Taken  # of a checkpoint


def build(
    network: Callable[[], nn.Module],
    objective: Callable[[nn.Module], Objective],
    *,
    seed: int,
    threads: int,
    device: torch.device,
    first: Path | None,
    model: Mapping[str, Any],
) -> Built:
    """The network and its objective; memory, torch's threads and its generators are set.

    Args:
        network: makes it, with weights drawn from torch's global generator.
        objective: makes it for a network, likewise.
        seed: of these draws.
        threads: of the CPU.
        device: where the network goes. The loop takes the objective there, or the part of it
            that is this process's.
        first: a checkpoint to start from, None for random weights.
        model: what the training's checkpoints will record.

    Raises:
        ValueError: options that do not fit, or a checkpoint that does not.
    """
    devices.keep_freed_memory()
    torch.set_num_threads(threads)
    devices.seed_everything(seed)
    backbone = network().to(device, memory_format=torch.channels_last)
    losses = objective(backbone)
    taken = take_weights(first, backbone, losses, model=model) if first else NOTHING
    return Built(backbone, losses, taken)


class Computing(Protocol):
    """What a recipe says of how a GPU computes."""

    @property
    def tf32(self) -> bool:
        """Whether factors are rounded to 10 bits."""

    @property
    def deterministic(self) -> bool:
        """Whether its kernels are the same each time."""


def settle(recipe: Computing, *, seed: int) -> None:
    """Set torch's generators and kernels to what the first step begins with.

    Args:
        recipe: says how a GPU computes.
        seed: of what the network draws, in each process something else.
    """
    # heads drew different amounts: from here on all methods draw alike
    devices.seed_everything(seed + parallel.rank())
    devices.choose_kernels(tf32=recipe.tf32, deterministic=recipe.deterministic)


def batches(
    faces: Faces,
    recipe: TrainConfig,
    *,
    seed: int,
    child_below: float,
    allowed_bad: int,
    local_size: int,
) -> TrainLoader:
    """This process's part of the training batches.

    Args:
        faces: the training set.
        recipe: names the sampler and the size of a batch.
        seed: of the order.
        child_below: years; for the sampler that counts children.
        allowed_bad: damaged images that may be left out.
        local_size: processes that share this machine's cores.

    Raises:
        ValueError: a training set that the sampler cannot work on, or batches that leave a
            process too few images for batch statistics of its own.
    """
    if parallel.size() > 1 and not recipe.shared_batch_norm:
        _require_two_each(recipe, len(faces))
    shares = {"child_below": child_below, "child_share": recipe.child_share}
    return TrainLoader(
        faces,
        batch_size=recipe.batch_size,
        seed=seed,
        sampler=sampling.build(recipe.sampler, faces, **shares),
        workers=recipe.workers,
        allowed_bad=allowed_bad,
        rank=parallel.rank(),
        size=parallel.size(),
        local_size=local_size,
    )


def _require_two_each(recipe: TrainConfig, count: int) -> None:
    for batch in (recipe.batch_size, count % recipe.batch_size):
        fewest = even_sizes(batch, parallel.size())[-1]
        if batch > 1 and fewest < 2 * recipe.accumulate:
            raise ValueError(
                f"shared_batch_norm is False: of {count:,} images in batches of "
                f"{recipe.batch_size} a batch of {batch} gives one of {parallel.size()} processes "
                f"{fewest}, expected at least 2 in each of {recipe.accumulate} parts"
            )
