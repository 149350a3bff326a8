"""A person's own photographs, aged by a finished run of face age synthesis.

What cannot be used is refused by name: no face, several, out of alignment, damaged.
"""

from irlib.aging.facespace import FaceSpace
from irlib.aging.making import Aged, aged, write_aged
from irlib.aging.opening import SynthesisRun, open_run
from irlib.aging.photographs import open_photographs

__all__ = [
    "Aged",
    "FaceSpace",
    "SynthesisRun",
    "aged",
    "open_photographs",
    "open_run",
    "write_aged",
]
