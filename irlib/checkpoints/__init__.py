"""Checkpoints: those of irlib's own trainings, and backbones that were trained elsewhere."""

from irlib.checkpoints.brought import Brought
from irlib.checkpoints.loading import load_backbone, own_content
from irlib.checkpoints.own import (
    load,
    load_prototypes,
    model_of,
    random_state,
    save,
    set_random_state,
)

__all__ = [
    "Brought",
    "load",
    "load_backbone",
    "load_prototypes",
    "model_of",
    "own_content",
    "random_state",
    "save",
    "set_random_state",
]
