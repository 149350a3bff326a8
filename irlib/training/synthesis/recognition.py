"""Joint training: recognition learns on, a step before each one of synthesis, which looks on.

Synthesis has no say in it: recognition ends with the weights of a training of its own. The
released code of MTLFace could not train both in several processes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from irlib import parallel
from irlib.age_invariant.mtlface import MTLFace
from irlib.age_invariant.synthesis.encoder import Encoder
from irlib.images import Batch
from irlib.training.config import TrainConfig
from irlib.training.stepping import Loader, Stepping, Taken
from irlib.training.synthesis.config import SynthesisConfig


@dataclass(frozen=True, eq=False)
class Recognition:
    """A training of recognition before its first step, as `irlib.training.loop.train` takes it."""

    backbone: nn.Module  # its last maps are split by attention
    objective: MTLFace  # whole
    loader: Loader
    config: TrainConfig
    seed: int

    @property
    def steps(self) -> int:
        """How many steps it takes."""
        return self.config.epochs * len(self.loader)

    def require_fit(self, encoder: Encoder, config: SynthesisConfig) -> None:
        """See that a synthesis training can be joined to it.

        Args:
            encoder: of that training.
            config: its recipe.

        Raises:
            ValueError: it cannot; the message names the field.
        """
        if encoder.network is self.backbone or encoder.age_head is self.objective.age_head:
            raise ValueError("encoder: expected copies of the backbone and age head that learn")
        if config.steps < self.steps:
            epochs = f"{self.config.epochs} epochs of {len(self.loader)}"
            raise ValueError(
                f"steps is {config.steps:,}: expected at least the {self.steps:,} of the "
                f"recognition training that is joined to it, {epochs}"
            )
        for name in ("tf32", "deterministic"):
            own, other = getattr(self.config, name), getattr(config, name)
            if own != other:
                raise ValueError(
                    f"{name} is {other} in the recipe of synthesis and {own} in that of the "
                    "recognition joined to it: expected one, for a GPU computes by one"
                )
        if parallel.size() > 1 and not self.config.shared_batch_norm:
            raise ValueError(
                "shared_batch_norm of the recognition recipe is False: expected True in joint "
                "training by several processes, whose encoders have to be alike"
            )

    def load(self, content: Mapping[str, Any]) -> None:
        """Take the weights of a checkpoint of a joint training that has ended."""
        self.backbone.load_state_dict(content["backbone"])
        self.objective.load_state_dict(content["objective"])


class Beside:
    """A training of recognition under way beside one of synthesis.

    Args:
        recognition: what is trained.
        encoder: whose weights follow it.
    """

    def __init__(self, recognition: Recognition, encoder: Encoder) -> None:
        self.stepping = Stepping(
            recognition.backbone, recognition.objective, recognition.loader, recognition.config,
            seed=recognition.seed,
        )  # fmt: skip
        self.encoder = encoder
        self._batches = self._rest()
        self._taken: Taken | None = None

    def begin(self) -> None:
        """Begin, or go on once its state is put back."""
        self.stepping.train()
        self._refresh()

    def take(self, step: int) -> dict[str, Tensor]:
        """Take one step and show it to the encoder; nothing if all steps are taken.

        Args:
            step: steps taken before.

        Returns:
            Its losses, named ``recognition_id`` and so on.
        """
        batch = next(self._batches, None)
        self._taken = None if batch is None else self.stepping.take(batch, step)
        if self._taken is None:
            return {}
        self._refresh()
        return {f"recognition_{name}": loss for name, loss in self._taken.losses.items()}

    def told(self) -> dict[str, float]:
        """Rate and accuracy of the step taken last, for the history; waits for the device."""
        if self._taken is None:
            return {}
        accuracy = self.stepping.accuracy(self._taken)
        return {"recognition_lr": self._taken.lr, "recognition_accuracy": accuracy}

    def _rest(self) -> Iterator[Batch]:
        loader = self.stepping.loader
        while loader.epoch < self.stepping.config.epochs:
            yield from loader

    def _refresh(self) -> None:
        self.encoder.refresh(self.stepping.backbone, self.stepping.objective.age_head)
