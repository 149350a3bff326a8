"""What tells one network from another, for embeddings that are kept."""

import hashlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from irlib import provenance
from irlib.runs import ROOT

_BEFORE = ("irlib.data.decoding", "irlib.images")  # the way from a file to what a network takes


def model_key(model: Callable[[Tensor], Any], given: str = "") -> str:
    """Text that changes with a model, and with irlib's code of it and of what it is given.

    A module of another package, or of a notebook, is told apart by its weights and settings but
    not by its code.

    Args:
        model: a module, or a function whose key is given.
        given: a key of the caller's choice, instead of the model's own ``digest`` or, where it
            bears none, `model_digest`.
    """
    own = getattr(model, "digest", "")
    is_module = isinstance(model, nn.Module)
    told = given or (own if isinstance(own, str) else "") or model_digest(model)
    homes = {type(module).__module__ for module in model.modules()} if is_module else set()
    code = sorted(home for home in homes if home.startswith("irlib."))
    return provenance.digest(told, provenance.source_digest(ROOT, *_BEFORE, *code))


def model_digest(module: nn.Module) -> str:
    """SHA-256 of a module's class, settings as it prints them, and weights, 64 hex digits."""
    kind = type(module)
    found = hashlib.sha256(f"{kind.__module__}.{kind.__qualname__}\n{module}".encode())
    if isinstance(module, torch.jit.ScriptModule):  # all of them print alike
        found.update(str(module.inlined_graph).encode())
    for name, value in module.state_dict().items():
        if not isinstance(value, Tensor):  # the extra state of a module of one's own
            found.update(f"{name} {value!r}\n".encode())
            continue
        found.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        flat = value.detach().cpu().contiguous().reshape(-1)
        found.update(flat.view(torch.uint8).numpy())
    return found.hexdigest()
