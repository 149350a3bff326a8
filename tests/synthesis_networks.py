"""Small networks of synthesis with random weights, and the lists of the authors' entries."""

import json
from pathlib import Path

import torch

from irlib import backbones
from irlib.age_invariant.age_head import AgeHead
from irlib.age_invariant.synthesis import Encoder, Generator, GeneratorShape, PatchDiscriminator

KEYS = json.loads((Path(__file__).parent / "fixtures" / "mtlface_synthesis_keys.json").read_text())
NARROW = GeneratorShape(units=16, blocks=1, widths=(16, 8, 8, 4))


def images(count=2):
    """Random images (count, 3, 112, 112) in [-1, 1]."""
    return torch.rand(count, 3, 112, 112, generator=torch.Generator().manual_seed(0)) * 2 - 1


def encoder(num_groups=7):
    """An encoder of the smallest backbone."""
    torch.manual_seed(0)
    network = backbones.build("tiny", 8, "attention")
    return Encoder(network, AgeHead(network.map_shape, num_groups))


def generator(encoder):
    """A narrow generator for an encoder, in evaluation mode."""
    torch.manual_seed(1)
    return Generator(encoder.map_shapes, encoder.num_groups, NARROW).eval()


def recognition(encoder):
    """What a recognition training of an encoder would have saved, as far as synthesis needs it."""
    model = {"backbone": "tiny", "embedding_size": 8, "decomposition": "attention", "input": {}}
    head = {f"age_head.{name}": value for name, value in encoder.age_head.state_dict().items()}
    return {"model": model, "backbone": encoder.network.state_dict(), "objective": head}


def discriminator(num_groups=7):
    """A narrow discriminator."""
    torch.manual_seed(2)
    return PatchDiscriminator(num_groups, 8)
