"""The learning rate of each step, as a function of the recipe alone."""

import math
from collections.abc import Callable

from irlib.training.config import TrainConfig


def learning_rate(config: TrainConfig, step: int, steps_per_epoch: int) -> float:
    """The rate of a step: the schedule's, no lower than the floor, times the warm-up's share.

    Args:
        config: the recipe.
        step: steps taken before, from the start of the training.
        steps_per_epoch: as it says.
    """
    warmup = config.warmup_epochs * steps_per_epoch  # in steps
    total = config.epochs * steps_per_epoch
    progress = max(step - warmup, 0) / max(total - warmup, 1)  # 0 to 1, after the warm-up
    rate = _SCHEDULES[config.schedule](config, step // steps_per_epoch, progress)
    share = min((step + 1) / warmup, 1) if warmup else 1
    return max(rate, config.lr_floor) * share


def _steps(config: TrainConfig, epoch: int, progress: float) -> float:
    rate = config.lr
    for _ in range(config.drops(epoch)):
        rate *= 0.1  # one by one, as torch's MultiStepLR does: bit for bit the same
    return rate


def _polynomial(config: TrainConfig, epoch: int, progress: float) -> float:
    return config.lr * (1 - progress) ** config.power


def _cosine(config: TrainConfig, epoch: int, progress: float) -> float:
    return config.lr * (1 + math.cos(math.pi * progress)) / 2


_SCHEDULES: dict[str, Callable[[TrainConfig, int, float], float]] = {
    "steps": _steps,
    "polynomial": _polynomial,
    "cosine": _cosine,
}
