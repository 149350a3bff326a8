"""The optimizer of a recipe, over a backbone and an objective."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from irlib.objectives import Objective
from irlib.training.config import TrainConfig


def build_optimizer(backbone: nn.Module, objective: Objective, config: TrainConfig) -> Optimizer:
    """SGD or AdamW with weight decay on all but batch norms and what the objective exempts.

    Source: Inter-Prototype's released code, which uses two optimizers for the two groups.
    """
    norms: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    exempt = {inner for part in objective.undecayed() for inner in part.modules()}
    for module in (*backbone.modules(), *objective.modules()):
        is_norm = module in exempt or isinstance(module, nn.modules.batchnorm._BatchNorm)
        (norms if is_norm else others).extend(module.parameters(recurse=False))
    # Lists, not sets: a resumed optimizer finds its momenta by the order of the parameters.
    groups = [
        {"params": others, "weight_decay": config.weight_decay},
        {"params": norms, "weight_decay": 0.0},
    ]
    return _OPTIMIZERS[config.optimizer](groups, config)


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Give every group of parameters this rate, from the next step on."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def _sgd(groups: list[dict[str, Any]], config: TrainConfig) -> Optimizer:
    return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum)


def _adamw(groups: list[dict[str, Any]], config: TrainConfig) -> Optimizer:
    return torch.optim.AdamW(groups, lr=config.lr, betas=(config.momentum, 0.999))


_OPTIMIZERS: dict[str, Callable[[list[dict[str, Any]], TrainConfig], Optimizer]] = {
    "sgd": _sgd,
    "adamw": _adamw,
}
