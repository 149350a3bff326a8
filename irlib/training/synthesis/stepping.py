"""The step of face age synthesis: the discriminator learns, then the generator from it.

Shapes: b images of this process, G age groups, C channels of the identity maps.
"""

import contextlib
import copy
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from irlib import parallel
from irlib.age_invariant.ages import age_group
from irlib.age_invariant.synthesis.encoder import Encoder
from irlib.age_invariant.synthesis.groups import one_group
from irlib.age_invariant.synthesis.losses import discriminator_loss, generator_losses
from irlib.images import Transfer, augment
from irlib.training.optimizers import set_learning_rate
from irlib.training.spread import compiled, over_processes
from irlib.training.synthesis.batches import Couple
from irlib.training.synthesis.config import SynthesisConfig

MIDDLE = 0.5  # between the logit of a real patch and that of a synthesized one


class Inputs(NamedTuple):
    """What a step computes on."""

    sources: Tensor  # (b, 3, 112, 112), RGB in [-1, 1]
    targets: Tensor  # (b, 3, 112, 112), real faces of the groups
    groups: Tensor  # (b, G), 1 for the group that is asked for


class Judged(NamedTuple):
    """What a step leaves, on the device."""

    losses: dict[str, Tensor]  # means over the batch of all processes, before any weight
    real: Tensor  # (b, 1, 5, 5) logits of real patches
    fake: Tensor  # (b, 1, 5, 5) logits of synthesized ones


class SynthesisStepping:
    """A training of face age synthesis, of which one step is taken at a time.

    Args:
        encoder: frozen; alike in every process.
        generator: alike in every process, on its device; laid out over all of them from now on.
        discriminator: likewise.
        config: the recipe.
        seed: of what augmentation draws.

    Source: Huang et al., "When Age-Invariant Face Recognition Meets Face Age Synthesis", CVPR 2021.
    """

    def __init__(
        self,
        encoder: Encoder,
        generator: nn.Module,
        discriminator: nn.Module,
        config: SynthesisConfig,
        *,
        seed: int,
    ) -> None:
        self.encoder, self.generator, self.discriminator = encoder, generator, discriminator
        self.config = config
        self.device = next(generator.parameters()).device
        self.average = copy.deepcopy(generator).requires_grad_(False) if config.average else None
        if config.shared_batch_norm:
            parallel.share_batch_norm(generator)
            parallel.share_batch_norm(discriminator)
        self._generate = over_processes(compiled(generator, config.compile))
        self._judge_frozen = compiled(discriminator, config.compile)
        self._judge = over_processes(self._judge_frozen)
        self.generator_adam = _adam(generator, config.lr_generator, config)
        self.discriminator_adam = _adam(discriminator, config.lr_discriminator, config)
        self.draws = torch.Generator().manual_seed(seed)
        self._transfers = Transfer(self.device), Transfer(self.device)

    def train(self) -> None:
        """Put generator and discriminator in training mode."""
        self.generator.train()
        self.discriminator.train()

    def take(self, couple: Couple, step: int) -> Judged:
        """Take one step, of the discriminator and then of the generator.

        In the steps of the recipe's lead the discriminator alone learns, from sources as they are:
        what a generator gives that adds nothing. It then knows ages before the other one begins.
        Later the generator learns in every `generator_every`-th step.

        Args:
            couple: this process's part of the images.
            step: steps taken before.
        """
        rates = self.rates(step)
        set_learning_rate([self.generator_adam], rates["lr"])
        set_learning_rate([self.discriminator_adam], rates["lr_discriminator"])
        inputs, behind = self._inputs(couple), step - self.config.lead_steps
        if behind < 0:
            return self._discriminate(inputs, inputs.sources)
        learns = (behind + 1) % self.config.generator_every == 0
        with self._precision():
            with torch.no_grad():
                seen = self.encoder.see(inputs.sources)
            with torch.set_grad_enabled(learns):
                # made once: its graph waits while the discriminator learns from the bare images
                fakes = self._generate(inputs.sources, seen.pyramid, seen.identity, inputs.groups)
        judged = self._discriminate(inputs, fakes.detach())
        if not learns:
            return judged
        losses = self._deceive(inputs, fakes, seen.identity)
        if self.average is not None:
            taken = behind // self.config.generator_every
            decay = min(self.config.average, (1 + taken) / (10 + taken))
            _follow(self.average, self.generator, decay)
        return judged._replace(losses=judged.losses | losses)

    def rates(self, step: int) -> dict[str, float]:
        """The learning rates of a step: ``lr`` of the generator, ``lr_discriminator``.

        Args:
            step: steps taken before.
        """
        share = self.config.rate_share(step)
        return {
            "lr": share * self.config.lr_generator,
            "lr_discriminator": share * self.config.lr_discriminator,
        }

    def right(self, judged: Judged) -> dict[str, float]:
        """Shares of real and of synthesized patches that were judged right; waits for the device.

        Args:
            judged: by the discriminator as it was before the step; of all processes.
        """
        counts = [(judged.real > MIDDLE).sum(), (judged.fake < MIDDLE).sum()]
        total = counts[0].new_tensor(judged.real.numel())
        real, fake, total = parallel.summed(torch.stack([*counts, total])).tolist()
        return {"real_right": real / total, "fake_right": fake / total}

    def _inputs(self, couple: Couple) -> Inputs:
        sources, targets = (
            transfer(batch) for transfer, batch in zip(self._transfers, couple, strict=True)
        )
        known = age_group(targets.ages, self.encoder.num_groups)
        return Inputs(
            augment(sources, generator=self.draws, rank=parallel.rank()),
            augment(targets, generator=self.draws, rank=parallel.rank()),
            one_group(known, self.encoder.num_groups),
        )

    def _precision(self) -> contextlib.AbstractContextManager[None]:
        bf16 = self.config.precision == "bf16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=bf16)

    def _discriminate(self, inputs: Inputs, fakes: Tensor) -> Judged:
        self.discriminator_adam.zero_grad()
        with self._precision():
            both = torch.cat([inputs.targets, fakes])
            logits = self._judge(both, inputs.groups.repeat(2, 1))
        real, fake = logits[: len(fakes)], logits[len(fakes) :]
        loss = discriminator_loss(real, fake)
        # each process holds the whole loss; see `irlib.parallel`
        (loss / parallel.size()).backward()
        self.discriminator_adam.step()
        return Judged({"discriminator": loss.detach()}, real.detach(), fake.detach())

    def _deceive(self, inputs: Inputs, fakes: Tensor, identity: Tensor) -> dict[str, Tensor]:
        self.generator_adam.zero_grad()
        with self._precision():
            with _frozen(self.discriminator):
                logits = self._judge_frozen(fakes, inputs.groups)
            seen = self.encoder.see(fakes)
        group_logits = self.encoder.group_logits(seen.age)
        groups = inputs.groups.to(group_logits.dtype)
        losses = generator_losses(logits, identity, seen.identity, group_logits, groups)
        total = (
            self.config.adversarial_weight * losses["adversarial"]
            + self.config.identity_weight * losses["identity"]
            + self.config.age_weight * losses["age"]
        )
        (total / parallel.size()).backward()
        self.generator_adam.step()
        return {name: loss.detach() for name, loss in losses.items()}


def _adam(module: nn.Module, lr: float, config: SynthesisConfig) -> torch.optim.Adam:
    parameters = list(module.parameters())
    # None, not False: torch then chooses among its two other ways
    fused = parameters[0].device.type == "cuda" or None
    return torch.optim.Adam(parameters, lr=lr, betas=(config.beta1, config.beta2), fused=fused)


@contextlib.contextmanager
def _frozen(module: nn.Module) -> Iterator[None]:
    # what is computed inside has no gradient to the module's weights
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)


@torch.no_grad()
def _follow(average: nn.Module, module: nn.Module, decay: float) -> None:
    # running statistics with the weights that they belong to; counts as they are
    for own, other in zip(average.state_dict().values(), module.state_dict().values(), strict=True):
        if own.is_floating_point():
            own.lerp_(other, 1 - decay)
        else:
            own.copy_(other)
