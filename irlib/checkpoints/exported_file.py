"""The file of a program of `torch.export`: a graph of operators as JSON, and tensors.

Source: torch.export's schema, version 8, which torch 2.15 writes.
"""

import json
import re
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch import Tensor

VERSION = 8  # of the schema
JSON = dict[str, Any]
FLOAT = 7

DTYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}


def read(path: Path) -> tuple[JSON, dict[str, Tensor]]:
    """The program as JSON, and its tensors by name.

    Raises:
        ValueError: no or several programs, another version, or tensors that only a pickle holds.
        KeyError: a part of it is missing.
        zipfile.BadZipFile: damaged.
    """
    with zipfile.ZipFile(path) as archive:
        files = {name.partition("/")[2]: name for name in archive.namelist()}
        models = [name for name in files if re.fullmatch(r"models/[^/]+\.json", name)]
        if len(models) != 1:
            raise ValueError(
                f"expected one exported program, found {len(models)}; "
                "files of torch before 2.9 have to be exported again"
            )
        program = json.loads(archive.read(files[models[0]]))
        version = program["schema_version"]["major"]
        if version != VERSION:
            raise ValueError(f"schema_version: expected {VERSION}, found {version}; export it anew")
        model = PurePosixPath(models[0]).stem
        return program, {
            **_tensors(archive, files, model, "weights"),
            **_tensors(archive, files, model, "constants"),
        }


def _tensors(
    archive: zipfile.ZipFile, files: dict[str, str], model: str, kind: str
) -> dict[str, Tensor]:
    folder = f"data/{kind}"
    config = json.loads(archive.read(files[f"{folder}/{model}_{kind}_config.json"]))
    tensors = {}
    for name, entry in config["config"].items():
        if entry["use_pickle"] or not entry["tensor_meta"]:
            raise ValueError(f"{name} is pickled, which could run code; not loaded")
        data = archive.read(files[f"{folder}/{entry['path_name']}"])
        tensors[name] = _tensor(data, entry["tensor_meta"])
    return tensors


def _tensor(data: bytes, meta: JSON) -> Tensor:
    sizes = [size["as_int"] for size in meta["sizes"]]
    dtype = DTYPES[meta["dtype"]]
    if 0 in sizes:
        return torch.empty(sizes, dtype=dtype)
    strides = [stride["as_int"] for stride in meta["strides"]]
    flat = torch.frombuffer(bytearray(data), dtype=dtype)
    return flat.as_strided(sizes, strides, meta["storage_offset"]["as_int"]).clone()
