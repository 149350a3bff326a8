"""A person's own photographs, aged by a finished run of face age synthesis.

What cannot be used is refused by name: no face, several, out of alignment, damaged.
"""

from irlib.aging.facespace import FaceSpace
from irlib.aging.making import Aged, aged
from irlib.aging.opening import SynthesisRun, open_run
from irlib.aging.photographs import open_photographs
from irlib.aging.writing import require_free, write_aged

__all__ = [
    "Aged",
    "FaceSpace",
    "SynthesisRun",
    "aged",
    "open_photographs",
    "open_run",
    "require_free",
    "write_aged",
]
