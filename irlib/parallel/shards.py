"""The rows of a table that one process holds.

Shapes: C rows in all, c in a shard.
"""

from dataclasses import dataclass
from typing import Self

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor
from torch.distributed.tensor import Shard as Rows

from irlib.parallel.world import rank, size


@dataclass(frozen=True)
class Shard:
    """Rows `first` to `first + count` of a table of `total`, cut as `torch.chunk` cuts it."""

    first: int
    count: int
    total: int

    @classmethod
    def of(cls, total: int, *, rank: int, size: int) -> Self:
        """What a process holds of a table; the last ones may hold less, or nothing.

        Args:
            total: C.
            rank: number of the process.
            size: how many there are.
        """
        each = -(-total // size)
        first = min(rank * each, total)
        return cls(first, min(each, total - first), total)

    @property
    def end(self) -> int:
        """The row after the last one."""
        return self.first + self.count

    def as_dtensor(self, rows: Tensor, mesh: DeviceMesh) -> DTensor:
        """The whole table (C, ...) as a DTensor over the memory of these rows (c, ...).

        Args:
            rows: of this shard, contiguous.
            mesh: one dimension, over all processes.
        """
        shape = torch.Size((self.total, *rows.shape[1:]))
        stride = torch.empty(shape, device="meta").stride()
        return DTensor.from_local(
            rows, mesh, [Rows(0)], run_check=False, shape=shape, stride=stride
        )

    def whole(self, rows: Tensor) -> Tensor:
        """In the first process the whole table (C, ...), on the CPU; elsewhere its own rows.

        Args:
            rows: (c, ...) of this process; all processes call it.
        """
        own = rows.cpu().contiguous()
        if rank() != 0:
            dist.send(own, 0)
            return own
        table = own.new_empty(self.total, *own.shape[1:])
        table[: self.count] = own
        for other in range(1, size()):
            part = Shard.of(self.total, rank=other, size=size())
            dist.recv(table[part.first : part.end], other)
        return table
