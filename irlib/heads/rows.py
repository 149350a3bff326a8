"""Rows of a table of prototypes, taken so that their gradient costs no more than the rows.

Shapes: c rows of D numbers in a table, k of them that take part in a step, n taken.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from irlib import parallel
from irlib.parallel import Shard

BLOCK = {False: 1024, True: 2**17}  # rows at a time, on a processor and on a GPU


class _Beside(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(places)
        ctx.set_materialize_grads(False)
        ctx.shape = table.shape
        return table.view_as(table), table.index_select(0, places)

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, of_table: Tensor | None, of_rows: Tensor | None
    ) -> tuple[Tensor | None, None]:
        if of_rows is None:
            return of_table, None
        (places,) = ctx.saved_tensors
        total = of_rows.new_zeros(ctx.shape) if of_table is None else of_table.contiguous()
        # On a GPU the order of these additions is fixed; that of index_add_ is not.
        return total.index_put_((places,), of_rows, accumulate=True), None


class _Alone(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        ctx.shape = table.shape
        return table.index_select(0, places)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (places,) = ctx.saved_tensors
        sparse = torch.sparse_coo_tensor(
            places[None], gradient, ctx.shape, is_coalesced=True, check_invariants=False
        )
        return sparse, None


def taken_beside(table: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """The table (c, D) to go on with, and rows (n, D) of it.

    The gradient of the rows is added into that of the table in place, so whatever needs the whole
    table besides must use the one that is returned.

    Args:
        table: rows to take from.
        places: (n,) which rows; a row may be taken several times.
    """
    return _Beside.apply(table, places)


def taken_alone(table: Tensor, places: Tensor) -> Tensor:
    """Rows (n, D) of a table (c, D), whose gradient on the table is sparse.

    Args:
        table: rows to take from.
        places: (n,) which rows, each once, ascending.
    """
    return _Alone.apply(table, places)


class _Unit(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        out = torch.empty_like(rows)
        for part, unit in zip(*_blocks(rows, out), strict=True):
            F.normalize(part, out=unit)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (rows,) = ctx.saved_tensors
        out = torch.empty_like(rows)
        for part, of_unit, of_rows in zip(*_blocks(rows, gradient, out), strict=True):
            leaf = part.detach().requires_grad_()
            with torch.enable_grad():
                unit = F.normalize(leaf)
            of_rows.copy_(torch.autograd.grad(unit, leaf, of_unit)[0])
        return out


def unit_rows(rows: Tensor) -> Tensor:
    """Rows (k, D) brought to length 1: bit for bit `normalize`, whose gradient takes far longer.

    That makes seven arrays as large as the rows; here what is made fits into a cache.
    """
    return _Unit.apply(rows)


def _blocks(*tables: Tensor) -> list[tuple[Tensor, ...]]:
    return [table.split(BLOCK[table.is_cuda]) for table in tables]


@dataclass(frozen=True)
class Classes:
    """The classes of this process that take part in a step, by their prototypes."""

    rows: Tensor  # (k, D)
    kept_rows: Tensor  # (n, D) of the kept classes, in ascending order
    shard: Shard | None  # None: this process holds all classes
    drawn: Tensor | None = None  # (k,) places in the shard, ascending; None: all of them

    def places(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Row (B,) of each class, 0 where another process holds it, and (B,) whether it is here."""
        local, here = places_in(self.shard, labels)
        return local if self.drawn is None else torch.searchsorted(self.drawn, local), here

    def summed(self, values: Tensor) -> Tensor:
        """The sum of the values over all processes that hold classes, differentiable."""
        return values if self.shard is None else parallel.summed(values)

    def largest(self, values: Tensor) -> Tensor:
        """The largest of each value over all processes that hold classes; no gradient passes."""
        return values.detach() if self.shard is None else parallel.largest(values)


def all_classes(prototypes: Tensor, kept: Tensor, shard: Shard | None) -> Classes:
    """All classes of a process; one that holds none gets a row of zeros.

    Args:
        prototypes: (c, D) of this process.
        kept: (n,) places among them of the kept classes, ascending.
        shard: which classes they are; None: all.
    """
    rows = prototypes if len(prototypes) else F.pad(prototypes, (0, 0, 0, 1))
    return Classes(*taken_beside(rows, kept), shard)


def drawn_classes(
    prototypes: Tensor,
    kept: Tensor,
    shard: Shard | None,
    labels: Tensor,
    *,
    share: float,
    seed: int,
) -> Classes:
    """A sample of a process's classes: the kept ones, the batch's, the rest uniformly at random.

    As many take part as the share says, and no fewer than the kept ones and a batch can be. The
    gradient of the prototypes is sparse, over these rows.

    Args:
        prototypes: (c, D) of this process, as are the next two for `all_classes`.
        kept: (n,) places among them.
        shard: which classes they are; None: all.
        labels: (B,) classes of all images, whichever process holds them.
        share: of the process's classes, in (0, 1).
        seed: of the draw.

    Source: An et al., "Killing Two Birds with One Stone: Efficient and Robust Training of Face
        Recognition CNNs by Partial FC", CVPR 2022; the kept classes are irlib's own.
    """
    count, device = len(prototypes), prototypes.device
    most = min(count, max(round(share * count), len(kept) + min(len(labels), count)))
    generator = torch.Generator(device).manual_seed(seed)
    # The last score stands for the classes of other processes.
    scores = torch.rand(count + 1, generator=generator, device=device)
    local, here = places_in(shard, labels)
    scores.index_fill_(0, torch.where(here, local, count), 2.0).index_fill_(0, kept, 2.0)
    drawn = scores[:count].topk(most, sorted=False).indices.sort().values
    rows = taken_alone(prototypes, drawn)
    return Classes(*taken_beside(rows, torch.searchsorted(drawn, kept)), shard, drawn)


def places_in(shard: Shard | None, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Place (B,) of each class in a shard, 0 where it is elsewhere, and (B,) whether it is here."""
    if shard is None:
        return labels, torch.ones_like(labels, dtype=torch.bool)
    if shard.count == 0:
        # The row of zeros passes for each image's own: it adds 0 to the cosine to the own class,
        # and it is left out among the others.
        return torch.zeros_like(labels), torch.ones_like(labels, dtype=torch.bool)
    here = (labels >= shard.first) & (labels < shard.end)
    return torch.where(here, labels - shard.first, 0), here
