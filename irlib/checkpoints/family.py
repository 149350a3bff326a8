"""What it takes to recognize the files of one project, and to rebuild their network."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

Weights = Mapping[str, Tensor]

_COUNTER = "num_batches_tracked"  # of batch norms; files of before 2018 have none
_NAMED = 4  # entries that a message names
# what draws random numbers
_DRAWS = (
    Tensor.normal_, Tensor.uniform_, nn.init.normal_, nn.init.uniform_, nn.init.kaiming_uniform_,
)  # fmt: skip


@dataclass(frozen=True)
class Family:
    """Files of one layout."""

    name: str
    title: str  # in words, for messages
    recognise: Callable[[Weights], bool]  # by names and shapes; may not raise
    # the network with the tensors in it; raises ValueError with the names that do not fit
    build: Callable[[Weights], nn.Module]
    color_order: str | None  # None: the layout does not tell, and RGB is assumed
    # entries under the names that irlib's network gives them, without those it has no use for
    renamed: Callable[[Weights], Weights] = lambda weights: weights
    # networks that `backbones.build` does not know, by name
    networks: Mapping[str, Callable[[], nn.Module]] = field(default_factory=dict)


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


class _Undrawn(TorchFunctionMode):
    """Draws no random numbers: tensors without memory hold none, and torch loads much to draw."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if func in _DRAWS:
            return args[0] if args else named["tensor"]
        return func(*args, **named)


def without_memory(make: Callable[[], nn.Module]) -> nn.Module:
    """A network whose weights have shapes and no numbers."""
    with torch.device("meta"), _Undrawn():
        return make()


def check_plain(weights: Weights) -> None:
    """Refuse tensors whose numbers do not lie in memory one by one.

    Raises:
        ValueError: some are sparse, quantized, nested, complex or without numbers; they are named.
    """
    odd = [name for name, tensor in weights.items() if not _is_plain(tensor)]
    if odd:
        raise ValueError(
            f"{len(odd)} sparse, quantized or otherwise not plain tensors: {some(odd)}"
        )


def _is_plain(tensor: Tensor) -> bool:
    is_dense = tensor.layout is torch.strided and not tensor.is_nested
    return is_dense and not (tensor.is_quantized or tensor.is_complex() or tensor.is_meta)


def check_finite(weights: Weights) -> None:
    """Refuse plain tensors with NaN or infinity.

    Raises:
        ValueError: some have any; they are named.
    """
    bad = [name for name, tensor in weights.items() if not tensor.float().isfinite().all()]
    if bad:
        raise ValueError(f"{len(bad)} tensors with NaN or infinity: {some(bad)}")


def fill(make: Callable[[], nn.Module], weights: Weights) -> nn.Module:
    """A network with all its tensors from a file, as float32 on the CPU, in evaluation mode.

    Args:
        make: gives the network; it is called without memory for weights.
        weights: every entry of its state dict by name; counts of batches may be missing.

    Raises:
        ValueError: tensors are missing, unexpected, of another shape, or without finite numbers;
            the message names some.
    """
    check_plain(weights)
    network = without_memory(make)
    own = network.state_dict()
    if wrong := misfit(own, weights):
        raise ValueError(str(wrong))
    check_finite(weights)
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
        ValueError: the file has no such tensor, or one without rows.
    """
    if name not in weights:
        raise ValueError(f"1 missing: {name}, which tells the embedding size")
    shape = tuple(weights[name].shape)
    if not shape or shape[0] == 0:
        raise ValueError(f"1 of another shape: {name} {shape}, whose rows tell the embedding size")
    return shape[0]
