"""Faces at other ages, by a trained generator.

Shapes: b images, G age groups.
"""

from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from irlib.age_invariant.synthesis import files
from irlib.age_invariant.synthesis.encoder import Encoder
from irlib.age_invariant.synthesis.generator import Generator


class Synthesizer(nn.Module):
    """Encoder and generator as one: faces and age groups in, faces out.

    Args:
        encoder: that the generator was trained on.
        generator: used as it is, and put in evaluation mode.

    Raises:
        ValueError: the two do not have the same number of age groups.
    """

    def __init__(self, encoder: Encoder, generator: Generator) -> None:
        super().__init__()
        if encoder.num_groups != generator.num_groups:
            raise ValueError(
                f"generator: expected {encoder.num_groups} age groups as the encoder's age head, "
                f"got {generator.num_groups}"
            )
        self.encoder, self.generator = encoder, generator
        self.num_groups = generator.num_groups
        self.eval()

    @classmethod
    def load(cls, path: Path) -> Self:
        """The synthesizer of a checkpoint of synthesis, on the CPU.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is damaged, of something else, or does not fit; the message names it.
        """
        content = files.load(path)
        try:
            encoder = Encoder.of(content)
            return cls(encoder, files.generator_of(content, encoder.map_shapes))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def forward(self, images: Tensor, groups: Tensor) -> Tensor:
        """The faces (b, 3, 112, 112) at the ages of the groups, in [-1, 1].

        Args:
            images: (b, 3, 112, 112) RGB in [-1, 1].
            groups: (b, G) weight of each group; see `one_group` and `between`.
        """
        seen = self.encoder.see(images)
        return self.generator(images, seen.pyramid, seen.identity, groups).clamp(-1, 1)


def to_pixels(images: Tensor) -> Tensor:
    """Pixels (b, 112, 112, 3), uint8, of images (b, 3, 112, 112) in [-1, 1]; others are cut."""
    pixels = ((images.float() + 1) * 127.5).round().clamp(0, 255)
    return pixels.to(torch.uint8).permute(0, 2, 3, 1).contiguous()
