"""What a training of face age synthesis leaves: its history, and its checkpoint."""

from pathlib import Path
from typing import Any

from torch import Tensor

from irlib.age_invariant.synthesis import files
from irlib.age_invariant.synthesis.discriminator import PatchDiscriminator
from irlib.age_invariant.synthesis.encoder import Encoder
from irlib.age_invariant.synthesis.generator import Generator
from irlib.training.config import LAST
from irlib.training.run_log import RunLog


class SynthesisRecorder(RunLog):
    """Writes ``history.jsonl`` and ``last.pt`` into a run folder.

    Of several processes the first one writes; all of them call the methods alike.

    Args:
        folder: the run folder.
        model: what rebuilds the encoder: the ``model`` of a checkpoint of recognition.
        key: digest of all that the result depends on; see `RunLog`.
        tensorboard: also write event files to ``tensorboard/`` (an optional extra).

    Raises:
        ModuleNotFoundError: TensorBoard is asked for and not installed.
    """

    def __init__(
        self, folder: Path, *, model: dict[str, Any], key: str, tensorboard: bool = False
    ) -> None:
        super().__init__(folder, key=key, tensorboard=tensorboard)
        self.model = model

    def finish(
        self,
        encoder: Encoder,
        generator: Generator,
        discriminator: PatchDiscriminator,
        *,
        step: int,
        objective: dict[str, Tensor] | None = None,
    ) -> None:
        """Write the weights of a training that has ended.

        Args:
            encoder: as it is at the end.
            generator: likewise.
            discriminator: likewise.
            step: steps taken.
            objective: state dict of all that recognition was trained with; None where it was not
                trained along: the age head alone.
        """
        if not self.writes:
            return
        if objective is None:
            head = encoder.age_head.state_dict()
            objective = {f"age_head.{name}": value for name, value in head.items()}
        seen = {"model": self.model, "backbone": encoder.network.state_dict()}
        content = files.content_of(
            {**seen, "objective": objective}, generator, discriminator, key=self.key, step=step
        )
        files.save(self.folder / LAST, content)
