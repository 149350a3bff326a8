"""ONNX graphs on onnxruntime, as modules of torch.

Shapes: B images, D numbers in an embedding.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from irlib.backbones.checks import IMAGE_SIZE

_SHAPE = (3, IMAGE_SIZE, IMAGE_SIZE)


class OnnxGraph(nn.Module):
    """An ONNX graph: images (B, 3, 112, 112) to its outputs by name.

    Args:
        path: of the file.

    Raises:
        ValueError: damaged, or its input is not (N, 3, 112, 112) float.
        ModuleNotFoundError: onnxruntime is not installed.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._sessions: dict[str, Any] = {}
        session = self._session("cpu")
        self.input, self.batch = _input(path, session.get_inputs())
        self.outputs = [output.name for output in session.get_outputs()]
        told = session.get_modelmeta().custom_metadata_map
        self.color_order: str | None = told.get("color_order")

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Outputs by name, where the images lie."""
        array = images.detach().float().contiguous().cpu().numpy()
        arrays = self._session(images.device.type).run(self.outputs, {self.input: array})
        tensors = [torch.from_numpy(array).to(images.device) for array in arrays]
        return dict(zip(self.outputs, tensors, strict=True))

    def __getstate__(self) -> dict[str, Any]:
        # sessions are neither copied nor sent to other processes; each makes its own
        return {**self.__dict__, "_sessions": {}}

    def _session(self, device: str) -> Any:
        if device not in self._sessions:
            self._sessions[device] = _open(self.path, device)
        return self._sessions[device]


def data_files(path: Path) -> list[Path]:
    """The files beside an ONNX file that hold tensors of it, in order; none where it holds all."""
    import onnx

    places = {
        entry.value
        for tensor in onnx.load(path, load_external_data=False).graph.initializer
        for entry in tensor.external_data
        if entry.key == "location"
    }
    return [path.parent / place for place in sorted(places)]


def _open(path: Path, device: str) -> Any:
    try:
        import onnx  # noqa: F401 - the tensors that lie in other files are found with it
        import onnxruntime
    except ModuleNotFoundError as error:
        message = "ONNX files need onnx and onnxruntime: pip install -e '.[onnx]'"
        raise ModuleNotFoundError(message) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; it warns of every oddity of an export
    wanted = ["CUDAExecutionProvider"] if device == "cuda" else []
    available = onnxruntime.get_available_providers()
    providers = [name for name in wanted if name in available] + ["CPUExecutionProvider"]
    try:
        return onnxruntime.InferenceSession(path, options, providers=providers)
    except Exception as error:  # it has a class of its own for each reason
        raise ValueError(f"{path}: not a readable ONNX file ({error})") from error


def _input(path: Path, inputs: list[Any]) -> tuple[str, int | None]:
    """Name of the input, and the number of images that it takes where that is fixed."""
    found = ", ".join(f"{each.name} {each.shape} {each.type}" for each in inputs)
    if len(inputs) == 1 and inputs[0].type == "tensor(float)" and len(inputs[0].shape) == 4:
        batch, *shape = inputs[0].shape
        # a dimension that is left open is a name, or None
        sizes = zip(shape, _SHAPE, strict=True)
        if all(size == fixed or not isinstance(size, int) for size, fixed in sizes):
            return inputs[0].name, batch if isinstance(batch, int) else None
    expected = ", ".join(map(str, ("N", *_SHAPE)))
    raise ValueError(f"{path}: expected one input ({expected}) tensor(float), found {found}")
