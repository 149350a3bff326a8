"""Several processes for a benchmark, and what they send.

Units: bytes.
"""

import functools
import multiprocessing
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import torch.distributed as dist
from torch import Tensor


def in_processes(work: Callable[..., Any], size: int, *arguments: Any) -> list[Any]:
    """What ``work(*arguments)`` returns in each of some fresh processes, in their order.

    They form a group over gloo; each computes with one thread.
    """
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(size, context) as pool:
        store = f"file://{Path(folder) / 'store'}"
        made = [pool.submit(_one, work, rank, size, store, arguments) for rank in range(size)]
        return [future.result() for future in made]


def _one(
    work: Callable[..., Any], rank: int, size: int, store: str, arguments: tuple[Any, ...]
) -> Any:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=size)
    try:
        return work(*arguments)
    finally:
        dist.destroy_process_group()


class Traffic:
    """Bytes that this process has given to collectives while it was `counting`."""

    def __init__(self) -> None:
        self.bytes = 0

    @contextmanager
    def counting(self) -> Iterator[None]:
        """A context in which sums and gathers are counted."""
        reduce, gather = dist.all_reduce, dist.all_gather_into_tensor

        @functools.wraps(reduce)
        def counted_reduce(tensor: Tensor, *rest: Any, **named: Any) -> Any:
            self.bytes += tensor.nbytes
            return reduce(tensor, *rest, **named)

        @functools.wraps(gather)
        def counted_gather(out: Tensor, own: Tensor, *rest: Any, **named: Any) -> Any:
            self.bytes += own.nbytes
            return gather(out, own, *rest, **named)

        with (
            mock.patch.object(dist, "all_reduce", counted_reduce),
            mock.patch.object(dist, "all_gather_into_tensor", counted_gather),
        ):
            yield


def alone() -> mock._patch:
    """A context in which `irlib.parallel` sends nothing: sums and gathers are of one process."""
    return mock.patch("irlib.parallel.collectives.size", return_value=1)
