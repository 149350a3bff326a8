"""The recipe of face age synthesis as one frozen value."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from irlib.training.config import EVERY_CORE, PRECISIONS
from irlib.values import check_weight, replaced

COMPILED = ("", "default")  # no CUDA graphs: the discriminator runs twice a step, at two sizes
LEAST_UNITS = 10  # of a group; of fewer none would be shared with the next group


@dataclass(frozen=True, kw_only=True)
class SynthesisConfig:
    """Recipe of one synthesis run; the defaults are MTLFace's at full size, on eight GPUs of 64.

    Raises:
        ValueError: a value is out of its range; the message names the field.

    Source: Huang et al., "When Age-Invariant Face Recognition Meets Face Age Synthesis", CVPR 2021,
        and its released code.
    """

    steps: int = 36_000
    batch_size: int = 512  # sources of a step, and as many targets, of all processes together
    lr_generator: float = 1e-4
    lr_discriminator: float = 1e-4
    beta1: float = 0.5  # of both Adams
    beta2: float = 0.99
    generator_every: int = 1  # the generator learns in every so many-th step, its teacher in each
    lead: float = 0.0  # first share of the steps, in which the discriminator learns alone
    cooldown: float = 0.0  # last share of the steps, in which both rates fall to 0 in a line
    average: float = 0.0  # decay of a running average of the generator, the result; 0: none
    adversarial_weight: float = 75.0
    identity_weight: float = 0.002
    age_weight: float = 10.0
    units: int = 128  # channels of one age group in the generator's conditional module
    blocks: int = 4  # of that module
    widths: tuple[int, ...] = (256, 128, 64, 32)  # of the decoder at 14, 28, 56 and 112 pixels
    discriminator_width: int = 64  # channels of its first convolution
    precision: str = "fp32"  # of the three networks; losses always run in fp32
    log_every: int = 100  # steps
    save_every: int = 2000  # steps
    workers: int = EVERY_CORE  # threads that decode; 0 decodes all into memory, twice
    shared_batch_norm: bool = True  # statistics of the batch of all processes; else of each one's
    tf32: bool = False  # on a GPU: fp32 products of matrices round their factors to 10 bits
    deterministic: bool = True  # on a GPU: the same kernels each time; else the fastest
    compile: str = ""  # generator and discriminator, by torch.compile in this mode; empty: not
    joint: bool = False  # recognition is trained along, a step of it before each of these

    def __post_init__(self) -> None:
        """Check every field's range."""
        for name, least in (
            ("steps", 1), ("batch_size", 2), 
            ("generator_every", 1), ("blocks", 1), ("units", LEAST_UNITS),
            ("discriminator_width", 1), ("log_every", 1), ("save_every", 1),
            ("workers", EVERY_CORE),
        ):  # fmt: skip
            self._check(name, getattr(self, name) >= least, f"at least {least}")
        for name in ("lr_generator", "lr_discriminator"):
            self._check(name, 0 < getattr(self, name) < math.inf, "a number above 0")
        for name in ("beta1", "beta2", "average"):
            self._check(name, 0 <= getattr(self, name) < 1, "at least 0 and less than 1")
        self._check("lead", 0 <= self.lead < 1, "a share of at least 0 and less than 1")
        left = self.steps - self.lead_steps
        most = f"at most the {left:,} steps after the lead"
        self._check("generator_every", self.generator_every <= left, most)
        self._check("cooldown", 0 <= self.cooldown <= 1, "a share from 0 to 1")
        for name in ("adversarial_weight", "identity_weight", "age_weight"):
            check_weight(name, getattr(self, name))
        fits = len(self.widths) == 4 and min(self.widths) > 0
        self._check("widths", fits, "four numbers of at least 1")
        for name, known in (("precision", PRECISIONS), ("compile", COMPILED)):
            self._check(name, getattr(self, name) in known, f"one of {known}")

    def _check(self, name: str, is_right: bool, expected: str) -> None:
        if not is_right:
            raise ValueError(f"{name} is {getattr(self, name)!r}: expected {expected}")

    @property
    def settings(self) -> dict[str, Any]:
        """Every value that decides the result, which is all but what decides on speed alone."""
        values = dataclasses.asdict(self)
        return {name: v for name, v in values.items() if name not in ("workers", "save_every")}

    def rate_share(self, step: int) -> float:
        """The share, from 1 to 0, of both learning rates in a step.

        Args:
            step: steps taken before.
        """
        left = (self.steps - step) / self.steps  # above 0
        return min(left / self.cooldown, 1.0) if self.cooldown else 1.0

    @property
    def lead_steps(self) -> int:
        """The steps of the lead."""
        return int(self.lead * self.steps)

    @classmethod
    def fields(cls) -> set[str]:
        """Names of all fields."""
        return {field.name for field in dataclasses.fields(cls)}

    def with_overrides(self, overrides: dict[str, Any]) -> "SynthesisConfig":
        """The recipe with some fields changed.

        Args:
            overrides: field name to value; a string is read as the field's own type.

        Raises:
            ValueError: an unknown field (the nearest one is named) or a value of a wrong type.
        """
        return replaced(self, overrides, kind="synthesis option")
