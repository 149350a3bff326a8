"""Photographs to embeddings with any model: embed a folder, enrol people, identify, compare."""

from irlib.embeddings.comparing import Comparison, compare
from irlib.embeddings.enrolling import Enrolled, enrol
from irlib.embeddings.folders import embed_folder
from irlib.embeddings.galleries import Gallery, read_gallery, write_gallery
from irlib.embeddings.identifying import Identification, identify
from irlib.embeddings.photographs import Embedded, PhotoEmbedder

__all__ = [
    "Comparison",
    "Embedded",
    "Enrolled",
    "Gallery",
    "Identification",
    "PhotoEmbedder",
    "compare",
    "embed_folder",
    "enrol",
    "identify",
    "read_gallery",
    "write_gallery",
]
