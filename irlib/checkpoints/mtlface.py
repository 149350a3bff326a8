"""MTLFace's networks, of the paper's code and of the released package: what recognizes faces.

Source: Huang et al., "When Age-Invariant Face Recognition Meets Face Age Synthesis", CVPR 2021,
its code, and the package that its authors released with the article in TPAMI, 2022.
"""

import re
from functools import partial

from torch import nn

from irlib.backbones.attention import AttentionGates
from irlib.backbones.mtlface import UNITS, MTLFaceEncoder, ReleasedGates
from irlib.checkpoints.depths import depth_of
from irlib.checkpoints.family import Family, Weights, embedding_size, fill

_PREFIX = "encoder."  # of the network in the released package
# what the released package holds beside it: synthesis and an estimator of ages
_OTHERS = re.compile(
    r"decoder\.|age_estimator\.|encoder\.(styles\.|upsample\d\.|latlayer\d\.|aging\d\.)"
)


def _is_mtlface(weights: Weights) -> bool:
    markers = ("block1.0.res_layer.0.weight", "fsm.channel.0.weight")
    return any({prefix + name for name in markers} <= weights.keys() for prefix in ("", _PREFIX))


def _build(weights: Weights) -> nn.Module:
    kept = _recognition(weights)
    gate = kept["fsm.channel.0.weight"]  # (hidden values, pooled values, 1, 1)
    # the released package concatenates the two kinds of pools that the paper's code adds
    gates = ReleasedGates if gate.shape[1:2] == (2 * 14 * 512,) else AttentionGates
    network = partial(
        MTLFaceEncoder,
        depth_of(kept, "block", UNITS),
        squeeze="block1.0.res_layer.6.fc1.weight" in kept,
        gates=gates,
        embedding_size=embedding_size(kept, "output_layer.3.weight"),
    )
    return fill(network, kept)


def _recognition(weights: Weights) -> Weights:
    return {n.removeprefix(_PREFIX): t for n, t in weights.items() if not _OTHERS.match(n)}


_NETWORKS = {
    f"MTLFace of depth {depth}{also}": partial(MTLFaceEncoder, depth, squeeze=squeeze, gates=gates)
    for squeeze, gates, also in (
        (False, AttentionGates, ""),
        (True, AttentionGates, " with squeeze and excitation"),
        (False, ReleasedGates, " as in the released package"),
    )
    for depth in UNITS
}

FAMILY = Family(
    name="mtlface",
    title="MTLFace",
    recognise=_is_mtlface,
    build=_build,
    color_order="RGB",
    renamed=_recognition,
    networks=_NETWORKS,
)
