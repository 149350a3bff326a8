"""Which of a training's processes this one is, and how it joins the others.

Apart from `irlib.parallel` itself, so that what only starts a training decides on no result.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

import torch
import torch.distributed as dist

TIMEOUT = 600.0  # seconds that a process waits for the others, of whom one may be gone


@dataclass(frozen=True)
class Place:
    """The place of a process; the default: one that is alone."""

    rank: int = 0  # among all
    size: int = 1
    local_rank: int = 0  # among those of its machine; it picks the device and nothing else
    local_size: int = 1

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """The place that torchrun gives by RANK, WORLD_SIZE and so on; alone without them.

        Raises:
            ValueError: some of them are missing, are no numbers or do not fit together.
        """
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
        found = {name: environment[name] for name in names if name in environment}
        if "WORLD_SIZE" not in found:
            return cls()
        told = ", ".join(f"{name}={found.get(name, '')}" for name in names)
        try:
            place = cls(*(int(found[name]) for name in names))
        except (KeyError, ValueError):
            raise ValueError(f"{told}: expected four numbers, as torchrun sets them") from None
        if not (0 <= place.local_rank <= place.rank < place.size >= place.local_size > 0):
            raise ValueError(f"{told}: expected ranks below the numbers of processes")
        return place

    @property
    def machines(self) -> int:
        """How many machines there are, all with as many processes as this one."""
        return -(-self.size // self.local_size)


@contextmanager
def joined(place: Place, device: torch.device, *, timeout: float = TIMEOUT) -> Iterator[None]:
    """A context in which this process and the others form the default process group.

    One that is alone needs none.

    Args:
        place: of this process.
        device: that it computes on.
        timeout: seconds after which a process that waits for the others gives up.

    Raises:
        RuntimeError: the others do not come.
    """
    if place.size == 1:
        yield
        return
    cuda = device.type == "cuda"
    if cuda:
        torch.cuda.set_device(device)
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if cuda else "gloo",
        rank=place.rank,
        world_size=place.size,
        timeout=timedelta(seconds=timeout),
    )
    yield
    dist.destroy_process_group()  # not after an error: it would wait for who is gone
