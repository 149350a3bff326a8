"""Class prototypes: how child prototypes lie among the others, in numbers and in the plane.

Only directions matter to a margin head, so every prototype is scaled to unit length first.
"""

from irlib.prototypes.classes import sample_prototypes, unit_rows
from irlib.prototypes.diagnostics import child_purity, cosines, summary, welch_floors
from irlib.prototypes.plane import tsne, umap_projection
from irlib.prototypes.pull import pull

__all__ = [
    "child_purity",
    "cosines",
    "pull",
    "sample_prototypes",
    "summary",
    "tsne",
    "umap_projection",
    "unit_rows",
    "welch_floors",
]
