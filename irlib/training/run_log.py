"""The history of a training line by line, and what tells it from another training."""

import json
import math
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from irlib import checkpoints, parallel, runs
from irlib.training.config import BEST, HISTORY, LAST
from irlib.training.history import read_history


class RunLog:
    """Writes ``history.jsonl`` into a run folder, and sees whose files lie there.

    Of several processes the first one writes; all of them call the methods alike.

    Args:
        folder: the run folder.
        key: digest of all that the result depends on. What lies there under another key is set
            aside as ``last.previous.pt`` and so on, and training starts anew.
        tensorboard: also write event files to ``tensorboard/`` (an optional extra).

    Raises:
        ModuleNotFoundError: TensorBoard is asked for and not installed.
    """

    def __init__(self, folder: Path, *, key: str, tensorboard: bool = False) -> None:
        self.folder, self.key = folder, key
        self.writes = parallel.rank() == 0
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
        return {"step": step, "key": self.key, "pending": pending}

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


def _memory() -> dict[str, float]:
    told = {"peak_memory_mib": round(runs.peak_memory_mib(), 1)}
    if torch.cuda.is_available():
        told["peak_gpu_memory_mib"] = round(torch.cuda.max_memory_allocated() / 2**20, 1)
    return told


def mean_losses(pending: list[dict[str, Tensor]], step: int) -> dict[str, float]:
    """Mean of each named loss over those of some steps that have it; ``step`` is the last.

    Raises:
        FloatingPointError: a loss is not finite; the message gives the first such step.
    """
    means = {}
    first = step - len(pending) + 1
    for name in dict.fromkeys(name for losses in pending for name in losses):
        found = [(at, each[name]) for at, each in enumerate(pending, start=first) if name in each]
        device = found[-1][1].device  # those of a run that goes on are on the CPU
        values = torch.stack([value.to(device) for _, value in found]).tolist()
        for (at, _), value in zip(found, values, strict=True):
            if not math.isfinite(value):
                raise FloatingPointError(f"step {at}: the {name} loss is {value}; is lr too high?")
        means[f"{name}_loss"] = sum(values) / len(values)
    return means


def _board(folder: Path) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(folder / "tensorboard")
