"""A backbone out of any file that is known: its kind by content, its network by its names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from irlib import backbones
from irlib.checkpoints import own
from irlib.checkpoints.brought import (
    COLOR_ORDERS,
    Brought,
    check_color_order,
    digest_of,
    embedding_size_of,
)
from irlib.checkpoints.families import FAMILIES, PROGRAMS
from irlib.checkpoints.family import Family, Weights, misfit, some
from irlib.checkpoints.reading import Kind, kind_of, read_safetensors, read_torch, tensors_in, views


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
        ValueError: damaged, or of no known kind.
    """
    content = read_torch(path) if kind_of(path) is Kind.TORCH else None
    return content if own.is_own(content) else None


def _told_order(path: Path, metadata: Mapping[str, str]) -> str | None:
    order = metadata.get("color_order")
    if order not in (None, *COLOR_ORDERS):
        raise ValueError(f"{path}: its color_order is {order!r}, expected RGB or BGR")
    return order


def _of_own(path: Path, content: dict[str, Any], color_order: str | None) -> Brought:
    try:
        network = own.recognition_network(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    told = content["model"].get("input", {}).get("color_order", "RGB")
    return _brought(path, network, own.OWN, color_order or told)


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
        ValueError: no family knows it; the message says what was found and what is nearest.
    """
    for view in views(weights):
        for family in FAMILIES:
            if family.recognise(view):
                return family, view
    first = [f"{name} {tuple(tensor.shape)}" for name, tensor in weights.items()]
    raise ValueError(
        f"{path}: of no known network; found {len(weights)} tensors, {some(first)}. "
        f"{_nearest(weights)} Known are: {', '.join(family.title for family in FAMILIES)}."
    )


def _nearest(weights: Weights) -> str:
    """The known network with most names in common, and what it lacks, in words."""
    best, told = 0.0, "No name is that of a known network."
    seen = list(views(weights))
    for name in backbones.NAMES:
        with torch.device("meta"):
            own_names = backbones.build(name).state_dict()
        for view in seen:
            shared = len(own_names.keys() & view.keys()) / len(own_names.keys() | view.keys())
            if shared > best:
                best, told = shared, f"Nearest is {name}, with {misfit(own_names, view)}."
    return told
