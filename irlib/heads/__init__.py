"""Margin heads: from embeddings and labels to the logits of a softmax over the classes."""

from irlib.heads.arcface import ArcFace
from irlib.heads.cosface import CosFace
from irlib.heads.margin import MarginHead

__all__ = ["ArcFace", "CosFace", "MarginHead"]
