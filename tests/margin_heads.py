"""The margin heads that are tested alike, and the authors' numbers for them."""

from pathlib import Path

import numpy as np
import torch

from irlib.heads import (
    MVAM,
    AdaFace,
    ArcFace,
    BroadFace,
    CosFace,
    CurricularFace,
    MVArc,
    SphereFace,
)

HEADS = [ArcFace, CosFace, CurricularFace, MVAM, MVArc, BroadFace, AdaFace, SphereFace]
EXACT = {"rtol": 0, "atol": 1e-9}  # float64; the authors' and our order of operations differ


def numbers(name):
    """Arrays of a fixture by name, as tensors; those that were rounded to float32 as float64."""
    with np.load(Path(__file__).parent / "fixtures" / name) as arrays:
        tensors = {key: torch.from_numpy(arrays[key]) for key in arrays.files}
    return {k: t.double() if t.is_floating_point() else t for k, t in tensors.items()}


def small(make, *sizes, **settings):
    """A head that costs little: BroadFace's queue is short."""
    queue = {"queue_size": 7} if make is BroadFace else {}
    return make(*sizes, **queue, **settings)


def with_prototypes(head, rows):
    """The head with these prototypes (C, D), and their dtype."""
    head = head.to(rows.dtype)
    with torch.no_grad():
        head.prototypes.copy_(rows)
    return head
