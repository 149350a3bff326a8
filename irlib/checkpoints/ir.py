"""IR and IR-SE of InsightFace_Pytorch, and so of Inter-Prototype: one layout, trained both ways.

Source: the released code of Inter-Prototype (Lee et al., BMVC 2021), which builds on it.
"""

import re
from functools import partial

from torch import nn

from irlib.backbones.ir import IR, UNITS
from irlib.checkpoints.family import Family, Weights, embedding_size, fill

_UNIT = re.compile(r"body\.(\d+)\.")


def _is_ir(weights: Weights) -> bool:
    # without a batch norm between them, the second convolution is the fourth of the layers
    second = weights.get("body.0.res_layer.3.weight")
    return "input_layer.0.weight" in weights and second is not None and second.ndim == 4


def _build(weights: Weights) -> nn.Module:
    depths = {sum(counts): depth for depth, counts in UNITS.items()}
    squeeze = any(name.endswith("res_layer.5.fc1.weight") for name in weights)
    size = embedding_size(weights, "output_layer.3.weight")
    depth = depths[unit_count(weights, tuple(depths))]
    return fill(partial(IR, depth, squeeze=squeeze, embedding_size=size), weights)


def unit_count(weights: Weights, known: tuple[int, ...]) -> int:
    """Residual units ``body.<i>`` of a network of one of some known numbers.

    Raises:
        ValueError: another number.
    """
    found = {int(match[1]) for match in map(_UNIT.match, weights) if match}
    count = max(found, default=-1) + 1
    if count not in known:
        expected = ", ".join(map(str, sorted(known)))
        raise ValueError(f"body has {count} units, expected one of {expected}")
    return count


FAMILY = Family(
    name="ir",
    title="IR and IR-SE of InsightFace_Pytorch and Inter-Prototype",
    recognise=_is_ir,
    build=_build,
    color_order=None,  # Inter-Prototype's own are in effect BGR, others were trained on RGB
)
