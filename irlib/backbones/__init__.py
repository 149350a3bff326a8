"""Backbones: from face crops to embeddings."""

from irlib.backbones.registry import (
    DECOMPOSITIONS,
    NAMES,
    arguments,
    build,
    name_of,
    recognition,
    sources,
)

__all__ = ["DECOMPOSITIONS", "NAMES", "arguments", "build", "name_of", "recognition", "sources"]
