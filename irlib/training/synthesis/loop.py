"""The training loop of face age synthesis, in one process or as one of several.

What a step does stands in `irlib.training.synthesis.stepping`.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from irlib import parallel
from irlib.age_invariant.synthesis.discriminator import PatchDiscriminator
from irlib.age_invariant.synthesis.encoder import Encoder
from irlib.age_invariant.synthesis.generator import Generator
from irlib.progress import track
from irlib.training.recorder import whole_state
from irlib.training.resuming import Standing, States, restore, save
from irlib.training.running import Running
from irlib.training.spread import make_alike
from irlib.training.synthesis.batches import Couple, Couples
from irlib.training.synthesis.config import SynthesisConfig
from irlib.training.synthesis.recognition import Beside, Recognition
from irlib.training.synthesis.recorder import SynthesisRecorder
from irlib.training.synthesis.stepping import Judged, SynthesisStepping


def train_synthesis(
    encoder: Encoder,
    generator: Generator,
    discriminator: PatchDiscriminator,
    batches: Couples,
    config: SynthesisConfig,
    recorder: SynthesisRecorder,
    *,
    seed: int,
    recognition: Recognition | None = None,
) -> list[dict[str, Any]]:
    """Train in place, from the state in the recorder's folder if there is one.

    An interrupted run goes on as `irlib.training.loop.train` says of its own.

    Args:
        encoder: of a trained recognition network, frozen; on the generator's device.
        generator: alike in every process, as are all modules. At the end it holds what is saved:
            where the recipe has an average, that.
        discriminator: on the same device.
        batches: couples of batches without end; of each, this process's part.
        config: the recipe.
        recorder: where history and checkpoint go.
        seed: of what augmentation draws.
        recognition: what is trained along, in joint training; the encoder is then a copy of its
            network and age head, and follows them.

    Returns:
        The history: one entry a log line, with the mean losses since the one before.

    Raises:
        FloatingPointError: a loss or a weight is not finite; the message gives the step.
        ValueError: the state in the folder is damaged, encoder and generator do not fit each
            other, or the recipe's ``joint`` does not fit ``recognition``.
        OSError: a state could not be written; the one before stays.
    """
    _require_fit(encoder, generator, discriminator, config, recognition)
    device = next(generator.parameters()).device
    states = States(recorder.folder, asynchronous=device.type == "cuda")
    if content := recorder.finished():
        generator.load_state_dict(content["generator"])
        discriminator.load_state_dict(content["discriminator"])
        if recognition is not None:
            recognition.load(content)
            encoder.refresh(recognition.backbone, recognition.objective.age_head)
        states.clear()
        return recorder.lines
    stepping = SynthesisStepping(encoder, generator, discriminator, config, seed=seed)
    beside = None if recognition is None else Beside(recognition, encoder)
    _Run(stepping, batches, recorder, states, beside).go()
    if stepping.average is not None:
        generator.load_state_dict(stepping.average.state_dict())
    objective = None if recognition is None else whole_state(recognition.objective)
    told = {"step": config.steps, "objective": objective}
    recorder.finish(encoder, generator, discriminator, **told)
    states.clear()
    return recorder.lines


class _Run:
    """The steps from where the newest state stands to the last one."""

    def __init__(
        self,
        stepping: SynthesisStepping,
        batches: Couples,
        recorder: SynthesisRecorder,
        states: States,
        beside: Beside | None,
    ) -> None:
        self.stepping, self.batches, self.beside = stepping, batches, beside
        self.recorder, self.states = recorder, states
        modules = {"generator": stepping.generator, "discriminator": stepping.discriminator}
        optimizers = [stepping.generator_adam, stepping.discriminator_adam]
        draws, loaders, head = {"draws": stepping.draws}, {"couples": batches}, None
        if stepping.average is not None:
            modules["average"] = stepping.average
        self.made = tuple(modules.values())
        if beside is not None:
            other = beside.stepping
            modules |= {"backbone": other.backbone, "objective": other.objective}
            optimizers += other.optimizers
            draws["recognition_draws"] = other.draws
            loaders["recognition"] = other.loader
            head = other.objective.head
        self.running = Running(modules, optimizers, draws, head=head)
        self.loaders = _Loaders(loaders)

    def go(self) -> None:
        """Take them."""
        config = self.stepping.config
        step = restore(self.states, self.running, self.loaders, self.recorder)
        self.stepping.train()
        if self.beside is not None:
            self.beside.begin()
        with contextlib.closing(iter(self.batches)) as couples:
            for couple in _told(islice(couples, config.steps - step), config, step):
                losses = {} if self.beside is None else self.beside.take(step)
                judged = self.stepping.take(couple, step)
                step += 1
                self.recorder.add(judged.losses | losses)
                if step % config.log_every == 0 or step == config.steps:
                    self._log(judged, step)
                if step % config.save_every == 0 or step == config.steps:
                    make_alike(*self.made)
                    save(self.states, self.running, self.loaders, self.recorder, step)

    def _log(self, judged: Judged, step: int) -> None:
        # the only read that waits for the device
        told = self.stepping.rates(step - 1) | self.stepping.right(judged)
        if self.beside is not None:
            told |= self.beside.told()
        self.recorder.log(step=step, images=self.batches.images_seen, **told)


@dataclass(frozen=True)
class _Loaders:
    """Where several loaders stand."""

    parts: Mapping[str, Standing]

    def state_dict(self) -> dict[str, Any]:
        return {name: part.state_dict() for name, part in self.parts.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, part in self.parts.items():
            part.load_state_dict(state[name])


def _told(couples: Iterator[Couple], config: SynthesisConfig, step: int) -> Iterator[Couple]:
    if parallel.rank():
        return couples
    return track(couples, total=config.steps, label="synthesis", unit="steps", done=step)


def _require_fit(
    encoder: Encoder,
    generator: Generator,
    discriminator: PatchDiscriminator,
    config: SynthesisConfig,
    recognition: Recognition | None,
) -> None:
    for name, module in (("generator", generator), ("discriminator", discriminator)):
        if module.num_groups != encoder.num_groups:
            raise ValueError(
                f"{name}: expected {encoder.num_groups} age groups as the encoder's age head, "
                f"got {module.num_groups}"
            )
    if config.joint != (recognition is not None):
        number = "a" if config.joint else "no"
        raise ValueError(f"joint is {config.joint}: expected {number} recognition training beside")
    if recognition is not None:
        recognition.require_fit(encoder, config)
