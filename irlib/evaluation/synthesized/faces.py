"""Faces at other ages, and their estimated ages, in batches.

Shapes: N images, G age groups. Unit of ages: years.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from irlib.age_invariant.synthesis.encoder import Encoder
from irlib.age_invariant.synthesis.groups import check_group
from irlib.age_invariant.synthesis.synthesizer import Synthesizer, to_pixels
from irlib.images import to_input

_BATCH = 64  # images


def synthesized(
    synthesizer: Synthesizer,
    images: NDArray[np.uint8],
    groups: ArrayLike,
    *,
    device: torch.device | str,
) -> NDArray[np.uint8]:
    """The faces at the ages of the groups, (N, 112, 112, 3) RGB.

    Args:
        synthesizer: what makes them.
        images: uint8 (N, 112, 112, 3) RGB.
        groups: (N,) group asked of each.
        device: where the synthesizer is.

    Raises:
        ValueError: an unknown group, or images of another form.
    """
    asked = np.asarray(groups, dtype=np.int64)
    for group in np.unique(asked).tolist():
        check_group(group, synthesizer.num_groups)
    return blended(synthesizer, images, np.eye(synthesizer.num_groups)[asked], device=device)


def in_all_groups(
    synthesizer: Synthesizer, images: NDArray[np.uint8], *, device: torch.device | str
) -> NDArray[np.uint8]:
    """Every face in every group, (G, N, 112, 112, 3); see `synthesized`."""
    return in_groups(synthesizer, images, range(synthesizer.num_groups), device=device)


def in_groups(
    synthesizer: Synthesizer,
    images: NDArray[np.uint8],
    groups: Iterable[int],
    *,
    device: torch.device | str,
) -> NDArray[np.uint8]:
    """Every face in each of some groups, (groups, N, 112, 112, 3); see `synthesized`."""
    each = (np.full(len(images), group) for group in groups)
    return np.stack([synthesized(synthesizer, images, group, device=device) for group in each])


def blended(
    synthesizer: Synthesizer,
    images: NDArray[np.uint8],
    weights: ArrayLike,
    *,
    device: torch.device | str,
) -> NDArray[np.uint8]:
    """The faces at places between the groups, (N, 112, 112, 3) RGB.

    Args:
        synthesizer: what makes them.
        images: uint8 (N, 112, 112, 3) RGB.
        weights: (N, G) of the groups.
        device: where the synthesizer is.

    Raises:
        ValueError: images of another form, none, or not as many weights.
    """
    asked = np.asarray(weights, dtype=np.float32)
    if asked.shape != (len(images), synthesizer.num_groups):
        raise ValueError(
            f"groups {asked.shape}: expected ({len(images)}, {synthesizer.num_groups})"
        )
    weighed = torch.from_numpy(asked).to(device).split(_BATCH)
    with torch.inference_mode():
        made = [
            to_pixels(synthesizer(batch, of_each)).cpu()
            for batch, of_each in zip(_inputs(images, device), weighed, strict=True)
        ]
    return torch.cat(made).numpy()


def estimated_ages(
    estimator: Encoder, images: NDArray[np.uint8], *, device: torch.device | str
) -> NDArray[np.float64]:
    """(N,) age that a network sees in each face.

    Args:
        estimator: with an age head; for a fair measure, trained apart from the synthesis.
        images: uint8 (N, 112, 112, 3) RGB.
        device: where the estimator is.

    Raises:
        ValueError: images of another form, or none.
    """
    with torch.inference_mode():
        years = [estimator.years(batch).cpu() for batch in _inputs(images, device)]
    return torch.cat(years).double().numpy()


def _inputs(images: NDArray[np.uint8], device: torch.device | str) -> Iterator[Tensor]:
    if images.dtype != np.uint8 or images.shape[1:] != (112, 112, 3) or not len(images):
        raise ValueError(f"images: {images.dtype} {images.shape}; expected uint8 (N, 112, 112, 3)")
    return (to_input(batch.to(device)) for batch in torch.from_numpy(images).split(_BATCH))
