"""MobileFaceNet of Inter-Prototype and of InsightFace_Pytorch: one network, two sets of names."""

from functools import partial

from torch import nn

from irlib.backbones.mobilefacenet import MobileFaceNet
from irlib.checkpoints.family import Family, Weights, embedding_size, fill

# InsightFace_Pytorch's names of the parts, in the order in which Inter-Prototype numbers them
_PARTS = (
    "conv1", "conv2_dw", "conv_23", "conv_3", "conv_34", "conv_4", "conv_45", "conv_5",
    "conv_6_sep", "conv_6_dw",
)  # fmt: skip
_RENAMED = {
    **{part: f"model.{index}" for index, part in enumerate(_PARTS)},
    "linear": "linear.0",
    "bn": "linear.1",
}


def _is_mobilefacenet(weights: Weights) -> bool:
    return _has_parts(weights) or {"model.0.conv.weight", "linear.0.weight"} <= weights.keys()


def _has_parts(weights: Weights) -> bool:
    return {"conv1.conv.weight", "linear.weight"} <= weights.keys()


def _build(weights: Weights) -> nn.Module:
    if _has_parts(weights):
        weights = _renamed(weights)
    size = embedding_size(weights, "linear.0.weight")
    return fill(partial(MobileFaceNet, size), weights)


def _renamed(weights: Weights) -> Weights:
    named = [(name.partition("."), tensor) for name, tensor in weights.items()]
    return {f"{_RENAMED.get(part, part)}{dot}{rest}": t for (part, dot, rest), t in named}


FAMILY = Family(
    name="mobilefacenet",
    title="MobileFaceNet of InsightFace_Pytorch and Inter-Prototype",
    recognise=_is_mobilefacenet,
    build=_build,
    color_order=None,
    renamed=_renamed,
)
