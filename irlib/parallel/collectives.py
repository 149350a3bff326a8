"""Sums, maxima and rows over all processes, without waiting for the device.

Shapes: b rows in this process, B in all.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from irlib.parallel.world import rank, size


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return _reduced(values, dist.ReduceOp.SUM)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _reduced(gradient, dist.ReduceOp.SUM)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, counts: Sequence[int]) -> Tensor:
        ctx.counts = counts
        return _all_rows(rows, counts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        everyone = _reduced(gradient, dist.ReduceOp.SUM)
        return everyone.split(list(ctx.counts))[rank()], None


def summed(values: Tensor) -> Tensor:
    """The sum of the values (any shape, alike everywhere) over all processes, differentiable."""
    return _Sum.apply(values) if size() > 1 else values


def largest(values: Tensor) -> Tensor:
    """The largest of each value over all processes; no gradient passes."""
    return _reduced(values.detach(), dist.ReduceOp.MAX) if size() > 1 else values.detach()


def gathered(rows: Tensor, counts: Sequence[int] | None) -> Tensor:
    """Rows (B, ...) of all processes in their order, differentiable.

    Args:
        rows: (b, ...) of this process.
        counts: b of every process, known beforehand, so that nobody waits for sizes; None where
            the rows are those of all already.
    """
    return rows if counts is None or size() == 1 else _Gather.apply(rows, counts)


def exchanged(value: Any) -> list[Any]:
    """A plain value of each process, in their order; waits for all of them."""
    if size() == 1:
        return [value]
    values: list[Any] = [None] * size()
    dist.all_gather_object(values, value)
    return values


def _reduced(values: Tensor, operation: Any) -> Tensor:
    out = values.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(out, operation)
    return out


def _all_rows(rows: Tensor, counts: Sequence[int]) -> Tensor:
    most = max(counts)
    padded = rows.contiguous()
    if len(rows) < most:
        padded = rows.new_zeros(most, *rows.shape[1:])
        padded[: len(rows)] = rows
    out = rows.new_empty(most * len(counts), *rows.shape[1:])
    dist.all_gather_into_tensor(out, padded)
    if min(counts) == most:
        return out
    return torch.cat([part[:count] for part, count in zip(out.split(most), counts, strict=True)])
