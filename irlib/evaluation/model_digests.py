"""What tells one network from another, for embeddings that are kept."""

import hashlib
import re
from collections.abc import Callable, Iterator
from itertools import chain, product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from irlib import provenance
from irlib.runs import ROOT

_BEFORE = ("irlib.data.decoding", "irlib.images")  # the way from a file to what a network takes
_TORCHS = frozenset(vars(nn.Module()))  # what every module has: tables of tensors, hooks, training
_READ = re.compile(r'GetAttr\[name="(\w+)"\]')  # what a scripted program reads of its module


def model_key(model: Callable[[Tensor], Any], given: str = "") -> str:
    """Text that changes with a model, and with irlib's code of it and of what it is given.

    A module of another package, or of a notebook, is told apart by its weights and settings but
    not by its code.

    Args:
        model: a module, or a function whose key is given.
        given: a key of the caller's choice, which goes before `model_identity`.
    """
    is_module = isinstance(model, nn.Module)
    homes = {type(module).__module__ for module in model.modules()} if is_module else set()
    code = sorted(home for home in homes if home.startswith("irlib."))
    told = given or model_identity(model)
    return provenance.digest(told, provenance.source_digest(ROOT, *_BEFORE, *code))


def model_identity(model: Callable[[Tensor], Any]) -> str:
    """What tells a model from others as it is now: of a module its `model_digest`.

    A digest that a module bears, such as that of its file, is a part of that and does not stand
    for it: weights and settings may have changed since. Of a function it is the text ``digest``
    that it bears; empty if there is none.
    """
    if isinstance(model, nn.Module):
        return model_digest(model)
    own = getattr(model, "digest", "")
    return own if isinstance(own, str) else ""


def model_digest(module: nn.Module) -> str:
    """SHA-256 of a module's class, its settings and its weights, 64 hex digits.

    Settings are what it prints, and the attributes of it and of its parts that are texts, bools,
    floats, tuples or arrays; whole numbers and lists are left out, as modules count and collect in
    them. All is read on every call: nothing tells whether a weight was changed in place.
    """
    kind = type(module)
    found = hashlib.sha256(f"{kind.__module__}.{kind.__qualname__}\n{module}".encode())
    for name, value in chain(_scripted(module), _settings(module)):
        found.update(f"{name} {value!r}\n".encode())
    for name, value in _arrays(module):
        found.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        found.update(_content(value))
    return found.hexdigest()


def _scripted(module: nn.Module) -> Iterator[tuple[str, Any]]:
    # scripted modules print alike whatever they compute, and keep their settings out of sight
    named = dict(module.named_modules())
    scripts = {n: each for n, each in named.items() if isinstance(each, torch.jit.ScriptModule)}
    graphs = {  # of those that are no part of another
        name: str(each.inlined_graph)
        for name, each in scripts.items()
        if not name or name.rpartition(".")[0] not in scripts
    }
    yield from graphs.items()
    read = {name for graph in graphs.values() for name in _READ.findall(graph)} - _TORCHS
    for (path, each), name in product(scripts.items(), sorted(read)):
        if hasattr(each, name) and _is_setting(value := getattr(each, name)):
            yield f"{path}.{name}", value


def _attributes(module: nn.Module) -> Iterator[tuple[str, Any]]:
    for path, each in module.named_modules():
        own = vars(each)
        yield from ((f"{path}.{name}", own[name]) for name in sorted(own.keys() - _TORCHS))


def _settings(module: nn.Module) -> Iterator[tuple[str, Any]]:
    yield from (item for item in _attributes(module) if _is_setting(item[1]))
    for name, value in module.state_dict().items():
        if not isinstance(value, Tensor):  # the extra state of a module of one's own
            yield name, value


def _arrays(module: nn.Module) -> Iterator[tuple[str, Tensor | NDArray[Any]]]:
    saved = module.state_dict()
    yield from ((name, value) for name, value in saved.items() if isinstance(value, Tensor))
    # buffers that are not saved with the rest, and arrays that are no buffers at all
    yield from ((name, value) for name, value in module.named_buffers() if name not in saved)
    for name, value in _attributes(module):
        numbers = isinstance(value, np.ndarray) and value.dtype.kind in "biufc"
        if numbers or isinstance(value, Tensor):
            yield name, value


def _content(value: Tensor | NDArray[Any]) -> NDArray[np.uint8]:
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value).reshape(-1).view(np.uint8)
    return value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()


def _is_setting(value: Any) -> bool:
    # not whole numbers and lists, in which modules count and collect what they were given
    if isinstance(value, tuple):
        return all(part is None or isinstance(part, str | int | float) for part in value)
    return isinstance(value, str | bool | float)
