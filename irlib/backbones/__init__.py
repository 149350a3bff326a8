"""Backbones: from face crops to embeddings."""

from irlib.backbones.registry import NAMES, build, source

__all__ = ["NAMES", "build", "source"]
