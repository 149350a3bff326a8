"""Backbones by name."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from irlib.backbones.adaface_ir import AdaFaceIR
from irlib.backbones.attention import AttentionSplit
from irlib.backbones.features import Recognition
from irlib.backbones.ir import IR
from irlib.backbones.iresnet import IResNet
from irlib.backbones.mobilefacenet import MobileFaceNet
from irlib.backbones.mobilefacenet_torch import MobileFaceNetTorch
from irlib.backbones.residual import ResidualSplit
from irlib.backbones.tiny import Tiny
from irlib.values import unknown

_BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "ir_18": partial(IR, 18),
    "ir_34": partial(IR, 34),
    "ir_50": partial(IR, 50),
    "ir_100": partial(IR, 100),
    "ir_152": partial(IR, 152),
    "ir_se_50": partial(IR, 50, squeeze=True),
    "ir_se_100": partial(IR, 100, squeeze=True),
    "ir_se_152": partial(IR, 152, squeeze=True),
    "adaface_ir_18": partial(AdaFaceIR, 18),
    "adaface_ir_34": partial(AdaFaceIR, 34),
    "adaface_ir_50": partial(AdaFaceIR, 50),
    "adaface_ir_101": partial(AdaFaceIR, 101),
    "adaface_ir_152": partial(AdaFaceIR, 152),
    "adaface_ir_200": partial(AdaFaceIR, 200),
    "adaface_ir_se_50": partial(AdaFaceIR, 50, squeeze=True),
    "adaface_ir_se_101": partial(AdaFaceIR, 101, squeeze=True),
    "adaface_ir_se_152": partial(AdaFaceIR, 152, squeeze=True),
    "adaface_ir_se_200": partial(AdaFaceIR, 200, squeeze=True),
    "iresnet_18": partial(IResNet, 18),
    "iresnet_34": partial(IResNet, 34),
    "iresnet_50": partial(IResNet, 50),
    "iresnet_100": partial(IResNet, 100),
    "iresnet_200": partial(IResNet, 200),
    "mobilefacenet": MobileFaceNet,
    "mbf": MobileFaceNetTorch,
    "mbf_large": partial(MobileFaceNetTorch, "mbf_large"),
    "tiny": Tiny,
}
NAMES = tuple(_BUILDERS)

# Ways to split age off: each a module class of (backbone, embedding_size), images to `Features`.
DECOMPOSITIONS: dict[str, type[nn.Module]] = {
    "attention": AttentionSplit,
    "residual": ResidualSplit,
}


def sources(name: str, decomposition: str = "") -> tuple[str, ...]:
    """The modules that hold a network's code.

    Raises:
        ValueError: an unknown name.
    """
    builder = _builder(name)
    split = (_decomposition(decomposition).__module__,) if decomposition else ()
    return (getattr(builder, "func", builder).__module__, *split)


def arguments(name: str) -> list[Any]:
    """What a backbone's constructor is given besides the embedding size, as plain JSON values.

    Raises:
        ValueError: an unknown name.
    """
    builder = _builder(name)
    return [list(builder.args), dict(builder.keywords)] if isinstance(builder, partial) else []


def build(name: str, embedding_size: int = 512, decomposition: str = "") -> nn.Module:
    """A backbone with random weights: images (B, 3, 112, 112) to embeddings (B, D).

    Images are float, RGB in [-1, 1]; the embeddings are not normalised.

    Args:
        name: one of `NAMES`.
        embedding_size: D, at least 1.
        decomposition: one of `DECOMPOSITIONS`; the network then gives `Features` instead, of
            which `recognition` takes the embeddings. Empty: none.

    Raises:
        ValueError: an unknown name, or a size below 1.
    """
    builder = _builder(name)
    if embedding_size < 1:
        raise ValueError(f"embedding_size: expected at least 1, got {embedding_size}")
    backbone = builder(embedding_size=embedding_size)
    return _decomposition(decomposition)(backbone, embedding_size) if decomposition else backbone


def name_of(network: nn.Module) -> str:
    """The name under which `build` gives a network of this kind, of any size; empty for none."""
    names = network.state_dict().keys()
    for name, builder in _BUILDERS.items():
        if type(network) is getattr(builder, "func", builder):
            with torch.device("meta"):
                if builder().state_dict().keys() == names:
                    return name
    return ""


def recognition(network: nn.Module) -> nn.Module:
    """The part of a network that evaluation needs: images to embeddings (B, D), weights shared."""
    is_split = isinstance(network, tuple(DECOMPOSITIONS.values()))
    return Recognition(network) if is_split else network


def _decomposition(name: str) -> Callable[[nn.Module, int], nn.Module]:
    if name not in DECOMPOSITIONS:
        raise ValueError(unknown("decomposition", name, DECOMPOSITIONS))
    return DECOMPOSITIONS[name]


def _builder(name: str) -> Callable[..., nn.Module]:
    if name not in _BUILDERS:
        raise ValueError(unknown("backbone", name, NAMES))
    return _BUILDERS[name]
