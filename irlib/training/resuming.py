"""What an interrupted training goes on from, on any number of processes.

A state is a folder ``resume/<step>`` in the run folder: tensors by torch.distributed.checkpoint,
each process writing what it holds, and plain values as ``state.json``. It counts once it is
complete, and the one before goes only then. All processes must see the same folder.

The tensors' index is a pickle, as torch writes it: go on from folders of your own only.
"""

import contextlib
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch import nn
from torch.distributed.checkpoint import CheckpointException

from irlib import parallel, runs
from irlib.training.config import RESUME
from irlib.training.run_log import RunLog
from irlib.training.running import INDEX, Running, cause, one_process_is_right

VALUES = "state.json"


class Standing(Protocol):
    """What stands somewhere, as a loader does in its batches."""

    def state_dict(self) -> dict[str, Any]:
        """Where it stands, as plain JSON values."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""


class States:
    """The states in a run folder.

    Args:
        folder: the run folder.
        asynchronous: copy a state and write it beside the next steps, where that is worth the
            memory: on a GPU.
    """

    def __init__(self, folder: Path, *, asynchronous: bool) -> None:
        self.folder, self.asynchronous = folder / RESUME, asynchronous
        self._under_way: tuple[Any, Path] | None = None
        # the thread that writes speaks to its like in a group of its own, beside the training's
        apart = asynchronous and parallel.size() > 1
        self._group = dist.new_group(backend="gloo") if apart else None

    def newest(self) -> Path | None:
        """The newest complete state; every process gets the answer of the first one."""
        complete = [
            path
            for path in self.folder.glob("*/")
            if (path / INDEX).exists() and (path / VALUES).exists()
        ]
        newest = max(complete, key=lambda path: int(path.name), default=None)
        return parallel.exchanged(newest)[0]

    def save(self, running: Running, values: dict[str, Any]) -> None:
        """Write a state; when it is complete, those before it are deleted.

        Args:
            running: the training.
            values: plain JSON values, the ``step`` among them.

        Raises:
            OSError: it could not be written, e.g. on a full disk; the state before stays.
        """
        self.finish()
        path = self.folder / str(values["step"])
        if parallel.rank() == 0:
            shutil.rmtree(path, ignore_errors=True)  # half of one, of a killed run
            runs.write_json(path / VALUES, values)
        parallel.exchanged(None)  # nobody writes into a folder that is being deleted
        with one_process_is_right(), _told_plainly():
            if self.asynchronous:
                tensors, group = running.tensors(), self._group
                future = dcp.async_save(tensors, checkpoint_id=path, process_group=group)
                self._under_way = future, path
            else:
                dcp.save(running.tensors(), checkpoint_id=path)
                self._leave_only(path)

    def finish(self) -> None:
        """Wait for a state that is being written.

        Raises:
            OSError: it could not be written.
        """
        if self._under_way is not None:
            future, path = self._under_way
            self._under_way = None
            with _told_plainly():
                future.result()
            self._leave_only(path)

    def clear(self) -> None:
        """Delete all states, once the training is finished."""
        self.finish()
        parallel.exchanged(None)
        if parallel.rank() == 0:
            shutil.rmtree(self.folder, ignore_errors=True)

    def set_aside(self) -> None:
        """Rename the states of another training to ``resume.previous``."""
        if parallel.rank() == 0 and self.folder.exists():
            aside = self.folder.with_name(f"{RESUME}.previous")
            shutil.rmtree(aside, ignore_errors=True)
            self.folder.replace(aside)
        parallel.exchanged(None)

    def _leave_only(self, path: Path) -> None:
        if parallel.rank() == 0:
            for other in self.folder.glob("*/"):
                if other != path:
                    shutil.rmtree(other, ignore_errors=True)


def save(states: States, running: Running, loader: Standing, log: RunLog, step: int) -> None:
    """Write all that a training goes on from after so many steps.

    Raises:
        FloatingPointError: a loss or a weight is not finite; the message gives the step.
        OSError: it could not be written; the state before stays.
    """
    states.finish()  # one that is still being written
    values = log.values(step)
    require_finite(step, running.modules.values())
    states.save(running, {**values, "loader": loader.state_dict()})


def restore(states: States, running: Running, loader: Standing, log: RunLog) -> int:
    """Put back what `save` wrote under the same key, or begin anew.

    Returns:
        The steps taken before.

    Raises:
        ValueError: the state is damaged, or does not fit the training.
    """
    folder = states.newest()
    values = runs.read_json(folder / VALUES) if folder else {}
    if values.get("key") != log.key:
        states.set_aside()
        log.begin()
        return 0
    running.load(folder)
    loader.load_state_dict(values["loader"])
    log.go_on(values)
    return values["step"]


def require_finite(step: int, modules: Iterable[nn.Module]) -> None:
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


@contextlib.contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except CheckpointException as error:
        raise cause(error) from error
