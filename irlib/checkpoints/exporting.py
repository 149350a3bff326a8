"""Networks written for other programs, each compared with the original before it has its name.

Shapes: B images, D numbers in an embedding.
"""

import copy
import importlib.metadata
from pathlib import Path

import torch
from torch import Tensor, nn

from irlib import backbones
from irlib.backbones.checks import IMAGE_SIZE
from irlib.backbones.features import Recognition
from irlib.checkpoints.brought import Brought, embedding_size_of
from irlib.checkpoints.loading import load_backbone
from irlib.checkpoints.programs import Program
from irlib.runs import atomic_path

INPUT = "float (N, 3, 112, 112) in [-1, 1]"
TOLERANCE = 1e-4  # of the largest number in the embeddings; float32 sums in another order

_IMAGES = 3  # that the two are compared on, of uniform noise


def export_onnx(backbone: nn.Module, path: Path, *, opset: int | None = None) -> None:
    """Write a network as ONNX: RGB images (N, 3, 112, 112) in [-1, 1] to embeddings (N, D).

    What it takes is RGB whatever order the network was trained on, and N is free. `load_backbone`
    reads it back.

    Args:
        backbone: as `load_backbone` gives it, or any module that takes RGB.
        path: the file to write.
        opset: version of ONNX's operators; None: the one that torch writes by default.

    Raises:
        ModuleNotFoundError: the packages of the extra ``onnx`` are not installed.
        ValueError: the network cannot be exported, or its export gives embeddings further than
            `TOLERANCE` from its own; the file is then as it was.
    """
    original = _original(backbone)
    with atomic_path(path) as temporary:
        _write_onnx(original, temporary, opset)
        _compare(original, temporary, path, tolerance=TOLERANCE)


def export_safetensors(backbone: nn.Module, path: Path) -> None:
    """Write the tensors of a network as safetensors, with a header that tells what they are.

    Args:
        backbone: as `load_backbone` gives it, or a network of `irlib.backbones`.
        path: the file to write.

    Raises:
        ValueError: a network that `load_backbone` does not know by its tensors, or a program; the
            file is then as it was.
    """
    from safetensors.torch import save_file

    original = _original(backbone)
    network = original.network if isinstance(original, Brought) else original
    network = network.network if isinstance(network, Recognition) else network
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata=_told(original))
        _compare(original, temporary, path, tolerance=0)


def architecture_of(network: nn.Module) -> str:
    """A network's name in `irlib.backbones`, with what splits age off; else that of its class."""
    if isinstance(network, Recognition):
        whole = network.network
        return f"{architecture_of(whole.backbone)} in {type(whole).__name__}"
    return backbones.name_of(network) or type(network).__name__


def _original(backbone: nn.Module) -> nn.Module:
    """A copy that computes in float32 on the CPU, in evaluation mode."""
    if isinstance(backbone, Brought) and isinstance(backbone.network, Program):
        raise ValueError(
            f"the network is a program ({backbone.family}); it has no tensors to write"
        )
    return copy.deepcopy(backbone).cpu().float().eval()


def _told(backbone: nn.Module) -> dict[str, str]:
    is_brought = isinstance(backbone, Brought)
    network = backbone.network if is_brought else backbone
    return {
        "family": backbone.family if is_brought else "irlib",
        "architecture": architecture_of(network),
        "embedding_size": str(embedding_size_of(network)),
        "color_order": backbone.color_order if is_brought else "RGB",
        "input": INPUT,
        "irlib": importlib.metadata.version("irlib"),
    }


def _write_onnx(backbone: nn.Module, path: Path, opset: int | None) -> None:
    try:
        import onnxscript  # noqa: F401 - torch's exporter stands on it
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "an export to ONNX needs onnx, onnxscript and onnxruntime: pip install -e '.[onnx]'"
        ) from error
    told = {**_told(backbone), "color_order": "RGB"}  # an exchange of channels is part of the graph
    try:
        program = torch.onnx.export(
            backbone,
            (_noise(),),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            input_names=["images"],
            output_names=["embeddings"],
            opset_version=opset,
            verbose=False,
        )
    except Exception as error:  # torch raises many kinds
        line = str(error).strip().splitlines()[0]
        raise ValueError(f"the network cannot be written as ONNX ({line})") from error
    program.model.metadata_props.update(told)
    program.save(path, external_data=False)


def _noise() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(_IMAGES, 3, IMAGE_SIZE, IMAGE_SIZE, generator=generator) * 2 - 1


@torch.no_grad()
def _compare(backbone: nn.Module, written: Path, path: Path, *, tolerance: float) -> None:
    try:
        expected, got = backbone(_noise()), load_backbone(written)(_noise())
    except ValueError as error:
        reason = str(error).replace(str(written), str(path))
        raise ValueError(f"not written, as it cannot be read back: {reason}") from error
    furthest = (got - expected).abs().max() / expected.abs().max()
    if not furthest <= tolerance:  # a NaN is refused too
        raise ValueError(
            f"{path}: not written, as its embeddings are up to {furthest:.1g} of the largest "
            f"number away from the network's (at most {tolerance:g} is expected)"
        )
