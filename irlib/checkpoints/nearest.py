"""Which known network a file that is none of them comes nearest to."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import groupby
from typing import NamedTuple

from torch import nn

from irlib import backbones
from irlib.checkpoints.families import FAMILIES
from irlib.checkpoints.family import Weights, misfit, without_memory

Network = tuple[str, Callable[[], nn.Module]]  # its name and what makes it


class _Fit(NamedTuple):
    """How near a network is; larger is nearer."""

    shared: float  # share of the names of both that are in both
    same: int  # entries of the same name and shape


def nearest(views: Iterable[Weights]) -> str:
    """The known network with most names in common, and what it lacks, in words.

    Args:
        views: a file's tensors, under each set of names that the network may have in it.
    """
    seen = [renamed for view in views for renamed in _renamings(view)]
    best, told = _Fit(0.0, 0), "No name is that of a known network."
    for kind in _kinds():
        last = _Fit(0.0, 0)
        for name, make in kind:
            own = without_memory(make).state_dict()
            fit, view = max(((_fit(own, view), view) for view in seen), key=lambda pair: pair[0])
            if fit > best:
                best, told = fit, f"Nearest is {name}, with {misfit(own, view)}."
            if fit.shared <= last.shared:
                break  # deeper ones of a kind are further off still
            last = fit
    return told


def _renamings(view: Weights) -> list[Weights]:
    renamed = [family.renamed(view) for family in FAMILIES]
    return [view, *(each for each in renamed if each.keys() != view.keys())]


def _kinds() -> Iterator[list[Network]]:
    """Networks that differ in depth alone, by depth."""
    known = [(name, partial(backbones.build, name)) for name in backbones.NAMES]
    others = [network for family in FAMILIES for network in family.networks.items()]
    for _, kind in groupby([*known, *others], key=lambda network: _without_digits(network[0])):
        yield list(kind)


def _without_digits(name: str) -> str:
    return "".join(letter for letter in name if not letter.isdigit())


def _fit(own: Weights, given: Weights) -> _Fit:
    both = own.keys() & given.keys()
    same = sum(own[name].shape == given[name].shape for name in both)
    return _Fit(len(both) / len(own.keys() | given.keys()), same)
