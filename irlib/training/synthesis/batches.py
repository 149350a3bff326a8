"""The batches of face age synthesis: faces to make older or younger, and real ones of those ages.

Shapes: N images, B in a batch of all processes, b of them in this one, G age groups.
Unit of ages: years; NaN where unknown.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch

from irlib import parallel
from irlib.age_invariant.ages import age_group
from irlib.age_invariant.synthesis.groups import group_names
from irlib.data.faces import Faces
from irlib.data.loading import TrainLoader
from irlib.data.sampling import GroupBalanced, Rows
from irlib.images import Batch
from irlib.training.synthesis.config import SynthesisConfig


class Couple(NamedTuple):
    """As many sources as targets; of a source the age group of the target beside it is asked."""

    sources: Batch
    targets: Batch  # of known age


class Couples:
    """Couples of batches without end, which can go on from any of them.

    Args:
        sources: gives every image, with or without an age.
        targets: gives images of known age.
    """

    def __init__(self, sources: TrainLoader, targets: TrainLoader) -> None:
        self.sources, self.targets = sources, targets

    def __iter__(self) -> Iterator[Couple]:
        """What follows on the couple given out last.

        Raises:
            ValueError: an image is damaged, and more are than allowed; the message names it.
        """
        for sources, targets in zip(
            _without_end(self.sources), _without_end(self.targets), strict=True
        ):
            couple = _of_one_size(sources, targets)
            if couple.sources.total > 1:  # batch norm cannot take one image
                yield couple

    @property
    def images_seen(self) -> int:
        """Sources given out so far by all processes."""
        return self.sources.images_seen

    @property
    def bad(self) -> list[str]:
        """Names of the damaged images met so far, each once."""
        return list(dict.fromkeys([*self.sources.bad, *self.targets.bad]))

    def state_dict(self) -> dict[str, Any]:
        """Where both loaders stand; the same in every process."""
        return {"sources": self.sources.state_dict(), "targets": self.targets.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where others over the same images stood."""
        self.sources.load_state_dict(state["sources"])
        self.targets.load_state_dict(state["targets"])


def couples(
    faces: Faces,
    config: SynthesisConfig,
    *,
    num_groups: int,
    seed: int,
    allowed_bad: int = 0,
    local_size: int = 1,
) -> Couples:
    """This process's part of the batches of a synthesis training.

    Args:
        faces: N training images.
        config: the recipe.
        num_groups: G, of the encoder.
        seed: of both orders.
        allowed_bad: damaged images that may be left out.
        local_size: processes that share this machine's cores.

    Raises:
        ValueError: no image shows an age of one of the groups, no thresholds are known for so
            many groups, or batches that leave a process without images for batch statistics of
            its own.
    """
    names = tuple(group_names(num_groups))
    sampler = GroupBalanced(_groups(faces, num_groups), names)
    if parallel.size() > 1 and not config.shared_batch_norm:
        _require_one_each(config, len(faces))
    share = {
        "batch_size": config.batch_size, "workers": config.workers, "allowed_bad": allowed_bad,
        "rank": parallel.rank(), "size": parallel.size(), "local_size": local_size,
    }  # fmt: skip
    other = int(np.random.SeedSequence([seed, 1]).generate_state(1)[0])  # another order
    return Couples(
        TrainLoader(faces, seed=seed, **share),
        TrainLoader(faces, seed=other, sampler=sampler, **share),
    )


def _groups(faces: Faces, num_groups: int) -> Rows:
    # by the rule that a step goes by, in its precision
    ages = torch.from_numpy(faces.ages.astype(np.float32))
    groups = age_group(ages, num_groups).numpy()
    return np.where(np.isfinite(faces.ages), groups, -1)


def _without_end(loader: TrainLoader) -> Iterator[Batch]:
    while True:
        yield from loader


def _of_one_size(sources: Batch, targets: Batch) -> Couple:
    # they differ where damaged images were left out of one of them
    if sources.counts is None or targets.counts is None:
        count = min(len(sources.labels), len(targets.labels))
        return Couple(_first(sources, count, None), _first(targets, count, None))
    counts = tuple(map(min, sources.counts, targets.counts))
    count = counts[parallel.rank()]
    return Couple(_first(sources, count, counts), _first(targets, count, counts))


def _first(batch: Batch, count: int, counts: tuple[int, ...] | None) -> Batch:
    if len(batch.labels) == count and batch.counts == counts:
        return batch
    return dataclasses.replace(
        batch,
        images=batch.images[:count],
        labels=batch.labels[:count],
        ages=batch.ages[:count],
        counts=counts,
    )


def _require_one_each(config: SynthesisConfig, count: int) -> None:
    for batch in (config.batch_size, count % config.batch_size):
        if 1 < batch < parallel.size():
            raise ValueError(
                f"shared_batch_norm is False: of {count:,} images in batches of "
                f"{config.batch_size} a batch of {batch} gives one of {parallel.size()} processes "
                "none, expected at least one each"
            )
