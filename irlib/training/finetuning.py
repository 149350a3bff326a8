"""First weights of a training that are those of a checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from irlib import backbones, checkpoints, provenance
from irlib.backbones.features import Recognition
from irlib.checkpoints.brought import check_color_order
from irlib.checkpoints.family import Weights, check_finite, check_plain, misfit
from irlib.objectives import Objective

_INNER = "backbone."  # where a network that splits age off holds its backbone


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a training took from a checkpoint; the default: nothing."""

    path: str = ""
    digest: str = ""  # of the file
    network: int = 0  # tensors taken
    objective: tuple[str, ...] = ()  # parameters taken
    fresh: tuple[str, ...] = ()  # parameters that stay random


NOTHING = Taken()


@dataclass(frozen=True)
class _Given:
    """What a file has to give."""

    title: str  # of its network
    weights: Weights
    model: Mapping[str, Any]  # what irlib recorded; empty for a file made elsewhere
    objective: Weights


def take_weights(
    path: Path,
    network: nn.Module,
    objective: Objective,
    *,
    model: Mapping[str, Any],
    color_order: str | None = None,
) -> Taken:
    """What was taken of a checkpoint into a fresh network and objective, in place.

    The backbone must fit as a whole. Where the checkpoint was trained on the same classes, those
    parameters of the objective are taken whose name and shape fit, such as the prototypes. Running
    state of the objective, such as averages and queues, starts anew. A network that was trained on
    BGR has the channels of its first convolution turned round, so that it goes on with RGB.

    Args:
        path: any checkpoint that `irlib.checkpoints.load_backbone` reads.
        network: with or without a part that splits age off, whatever the checkpoint's has.
        objective: of the method that is to be trained.
        model: what the new checkpoints will record; of it ``input`` must agree, and ``classes``
            decides on the objective.
        color_order: RGB or BGR, for a file made elsewhere, as `load_backbone` takes it; of a
            checkpoint of irlib it must be what that records.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: an unknown color order; or a file that is damaged, of no known network, of
            another input, of another backbone, or with weights that are not finite: the message
            names the file and what does not fit.
    """
    if color_order is not None:
        check_color_order(color_order)
    given = _given(path, color_order)
    trained = given.model.get("input", model["input"])
    if dict(trained) != dict(model["input"]):
        raise ValueError(f"{path}: was trained on {trained}, expected {model['input']}")
    part, weights = _matching(network, given.weights)
    if wrong := misfit(part.state_dict(), weights):
        ours = f"{model['backbone']} of embedding size {model['embedding_size']}"
        raise ValueError(f"{path}: its backbone, {given.title}, does not fit {ours}: {wrong}")
    part.load_state_dict(weights)
    own = dict(objective.named_parameters())
    theirs = given.objective if given.model.get("classes") == model["classes"] else {}
    taken = [n for n, value in own.items() if n in theirs and theirs[n].shape == value.shape]
    with torch.no_grad():
        for name in taken:
            own[name].copy_(theirs[name])
    inside = {id(parameter) for parameter in part.parameters()}
    beside = [name for name, value in network.named_parameters() if id(value) not in inside]
    return Taken(
        path=str(path),
        digest=provenance.file_digest(path),
        network=len(weights),
        objective=tuple(taken),
        fresh=(*beside, *(name for name in own if name not in taken)),
    )


def _given(path: Path, color_order: str | None) -> _Given:
    if content := checkpoints.own_content(path):
        model = content["model"]
        told = model.get("input", {}).get("color_order", "RGB")
        if color_order not in (None, told):
            raise ValueError(
                f"{path}: color_order is {color_order}, but the file tells that it was trained on "
                f"{told}"
            )
        try:
            for weights in (content["backbone"], content["objective"]):
                check_plain(weights)
                check_finite(weights)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
        title = f"{model['backbone']} of embedding size {model['embedding_size']}"
        return _Given(title, content["backbone"], model, content["objective"])
    brought = checkpoints.load_backbone(path, color_order)
    network = brought.network
    name = backbones.name_of(network) or f"a network of {brought.family}"
    title = f"{name} of embedding size {brought.embedding_size}"
    plain = network.network if isinstance(network, Recognition) else network
    weights = {n: _of_rgb(t, brought.color_order) for n, t in plain.state_dict().items()}
    return _Given(title, weights, {}, {})


def _of_rgb(tensor: Tensor, color_order: str) -> Tensor:
    # only the first convolution has three channels in
    sees_images = tensor.ndim == 4 and tensor.shape[1] == 3
    return tensor.flip(1) if color_order == "BGR" and sees_images else tensor


def _matching(network: nn.Module, weights: Weights) -> tuple[nn.Module, Weights]:
    # the whole of both where they are of one kind, else the backbones inside
    if not misfit(network.state_dict(), weights):
        return network, weights
    inner = {n.removeprefix(_INNER): w for n, w in weights.items() if n.startswith(_INNER)}
    return getattr(network, _INNER[:-1], network), inner or weights
