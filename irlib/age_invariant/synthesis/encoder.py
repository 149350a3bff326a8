"""What synthesis sees of a face: a trained recognition network and its age head, both frozen.

Shapes: b images, C channels of the last maps, D embedding, G age groups.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn

from irlib.age_invariant.age_head import AgeHead, dex_age
from irlib.backbones.checks import IMAGE_SIZE
from irlib.checkpoints.family import fill
from irlib.checkpoints.own import recognition_network

_HEAD = "age_head."  # of the objective's entries


class Seen(NamedTuple):
    """The maps of images, and the two parts that the last of them fall into."""

    pyramid: list[Tensor]  # maps (b, c, h, h) of each size, finest first
    identity: Tensor  # (b, C, 7, 7)
    age: Tensor  # (b, C, 7, 7)


class Encoder(nn.Module):
    """A network that parts age from identity, with the head that reads the age.

    Its weights take no gradient and it is always in evaluation mode; gradients reach the images.

    Args:
        network: has `pyramid`, `part` and `embed_maps`: an `AttentionSplit` or `MTLFaceEncoder`.
            It is used as it is, not copied, and is frozen from now on.
        age_head: of its age maps; likewise.
    """

    def __init__(self, network: nn.Module, age_head: AgeHead) -> None:
        super().__init__()
        self.network, self.age_head = network, age_head
        self.requires_grad_(False).eval()
        self.num_groups: int = age_head.group_output_layer.out_features
        device = next(network.parameters()).device
        with torch.no_grad():
            pyramid = network.pyramid(torch.zeros(1, 3, IMAGE_SIZE, IMAGE_SIZE, device=device))
        self.map_shapes = tuple(tuple(maps.shape[1:]) for maps in pyramid)

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """The encoder in a checkpoint of a recognition training, or of a synthesis training.

        Args:
            content: what `irlib.checkpoints.load` gave.

        Raises:
            ValueError: its network does not split age off by attention, it has no age head, or
                weights do not fit; the message says what is missing.
        """
        decomposition = content["model"].get("decomposition", "")
        if decomposition != "attention":
            raise ValueError(
                f"model: decomposition is {decomposition!r}, expected 'attention': synthesis needs "
                "a network that splits age off by attention, as method mtlface trains"
            )
        network = recognition_network(content).network
        return cls(network, _age_head(content["objective"], network.map_shape))

    def train(self, mode: bool = True) -> Self:
        """Itself, in evaluation mode whatever is asked."""
        return super().train(False)

    def refresh(self, network: nn.Module, age_head: nn.Module) -> None:
        """Take the present weights of another network and age head of the same shapes.

        This is for joint training, where those two go on learning and the encoder is a copy.
        """
        self.network.load_state_dict(network.state_dict())
        self.age_head.load_state_dict(age_head.state_dict())

    def see(self, images: Tensor) -> Seen:
        """The maps of images (b, 3, 112, 112), RGB in [-1, 1]."""
        pyramid = self.network.pyramid(images)
        return Seen(pyramid, *self.network.part(pyramid[-1]))

    def group_logits(self, age_maps: Tensor) -> Tensor:
        """Logits (b, G) of the age groups of age maps (b, C, 7, 7)."""
        return self._read(age_maps)[1]

    def years(self, images: Tensor) -> Tensor:
        """The expected age (b,), years, of images (b, 3, 112, 112) in [-1, 1]."""
        return dex_age(self._read(self.see(images).age)[0])

    def embed(self, images: Tensor) -> Tensor:
        """Embeddings (b, D) of the identity, not normalized, of images (b, 3, 112, 112)."""
        return self.network.embed_maps(self.see(images).identity)

    def _read(self, age_maps: Tensor) -> tuple[Tensor, Tensor]:
        everyone = torch.ones(len(age_maps), dtype=torch.bool, device=age_maps.device)
        return self.age_head(age_maps, everyone)


def _age_head(objective: Mapping[str, Tensor], map_shape: tuple[int, int, int]) -> AgeHead:
    weights = {n.removeprefix(_HEAD): t for n, t in objective.items() if n.startswith(_HEAD)}
    last = "group_output_layer.weight"
    if last not in weights:
        raise ValueError(
            f"objective: no {_HEAD}{last}, expected the age head that method mtlface trains"
        )
    try:
        return fill(partial(AgeHead, map_shape, len(weights[last])), weights)
    except ValueError as error:
        raise ValueError(f"objective: the entries {_HEAD}* do not fit: {error}") from None
