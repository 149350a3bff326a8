"""A training under way as tensors by name, that can be saved and put back.

Shapes: C prototypes in all, c in this process.
"""

import contextlib
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import torch.distributed.checkpoint as dcp
from torch import Tensor, nn
from torch.distributed.checkpoint import CheckpointException, FileSystemReader
from torch.distributed.device_mesh import init_device_mesh
from torch.optim import Optimizer

from irlib import parallel
from irlib.checkpoints import random_state, set_random_state
from irlib.checkpoints.reading import reason
from irlib.heads.margin import MarginHead

INDEX = ".metadata"  # the last thing that torch writes
_OPTIMIZER, _RANDOM = "optimizer.", "random."


class Running:
    """A training under way, as tensors by name that can be saved and put back.

    Args:
        modules: by name, on one device; alike in every process but for the prototypes.
        optimizers: of these.
        draws: generators by name, such as that of the augmentation, alike in every process.
        head: the one of the modules' parts that may hold a shard of the prototypes; None where
            there is no such.
    """

    def __init__(
        self,
        modules: Mapping[str, nn.Module],
        optimizers: Iterable[Optimizer],
        draws: Mapping[str, torch.Generator],
        *,
        head: MarginHead | None = None,
    ) -> None:
        self.modules, self.optimizers, self.draws = dict(modules), list(optimizers), dict(draws)
        self._parameters = {
            f"{part}.{name}": parameter
            for part, module in modules.items()
            for name, parameter in module.named_parameters()
        }
        self.device = next(iter(self._parameters.values())).device
        self._prototypes = None if head is None else head.prototypes
        self._shard = None if head is None else head.shard
        self._mesh = None
        if self._shard is not None:
            self._mesh = init_device_mesh(self.device.type, (parallel.size(),))

    def tensors(self) -> dict[str, Tensor]:
        """All that a step changes, by name; weights and momenta over their own memory."""
        found = self._weights()
        for name, (optimizer, parameter) in self._owned().items():
            for slot, value in optimizer.state[parameter].items():
                if isinstance(value, Tensor):
                    found[f"{_OPTIMIZER}{name}.{slot}"] = self._whole(value, parameter)
        return found | self._drawn() | self._network_draws()

    def load(self, folder: Path) -> None:
        """Put back what was saved, whatever number of processes saved it.

        What the network draws (dropout) goes on where it stood if that number is the same.

        Raises:
            ValueError: the folder does not fit this training, or is damaged; it is named.
        """
        try:
            saved = _index(folder)
            targets, slots = self._weights(), self._slots(saved)
            targets |= {name: whole for name, (whole, _) in slots.items()}
            generators = self._generators(saved)
            with one_process_is_right():
                dcp.load(targets | generators, checkpoint_id=folder)
        except (CheckpointException, OSError, RuntimeError, KeyError, ValueError) as error:
            plain = cause(error) if isinstance(error, CheckpointException) else error
            raise ValueError(
                f"{folder}: cannot be gone on from ({reason(plain)}); delete it to start anew"
            ) from error
        owned = self._owned()
        for name, (_, own) in slots.items():
            owner, _, slot = name.removeprefix(_OPTIMIZER).rpartition(".")
            optimizer, parameter = owned[owner]
            optimizer.state[parameter][slot] = own
        for name, draws in self.draws.items():
            draws.set_state(generators.pop(_RANDOM + name))
        if generators:
            states = {name.split(".")[1]: state for name, state in generators.items()}
            set_random_state(states, self.device)

    def _weights(self) -> dict[str, Tensor]:
        return {
            f"{part}.{name}": self._whole(value, self._parameters.get(f"{part}.{name}"))
            for part, module in self.modules.items()
            for name, value in module.state_dict().items()
        }

    def _whole(self, value: Tensor, parameter: nn.Parameter | None) -> Tensor:
        if self._mesh is None or parameter is not self._prototypes or value.ndim == 0:
            return value
        return self._shard.as_dtensor(value, self._mesh)

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
        slots, owned = {}, self._owned()
        for name in saved:
            if name.startswith(_OPTIMIZER):
                optimizer, parameter = owned[name.removeprefix(_OPTIMIZER).rpartition(".")[0]]
                own = torch.zeros_like(parameter, requires_grad=False)
                if len(saved[name].size) == 0:  # a count of steps, where torch keeps it
                    home = parameter.device if optimizer.defaults.get("fused") else "cpu"
                    own = torch.zeros((), dtype=saved[name].properties.dtype, device=home)
                slots[name] = self._whole(own, parameter), own
        return slots

    def _generators(self, saved: dict[str, Any]) -> dict[str, Tensor]:
        found, own = self._drawn(), self._network_draws()
        count = sum(name.startswith(f"{_RANDOM}cpu.") for name in saved)
        if count == parallel.size() and own.keys() <= saved.keys():
            found |= own
        return found

    def _drawn(self) -> dict[str, Tensor]:
        return {_RANDOM + name: draws.get_state() for name, draws in self.draws.items()}

    def _network_draws(self) -> dict[str, Tensor]:
        states = random_state(self.device)
        return {f"{_RANDOM}{kind}.{parallel.rank()}": state for kind, state in states.items()}


def _index(folder: Path) -> dict[str, Any]:
    try:
        return FileSystemReader(folder).read_metadata().state_dict_metadata
    except Exception as error:  # a damaged pickle raises anything
        raise ValueError(f"{INDEX}: {reason(error)}") from error


@contextlib.contextmanager
def one_process_is_right() -> Iterator[None]:
    """A context in which torch does not warn that there is no process group."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")
        yield


def cause(error: CheckpointException) -> BaseException:
    """What went wrong in one of the processes; a full disk goes before what follows from it."""
    found = [failure for failure, _ in error.failures.values()]
    return next((failure for failure in found if isinstance(failure, OSError)), found[0])
