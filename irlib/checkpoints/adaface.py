"""AdaFace's networks, in its Lightning checkpoints or as a plain state dict.

Source: Kim et al., "AdaFace: Quality Adaptive Margin for Face Recognition", CVPR 2022; its code.
"""

from functools import partial

from torch import nn

from irlib.backbones.adaface_ir import UNITS, AdaFaceIR
from irlib.checkpoints.family import Family, Weights, embedding_size, fill
from irlib.checkpoints.ir import unit_count


def _is_adaface(weights: Weights) -> bool:
    # with a batch norm between them, the second convolution is the fifth of the layers
    second = weights.get("body.0.res_layer.4.weight")
    return "input_layer.0.weight" in weights and second is not None and second.ndim == 4


def _build(weights: Weights) -> nn.Module:
    depths = {sum(counts): depth for depth, counts in UNITS.items()}
    squeeze = any(name.endswith("se_block.fc1.weight") for name in weights)
    size = embedding_size(weights, "output_layer.3.weight")
    depth = depths[unit_count(weights, tuple(depths))]
    return fill(partial(AdaFaceIR, depth, squeeze=squeeze, embedding_size=size), weights)


FAMILY = Family(
    name="adaface",
    title="AdaFace",
    recognise=_is_adaface,
    build=_build,
    color_order="BGR",
)
