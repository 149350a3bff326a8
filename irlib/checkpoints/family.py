"""What it takes to recognize the files of one project, and to rebuild their network."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Weights = Mapping[str, Tensor]

_COUNTER = "num_batches_tracked"  # of batch norms; files of before 2018 have none
_NAMED = 4  # entries that a message names


@dataclass(frozen=True)
class Family:
    """Files of one layout."""

    name: str
    title: str  # in words, for messages
    recognise: Callable[[Weights], bool]  # by names and shapes; may not raise
    # the network with the tensors in it; raises ValueError with the names that do not fit
    build: Callable[[Weights], nn.Module]
    color_order: str | None  # None: the layout does not tell, and RGB is assumed


@dataclass(frozen=True)
class Misfit:
    """How the tensors of a file differ from those of a network."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    reshaped: tuple[str, ...]  # name, shape found and shape expected, in words

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.reshaped)

    def __str__(self) -> str:
        parts = (
            ("missing", self.missing),
            ("unexpected", self.unexpected),
            ("of another shape", self.reshaped),
        )
        return "; ".join(f"{len(names)} {what}: {some(names)}" for what, names in parts if names)


def misfit(own: Weights, given: Weights) -> Misfit:
    """How given tensors differ from a network's own; false where they fit."""
    return Misfit(
        missing=tuple(n for n in own if n not in given and not n.endswith(_COUNTER)),
        unexpected=tuple(n for n in given if n not in own),
        reshaped=tuple(
            f"{n} {tuple(given[n].shape)}, expected {tuple(own[n].shape)}"
            for n in own
            if n in given and given[n].shape != own[n].shape
        ),
    )


def fill(make: Callable[[], nn.Module], weights: Weights) -> nn.Module:
    """A network with all its tensors from a file, as float32 on the CPU, in evaluation mode.

    Args:
        make: gives the network; it is called without memory for weights.
        weights: every entry of its state dict by name; counts of batches may be missing.

    Raises:
        ValueError: tensors are missing, unexpected or of another shape; the message names some.
    """
    with torch.device("meta"):
        network = make()
    own = network.state_dict()
    if wrong := misfit(own, weights):
        raise ValueError(str(wrong))
    given = {name: _plain(weights.get(name, torch.tensor(0)), own[name]) for name in own}
    network.load_state_dict(given, assign=True)
    return network.eval()


def _plain(tensor: Tensor, own: Tensor) -> Tensor:
    # contiguous and apart from the file's other tensors, which are freed with it
    return tensor.detach().to(own.dtype, memory_format=torch.contiguous_format, copy=True)


def some(names: Sequence[str]) -> str:
    """The first few of some names, in words."""
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def embedding_size(weights: Weights, name: str) -> int:
    """Rows of the tensor that gives the embedding.

    Raises:
        ValueError: the file has no such tensor.
    """
    if name not in weights:
        raise ValueError(f"1 missing: {name}, which tells the embedding size")
    return len(weights[name])
