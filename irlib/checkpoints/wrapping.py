"""The network in what a trainer saved: its tensors, without the names that wrappers put before.

A file may hold more than the network that gives the embedding: heads, losses, estimators of age.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from irlib.checkpoints.family import Weights, some
from irlib.checkpoints.reading import Inert

# where trainers keep the network's entries, the likeliest first
WRAPPERS = (
    "state_dict", "model_state_dict", "state_dict_backbone", "backbone", "model", "net", "network",
    "module",
)  # fmt: skip
# what trainers and wrappers put before the names of entries
PREFIXES = ("module.", "_orig_mod.", "model.", "backbone.", "net.", "network.")
# entries of classifiers and losses; of no network below
HEADS = ("head.", "kernel", "margin.", "classifier.", "loss.", "criterion.")
# words in the names of what may stand beside a network and does not change its embedding
_BESIDE = {
    "head", "heads", "kernel", "margin", "loss", "losses", "criterion", "classifier", "fc",
    "softmax", "logits", "arcface", "cosface", "metric", "estimation", "estimator",
    "discriminator",
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """The entries of a file below a prefix."""

    weights: Weights
    beside: tuple[str, ...]  # names of entries that the embedding may pass through too


def tensors_in(path: Path, content: Any) -> Weights:
    """The named tensors of a network in what a trainer saved.

    Raises:
        ValueError: there are none; the message says what there is.
    """
    if isinstance(content, Inert):
        raise ValueError(
            f"{path}: holds an object of {content.origin}, not tensors; "
            "save its state_dict() with the program that made it"
        )
    found = _named_tensors(content)
    if not found:
        what = f"a dict of {some([*map(str, content)])}" if isinstance(content, Mapping) else ""
        raise ValueError(f"{path}: no named tensors in it (found {what or type(content).__name__})")
    return found


def _named_tensors(content: Any) -> Weights:
    if not isinstance(content, Mapping):
        return {}
    for name in WRAPPERS:
        if found := _named_tensors(content.get(name)):
            return found
    return {n: t for n, t in content.items() if isinstance(n, str) and isinstance(t, Tensor)}


def views(weights: Weights) -> Iterator[Weights]:
    """The tensors of a network under the names that it may have without what wrappers put before.

    Entries of heads are left out. A prefix goes only where all that remains has it.
    """
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith(HEADS)}
    yield kept
    for prefix in PREFIXES:
        if kept and all(name.startswith(prefix) for name in kept):
            yield from views(_below(prefix, kept))


def parts(weights: Weights) -> Iterator[Part]:
    """The tensors below each prefix that only some have, with those that stand beside them."""
    for view in views(weights):
        for prefix in PREFIXES:
            inner = _below(prefix, view)
            if not 0 < len(inner) < len(view):
                continue
            others = [name for name in view if not name.startswith(prefix)]
            beside = tuple(name for name in others if not _is_harmless(name))
            yield from (Part(each, beside) for each in views(inner))
            yield from (Part(each.weights, (*beside, *each.beside)) for each in parts(inner))


def _below(prefix: str, weights: Weights) -> Weights:
    return {n.removeprefix(prefix): t for n, t in weights.items() if n.startswith(prefix)}


def _is_harmless(name: str) -> bool:
    words = re.split(r"[_\d]+", name.partition(".")[0].lower())
    return not _BESIDE.isdisjoint(words)
