"""Face age synthesis: MTLFace's second task, on a network that its first one trained.

An encoder parts age from identity; a generator draws the face of that identity at an asked age
group; a discriminator tells its faces from real ones of that group. `irlib.training.synthesis`
trains them, `Synthesizer` uses them.
"""

from irlib.age_invariant.synthesis.discriminator import PatchDiscriminator
from irlib.age_invariant.synthesis.encoder import Encoder, Seen
from irlib.age_invariant.synthesis.generator import Generator, GeneratorShape
from irlib.age_invariant.synthesis.groups import between, check_group, group_names, one_group
from irlib.age_invariant.synthesis.losses import discriminator_loss, generator_losses
from irlib.age_invariant.synthesis.synthesizer import Synthesizer, to_pixels

__all__ = [
    "Encoder",
    "Generator",
    "GeneratorShape",
    "PatchDiscriminator",
    "Seen",
    "Synthesizer",
    "between",
    "check_group",
    "discriminator_loss",
    "generator_losses",
    "group_names",
    "one_group",
    "to_pixels",
]
