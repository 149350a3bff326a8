"""A backbone out of any file that is known: its kind by content, its network by its names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from irlib.checkpoints import own
from irlib.checkpoints.brought import (
    COLOR_ORDERS,
    Brought,
    check_color_order,
    digest_of,
    embedding_size_of,
)
from irlib.checkpoints.families import FAMILIES, PROGRAMS
from irlib.checkpoints.family import Family, Weights, some
from irlib.checkpoints.nearest import nearest
from irlib.checkpoints.reading import Kind, kind_of, read_safetensors, read_torch
from irlib.checkpoints.wrapping import parts, tensors_in, views


def load_backbone(path: str | Path, color_order: str | None = None) -> Brought:
    """The backbone of a checkpoint or program, in evaluation mode, on the CPU.

    It takes float (B, 3, 112, 112) RGB in [-1, 1] whatever the order that it was trained on, and
    gives embeddings (B, D) before any normalization. No code that lies in a file is run.

    Args:
        path: a checkpoint of irlib, or a file of one of `families.FAMILIES`, as torch or
            safetensors wrote it; or a program: ONNX, TorchScript or `torch.export`.
        color_order: ``RGB`` or ``BGR``, the order that the network was trained on; it goes before
            what the file or its layout tells. None: as told, and RGB where nothing is.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: an unknown color order; or a file that is damaged, of no known layout, or of
            one that it does not fit: the message says what was found and what is missing.
        ModuleNotFoundError: an ONNX file, and onnxruntime is not installed.
    """
    path = Path(path)
    if color_order is not None:
        check_color_order(color_order)
    kind = kind_of(path)
    if kind in PROGRAMS:
        return PROGRAMS[kind](path, color_order)
    if kind is Kind.SAFETENSORS:
        weights, told = read_safetensors(path)
        return _of_weights(path, weights, color_order or _told_order(path, told))
    content = read_torch(path)
    if own.is_own(content):
        return _of_own(path, content, color_order)
    return _of_weights(path, tensors_in(path, content), color_order)


def own_content(path: Path) -> dict[str, Any] | None:
    """The content of a checkpoint of irlib, on the CPU; None of any other file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: damaged, of no known kind, or of irlib without what it records of a network.
    """
    content = read_torch(path) if kind_of(path) is Kind.TORCH else None
    if not own.is_own(content):
        return None
    try:
        own.check(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return content


def _told_order(path: Path, metadata: Mapping[str, Any]) -> str | None:
    order = metadata.get("color_order")
    if order not in (None, *COLOR_ORDERS):
        raise ValueError(f"{path}: its color_order is {order!r}, expected RGB or BGR")
    return order


def _of_own(path: Path, content: dict[str, Any], color_order: str | None) -> Brought:
    try:
        network = own.recognition_network(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    told = _told_order(path, content["model"].get("input", {}))
    return _brought(path, network, own.OWN, color_order or told or "RGB")


def _of_weights(path: Path, weights: Weights, color_order: str | None) -> Brought:
    family, fitting = _recognised(path, weights)
    try:
        network = family.build(fitting)
    except ValueError as error:
        raise ValueError(f"{path}: is of {family.title}, but does not fit: {error}") from None
    return _brought(path, network, family.name, color_order or family.color_order or "RGB")


def _brought(path: Path, network: nn.Module, family: str, color_order: str) -> Brought:
    return Brought(
        network,
        family=family,
        color_order=color_order,
        embedding_size=embedding_size_of(network),
        digest=digest_of(path, family, color_order),
    )


def _recognised(path: Path, weights: Weights) -> tuple[Family, Weights]:
    """The family of a file, and its tensors under the names that the family uses.

    Raises:
        ValueError: no family knows it, and the message says what was found and what is nearest;
            or one knows a part, and the rest may be needed for the embedding.
    """
    for view in views(weights):
        if family := _family(view):
            return family, view
    for part in parts(weights):
        if family := _family(part.weights):
            if part.beside:
                raise ValueError(
                    f"{path}: holds a network of {family.title} and, beside it, what is no head or "
                    f"loss: {some(part.beside)}. If that splits age off, the network alone still "
                    "holds the age; if not, save the tensors of the network alone"
                )
            return family, part.weights
    first = [f"{name} {tuple(tensor.shape)}" for name, tensor in weights.items()]
    seen = [*views(weights), *(part.weights for part in parts(weights))]
    raise ValueError(
        f"{path}: of no known network; found {len(weights)} tensors, {some(first)}. "
        f"{nearest(seen)} Known are: {', '.join(each.title for each in FAMILIES)}."
    )


def _family(weights: Weights) -> Family | None:
    return next((family for family in FAMILIES if family.recognise(weights)), None)
