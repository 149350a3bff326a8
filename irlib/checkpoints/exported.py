"""Programs of `torch.export`, run operator by operator.

torch's own loader unpickles parts of a file, and evaluates text of it as Python. Here only what a
network needs is read, tensors and a graph of operators as JSON, and no operator is run that is not
one of torch's own on tensors.
"""

import operator
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from irlib.backbones.checks import IMAGE_SIZE
from irlib.checkpoints.exported_file import DTYPES, FLOAT, JSON, read

_HERE = ""  # stands for the device of the images; no name in a graph
_OPERATOR = re.compile(r"torch\.ops\.aten\.(\w+)\.(\w+)")
_DISK = ("from_file",)  # operators that touch files
_ARITHMETIC = {  # on the sizes of tensors
    f"_operator.{name}": getattr(operator, name)
    for name in ("add", "sub", "mul", "floordiv", "mod", "neg", "eq", "ge", "gt", "le", "lt")
}
_GET = {"_operator.getitem": operator.getitem}
_MEMORY_FORMATS = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}
_PLAIN = (
    "as_int", "as_ints", "as_float", "as_floats", "as_bool", "as_bools", "as_string", "as_strings",
    "as_int_lists", "as_float_lists",
)  # fmt: skip


class ExportedGraph(nn.Module):
    """A program of `torch.export`: images (B, 3, 112, 112) to its outputs by name.

    Its tensors are buffers, so they move with the module.

    Args:
        path: as `torch.export.save` writes it.

    Raises:
        ValueError: damaged, of another version, of an operator that is not run, or its input is
            not (N, 3, 112, 112) float.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        try:
            program, tensors = read(path)
            self._take(program, tensors)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        except (KeyError, TypeError, IndexError, RuntimeError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path}: not a readable exported program ({error!r})") from error

    def _take(self, program: JSON, tensors: dict[str, Tensor]) -> None:
        graph, signature = program["graph_module"]["graph"], program["graph_module"]["signature"]
        self.places: dict[str, str] = {}  # names in the graph to buffers
        inputs = []
        for spec in signature["input_specs"]:
            (kind, value), = spec.items()  # fmt: skip
            if kind == "user_input":
                inputs.append(_name(value["arg"]))
            else:
                place = f"tensor_{len(self.places)}"
                self.places[value["arg"]["name"]] = place
                self.register_buffer(place, tensors[value[_FULL_NAMES[kind]]])
        self.input, self.batch = _input(inputs, graph["tensor_values"])
        self.outputs = [_output(spec) for spec in signature["output_specs"]]
        self.nodes = graph["nodes"]
        self.operators = [_operator(node["target"]) for node in self.nodes]
        self.unused = _unused(self.nodes, {*self.outputs, *self.places})

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Outputs by name."""
        known = {name: getattr(self, place) for name, place in self.places.items()}
        known[self.input], known[_HERE] = images, images.device
        steps = zip(self.nodes, self.operators, self.unused, strict=True)
        for node, run, unused in steps:
            inputs = [(each, _value(each["arg"], known)) for each in node["inputs"]]
            positional = [value for each, value in inputs if each["kind"] == 1]
            named = {each["name"]: value for each, value in inputs if each["kind"] != 1}
            _store(node["outputs"], run(*positional, **named), known)
            for name in unused:
                known.pop(name, None)
        return {name: known[name] for name in self.outputs}


_FULL_NAMES = {
    "parameter": "parameter_name",
    "buffer": "buffer_name",
    "tensor_constant": "tensor_constant_name",
}


def _input(names: list[str], metas: JSON) -> tuple[str, int | None]:
    """Name of the input, and the number of images that it takes where that is fixed."""
    shapes = {name: [size.get("as_int") for size in metas[name]["sizes"]] for name in names}
    if len(names) == 1 and metas[names[0]]["dtype"] == FLOAT:
        batch, *shape = shapes[names[0]] or [None]
        fixed = [3, IMAGE_SIZE, IMAGE_SIZE]
        if len(shape) == 3 and all(a in (None, b) for a, b in zip(shape, fixed, strict=True)):
            return names[0], batch
    raise ValueError(
        f"expected one float input (N, 3, {IMAGE_SIZE}, {IMAGE_SIZE}), found "
        + (", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "none")
    )


def _output(spec: JSON) -> str:
    if "user_output" not in spec:
        raise ValueError(f"it changes its own tensors ({next(iter(spec))}); export it in eval mode")
    return _name(spec["user_output"]["arg"])


def _operator(target: str) -> Callable[..., Any]:
    if target in _ARITHMETIC or target in _GET:
        return {**_ARITHMETIC, **_GET}[target]
    match = _OPERATOR.fullmatch(target)
    found = match and getattr(getattr(torch.ops.aten, match[1], None), match[2], None)
    if not isinstance(found, torch._ops.OpOverload) or match[1] in _DISK:
        raise ValueError(f"operator {target} is not one of torch's on tensors; not loaded")
    return found


def _value(argument: JSON, known: dict[str, Any]) -> Any:
    """An argument of an operator."""
    (kind, value), = argument.items()  # fmt: skip
    if kind in _PLAIN:
        return value
    if kind in ("as_tensors", "as_sym_ints", "as_optional_tensors", "as_sym_bools"):
        return [_reference(each, known) for each in value]
    if kind in _OTHERS:
        return _OTHERS[kind](value)
    if kind == "as_device":
        return known[_HERE]  # it was saved on another, maybe
    return _reference(value, known)


_OTHERS: dict[str, Callable[[Any], Any]] = {
    "as_none": lambda _: None,
    "as_scalar_type": DTYPES.__getitem__,
    "as_memory_format": _MEMORY_FORMATS.__getitem__,
    "as_layout": {7: torch.strided}.__getitem__,
}


def _reference(value: JSON, known: dict[str, Any]) -> Any:
    """What a name stands for, or a number in its place."""
    if "as_none" in value:
        return None
    if "as_int" in value:
        return value["as_int"]
    if "as_bool" in value:
        return value["as_bool"]
    return known[_name(value)]


def _name(value: JSON) -> str:
    for key in ("as_tensor", "as_sym_int", "as_sym_bool"):
        value = value.get(key, value)
    return value["name"] if "name" in value else value["as_name"]


def _store(outputs: list[JSON], result: Any, known: dict[str, Any]) -> None:
    if len(outputs) == 1:
        (kind, value), = outputs[0].items()  # fmt: skip
        names = [each["name"] for each in value] if kind == "as_tensors" else [_name(outputs[0])]
        known.update(zip(names, result if kind == "as_tensors" else [result], strict=True))
        return
    for output, part in zip(outputs, result, strict=True):
        if "as_none" not in output:
            known[_name(output)] = part


def _unused(nodes: list[JSON], kept: set[str]) -> list[list[str]]:
    """By node, the names that nothing after it takes: activations to let go of."""
    unused, seen = [], set(kept)
    for node in reversed(nodes):
        names = _names([each["arg"] for each in node["inputs"]])
        unused.append(sorted(names - seen))
        seen |= names
    return unused[::-1]


def _names(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value[key] for key in ("name", "as_name") if isinstance(value.get(key), str)}
        return own.union(*map(_names, value.values()))
    return set().union(*map(_names, value)) if isinstance(value, list) else set()
