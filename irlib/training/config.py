"""The training recipe as one frozen value."""

import dataclasses
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from irlib.values import replaced

PRECISIONS = ("fp32", "bf16")
ADAMW_LR = 0.01  # above it training diverges
OPTIMIZERS = ("sgd", "adamw")
SCHEDULES = ("steps", "polynomial", "cosine")
SAMPLERS = ("uniform", "class_balanced", "child_aware")
COMPILED = ("", "default", "reduce-overhead", "max-autotune")  # the latter two with CUDA graphs
EVERY_CORE = -1  # as many workers as this process has cores
HISTORY, LAST, BEST = "history.jsonl", "last.pt", "best.pt"  # files that a training run leaves
RESUME = "resume"  # folder of what an interrupted one goes on from


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Recipe of one training run; the defaults are the paper's on CASIA-WebFace.

    Raises:
        ValueError: a value is out of its range; the message names the field.

    Source: Inter-Prototype's released code, learner.py and train.py.
    """

    epochs: int = 50
    batch_size: int = 64
    optimizer: str = "sgd"
    lr: float = 0.1  # the highest; AdamW wants a hundredth of it
    momentum: float = 0.9  # of SGD; the first beta of AdamW, whose second is 0.999
    weight_decay: float = 5e-4  # batch-norm parameters are exempt; decoupled in AdamW
    schedule: str = "steps"  # tenfold falls, or from lr down to 0 by a power or by half a cosine
    milestones: tuple[int, ...] = (28, 38, 46)  # epochs, from 0, at whose start lr falls by steps
    power: float = 2.0  # of the polynomial
    warmup_epochs: float = 0.0  # lr rises from 0 in a straight line
    lr_floor: float = 0.0  # lr does not fall below it once it is warm
    sampler: str = "uniform"  # which images an epoch draws; see `irlib.data.sampling`
    child_share: float = 0.2  # of the images that the child-aware sampler draws
    crop: float = 0.0  # probability an image, as are the next two; see `irlib.augmentation`
    low_resolution: float = 0.0
    photometric: float = 0.0
    start: str = ""  # checkpoint to fine-tune from; empty: random weights
    precision: str = "fp32"  # of the backbone; heads and losses always run in fp32
    log_every: int = 100  # steps
    save_every: int = 2000  # steps between checkpoints inside an epoch
    workers: int = EVERY_CORE  # threads that decode images; 0 decodes all into memory first
    accumulate: int = 1  # parts of a batch that are computed one after the other, to save memory
    clip_norm: float = 0.0  # the gradient of all parameters is cut to this length; 0: it is not
    class_chunk: int = 0  # classes whose logits are in memory at a time; 0: those of all
    sampled_share: float = 1.0  # of a process's classes that a step takes, the batch's among them
    shared_batch_norm: bool = True  # statistics of the batch of all processes; else of each one's
    tf32: bool = False  # on a GPU: fp32 products of matrices round their factors to 10 bits
    deterministic: bool = True  # on a GPU: the same kernels each time; else the fastest
    compile: str = ""  # the backbone, by torch.compile in this mode; empty: it is not

    def __post_init__(self) -> None:
        """Check every field's range."""
        for name in ("epochs", "batch_size", "log_every", "save_every", "accumulate"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: expected at least 1")
        if self.batch_size < 2 * self.accumulate:
            least = f"expected at least {2 * self.accumulate}"
            told = f"{least}, for batch norm needs 2 images in each of {self.accumulate} parts"
            raise ValueError(f"batch_size is {self.batch_size}: {told}")
        if not 0 < self.lr < math.inf:
            raise ValueError(f"lr is {self.lr}: expected a number above 0")
        for name in (
            "momentum", "weight_decay", "warmup_epochs", "lr_floor", "clip_norm", "class_chunk"
        ):  # fmt: skip
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}: expected 0 or more")
        if self.workers < EVERY_CORE:
            told = f"expected 0 or more, or {EVERY_CORE} for all cores"
            raise ValueError(f"workers is {self.workers}: {told}")
        self._check_choices()
        self._check_shares()
        self._check_schedule()
        self._check_milestones()

    def _check_choices(self) -> None:
        for name, known in (
            ("precision", PRECISIONS), ("optimizer", OPTIMIZERS), ("schedule", SCHEDULES),
            ("sampler", SAMPLERS), ("compile", COMPILED),
        ):  # fmt: skip
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}: expected one of {known}")

    def _check_shares(self) -> None:
        for name in ("crop", "low_resolution", "photometric"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}: expected a probability")
        if not 0 < self.sampled_share <= 1:
            raise ValueError(f"sampled_share is {self.sampled_share}: expected a share in (0, 1]")
        if self.sampled_share < 1 and self.optimizer != "sgd":
            # AdamW would move every row in every step, whether or not it was drawn
            raise ValueError(f"sampled_share is {self.sampled_share}: expected optimizer sgd")
        if not 0 < self.child_share < 1:
            raise ValueError(f"child_share is {self.child_share}: expected it between 0 and 1")

    def _check_schedule(self) -> None:
        if self.optimizer == "adamw" and self.lr > ADAMW_LR:
            raise ValueError(f"lr is {self.lr}: expected at most {ADAMW_LR} with optimizer adamw")
        if self.momentum >= 1:
            raise ValueError(f"momentum is {self.momentum}: expected less than 1")
        if not 0 < self.power < math.inf:
            raise ValueError(f"power is {self.power}: expected a number above 0")
        if self.warmup_epochs > self.epochs:
            told = f"expected no more than the {self.epochs} epochs there are"
            raise ValueError(f"warmup_epochs is {self.warmup_epochs}: {told}")
        if self.lr_floor > self.lr:
            raise ValueError(f"lr_floor is {self.lr_floor}: expected no more than lr, {self.lr}")

    def _check_milestones(self) -> None:
        if any(late <= early for early, late in pairwise((0, *self.milestones))):
            told = "expected epochs above 0, each later than the one before"
            raise ValueError(f"milestones is {self.milestones}: {told}")

    @property
    def settings(self) -> dict[str, Any]:
        """Every value that decides the result.

        That is all but the path `start`, for not where weights lie counts but what they are, and
        what decides on speed alone.
        """
        values = dataclasses.asdict(self)
        return {n: v for n, v in values.items() if n not in ("start", "workers", "save_every")}

    def drops(self, epoch: int) -> int:
        """How many milestones are behind when an epoch, from 0, begins."""
        return sum(epoch >= milestone for milestone in self.milestones)

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
        return replaced(self, overrides, kind="training option")
