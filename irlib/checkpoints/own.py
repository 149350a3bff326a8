"""Checkpoints of irlib: all that a training run needs to go on, and weights to evaluate.

Files hold tensors and plain values only, so they load without running any code from them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from irlib import backbones
from irlib.checkpoints.family import fill
from irlib.checkpoints.reading import reason
from irlib.runs import atomic_path

OWN = "irlib"  # the family of what irlib itself trained
# what the network is built from, and the kind of each value
_MODEL = {"backbone": str, "embedding_size": int, "decomposition": str, "input": Mapping}


def save(path: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain values atomically.

    Raises:
        OSError: it could not be written, e.g. on a full disk; the file before it stays.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        try:
            torch.save(content, file)
        except RuntimeError as error:  # torch hides a full disk behind a fault of its archive
            hidden = error.__context__
            raise (hidden if isinstance(hidden, OSError) else error) from None


def load(path: Path) -> dict[str, Any]:
    """The content of a checkpoint, on the CPU.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged or no checkpoint of irlib; the message names it.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such checkpoint") from None
    except Exception as error:  # torch raises many kinds for a damaged or foreign file
        raise ValueError(f"{path}: not a readable checkpoint ({reason(error)})") from error
    if not is_own(content):
        raise ValueError(f"{path}: not a checkpoint of irlib (no model, backbone and objective)")
    return content


def is_own(content: Any) -> bool:
    """Whether the content of a file is that of a checkpoint of irlib."""
    return isinstance(content, dict) and {"model", "backbone", "objective"} <= content.keys()


def check(content: dict[str, Any]) -> None:
    """Refuse the content of a checkpoint that does not say which network it is of.

    Raises:
        ValueError: a value is missing or of another kind; the message names it.
    """
    model = content["model"]
    if not isinstance(model, Mapping):
        raise ValueError(f"model is {type(model).__name__}, expected a dict")
    told = {"decomposition": "", "input": {}} | dict(model)
    for name, kind in _MODEL.items():
        if not isinstance(told.get(name), kind):
            found = type(told[name]).__name__ if name in told else "missing"
            raise ValueError(f"model: {name} is {found}, expected {kind.__name__}")
    for name in ("backbone", "objective"):
        states = content[name]
        is_table = isinstance(states, Mapping)
        if not is_table or not all(isinstance(value, Tensor) for value in states.values()):
            raise ValueError(f"{name} is no dict of tensors")


def recognition_network(content: dict[str, Any]) -> nn.Module:
    """The backbone in the content of a checkpoint with its weights: images to embeddings (B, D).

    Of a network that splits age off it is the part that evaluation needs.

    Raises:
        ValueError: an architecture that is missing or that `irlib.backbones` does not know, or
            other weights.
    """
    check(content)
    model = content["model"]
    size, decomposition = model["embedding_size"], model.get("decomposition", "")
    network = fill(
        lambda: backbones.build(model["backbone"], size, decomposition), content["backbone"]
    )
    return backbones.recognition(network).eval()


def model_of(path: Path) -> dict[str, Any]:
    """What a checkpoint records of its network: backbone, sizes, method, and the input it takes.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: damaged, or of a version of irlib that recorded no input.
    """
    model = load(path)["model"]
    if "input" not in model:
        raise ValueError(f"{path}: does not say what input it was trained for; train it again")
    return model


def load_prototypes(path: Path) -> Tensor:
    """The class prototypes (C, D) of a checkpoint, as trained (not normalised), on the CPU."""
    return load(path)["objective"]["head.prototypes"]


def random_state(device: torch.device) -> dict[str, Tensor]:
    """State of torch's generators that a run on a device draws from."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    if device.type == "mps":
        state["mps"] = torch.mps.get_rng_state()
    return state


def set_random_state(state: dict[str, Tensor], device: torch.device) -> None:
    """Put torch's generators back to a saved state, as far as this device has them."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)
    if device.type == "mps" and "mps" in state:
        torch.mps.set_rng_state(state["mps"])
