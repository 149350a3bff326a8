"""The optimizers of a recipe, over a backbone and an objective, and what goes with their step."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from irlib import parallel
from irlib.objectives import Objective
from irlib.training.config import TrainConfig

Groups = list[dict[str, Any]]


class RowSGD(Optimizer):
    """SGD with momentum on the rows of matrices that a step has gradients for.

    The other rows stay as they are, their momentum and weight decay with them: a step costs as
    much as it has rows. Gradients are sparse and coalesced. On rows with a gradient in every
    step it is torch's SGD.

    Args:
        groups: of parameters (c, D), as torch's optimizers take them.
        lr: learning rate.
        momentum: as torch's SGD has it.
        weight_decay: default of the groups.
    """

    def __init__(
        self, groups: Groups, *, lr: float, momentum: float, weight_decay: float = 0.0
    ) -> None:
        super().__init__(groups, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Move the rows that have a gradient."""
        for group in self.param_groups:
            for rows in group["params"]:
                if rows.grad is not None and len(rows):  # a process may hold none
                    self._move(rows, group)

    def _move(self, rows: Tensor, group: dict[str, Any]) -> None:
        state = self.state[rows]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(rows)
        ids, values = rows.grad.indices()[0], rows.grad.values()
        own = rows[ids]
        past = state["momentum_buffer"][ids]
        now = group["momentum"] * past + values + group["weight_decay"] * own
        state["momentum_buffer"].index_copy_(0, ids, now)
        rows.index_copy_(0, ids, own - group["lr"] * now)


def build_optimizers(
    backbone: nn.Module, objective: Objective, config: TrainConfig
) -> list[Optimizer]:
    """SGD or AdamW with weight decay on all but batch norms and what the objective exempts.

    The prototypes have an optimizer of their own where only some classes are drawn in a step. One
    pass over memory (fused) is taken on a GPU, and where the head is to take little memory.

    Source: Inter-Prototype's released code, which uses two optimizers for the two groups.
    """
    prototypes = objective.head.prototypes
    norms: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    exempt = {inner for part in objective.undecayed() for inner in part.modules()}
    for module in (*backbone.modules(), *objective.modules()):
        is_norm = module in exempt or isinstance(module, nn.modules.batchnorm._BatchNorm)
        (norms if is_norm else others).extend(module.parameters(recurse=False))
    apart: list[nn.Parameter] = []
    if config.sampled_share < 1:
        others = [parameter for parameter in others if parameter is not prototypes]
        apart = [prototypes]
    # Lists, not sets: the order of parameters repeats from run to run.
    groups = [
        {"params": others, "weight_decay": config.weight_decay},
        {"params": norms, "weight_decay": 0.0},
    ]
    fused = prototypes.device.type == "cuda" or config.class_chunk > 0
    made = [_OPTIMIZERS[config.optimizer](groups, config, fused)]
    if apart:
        rows = [{"params": apart, "weight_decay": config.weight_decay}]
        made.append(RowSGD(rows, lr=config.lr, momentum=config.momentum))
    return made


def gather_rows(prototypes: nn.Parameter, *, parts: int) -> None:
    """Bring the rows of a sparse gradient together, so that each is there once; in place.

    Args:
        prototypes: after backward.
        parts: how many losses gave the gradient. The rows of one are unique and ascending, which
            autograd forgets; those of several have to be sorted, which waits for the device.
    """
    gradient = prototypes.grad
    if gradient is None or not gradient.is_sparse:
        return
    prototypes.grad = gradient._coalesced_(True) if parts == 1 else gradient.coalesce()


def set_learning_rate(optimizers: Iterable[Optimizer], rate: float) -> None:
    """Give every group of parameters this rate, from the next step on."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate


@torch.no_grad()
def clip_gradients(backbone: nn.Module, objective: Objective, limit: float) -> Tensor:
    """The length of the gradient of all parameters, which is cut to a limit, in place.

    Args:
        backbone: its gradients summed over processes.
        objective: likewise; of the prototypes each process has its own rows.
        limit: above 0.

    Returns:
        Scalar, the length before; alike in every process, and not waited for.
    """
    prototypes = objective.head.prototypes
    alike = [p for p in (*backbone.parameters(), *objective.parameters()) if p is not prototypes]
    gradients = [_values(p.grad) for p in alike if p.grad is not None]
    total = _square(gradients, prototypes)
    if prototypes.grad is not None:
        own = _values(prototypes.grad)
        total = total + parallel.summed(_square([own], prototypes))
        gradients.append(own)
    length = total.sqrt()
    share = (limit / (length + 1e-6)).clamp(max=1)
    for gradient in gradients:
        gradient.mul_(share)
    return length


def _values(gradient: Tensor) -> Tensor:
    return gradient._values() if gradient.is_sparse else gradient


def _square(gradients: list[Tensor], like: Tensor) -> Tensor:
    if not gradients:
        return like.new_zeros(())
    return torch.nn.utils.get_total_norm(gradients).to(like.dtype).square()


def _sgd(groups: Groups, config: TrainConfig, fused: bool) -> Optimizer:
    # None, not False: torch then chooses among its two other ways
    return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, fused=fused or None)


def _adamw(groups: Groups, config: TrainConfig, fused: bool) -> Optimizer:
    betas = (config.momentum, 0.999)
    return torch.optim.AdamW(groups, lr=config.lr, betas=betas, fused=fused or None)


_OPTIMIZERS: dict[str, Callable[[Groups, TrainConfig, bool], Optimizer]] = {
    "sgd": _sgd,
    "adamw": _adamw,
}
