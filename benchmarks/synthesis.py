"""The step of face age synthesis beside the same step as a straightforward script takes it.

Ours: `irlib.training.synthesis` as a run has it: both loaders, mirroring, the discriminator's step
and the generator's. Plain: the same modules on float batches that lie in memory, channels first;
real and synthesized faces are judged one after the other, the generator's backward also fills the
discriminator's gradients, torch's Adam as it comes, and every loss is read. Both take turns in one
process, and the share is the median of the ratio within a turn. On a GPU networks are in bf16, in
the recipe's batch on one of eight GPUs; memory is the most in our turns beyond what lay there
before. On a processor the shapes are the demo study's, and one thread computes.

Run `python -m benchmarks.synthesis`: two minutes on two cores.
"""

import copy
import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks import turns
from benchmarks.measuring import Chip, Turn, embedding_size, rate, ratio, take_turn, threads
from irlib import backbones, devices, provenance, studies
from irlib.age_invariant.age_head import AgeHead
from irlib.age_invariant.synthesis import Encoder
from irlib.data.faces import Faces
from irlib.training.synthesis.batches import couples
from irlib.training.synthesis.building import Networks, build
from irlib.training.synthesis.config import SynthesisConfig
from irlib.training.synthesis.stepping import SynthesisStepping

GROUPS = 7


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the table."""

    backbone: str
    config: SynthesisConfig
    turns: int = 5  # beside one that warms up
    steps: int = 3  # a turn


class PlainStep:
    """One step a call.

    Args:
        networks: as they are made.
        config: the recipe.
        in_bf16: let autocast choose bf16.
    """

    def __init__(self, networks: Networks, config: SynthesisConfig, *, in_bf16: bool) -> None:
        self.networks, self.config, self.in_bf16 = networks, config, in_bf16
        networks.generator.train()
        networks.discriminator.train()
        self.device = next(networks.generator.parameters()).device
        betas = (config.beta1, config.beta2)
        self.adams = [
            torch.optim.Adam(module.parameters(), lr=1e-4, betas=betas)
            for module in (networks.discriminator, networks.generator)
        ]
        shape = (2, config.batch_size, 3, 112, 112)
        self.images, self.real = torch.rand(shape, device=self.device).mul(2).sub(1)
        self.wanted = torch.arange(config.batch_size, device=self.device) % GROUPS
        self.groups = F.one_hot(self.wanted, GROUPS).float()

    def __call__(self) -> None:
        """Take a step."""
        encoder, discriminator = self.networks.encoder, self.networks.discriminator
        for_discriminator, for_generator = self.adams
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.in_bf16):
            with torch.no_grad():
                seen = encoder.see(self.images)
            fake = self.networks.generator(self.images, seen.pyramid, seen.identity, self.groups)
            real_logits = discriminator(self.real, self.groups)
            fake_logits = discriminator(fake.detach(), self.groups)
        loss = 0.5 * (F.mse_loss(real_logits, torch.ones_like(real_logits)))
        loss = loss + 0.5 * F.mse_loss(fake_logits, torch.zeros_like(fake_logits))
        for_discriminator.zero_grad()
        loss.backward()
        for_discriminator.step()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.in_bf16):
            logits = discriminator(fake, self.groups)
            again = encoder.see(fake)
        total = self.config.adversarial_weight * 0.5 * F.mse_loss(logits, torch.ones_like(logits))
        total = total + self.config.identity_weight * F.mse_loss(again.identity, seen.identity)
        age = F.cross_entropy(encoder.group_logits(again.age), self.wanted)
        for_generator.zero_grad()
        (total + self.config.age_weight * age).backward()
        for_generator.step()
        self.losses = [loss.item(), total.item(), age.item()]


class OurStep:
    """One step a call, by a run's own loaders.

    Args:
        networks: as a run has them.
        config: the recipe.
        data: images with ages.
    """

    def __init__(self, networks: Networks, config: SynthesisConfig, data: Faces) -> None:
        parts = networks.encoder, networks.generator, networks.discriminator
        self.stepping = SynthesisStepping(*parts, config, seed=0)
        self.stepping.train()
        self.couples = iter(couples(data, config, num_groups=GROUPS, seed=0))
        self.steps = 0

    def __call__(self) -> None:
        """Take a step."""
        self.judged = self.stepping.take(next(self.couples), self.steps)
        self.steps += 1


def measured(case: Case, chip: Chip) -> tuple[list[Turn], float]:
    """Seconds of our step and of the plain one in each turn; MiB that ours adds on a GPU."""
    config = case.config
    devices.choose_kernels(tf32=config.tf32, deterministic=config.deterministic)
    torch.compiler.reset()
    data = turns.faces(2 * case.steps * case.turns * config.batch_size, 10)
    ages = 75.0 * np.random.default_rng(0).random(len(data))
    data = dataclasses.replace(data, ages=ages)
    networks = build(
        _encoder(case.backbone), config, seed=0, threads=torch.get_num_threads(), device=chip.device
    )
    bare = copy.deepcopy(networks)
    for module in (bare.encoder, bare.generator, bare.discriminator):
        module.to(memory_format=torch.contiguous_format)
    works = {"plain": PlainStep(bare, config, in_bf16=config.precision == "bf16")}
    take_turn(chip, works)  # so that its memory is there before ours
    before = chip.allocated()
    works["ours"] = OurStep(networks, config, data)
    works = {name: turns.repeated(work, case.steps) for name, work in works.items()}
    found = []
    for _ in range(case.turns + 1):
        turn = {"plain": chip.seconds(works["plain"])}
        chip.allocated()
        turn["ours"] = chip.seconds(works["ours"])
        found.append(turn)
    return found[1:], chip.peak() - before


def _encoder(backbone: str) -> Encoder:
    network = backbones.build(backbone, embedding_size(backbone), "attention")
    return Encoder(network, AgeHead(network.map_shape, GROUPS))


def row(case: Case, chip: Chip) -> dict[str, Any]:
    """Rates and share of a case; dashes where memory does not suffice."""
    config = case.config
    try:
        found, mib = measured(case, chip)
    except torch.OutOfMemoryError:
        found, mib = [dict.fromkeys(("plain", "ours"), math.nan)], math.nan
    images = config.batch_size * case.steps
    told = {
        "backbone": case.backbone,
        "batch": config.batch_size,
        "units": config.units,
        "way": ", ".join([config.precision, *(["compiled"] if config.compile else [])]),
        "our images/s": rate(found, "ours", images),
        "plain images/s": rate(found, "plain", images),
        "ours by plain": ratio(found, "plain", "ours"),
    }
    return told | ({"GPU MiB": mib} if chip.is_gpu else {})


def cases(chip: Chip) -> list[Case]:
    """The demo study's shapes on a processor; the full ones on a GPU, as they are and compiled."""
    if not chip.is_gpu:
        # whole steps: neither the discriminator's alone nor a running average
        whole = {"lead": 0.0, "generator_every": 1, "average": 0.0, "workers": 1}
        demo = dataclasses.replace(studies.find("demo").synthesis, **whole)
        return [Case(backbone="tiny", config=demo)]
    full = SynthesisConfig(
        batch_size=64, precision="bf16", deterministic=False, workers=provenance.available_cores()
    )
    return [
        Case(backbone="ir_50", config=dataclasses.replace(full, compile=mode), steps=10)
        for mode in ("", "default")
    ]


def measure() -> list[dict[str, Any]]:
    """One row a case."""
    chip = Chip.best()
    with threads(1):  # as the demo trains
        return [row(case, chip) for case in cases(chip)]


if __name__ == "__main__":
    for found in measure():
        print({key: round(v, 3) if isinstance(v, float) else v for key, v in found.items()})
