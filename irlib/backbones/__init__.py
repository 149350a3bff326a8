"""Backbones: from face crops to embeddings."""

from irlib.backbones.registry import DECOMPOSITIONS, NAMES, build, recognition, sources

__all__ = ["DECOMPOSITIONS", "NAMES", "build", "recognition", "sources"]
