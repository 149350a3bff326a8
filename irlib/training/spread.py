"""A training laid out over all processes: the network in each, the prototypes shared out.

Every process computes the same loss of the whole batch. See `irlib.parallel` for what that makes
of gradients.
"""

import contextlib
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from irlib import parallel
from irlib.objectives import Objective
from irlib.training.config import TrainConfig


def spread(
    backbone: nn.Module, objective: Objective, config: TrainConfig, *, seed: int
) -> nn.Module:
    """The network that a step calls: the backbone, compiled and summed over processes as asked.

    The backbone and the objective are changed in place: batch norms take the statistics of all
    processes, and the head keeps this process's prototypes alone.

    Args:
        backbone: alike in every process.
        objective: whole, and alike in every process; it comes to the backbone's device.
        config: the recipe.
        seed: of the classes that are sampled.
    """
    device = next(backbone.parameters()).device
    head = objective.head
    head.settle(class_chunk=config.class_chunk, sampled_share=config.sampled_share, seed=seed)
    head.divide(rank=parallel.rank(), size=parallel.size())
    if config.shared_batch_norm:
        parallel.share_batch_norm(backbone)
    objective.to(device)  # now, not before: a whole table may not fit where a part does
    return over_processes(compiled(backbone, config.compile))


def compiled(module: nn.Module, mode: str) -> nn.Module:
    """The module, by torch.compile in this mode; itself where that is empty."""
    return torch.compile(module, mode=mode, dynamic=False) if mode else module


def over_processes(module: nn.Module) -> nn.Module:
    """The module, whose gradients are summed over processes after backward.

    Args:
        module: alike in every process; alone, a process gets it back as it is.
    """
    if parallel.size() == 1:
        return module
    network = DistributedDataParallel(module, gradient_as_bucket_view=True)
    network.broadcast_buffers = False  # running statistics: alike, or see `make_alike`
    network.register_comm_hook(None, _sum)
    return network


def _sum(_: Any, bucket: dist.GradBucket) -> torch.futures.Future[torch.Tensor]:
    # DDP's own way is the mean; here each process has a part of the gradient
    future = dist.all_reduce(bucket.buffer(), async_op=True).get_future()
    return future.then(lambda done: done.value()[0])


def without_sum(network: nn.Module) -> contextlib.AbstractContextManager[None]:
    """A context in which gradients of the network stay in their process, to be summed later."""
    alone = not isinstance(network, DistributedDataParallel)
    return contextlib.nullcontext() if alone else network.no_sync()


def make_alike(*modules: nn.Module) -> None:
    """Give every process the first one's running statistics, before they are used or saved.

    They differ where batch norms take the statistics of each process.
    """
    if parallel.size() > 1:
        for buffer in (buffer for module in modules for buffer in module.buffers()):
            dist.broadcast(buffer, 0)


def sum_gradients(objective: Objective) -> None:
    """Add up over processes the gradients of what every process holds of an objective.

    The prototypes are left out: their gradients are whole.
    """
    if parallel.size() == 1:
        return
    for parameter in objective.parameters():
        if parameter is not objective.head.prototypes and parameter.grad is not None:
            dist.all_reduce(parameter.grad)
