"""What the tests of synthesis training share: small networks, a recipe, and runs of it."""

import copy
from dataclasses import replace

import numpy as np
import torch
from torch import nn
from training_runs import Killed, weights_of

from irlib import parallel
from irlib.age_invariant.mtlface import MTLFace
from irlib.age_invariant.synthesis import Encoder, Generator, GeneratorShape, PatchDiscriminator
from irlib.backbones.attention import AttentionSplit
from irlib.data.faces import open_faces
from irlib.data.loading import TrainLoader
from irlib.heads import CosFace
from irlib.training.config import TrainConfig
from irlib.training.synthesis.batches import couples
from irlib.training.synthesis.config import SynthesisConfig
from irlib.training.synthesis.loop import train_synthesis
from irlib.training.synthesis.recognition import Recognition
from irlib.training.synthesis.recorder import SynthesisRecorder

GROUPS = 4
AGES = np.tile([20.0, 35.0, 45.0, 60.0], 5)[:19]  # years, one of each group of four
AGES[-1] = np.nan
MODEL = {"backbone": "toy", "embedding_size": 8, "decomposition": "attention", "input": {}}
# 19 images in batches of 4: five steps an epoch, the last of them of three images
RECIPE = SynthesisConfig(
    steps=6, batch_size=4, lr_generator=2e-3, lr_discriminator=2e-3, units=10, blocks=1,
    widths=(6, 6, 4, 4), discriminator_width=4, log_every=1, save_every=4, workers=0,
)  # fmt: skip
RECOGNITION = TrainConfig(
    epochs=1, milestones=(), batch_size=4, lr=0.02, log_every=1, save_every=1000, workers=0
)


class Net(nn.Module):
    """Maps of 14 and 7 pixels, and a layer with dropout that makes embeddings of the latter."""

    map_shape = (8, 7, 7)

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.AvgPool2d(8), nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8))
        self.second = nn.Sequential(nn.PReLU(8), nn.Conv2d(8, 8, 2, 2), nn.BatchNorm2d(8))
        self.output = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(392, 8), nn.BatchNorm1d(8)
        )

    def pyramid(self, images):
        first = self.first(images.to(self.output[2].weight.dtype))
        return [first, self.second(first)]

    def maps(self, images):
        return self.pyramid(images)[-1]

    def embed_maps(self, maps):
        return self.output(maps)


class WideGenerator(Generator):
    """Of float64, on images of float32."""

    def forward(self, images, pyramid, identity, groups):
        return super().forward(images.double(), pyramid, identity, groups.double())


class WideDiscriminator(PatchDiscriminator):
    """Of float64, on images of float32."""

    def forward(self, images, groups):
        return super().forward(images.double(), groups.double())


class Mortal:
    """Couples of batches that die before one of them, counted from 0 in this process."""

    def __init__(self, couples, kill_at):
        self.couples, self.kill_at = couples, kill_at

    def __iter__(self):
        for number, couple in enumerate(self.couples):
            if number == self.kill_at:
                raise Killed
            yield couple

    def __getattr__(self, name):
        return getattr(self.couples, name)


class Run:
    """One synthesis training, that can be built again and again over the same folder."""

    def __init__(self, crops, folder):
        self.crops, self.folder = crops, folder

    def build(self, recipe=RECIPE, *, key="k", wide=False):
        """Everything but what is trained along, from seed 0; float64 if it is wide."""
        torch.manual_seed(0)
        self.recipe = recipe
        self.network, self.objective = recognition_modules()
        network, head = copy.deepcopy((self.network, self.objective.age_head))
        self.encoder = Encoder(network, head)
        shape = GeneratorShape(units=recipe.units, blocks=recipe.blocks, widths=recipe.widths)
        kind = WideGenerator if wide else Generator
        self.generator = kind(self.encoder.map_shapes, GROUPS, shape)
        judge = WideDiscriminator if wide else PatchDiscriminator
        self.discriminator = judge(GROUPS, recipe.discriminator_width)
        if wide:
            for module in (self.encoder, self.generator, self.discriminator):
                module.double()
        faces = self.faces()
        self.batches = couples(faces, recipe, num_groups=GROUPS, seed=1)
        self.recorder = SynthesisRecorder(self.folder, model=MODEL, key=key)
        return self

    def faces(self):
        return replace(open_faces(self.crops.root), ages=AGES)

    def recognition(self, **changes):
        """The training of recognition beside it."""
        loader = recognition_loader(self.faces())
        recipe = replace(RECOGNITION, **changes)
        return Recognition(self.network, self.objective, loader, recipe, seed=5)

    def train(self, *, kill_at=None, recognition=None):
        """The history; up to a kill at the beginning of a step, counted from 0."""
        batches = self.batches if kill_at is None else Mortal(self.batches, kill_at)
        torch.manual_seed(3)
        try:
            return train_synthesis(
                self.encoder, self.generator, self.discriminator, batches, self.recipe,
                self.recorder, seed=5, recognition=recognition,
            )  # fmt: skip
        except Killed:
            return self.recorder.lines


def recognition_modules():
    network = AttentionSplit(Net(), 8)
    return network, MTLFace(CosFace(8, 4, scale=8.0), network.map_shape, num_groups=GROUPS)


def recognition_loader(faces):
    share = {"rank": parallel.rank(), "size": parallel.size()}
    return TrainLoader(faces, batch_size=RECOGNITION.batch_size, seed=1, **share)


def made(run):
    """A copy of all that a synthesis training makes."""
    return weights_of(run.generator, run.discriminator)
