"""The training recipe as one frozen value."""

import dataclasses
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from irlib.values import typed, unknown

PRECISIONS = ("fp32", "bf16")
HISTORY, LAST, BEST = "history.jsonl", "last.pt", "best.pt"  # files that a training run leaves


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Recipe of one training run; the defaults are the paper's on CASIA-WebFace.

    Raises:
        ValueError: a value is out of its range; the message names the field.

    Source: Inter-Prototype's released code, learner.py and train.py.
    """

    epochs: int = 50
    milestones: tuple[int, ...] = (28, 38, 46)  # epochs, from 0, at whose start lr falls tenfold
    batch_size: int = 64
    lr: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4  # batch-norm parameters are exempt
    precision: str = "fp32"  # of the backbone; heads and losses always run in fp32
    log_every: int = 100  # steps
    save_every: int = 2000  # steps between checkpoints inside an epoch
    workers: int = 8  # threads that decode images; 0 decodes all into memory first

    def __post_init__(self) -> None:
        """Check every field's range."""
        for name in ("epochs", "batch_size", "log_every", "save_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: expected at least 1")
        if self.batch_size < 2:
            raise ValueError("batch_size is 1: batch norm needs at least 2 images")
        if not 0 < self.lr < math.inf:
            raise ValueError(f"lr is {self.lr}: expected a number above 0")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision is {self.precision!r}: expected one of {PRECISIONS}")
        for name in ("momentum", "weight_decay", "workers"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}: expected 0 or more")
        self._check_milestones()

    def _check_milestones(self) -> None:
        if any(late <= early for early, late in pairwise((0, *self.milestones))):
            told = "expected epochs above 0, each later than the one before"
            raise ValueError(f"milestones is {self.milestones}: {told}")

    @classmethod
    def fields(cls) -> set[str]:
        """Names of all fields."""
        return {field.name for field in dataclasses.fields(cls)}

    def with_overrides(self, overrides: dict[str, Any]) -> "TrainConfig":
        """The recipe with some fields changed.

        Args:
            overrides: field name to value; a string is read as the field's own type.

        Raises:
            ValueError: an unknown field (the nearest one is named) or a value of a wrong type.
        """
        types = {f.name: getattr(f.type, "__name__", str(f.type)) for f in dataclasses.fields(self)}
        for name in overrides:
            if name not in types:
                raise ValueError(unknown("training option", name, types))
        values = {name: typed(name, value, types[name]) for name, value in overrides.items()}
        return dataclasses.replace(self, **values)
