"""Where a network looks when it compares two faces: Grad-CAM of their cosine.

Shapes: P pairs, C channels of the last maps of h x w, H x W pixels of an image.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from irlib.images import to_input


def cosine_cams(
    network: nn.Module,
    first: NDArray[np.uint8],
    second: NDArray[np.uint8],
    *,
    device: torch.device | str,
) -> NDArray[np.float32]:
    """How much each place adds to the cosine of each pair, (P, 2, H, W) in [0, 1].

    The gradient of the cosine with respect to a channel of the last maps, averaged over its
    places, weighs the channel; what remains of the weighted sum above zero is scaled so that its
    largest place is 1, and enlarged to the image. A map without a positive place is all zero.
    Where a network tells age apart, the maps are those of its backbone, from which the age has
    not been taken yet; the cosine is that of the identities.

    Args:
        network: images to embeddings, in evaluation mode, with a backbone of `irlib.backbones`.
        first: (P, H, W, 3) uint8 RGB.
        second: (P, H, W, 3) uint8 RGB.
        device: where the network is.

    Source: Selvaraju et al., "Grad-CAM", ICCV 2017, with the cosine of a pair as the score.
    """
    images = to_input(torch.from_numpy(np.concatenate([first, second])).to(device))
    with torch.enable_grad(), _last_maps(network) as seen:
        left, right = network(images).float().chunk(2)
        score = F.cosine_similarity(left, right).sum()  # a pair's maps move its own cosine only
        (gradient,) = torch.autograd.grad(score, seen[-1])
    maps = seen[-1].detach().float()
    cams = (gradient.float().mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1, keepdim=True).relu()
    cams = cams / cams.amax(dim=(2, 3), keepdim=True).clamp_min(1e-12)
    cams = F.interpolate(cams, size=images.shape[2:], mode="bilinear", align_corners=False)
    return torch.stack(cams[:, 0].chunk(2), dim=1).cpu().numpy()


@contextmanager
def _last_maps(network: nn.Module) -> Iterator[list[Tensor]]:
    # The maps are the result of a method, not of a module, so no hook of torch sees them.
    backbone = next((each for each in network.modules() if hasattr(each, "maps")), None)
    if backbone is None:
        raise ValueError(f"{type(network).__name__}: no backbone of irlib.backbones in it")
    seen: list[Tensor] = []
    maps_of = backbone.maps

    def maps(images: Tensor) -> Tensor:
        seen.append(maps_of(images))
        return seen[-1]

    backbone.maps = maps
    try:
        yield seen
    finally:
        del backbone.maps  # the method of the class shows again
