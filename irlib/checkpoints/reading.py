"""Tensors out of files of any origin, without running code that lies in them."""

import io
import pickle
import pickletools
import re
import zipfile
from collections import OrderedDict
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from irlib.checkpoints.family import Weights, some

_MAPPINGS = ("AttributeDict", "defaultdict", "EasyDict", "Munch", "ConfigDict")  # classes of dicts
_LEGACY = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)  # what torch before 1.6 put first
_AHEAD = 3  # pickles before the content in such a file: mark, version and system
_COLORS = re.compile(r"\x1b\[[0-9;]*m")  # of a terminal
# what torch says before and after the fault itself: how to load the file all the same
_BEFORE_FAULT = re.compile(r"WeightsUnpickler error:|a trusted source\.")
_AFTER_FAULT = re.compile(r"Please use|Check the documentation")


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
        stand_ins = [(_stand_in(name), name) for name in _foreign(path)]
        with safe_globals(stand_ins):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged or foreign file
        raise ValueError(
            f"{path}: not a readable checkpoint; no code in it was run ({reason(error)})"
        ) from error


def reason(error: Exception) -> str:
    """What `torch.load` found, in one line, without its advice to trust the file."""
    found = _BEFORE_FAULT.split(_COLORS.sub("", str(error)))[-1]
    line = " ".join(_AFTER_FAULT.split(found)[0].split())
    return line if line and "weights_only" not in line else type(error).__name__


def _foreign(path: Path) -> list[str]:
    """Names of what a file refers to and torch does not trust."""
    if zipfile.is_zipfile(path):
        return get_unsafe_globals_in_checkpoint(path)
    # torch lists names in archives alone: the content of a file from before them goes into one
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("content/data.pkl", _legacy_content(path))
        file.writestr("content/version", "3")
    archive.seek(0)
    return get_unsafe_globals_in_checkpoint(archive)


def _legacy_content(path: Path) -> bytes:
    with path.open("rb") as file:
        for _ in range(_AHEAD):
            _pass_pickle(file)
        start = file.tell()
        _pass_pickle(file)
        length = file.tell() - start
        file.seek(start)
        return file.read(length)


def _pass_pickle(file: BinaryIO) -> None:
    for _ in pickletools.genops(file):  # operations are told apart, and none is done
        pass


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
