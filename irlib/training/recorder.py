"""What a training of recognition leaves: its history, and its checkpoints."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from irlib import checkpoints
from irlib.backbones import recognition
from irlib.objectives import Objective
from irlib.training.config import BEST, LAST
from irlib.training.run_log import RunLog


class Recorder(RunLog):
    """Writes ``history.jsonl``, ``last.pt`` and ``best.pt`` into a run folder.

    Of several processes the first one writes; all of them call the methods alike.

    Args:
        folder: the run folder.
        model: what rebuilds the model: ``backbone``, ``embedding_size``, ``method`` and so on.
        key: digest of all that the result depends on; see `RunLog`.
        validate: gives named numbers of the backbone after an epoch, alike in every process; the
            first one decides which epoch is the best. None: no ``best.pt``.
        tensorboard: also write event files to ``tensorboard/`` (an optional extra).

    Raises:
        ModuleNotFoundError: TensorBoard is asked for and not installed.
    """

    def __init__(
        self,
        folder: Path,
        *,
        model: dict[str, Any],
        key: str,
        validate: Callable[[torch.nn.Module], dict[str, float]] | None = None,
        tensorboard: bool = False,
    ) -> None:
        super().__init__(folder, key=key, tensorboard=tensorboard)
        self.model, self.validate = model, validate
        self.best = -math.inf

    def go_on(self, values: dict[str, Any]) -> None:
        """Go on from what `values` gave: the history is cut back to it."""
        self.best = -math.inf if values["best"] is None else values["best"]
        super().go_on(values)

    def values(self, step: int) -> dict[str, Any]:
        """What a later process has to know to go on from a step, as plain JSON values.

        Raises:
            FloatingPointError: a loss is not finite; the message gives the first such step.
        """
        return {**super().values(step), "best": self.best}

    def end_epoch(
        self, backbone: torch.nn.Module, objective: Objective, *, step: int, images: int
    ) -> None:
        """Validate, log it, and keep the weights as ``best.pt`` if no epoch before was better."""
        if self.validate is None:
            return
        values = self.validate(recognition(backbone))
        self.log(step=step, images=images, **values)
        score = next(iter(values.values()))
        if score > self.best:
            self.best = score
            self._write(BEST, {"score": score}, backbone, objective)

    def finish(self, backbone: torch.nn.Module, objective: Objective, *, step: int) -> None:
        """Write the weights of a training that has ended, all prototypes together."""
        told = {"key": self.key, "step": step, "best": self.best}
        self._write(LAST, told, backbone, objective)

    def _write(
        self, name: str, told: dict[str, Any], backbone: torch.nn.Module, objective: Objective
    ) -> None:
        weights = whole_state(objective)
        if self.writes:
            parts = {"backbone": backbone.state_dict(), "objective": weights}
            checkpoints.save(self.folder / name, {"model": self.model, **told, **parts})


def whole_state(objective: Objective) -> dict[str, Tensor]:
    """The state dict of an objective, with all prototypes in the first process.

    Of several processes all call it.
    """
    weights, head = objective.state_dict(), objective.head
    if head.shard is not None:
        weights["head.prototypes"] = head.shard.whole(head.prototypes.detach())
    return weights
