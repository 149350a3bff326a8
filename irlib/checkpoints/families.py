"""What is recognized: the layouts of tensors, in the order in which they are asked, and programs.

Lists of what there is; a result depends on the family of its file and not on those beside it.
"""

from collections.abc import Callable
from pathlib import Path

from irlib.checkpoints import adaface, arcface_torch, bare, ir, mobilefacenet, mtlface, programs
from irlib.checkpoints.brought import Brought
from irlib.checkpoints.family import Family
from irlib.checkpoints.reading import Kind

FAMILIES: tuple[Family, ...] = (
    ir.FAMILY,
    mobilefacenet.FAMILY,
    adaface.FAMILY,
    arcface_torch.FAMILY,
    mtlface.FAMILY,
    bare.FAMILY,
)

# each is given the path and the color order, or None where the caller names none
PROGRAMS: dict[Kind, Callable[[Path, str | None], Brought]] = {
    Kind.ONNX: programs.load_onnx,
    Kind.TORCHSCRIPT: programs.load_torchscript,
    Kind.EXPORTED: programs.load_exported,
}


def sources(family: str) -> tuple[str, ...]:
    """The modules that hold the code of a family, or of programs for any other name."""
    found = tuple(each.build.__module__ for each in FAMILIES if each.name == family)
    return found or (programs.__name__,)
