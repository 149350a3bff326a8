"""Tensors out of files of any origin, without running code that lies in them."""

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from irlib.checkpoints.family import Weights, some

# where trainers keep the network's entries, the likeliest first
WRAPPERS = (
    "state_dict", "model_state_dict", "state_dict_backbone", "backbone", "model", "net", "network",
    "module",
)  # fmt: skip
# what trainers and wrappers put before the names of entries
PREFIXES = ("module.", "_orig_mod.", "model.", "backbone.", "net.", "network.")
# entries of classifiers and losses; of no network below
HEADS = ("head.", "kernel", "margin.", "classifier.", "loss.", "criterion.")

_MAPPINGS = ("AttributeDict", "defaultdict", "EasyDict", "Munch", "ConfigDict")  # classes of dicts
_LEGACY = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)  # what torch before 1.6 put first


class Kind(Enum):
    """What a file holds, told from its content."""

    TORCH = "torch"  # tensors and values, as torch.save writes them
    SAFETENSORS = "safetensors"
    ONNX = "onnx"
    TORCHSCRIPT = "torchscript"
    EXPORTED = "exported"  # of torch.export


class Inert:
    """Stands for an object of a class that is not loaded: takes anything and does nothing."""

    origin = ""  # the class that it stands for

    def __new__(cls, *_: Any) -> "Inert":
        """An object without what it was to hold."""
        return super().__new__(cls)

    def __setstate__(self, _: Any) -> None:
        pass


class InertMapping:
    """Stands for a dict of a class that is not loaded: an ordered one takes its place."""

    def __new__(cls, *_: Any) -> OrderedDict:
        """An empty dict, for the entries that follow."""
        return OrderedDict()


def kind_of(path: Path) -> Kind:
    """The kind of a file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a folder, an empty file, or content of no known kind.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such checkpoint")
    if path.is_dir():
        raise ValueError(f"{path}: is a folder, expected a file")
    with path.open("rb") as file:
        start = file.read(64)
    if start.startswith(b"PK"):
        return _kind_of_archive(path)
    if start.startswith(_LEGACY):
        return Kind.TORCH
    if start[8:9] == b"{" and 8 + int.from_bytes(start[:8], "little") <= path.stat().st_size:
        return Kind.SAFETENSORS
    # a protocol buffer has no mark: its first field is the version, a small number
    if start[:1] == b"\x08" and (path.suffix == ".onnx" or start[2:3] in b"\x12\x1a\x22\x3a"):
        return Kind.ONNX
    raise ValueError(f"{path}: not a readable checkpoint ({_described(start)})")


def _kind_of_archive(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.partition("/")[2] or name for name in archive.namelist()}
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path}: not a readable checkpoint (damaged or cut short)") from error
    if ".data/extern_modules" in names:
        raise ValueError(f"{path}: a package of torch, which runs its own code; not loaded")
    if "constants.pkl" in names:
        return Kind.TORCHSCRIPT
    if names & {"archive_format", "serialized_exported_program.json"}:
        return Kind.EXPORTED
    if "data.pkl" in names:
        return Kind.TORCH
    raise ValueError(f"{path}: a zip archive, but none of torch (it holds {some(sorted(names))})")


def _described(start: bytes) -> str:
    if not start:
        return "empty"
    if start.lstrip().startswith(b"<"):
        return "a web page; was the download refused?"
    if start.startswith(b"version https://git-lfs"):
        return "a pointer of git LFS, not the file itself"
    if start.startswith(b"\x80"):
        return "a pickle that is not of torch; reading it could run code"
    return f"of no known kind; it starts with {start[:8]!r}"


def read_torch(path: Path) -> Any:
    """What `torch.save` wrote, on the CPU; objects of foreign classes are `Inert`.

    Raises:
        ValueError: damaged, or it holds code that only a program could read; nothing of it ran.
    """
    try:
        with safe_globals([(_stand_in(name), name) for name in _foreign(path)]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged or foreign file
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{path}: not a readable checkpoint; no code in it was run ({reason})"
        ) from error


def _foreign(path: Path) -> list[str]:
    # torch before 1.6 wrote no archive; it cannot list what such a file names
    return get_unsafe_globals_in_checkpoint(path) if zipfile.is_zipfile(path) else []


def _stand_in(name: str) -> type:
    is_mapping = name.rpartition(".")[2] in _MAPPINGS
    return InertMapping if is_mapping else type("Inert", (Inert,), {"origin": name})


def read_safetensors(path: Path) -> tuple[Weights, dict[str, str]]:
    """Tensors by name, on the CPU, and the metadata of a safetensors file.

    Raises:
        ValueError: damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return weights, file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"{path}: not a readable checkpoint ({error})") from error


def tensors_in(path: Path, content: Any) -> Weights:
    """The named tensors of a network in what a trainer saved.

    Raises:
        ValueError: there are none; the message says what there is.
    """
    if isinstance(content, Inert):
        raise ValueError(
            f"{path}: holds an object of {content.origin}, not tensors; "
            "save its state_dict() with the program that made it"
        )
    found = _named_tensors(content)
    if not found:
        what = f"a dict of {some([*map(str, content)])}" if isinstance(content, Mapping) else ""
        raise ValueError(f"{path}: no named tensors in it (found {what or type(content).__name__})")
    return found


def _named_tensors(content: Any) -> Weights:
    if not isinstance(content, Mapping):
        return {}
    for name in WRAPPERS:
        if found := _named_tensors(content.get(name)):
            return found
    return {n: t for n, t in content.items() if isinstance(n, str) and isinstance(t, Tensor)}


def views(weights: Weights) -> Iterator[Weights]:
    """The tensors of a network under the names that it may have without what wrappers put before.

    Entries of heads are left out. A prefix goes only where all that remains has it.
    """
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith(HEADS)}
    yield kept
    for prefix in PREFIXES:
        if kept and all(name.startswith(prefix) for name in kept):
            yield from views({name.removeprefix(prefix): t for name, t in kept.items()})
