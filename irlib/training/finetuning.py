"""First weights of a training that are those of a checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from irlib import checkpoints, provenance
from irlib.objectives import Objective

_INNER = "backbone."  # where a network that splits age off holds its backbone

Weights = Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a training took from a checkpoint; the default: nothing."""

    path: str = ""
    digest: str = ""  # of the file
    network: int = 0  # tensors taken
    objective: tuple[str, ...] = ()  # parameters taken
    fresh: tuple[str, ...] = ()  # parameters that stay random


NOTHING = Taken()


def take_weights(
    path: Path, network: nn.Module, objective: Objective, *, model: Mapping[str, Any]
) -> Taken:
    """What was taken of a checkpoint into a fresh network and objective, in place.

    The backbone must fit as a whole. Where the checkpoint was trained on the same classes, those
    parameters of the objective are taken whose name and shape fit, such as the prototypes. Running
    state of the objective, such as averages and queues, starts anew.

    Args:
        path: any checkpoint that `irlib.checkpoints.load` reads.
        network: with or without a part that splits age off, whatever the checkpoint's has.
        objective: of the method that is to be trained.
        model: what the new checkpoints will record; of it ``input`` must agree, and ``classes``
            decides on the objective.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: damaged, no checkpoint, of another input, or of another backbone; the message
            names the file and what does not fit.
    """
    content = checkpoints.load(path)
    trained = content["model"]
    if "input" in trained and dict(trained["input"]) != dict(model["input"]):
        found, expected = trained["input"], model["input"]
        raise ValueError(f"{path}: was trained on {found}, expected {expected}")
    part, weights = _matching(network, content["backbone"])
    if wrong := _misfit(part.state_dict(), weights):
        raise ValueError(f"{path}: its backbone does not fit this network: {wrong}")
    part.load_state_dict(weights)
    own = dict(objective.named_parameters())
    given = content["objective"] if trained.get("classes") == model["classes"] else {}
    taken = [n for n, value in own.items() if n in given and given[n].shape == value.shape]
    with torch.no_grad():
        for name in taken:
            own[name].copy_(given[name])
    inside = {id(parameter) for parameter in part.parameters()}
    beside = [name for name, value in network.named_parameters() if id(value) not in inside]
    return Taken(
        path=str(path),
        digest=provenance.file_digest(path),
        network=len(weights),
        objective=tuple(taken),
        fresh=(*beside, *(name for name in own if name not in taken)),
    )


def _matching(network: nn.Module, weights: Weights) -> tuple[nn.Module, Weights]:
    # the whole of both where they are of one kind, else the backbones inside
    if not _misfit(network.state_dict(), weights):
        return network, weights
    inner = {n.removeprefix(_INNER): w for n, w in weights.items() if n.startswith(_INNER)}
    return getattr(network, _INNER[:-1], network), inner or weights


def _misfit(own: Weights, given: Weights) -> str:
    """The first weight that does not fit, in words; empty if all do."""
    for name in (*own, *given):
        if name not in own or name not in given:
            return f"{name} is in {'that' if name in given else 'this'} one only"
        if own[name].shape != given[name].shape:
            return f"{name} is {tuple(given[name].shape)}, expected {tuple(own[name].shape)}"
    return ""
