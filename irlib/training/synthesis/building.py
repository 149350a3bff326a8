"""The networks of face age synthesis, built alike in every process.

All of this counts in the key of a run; see `irlib.graph.synthesis_key`.
"""

from dataclasses import dataclass

import torch

from irlib import devices
from irlib.age_invariant.synthesis.discriminator import PatchDiscriminator
from irlib.age_invariant.synthesis.encoder import Encoder
from irlib.age_invariant.synthesis.generator import Generator, GeneratorShape
from irlib.training.synthesis.config import SynthesisConfig


@dataclass(frozen=True, eq=False)
class Networks:
    """What takes part in a synthesis training, all on one device."""

    encoder: Encoder
    generator: Generator
    discriminator: PatchDiscriminator


def build(
    encoder: Encoder, config: SynthesisConfig, *, seed: int, threads: int, device: torch.device
) -> Networks:
    """Generator and discriminator with random weights, beside the encoder that they learn from.

    Memory, torch's threads and its generators are set.

    Args:
        encoder: with trained weights; it is moved.
        config: says how wide the others are.
        seed: of their weights.
        threads: of the CPU.
        device: where all of them go.

    Raises:
        ValueError: widths that do not fit the encoder's maps.
    """
    devices.keep_freed_memory()
    torch.set_num_threads(threads)
    devices.seed_everything(seed)
    shape = GeneratorShape(units=config.units, blocks=config.blocks, widths=config.widths)
    generator = Generator(encoder.map_shapes, encoder.num_groups, shape)
    discriminator = PatchDiscriminator(encoder.num_groups, config.discriminator_width)
    place = {"device": device, "memory_format": torch.channels_last}
    return Networks(encoder.to(**place), generator.to(**place), discriminator.to(**place))
