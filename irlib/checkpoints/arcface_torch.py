"""InsightFace's arcface_torch: IResNet and its own MobileFaceNet, as a bare state dict.

Source: recognition/arcface_torch of InsightFace (Guo and Deng).
"""

from functools import partial

from torch import nn

from irlib.backbones.iresnet import UNITS, IResNet
from irlib.backbones.mobilefacenet_torch import SIZES, MobileFaceNetTorch
from irlib.checkpoints.depths import depth_of
from irlib.checkpoints.family import Family, Weights, embedding_size, fill


def _is_arcface_torch(weights: Weights) -> bool:
    return _is_mobilefacenet(weights) or {"layer1.0.bn1.weight", "prelu.weight"} <= weights.keys()


def _is_mobilefacenet(weights: Weights) -> bool:
    return {"layers.0.layers.0.weight", "conv_sep.layers.0.weight"} <= weights.keys()


def _build(weights: Weights) -> nn.Module:
    if _is_mobilefacenet(weights):
        size = _size(weights)
        embedding = embedding_size(weights, "features.layers.2.weight")
        return fill(partial(MobileFaceNetTorch, size, embedding_size=embedding), weights)
    embedding = embedding_size(weights, "fc.weight")
    return fill(
        partial(IResNet, depth_of(weights, "layer", UNITS), embedding_size=embedding), weights
    )


def _size(weights: Weights) -> str:
    width = next(iter(weights["layers.0.layers.0.weight"].shape), 0)
    widths = {64 * scale: name for name, (_, scale) in SIZES.items()}
    if width not in widths:
        expected = " or ".join(map(str, widths))
        raise ValueError(f"layers.0.layers.0.weight has {width} channels, expected {expected}")
    return widths[width]


FAMILY = Family(
    name="arcface_torch",
    title="arcface_torch of InsightFace",
    recognise=_is_arcface_torch,
    build=_build,
    color_order="RGB",
)
