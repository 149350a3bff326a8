"""What a training run leaves: its history line by line, and its checkpoints."""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from irlib import checkpoints, runs
from irlib.backbones import recognition
from irlib.training.config import BEST, HISTORY, LAST


class Recorder:
    """Writes ``history.jsonl``, ``last.pt`` and ``best.pt`` into a run folder.

    Args:
        folder: the run folder.
        model: what rebuilds the model: ``backbone``, ``embedding_size``, ``method`` and so on.
        key: digest of all that the result depends on. Checkpoints under another key are set aside
            as ``last.previous.pt`` and ``best.previous.pt``, and training starts anew.
        validate: gives named numbers of the backbone after an epoch; the first one decides which
            epoch is the best. None: no ``best.pt``.
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
        self.best = -math.inf
        self.lines: list[dict[str, Any]] = []
        self.pending: list[dict[str, Tensor]] = []  # losses since the last line, on the device
        self._told = time.monotonic()
        self._images = 0  # at the last line
        self._board = _board(folder) if tensorboard else None
        folder.mkdir(parents=True, exist_ok=True)

    def restore(self) -> dict[str, Any] | None:
        """The last checkpoint, or None for a fresh start; the history is cut back to it."""
        path = self.folder / LAST
        content = checkpoints.load(path) if path.exists() else None
        if content is None or content.get("key") != self.key:
            content = None
            for name in (LAST, BEST):  # a fresh start: what lies here is of another run
                self._set_aside(self.folder / name)
        step = content["step"] if content else 0
        self.best = content["best"] if content else -math.inf
        self.pending = content["pending"] if content else []
        self.lines = [line for line in read_history(self.folder) if line["step"] <= step]
        text = "".join(json.dumps(line) + "\n" for line in self.lines)
        runs.write_text(self.folder / HISTORY, text)
        self._images = self.lines[-1]["images"] if self.lines else 0
        self._told = time.monotonic()
        return content

    def _set_aside(self, path: Path) -> None:
        if path.exists():
            path.replace(path.with_stem(f"{path.stem}.previous"))

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
            "images_per_second": round(rate, 1),
            "peak_memory_mib": round(runs.peak_memory_mib(), 1),
        }  # fmt: skip
        self.lines.append(line)
        with (self.folder / HISTORY).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        for name, value in line.items() if self._board else ():
            self._board.add_scalar(name, value, step)
        if self._board:
            self._board.flush()

    def save(self, content: dict[str, Any]) -> None:
        """Write ``last.pt``; it takes the place of the one before.

        Raises:
            FloatingPointError: a loss or a weight is not finite; the checkpoint before stays.
        """
        mean_losses(self.pending, content["step"])
        for name, weight in {**content["backbone"], **content["objective"]}.items():
            if not torch.isfinite(weight).all():
                raise FloatingPointError(f"step {content['step']}: {name} is not finite any more")
        head = {"key": self.key, "model": self.model, "best": self.best, "pending": self.pending}
        checkpoints.save(self.folder / LAST, {**head, **content})

    def end_epoch(
        self, backbone: torch.nn.Module, objective: torch.nn.Module, *, step: int, images: int
    ) -> None:
        """Validate, log it, and keep the weights as ``best.pt`` if no epoch before was better."""
        if self.validate is None:
            return
        values = self.validate(recognition(backbone))
        self.log(step=step, images=images, **values)
        score = next(iter(values.values()))
        if score > self.best:
            self.best = score
            weights = {"backbone": backbone.state_dict(), "objective": objective.state_dict()}
            checkpoints.save(self.folder / BEST, {"model": self.model, "score": score, **weights})


def mean_losses(pending: list[dict[str, Tensor]], step: int) -> dict[str, float]:
    """Mean of each named loss over some steps, of which ``step`` is the last.

    Raises:
        FloatingPointError: a loss is not finite; the message gives the first such step.
    """
    means = {}
    for name in pending[0] if pending else ():
        device = pending[-1][name].device  # those of a resumed run were loaded to the CPU
        values = torch.stack([losses[name].to(device) for losses in pending]).tolist()
        for at, value in enumerate(values, start=step - len(values) + 1):
            if not math.isfinite(value):
                raise FloatingPointError(f"step {at}: the {name} loss is {value}; is lr too high?")
        means[f"{name}_loss"] = sum(values) / len(values)
    return means


def read_history(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's history; a last line that was cut short is left out."""
    path = folder / HISTORY
    if not path.exists():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:  # the process was killed while it wrote
            break
    return lines


def _board(folder: Path) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(folder / "tensorboard")
