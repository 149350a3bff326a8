"""What a training run leaves: its history line by line, and its checkpoints."""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from irlib import checkpoints, parallel, runs
from irlib.backbones import recognition
from irlib.objectives import Objective
from irlib.training.config import BEST, HISTORY, LAST
from irlib.training.history import read_history


class Recorder:
    """Writes ``history.jsonl``, ``last.pt`` and ``best.pt`` into a run folder.

    Of several processes the first one writes; all of them call the methods alike.

    Args:
        folder: the run folder.
        model: what rebuilds the model: ``backbone``, ``embedding_size``, ``method`` and so on.
        key: digest of all that the result depends on. What lies there under another key is set
            aside as ``last.previous.pt`` and so on, and training starts anew.
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
        self.folder, self.model, self.key, self.validate = folder, model, key, validate
        self.writes = parallel.rank() == 0
        self.best = -math.inf
        self.lines: list[dict[str, Any]] = []
        self.pending: list[dict[str, Tensor]] = []  # losses since the last line, on the device
        self._told = time.monotonic()
        self._images = 0  # at the last line
        self._board = _board(folder) if tensorboard and self.writes else None
        folder.mkdir(parents=True, exist_ok=True)

    def finished(self) -> dict[str, Any] | None:
        """The checkpoint of a training that ended under this key, if the first process sees one."""
        content = self.seen()
        if not parallel.exchanged(content is not None)[0]:
            return None
        content = content or checkpoints.load(self.folder / LAST)
        self._cut_history(content["step"])
        return content

    def seen(self) -> dict[str, Any] | None:
        """The checkpoint of a training that ended under this key, if this process sees one."""
        path = self.folder / LAST
        content = checkpoints.load(path) if path.exists() else {}
        return content if content.get("key") == self.key else None

    def begin(self) -> None:
        """Start anew: what lies here is of another training, and is set aside."""
        for path in (self.folder / LAST, self.folder / BEST):
            if self.writes and path.exists():
                path.replace(path.with_stem(f"{path.stem}.previous"))
        self._cut_history(0)

    def go_on(self, values: dict[str, Any]) -> None:
        """Go on from what `values` gave: the history is cut back to it."""
        self.best = -math.inf if values["best"] is None else values["best"]
        self.pending = [
            {name: torch.tensor(loss) for name, loss in losses.items()}
            for losses in values["pending"]
        ]
        self._cut_history(values["step"])

    def values(self, step: int) -> dict[str, Any]:
        """What a later process has to know to go on from a step, as plain JSON values.

        Raises:
            FloatingPointError: a loss is not finite; the message gives the first such step.
        """
        mean_losses(self.pending, step)
        pending = [{n: loss.item() for n, loss in losses.items()} for losses in self.pending]
        return {"step": step, "key": self.key, "best": self.best, "pending": pending}

    def _cut_history(self, step: int) -> None:
        self.lines = [line for line in read_history(self.folder) if line["step"] <= step]
        parallel.exchanged(None)  # every process has read it
        if self.writes:
            text = "".join(json.dumps(line) + "\n" for line in self.lines)
            runs.write_text(self.folder / HISTORY, text)
        self._images = self.lines[-1]["images"] if self.lines else 0
        self._told = time.monotonic()

    def add(self, losses: dict[str, Tensor]) -> None:
        """Take the losses of a step, without reading them."""
        self.pending.append({name: value.detach() for name, value in losses.items()})

    def log(self, *, step: int, images: int, **values: float) -> None:
        """Append a line: the given values, the mean losses since the last line, rate and memory.

        Raises:
            FloatingPointError: a loss is not finite; the message gives the first such step.
        """
        losses = mean_losses(self.pending, step)
        self.pending = []
        now = time.monotonic()
        rate = (images - self._images) / max(now - self._told, 1e-9)
        self._told, self._images = now, images
        line = {
            "step": step, "images": images, **losses, **values, "time": time.time(),
            "images_per_second": round(rate, 1), **_memory(),
        }  # fmt: skip
        self.lines.append(line)
        if self.writes:
            with (self.folder / HISTORY).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        for name, value in line.items() if self._board else ():
            self._board.add_scalar(name, value, step)
        if self._board:
            self._board.flush()

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
        weights = objective.state_dict()
        head = objective.head
        if head.shard is not None:
            weights["head.prototypes"] = head.shard.whole(head.prototypes.detach())
        if self.writes:
            parts = {"backbone": backbone.state_dict(), "objective": weights}
            checkpoints.save(self.folder / name, {"model": self.model, **told, **parts})


def require_finite(step: int, *modules: torch.nn.Module) -> None:
    """See that all weights are finite, in every process.

    Raises:
        FloatingPointError: one is not; the message names it. All processes raise it.
    """
    bad = [
        name
        for module in modules
        for name, weight in module.state_dict().items()
        if not torch.isfinite(weight).all()
    ]
    for names in parallel.exchanged(bad):
        if names:
            raise FloatingPointError(f"step {step}: {names[0]} is not finite any more")


def _memory() -> dict[str, float]:
    told = {"peak_memory_mib": round(runs.peak_memory_mib(), 1)}
    if torch.cuda.is_available():
        told["peak_gpu_memory_mib"] = round(torch.cuda.max_memory_allocated() / 2**20, 1)
    return told


def mean_losses(pending: list[dict[str, Tensor]], step: int) -> dict[str, float]:
    """Mean of each named loss over some steps, of which ``step`` is the last.

    Raises:
        FloatingPointError: a loss is not finite; the message gives the first such step.
    """
    means = {}
    for name in pending[0] if pending else ():
        device = pending[-1][name].device  # those of a run that goes on are on the CPU
        values = torch.stack([losses[name].to(device) for losses in pending]).tolist()
        for at, value in enumerate(values, start=step - len(values) + 1):
            if not math.isfinite(value):
                raise FloatingPointError(f"step {at}: the {name} loss is {value}; is lr too high?")
        means[f"{name}_loss"] = sum(values) / len(values)
    return means


def _board(folder: Path) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(folder / "tensorboard")
