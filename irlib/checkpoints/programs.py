"""Networks that come as programs: ONNX, TorchScript and `torch.export`.

None of them can run Python of its file. ONNX graphs and exported programs are run operator by
operator; TorchScript is a language of its own, whose files are refused where they use the disk.

Shapes: B images, D numbers in an embedding.
"""

import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from irlib import provenance
from irlib.backbones.checks import IMAGE_SIZE
from irlib.checkpoints.brought import Brought, digest_of
from irlib.checkpoints.exported import ExportedGraph
from irlib.checkpoints.onnx_graph import OnnxGraph, data_files

Outputs = dict[str, Tensor]

_DISK = re.compile(r"\b(save|load|from_file)\(")  # in TorchScript, what reads or writes files
_UNIT = 1e-3  # how far from 1 the length of a unit embedding may be
_ALONE = 1e-2  # how far an embedding may move with the batch, of the largest number in it


class Program(nn.Module):
    """A program as a network: images (B, 3, 112, 112) to embeddings (B, D).

    Args:
        graph: images to named outputs.
        embedding: name of the output that is the embedding.
        norm: name of the output (B, 1) that a unit embedding is multiplied by; empty: none.
        batch: images that it takes at once; None for any number.
    """

    def __init__(self, graph: nn.Module, *, embedding: str, norm: str, batch: int | None) -> None:
        super().__init__()
        self.graph = graph
        self.embedding, self.norm, self.batch = embedding, norm, batch

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (B, D), not normalized unless the program does so."""
        size = self.batch or len(images)
        return torch.cat([self._embed(some, size) for some in images.split(size)])

    def _embed(self, images: Tensor, size: int) -> Tensor:
        # gray images make up the number that the program takes
        outputs = self.graph(F.pad(images, (0, 0, 0, 0, 0, 0, 0, size - len(images))))
        embeddings = outputs[self.embedding]
        if self.norm:
            embeddings = embeddings * outputs[self.norm]
        return embeddings[: len(images)]


class ScriptGraph(nn.Module):
    """A TorchScript module with its outputs by name.

    Args:
        script: as `torch.jit.load` gives it.
    """

    def __init__(self, script: nn.Module) -> None:
        super().__init__()
        self.script = script

    def forward(self, images: Tensor) -> Outputs:
        """Outputs by name, or by number where the program gives none."""
        outputs = self.script(images)
        if isinstance(outputs, dict):
            return outputs
        several = outputs if isinstance(outputs, tuple | list) else [outputs]
        return {f"output {index}": output for index, output in enumerate(several)}


def load_onnx(path: Path, color_order: str | None) -> Brought:
    """The backbone in an ONNX file.

    It runs where its images lie: on a CUDA device where onnxruntime can, else on the CPU.

    Args:
        path: of the file; tensors that it keeps in others lie beside it.
        color_order: that the network was trained on; None: as an export of irlib tells, else RGB.

    Raises:
        ValueError: damaged, or of other inputs or outputs.
        ModuleNotFoundError: onnxruntime is not installed.
    """
    graph = OnnxGraph(path)
    brought = _brought(path, graph, "onnx", color_order or graph.color_order, graph.batch)
    if others := data_files(path):
        brought.digest = provenance.digest(brought.digest, *map(provenance.file_digest, others))
    return brought


def load_torchscript(path: Path, color_order: str | None) -> Brought:
    """The backbone in a TorchScript file.

    Raises:
        ValueError: damaged, of other inputs or outputs, or it reads or writes files.
    """
    _check_script(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # old files stay, whatever torch advises
            script = torch.jit.load(path, map_location="cpu").eval()
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ValueError(f"{path}: not a readable TorchScript program ({_line(error)})") from error
    return _brought(path, ScriptGraph(script), "torchscript", color_order, None)


def load_exported(path: Path, color_order: str | None) -> Brought:
    """The backbone in a file of `torch.export`.

    Raises:
        ValueError: damaged, of other inputs or outputs, or of operators that are not torch's.
    """
    graph = ExportedGraph(path)
    return _brought(path, graph, "torch_export", color_order, graph.batch)


def _check_script(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not name.endswith(".py"):
                continue
            found = _DISK.search(archive.read(name).decode("utf-8", "replace"))
            if found:
                raise ValueError(
                    f"{path}: {name} calls {found[1]}, which uses the disk; not loaded"
                )


def _brought(
    path: Path, graph: nn.Module, family: str, color_order: str | None, batch: int | None
) -> Brought:
    color_order = color_order or "RGB"
    try:
        program, size = _fitted(graph, batch)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    digest = digest_of(path, family, color_order)
    return Brought(
        program, family=family, color_order=color_order, embedding_size=size, digest=digest
    )


@torch.no_grad()
def _fitted(graph: nn.Module, batch: int | None) -> tuple[Program, int]:
    """A program and D, from a trial on pixels that rise from -1 to 1.

    One that takes any number of images is tried with two, and where it fails with one: a trace
    may hold the number of images that it was made with.
    """
    ramp = torch.linspace(-1, 1, 2 * 3 * IMAGE_SIZE**2).reshape(2, 3, IMAGE_SIZE, IMAGE_SIZE)
    if batch:
        return _tried(graph, ramp[:1].repeat(batch, 1, 1, 1), batch)
    try:
        program, size = _tried(graph, ramp, None)
    except ValueError:
        return _tried(graph, ramp[:1], 1)
    together, alone = program(ramp)[0], _outputs(program, ramp[:1])[0]
    if (together - alone).abs().max() > _ALONE * together.abs().max():
        raise ValueError(
            "gives an image another embedding in another batch; was it saved in training mode?"
        )
    return program, size


def _tried(graph: nn.Module, images: Tensor, batch: int | None) -> tuple[Program, int]:
    outputs = _outputs(graph, images)
    embedding, norm = _chosen(outputs, len(images))
    program = Program(graph, embedding=embedding, norm=norm, batch=batch)
    return program, outputs[embedding].shape[1]


def _outputs(graph: nn.Module, images: Tensor) -> Any:
    try:
        return graph(images)
    except Exception as error:  # each runtime has its own
        shape = tuple(images.shape)
        raise ValueError(f"fails on float images {shape}: {_line(error)}") from error


def _chosen(outputs: Outputs, count: int) -> tuple[str, str]:
    """Names of the embedding and of its norm, empty where there is none.

    A second output (B, 1) is the norm of a unit embedding, as AdaFace's networks give it. Beside
    an embedding of another length it is something else and is left.
    """
    tables = {n: o.shape[1] for n, o in outputs.items() if o.ndim == 2 and len(o) == count}
    wide = [name for name, width in tables.items() if width > 1]
    if len(wide) != 1:
        found = ", ".join(f"{name} {tuple(o.shape)}" for name, o in outputs.items())
        raise ValueError(f"expected one output (N, D) for {count} images, found {found}")
    norms = [name for name, width in tables.items() if width == 1]
    lengths = outputs[wide[0]].float().norm(dim=1)
    is_unit = (lengths - 1).abs().max() < _UNIT
    return wide[0], norms[0] if len(norms) == 1 and is_unit else ""


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]
