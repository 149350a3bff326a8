"""Models made elsewhere that a study evaluates beside its own: a name and a file each."""

import re
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from irlib.provenance import digest, file_digest
from irlib.runs import resolve
from irlib.values import words

COLOR_ORDERS = ("RGB", "BGR")

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SUFFIXES = tuple(f"@{order}" for order in COLOR_ORDERS)
_EXPECTED = "expected NAME=FILE or NAME=FILE@BGR, NAME of small letters, digits and _"


@dataclass(frozen=True)
class Model:
    """A network or a table of embeddings to evaluate.

    Args:
        name: of its run folder and its rows.
        path: a checkpoint, ONNX file, program or table of embeddings; absolute.
        color_order: RGB or BGR, where the file does not tell; empty takes what it tells, else RGB.
    """

    name: str
    path: Path
    color_order: str = ""

    @property
    def settings(self) -> dict[str, Any]:
        """What its evaluation takes, as plain JSON values, with a digest of the file."""
        content = digest(file_digest(self.path), self.color_order)
        return {"path": str(self.path), "color_order": self.color_order, "digest": content}


def parse(text: str, taken: Container[str]) -> list[Model]:
    """The models of a command line, ``name=file,name=file@BGR``.

    Args:
        text: as typed; relative paths are below the repository.
        taken: names that methods have.

    Raises:
        ValueError: a model without a name or file, a name that another has, or a missing file.
    """
    found: dict[str, Model] = {}
    for word in words("--models", text):
        name, sign, file = word.partition("=")
        file, _, order = file.rpartition("@") if file.endswith(_SUFFIXES) else (file, "", "")
        if not sign or not file or not _NAME.fullmatch(name):
            raise ValueError(f"--models {word!r}: {_EXPECTED}")
        if name in taken or name in found:
            raise ValueError(f"--models {word!r}: the name {name!r} is taken; choose another one")
        if not resolve(file).is_file():
            raise ValueError(f"--models {word!r}: {file} is no file; {_EXPECTED}")
        found[name] = Model(name, resolve(file), order)
    return list(found.values())
