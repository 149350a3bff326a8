"""Batches through a network, on one device or several.

Shapes: B images in a batch, H x W pixels, D embedding size.
"""

import copy
import queue
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from irlib.evaluation.reading import Crops, in_order, threads
from irlib.images import to_input

_UNIT = 1e-3  # how far from 1 the length of a unit embedding may be
_A_CORE = 16  # images: the maps of 64 leave its cache, which doubles MobileFaceNet's time


def forwarded(
    model: Callable[[Tensor], Any],
    batches: Iterable[Crops],
    *,
    devices: Sequence[torch.device],
    flip: bool,
) -> Iterator[tuple[Crops, NDArray[np.float32]]]:
    """Each batch with its embeddings (B, D), in the order given.

    Every device takes the next batch once it is done with the last.

    Args:
        model: float (B, 3, H, W) RGB in [-1, 1] to (B, D), a tensor or an array; or, as AdaFace's
            networks do, to unit embeddings (B, D) and their norms (B, 1), which are multiplied.
        batches: what to embed.
        devices: where; a module is copied to those where it is not.
        flip: add the embedding of the mirrored image.

    Raises:
        ValueError: the model gives something else.
    """
    free: queue.SimpleQueue[tuple[Callable[[Tensor], Any], torch.device]] = queue.SimpleQueue()
    for device, replica in _replicas(model, devices).items():
        # while the results of one batch are read, a GPU is at work on the next
        for _ in range(max(devices.count(device), 2 if device.type == "cuda" else 1)):
            free.put((replica, device))

    def forward(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        replica, device = free.get()
        try:
            with torch.inference_mode():
                return embeddings_of(replica, pixels, device, flip).cpu().numpy()
        finally:
            free.put((replica, device))

    workers = free.qsize()
    with threads(workers) as pool:
        begun = ((crops, pool.submit(forward, crops.pixels)) for crops in batches)
        for crops, rows in in_order(begun, 2 * workers):
            yield crops, rows.result()


def embeddings_of(
    model: Callable[[Tensor], Any], images: NDArray[np.uint8], device: torch.device, flip: bool
) -> Tensor:
    """(B, D) float32 embeddings of one batch.

    Args:
        model: as for `forwarded`.
        images: uint8 (B, H, W, 3) RGB.
        device: where the model is.
        flip: add the embedding of the mirrored image.

    Raises:
        ValueError: images of another shape, or a model that gives something else.
    """
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
        raise ValueError(
            f"batch: {images.dtype} {images.shape}; expected uint8 (B, height, width, 3)"
        )
    size = _A_CORE * torch.get_num_threads() if device.type == "cpu" else max(len(images), 1)
    pieces = torch.from_numpy(images).split(size)
    rows = [_piece(model, piece.to(device, non_blocking=True), flip) for piece in pieces]
    return rows[0] if len(rows) == 1 else torch.cat(rows)


def _piece(model: Callable[[Tensor], Any], images: Tensor, flip: bool) -> Tensor:
    batch = to_input(images)  # (B, 3, H, W)
    embeddings = _checked(model(batch), len(batch))
    if flip:
        embeddings = embeddings + _checked(model(batch.flip(3)), len(batch))
    return embeddings


def _checked(given: Any, size: int) -> Tensor:
    if isinstance(given, tuple | list):
        return _with_norms(given, size)
    if not _is_table(given, size):
        raise _refusal(_told(given), size)
    return torch.as_tensor(given).float()


def _with_norms(parts: Sequence[Any], size: int) -> Tensor:
    if len(parts) == 2 and all(_is_table(part, size) for part in parts):
        embeddings, norms = (torch.as_tensor(part).float() for part in parts)
        lengths = embeddings.norm(dim=1)
        # what has no length at all is told later, with the image's name
        if norms.shape[1] == 1 and not ((lengths - 1).abs() > _UNIT).any():
            return embeddings * norms
        if norms.shape[1] == 1:
            raise ValueError(
                f"model: gave norms beside embeddings of length {float(lengths.min()):.3g} to "
                f"{float(lengths.max()):.3g}; expected 1, or the embeddings alone"
            )
    found = ", ".join(map(_told, parts)) or "nothing"
    raise _refusal(f"a {type(parts).__name__} of {found}", size)


def _refusal(told: str, size: int) -> ValueError:
    return ValueError(
        f"model: gave {told} for {size} images; expected one ({size}, D) array, or unit embeddings "
        f"({size}, D) with norms ({size}, 1)"
    )


def _is_table(given: Any, size: int) -> bool:
    is_array = isinstance(given, Tensor | np.ndarray)
    return is_array and len(given.shape) == 2 and given.shape[0] == size


def _told(given: Any) -> str:
    shape = getattr(given, "shape", None)
    return type(given).__name__ if shape is None else str(tuple(shape))


@contextmanager
def evaluating(model: Callable[[Tensor], Any]) -> Iterator[None]:
    """A module is in evaluation mode meanwhile, and afterwards as it was."""
    # module by module, as a caller may have frozen some of them in evaluation mode
    modules = list(model.modules()) if isinstance(model, nn.Module) else []
    training = [module for module in modules if module.training]
    if training:  # some modules, such as exported programs, refuse to be told
        model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _replicas(
    model: Callable[[Tensor], Any], devices: Sequence[torch.device]
) -> dict[torch.device, Callable[[Tensor], Any]]:
    if not isinstance(model, nn.Module):
        return dict.fromkeys(devices, model)
    tensors = chain(model.parameters(), model.buffers())
    homes = {(tensor.device.type, tensor.device.index or 0) for tensor in tensors}
    return {
        # a module without tensors of its own is at home everywhere
        device: model
        if homes <= {(device.type, device.index or 0)}
        else copy.deepcopy(model).to(device)
        for device in devices
    }
