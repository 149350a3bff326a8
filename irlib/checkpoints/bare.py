"""Networks that only irlib has, as tensors alone: what an export of its own checkpoints holds."""

from functools import partial

from torch import nn

from irlib.backbones.attention import AttentionSplit
from irlib.backbones.features import Recognition
from irlib.backbones.residual import ResidualSplit
from irlib.backbones.tiny import Tiny
from irlib.checkpoints import adaface, arcface_torch, ir, mobilefacenet
from irlib.checkpoints.brought import embedding_size_of
from irlib.checkpoints.family import Family, Weights, embedding_size, fill, some
from irlib.checkpoints.own import OWN

_INNER = "backbone."  # where a network that splits age off holds its backbone
_SPLITS = {"fsm.": AttentionSplit, "rfm.": ResidualSplit}  # by the part that splits it off


def _is_own(weights: Weights) -> bool:
    return _is_tiny(weights) or (bool(_inner(weights)) and len(_splits(weights)) == 1)


def _is_tiny(weights: Weights) -> bool:
    return {"stem.0.weight", "output.1.weight"} <= weights.keys()


def _inner(weights: Weights) -> Weights:
    return {n.removeprefix(_INNER): t for n, t in weights.items() if n.startswith(_INNER)}


def _splits(weights: Weights) -> list[type[nn.Module]]:
    return [split for part, split in _SPLITS.items() if any(n.startswith(part) for n in weights)]


def _build(weights: Weights) -> nn.Module:
    if _is_tiny(weights):
        return fill(partial(Tiny, embedding_size(weights, "output.1.weight")), weights)
    inner = _inner(weights)
    known = (ir.FAMILY, mobilefacenet.FAMILY, adaface.FAMILY, arcface_torch.FAMILY, FAMILY)
    family = next((family for family in known if family.recognise(inner)), None)
    if family is None:
        raise ValueError(f"its backbone is unknown: {len(inner)} entries below {_INNER}")
    backbone = family.build(inner)
    (split,) = _splits(weights)
    try:
        network = fill(partial(split, backbone, embedding_size_of(backbone)), weights)
    except ValueError as error:
        beside = [name for name in weights if not name.startswith(_INNER)]
        raise ValueError(
            f"what splits age off is not irlib's ({some(beside)}), and the backbone alone still "
            f"holds the age; {error}"
        ) from None
    return Recognition(network).eval()


FAMILY = Family(
    name=OWN,
    title="irlib",
    recognise=_is_own,
    build=_build,
    color_order="RGB",
)
