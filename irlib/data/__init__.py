"""Face sets as their owners hand them out, and the synthetic ones: read, checked and loaded.

What other programs rely on stands here; the rest of the package is at home in its own modules.
"""

from irlib.data.alignment import align
from irlib.data.faces import Faces, open_faces
from irlib.data.pairs.lists import read_pairs
from irlib.data.pairs.rules import child_adult_pairs
from irlib.data.sets.bins import read_bin

__all__ = ["Faces", "align", "child_adult_pairs", "open_faces", "read_bin", "read_pairs"]
