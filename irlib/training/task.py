"""What is to be trained, by the parameters of a notebook."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch

from irlib import devices, methods, runs, studies
from irlib.parallel.starting import Place
from irlib.values import typed

# parameters of notebooks 02 and 06 that decide what is trained, and their types
PARAMETERS = {
    "study": "str", "overrides": "dict", "method": "str", "seed": "int", "device": "str",
    "data": "str", "outputs": "str", "tensorboard": "bool",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be trained, and where."""

    study: studies.Study
    method: methods.Method
    seed: int
    device: str  # as a user names it
    data: Path
    home: Path  # the study's folder of runs
    tensorboard: bool

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """The task that the parameters of notebook 02 describe.

        Args:
            parameters: those of `PARAMETERS`; others are not looked at.

        Raises:
            ValueError: one is missing or wrong, or study and method do not fit each other.
        """
        if missing := PARAMETERS.keys() - parameters.keys():
            raise ValueError(f"parameter {min(missing)!r} of the training is missing")
        given = {name: typed(name, parameters[name], kind) for name, kind in PARAMETERS.items()}
        study = studies.find(given["study"], given["overrides"])
        method = methods.find(given["method"])
        method.check(study)
        home = runs.resolve(given["outputs"]) / study.name
        return cls(
            study, method, given["seed"], given["device"], runs.resolve(given["data"]), home,
            given["tensorboard"],
        )  # fmt: skip

    @property
    def folder(self) -> Path:
        """Its run folder."""
        return self.home / runs.run_name("train", self.method.name, self.seed)

    def pick_device(self, place: Place) -> torch.device:
        """The device of one of the training's processes.

        Args:
            place: of the process; its local rank chooses among the GPUs of its machine.

        Raises:
            ValueError: no such device here, or fewer GPUs than processes.
        """
        device = devices.pick(self.device)
        if place.size == 1 or device.type == "cpu":
            return device
        if device.type != "cuda" or device.index is not None:
            told = f"expected cuda or cpu for {place.size} processes"
            raise ValueError(f"device is {self.device!r}, here {device}: {told}")
        if place.local_size > (present := torch.cuda.device_count()):
            told = f"{place.local_size} processes on this machine, which has {present} GPUs"
            raise ValueError(f"{told}: expected one each")
        return torch.device("cuda", place.local_rank)
