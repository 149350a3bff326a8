"""Embeddings of images, each image once.

Shapes: N images, B of them in a batch, D embedding size.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from irlib.images import to_input


def embed(
    backbone: nn.Module,
    batches: Iterable[NDArray[np.uint8]],
    *,
    device: torch.device | str,
    flip: bool = False,
) -> NDArray[np.float32]:
    """The embedding of each image, (N, D), in the order given and not normalised.

    The backbone is in evaluation mode meanwhile, and afterwards as it was.

    Args:
        backbone: float (B, 3, H, W) RGB in [-1, 1] to (B, D).
        batches: uint8 (B, H, W, 3) RGB each, such as `irlib.data.decoding.batches` yields.
        device: where the backbone is.
        flip: add the embedding of the mirrored image before normalisation. The paper does not.

    Raises:
        ValueError: no batch, one that is not uint8 (B, H, W, 3), or a non-finite embedding.
    """
    with _evaluating(backbone), torch.inference_mode():
        rows = [_embeddings(backbone, images, torch.device(device), flip) for images in batches]
        if not rows:
            raise ValueError("batches: none given; expected at least one image")
        embeddings = torch.cat(rows).cpu().numpy()  # the only read that waits for the device
    if not np.isfinite(embeddings).all():
        raise ValueError("embeddings: some are not finite; the backbone has diverged")
    return embeddings


def _embeddings(
    backbone: nn.Module, images: NDArray[np.uint8], device: torch.device, flip: bool
) -> Tensor:
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
        raise ValueError(
            f"batch: {images.dtype} {images.shape}; expected uint8 (B, height, width, 3)"
        )
    batch = to_input(torch.from_numpy(images).to(device, non_blocking=True))  # (B, 3, H, W)
    embeddings = backbone(batch).float()
    if flip:
        embeddings = embeddings + backbone(batch.flip(3)).float()
    return embeddings


@contextmanager
def _evaluating(backbone: nn.Module) -> Iterator[None]:
    # module by module, as a caller may have frozen some of them in evaluation mode
    modes = [(module, module.training) for module in backbone.modules()]
    backbone.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
