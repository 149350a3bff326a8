"""The parameter cell of a notebook, read without running it."""

import ast
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from irlib import runs
from irlib.values import TYPES, typed, unknown

NOTEBOOKS = runs.ROOT / "notebooks"
STAGES = {
    "data": "01_data_prep",
    "train": "02_train",
    "evaluate": "03_evaluate",
    "prototypes": "04_prototypes",
    "report": "05_report",
    "synthesis": "06_synthesis",
}


@dataclass(frozen=True)
class Parameter:
    """One line of a notebook's parameter cell."""

    name: str
    type: str  # as annotated, e.g. "int"
    default: Any


def find(name: str) -> Path:
    """The source notebook of that name, with or without its ending.

    Raises:
        ValueError: there is none; the nearest name is given.
    """
    names = {path.stem for path in NOTEBOOKS.glob("*.ipynb")}
    stem = name.removesuffix(".ipynb")
    if stem not in names:
        raise ValueError(unknown("notebook", stem, names))
    return NOTEBOOKS / f"{stem}.ipynb"


def parameters_of(notebook: Path) -> dict[str, Parameter]:
    """The parameters of a notebook, read from its one cell tagged ``parameters``.

    Raises:
        ValueError: no such cell or several, or a line that is not ``name: type = literal``.
    """
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
    if len(tagged) != 1:
        raise ValueError(f"{notebook}: {len(tagged)} cells tagged 'parameters', expected one")
    found = [_parameter(notebook, node) for node in ast.parse("".join(tagged[0]["source"])).body]
    return {parameter.name: parameter for parameter in found}


def _parameter(notebook: Path, node: ast.stmt) -> Parameter:
    place = f"{notebook}: parameter cell, line {node.lineno}"
    if not isinstance(node, ast.AnnAssign) or node.value is None:
        raise ValueError(f"{place}: {ast.unparse(node)!r} is not 'name: type = literal'")
    kind = ast.unparse(node.annotation)
    if kind.split("[")[0] not in TYPES:
        raise ValueError(f"{place}: type {kind!r}, expected one of {', '.join(TYPES)}")
    return Parameter(ast.unparse(node.target), kind, ast.literal_eval(node.value))


def check(notebook: Path, given: dict[str, Any]) -> dict[str, Any]:
    """The given parameters as their declared types.

    Args:
        notebook: path of the source notebook.
        given: name to value; text is read as the declared type.

    Raises:
        ValueError: an unknown name (the nearest known one is named) or a wrong type.
    """
    known = parameters_of(notebook)
    for name in given:
        if name not in known:
            raise ValueError(unknown(f"parameter of {notebook.name}", name, known))
    return {
        name: typed(f"parameter {name!r} of {notebook.name}", value, known[name].type)
        for name, value in given.items()
    }


def check_folder(notebook: Path, given: dict[str, Any], folder: Path) -> None:
    """See that a run folder is the one that a study's notebook will write to.

    Args:
        notebook: path of the source notebook; one that belongs to no stage may go anywhere.
        given: checked parameters.
        folder: the run folder.

    Raises:
        ValueError: it is another one; the message names both.
    """
    stage = next((stage for stage, name in STAGES.items() if name == notebook.stem), None)
    if stage is None:
        return
    values = {p.name: p.default for p in parameters_of(notebook).values()} | given
    variant = values.get("checkpoint", "last")
    name = runs.run_name(
        stage, values.get("method", ""), values.get("seed"), "" if variant == "last" else variant
    )
    if values.get("model"):
        name = runs.run_name(stage, values["name"])
    if folder.name != name:
        raise ValueError(f"run folder {folder}: {notebook.name} with these parameters is {name!r}")
