"""What an interrupted training goes on from, on any number of processes.

A state is a folder ``resume/<step>`` in the run folder: tensors by torch.distributed.checkpoint,
each process writing what it holds, and plain values as ``state.json``. It counts once it is
complete, and the one before goes only then. All processes must see the same folder.

The tensors' index is a pickle, as torch writes it: go on from folders of your own only.
"""

import contextlib
import shutil
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.distributed.checkpoint as dcp
from torch import Tensor, nn
from torch.distributed.checkpoint import CheckpointException, FileSystemReader
from torch.distributed.device_mesh import init_device_mesh
from torch.optim import Optimizer

from irlib import parallel, runs
from irlib.checkpoints import random_state, set_random_state
from irlib.checkpoints.reading import reason
from irlib.objectives import Objective
from irlib.training.config import RESUME

VALUES, INDEX = "state.json", ".metadata"  # the index is the last thing that torch writes
_OPTIMIZER, _RANDOM = "optimizer.", "random."
_DRAWS = _RANDOM + "draws"


class Running:
    """A training under way, as tensors by name that can be saved and put back.

    Args:
        backbone: alike in every process.
        objective: its head may hold a shard of the prototypes.
        optimizers: of both.
        draws: the generator of the augmentation, alike in every process.
    """

    def __init__(
        self,
        backbone: nn.Module,
        objective: Objective,
        optimizers: Iterable[Optimizer],
        draws: torch.Generator,
    ) -> None:
        self.backbone, self.objective, self.draws = backbone, objective, draws
        self.optimizers = list(optimizers)
        self.device = objective.head.prototypes.device
        self._parameters = {
            f"{part}.{name}": parameter
            for part, module in (("backbone", backbone), ("objective", objective))
            for name, parameter in module.named_parameters()
        }
        self._mesh = None
        if objective.head.shard is not None:
            self._mesh = init_device_mesh(self.device.type, (parallel.size(),))

    def tensors(self) -> dict[str, Tensor]:
        """All that a step changes, by name; weights and momenta over their own memory."""
        found = self._weights()
        for name, (optimizer, parameter) in self._owned().items():
            for slot, value in optimizer.state[parameter].items():
                if isinstance(value, Tensor):
                    found[f"{_OPTIMIZER}{name}.{slot}"] = self._whole(value, parameter)
        found[_DRAWS] = self.draws.get_state()
        return found | self._network_draws()

    def load(self, folder: Path) -> None:
        """Put back what was saved, whatever number of processes saved it.

        What the network draws (dropout) goes on where it stood if that number is the same.

        Raises:
            ValueError: the folder does not fit this training, or is damaged; it is named.
        """
        try:
            saved = FileSystemReader(folder).read_metadata().state_dict_metadata
            targets, slots = self._weights(), self._slots(saved)
            targets |= {name: whole for name, (whole, _) in slots.items()}
            generators = self._generators(saved)
            with _one_process_is_right():
                dcp.load(targets | generators, checkpoint_id=folder)
        except (CheckpointException, OSError, RuntimeError, KeyError, EOFError) as error:
            cause = _cause(error) if isinstance(error, CheckpointException) else error
            raise ValueError(
                f"{folder}: cannot be gone on from ({reason(cause)}); delete it to start anew"
            ) from error
        for name, (_, own) in slots.items():
            owner, _, slot = name.removeprefix(_OPTIMIZER).rpartition(".")
            optimizer, parameter = self._owned()[owner]
            optimizer.state[parameter][slot] = own
        self.draws.set_state(generators.pop(_DRAWS))
        if generators:
            states = {name.split(".")[1]: state for name, state in generators.items()}
            set_random_state(states, self.device)

    def _weights(self) -> dict[str, Tensor]:
        found = {f"backbone.{n}": value for n, value in self.backbone.state_dict().items()}
        prototypes = self.objective.head.prototypes
        for name, value in self.objective.state_dict().items():
            is_rows = name == "head.prototypes"
            found[f"objective.{name}"] = self._whole(value, prototypes) if is_rows else value
        return found

    def _whole(self, value: Tensor, parameter: Tensor) -> Tensor:
        head = self.objective.head
        if self._mesh is None or parameter is not head.prototypes or value.ndim == 0:
            return value
        return head.shard.as_dtensor(value, self._mesh)

    def _owned(self) -> dict[str, tuple[Optimizer, nn.Parameter]]:
        names = {parameter: name for name, parameter in self._parameters.items()}
        return {
            names[parameter]: (optimizer, parameter)
            for optimizer in self.optimizers
            for group in optimizer.param_groups
            for parameter in group["params"]
        }

    def _slots(self, saved: dict[str, Any]) -> dict[str, tuple[Tensor, Tensor]]:
        # by name: a tensor to load into, and the memory of this process behind it
        slots = {}
        for name in saved:
            if name.startswith(_OPTIMIZER):
                parameter = self._parameters[name.removeprefix(_OPTIMIZER).rpartition(".")[0]]
                scalar = len(saved[name].size) == 0
                dtype = saved[name].properties.dtype
                own = torch.zeros((), dtype=dtype) if scalar else torch.zeros_like(parameter)
                slots[name] = self._whole(own, parameter), own
        return slots

    def _generators(self, saved: dict[str, Any]) -> dict[str, Tensor]:
        found = {_DRAWS: self.draws.get_state()}
        own = self._network_draws()
        count = sum(name.startswith(f"{_RANDOM}cpu.") for name in saved)
        if count == parallel.size() and own.keys() <= saved.keys():
            found |= own
        return found

    def _network_draws(self) -> dict[str, Tensor]:
        states = random_state(self.device)
        return {f"{_RANDOM}{kind}.{parallel.rank()}": state for kind, state in states.items()}


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
        with _one_process_is_right(), _told_plainly():
            if self.asynchronous:
                self._under_way = dcp.async_save(running.tensors(), checkpoint_id=path), path
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


@contextlib.contextmanager
def _one_process_is_right() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")
        yield


@contextlib.contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except CheckpointException as error:
        raise _cause(error) from error


def _cause(error: CheckpointException) -> BaseException:
    # torch tells what went wrong in each process; a full disk goes before what follows from it
    found = [cause for cause, _ in error.failures.values()]
    return next((cause for cause in found if isinstance(cause, OSError)), found[0])
