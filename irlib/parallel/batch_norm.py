"""Batch norm whose statistics are those of the batch of all processes.

torch's own, `nn.SyncBatchNorm`, refuses a CPU; it picks the processes that have images by a mask,
which waits for the device in every layer; and from one without images it sends bf16 where the
others send fp32 (torch 2.15, nn/modules/_functions.py).

Shapes: b images in this process, C channels.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from irlib.parallel.collectives import gathered, summed
from irlib.parallel.world import size


def share_batch_norm(network: nn.Module) -> nn.Module:
    """The network itself, whose batch norms take statistics over all processes in training.

    Their parameters and buffers stay what and where they are. A process may have no image.
    Evaluation is as before, and sends nothing. With one process nothing changes. Layers of other
    classes than `nn.BatchNorm1d` and `nn.BatchNorm2d` are left alone, their subclasses too.

    Args:
        network: changed in place.

    Raises:
        ValueError: a batch norm keeps no running statistics, or averages over all batches.
    """
    for name, layer in network.named_modules():
        if size() > 1 and type(layer) in (nn.BatchNorm1d, nn.BatchNorm2d):
            _require_running_mean(name, layer)
            layer.__class__ = SharedBatchNorm
    return network


class SharedBatchNorm(_BatchNorm):
    """What `share_batch_norm` makes of a batch norm; maps (b, C) or (b, C, ...).

    Source: Ioffe and Szegedy, "Batch Normalization", ICML 2015; moments of parts are put together
        as in Chan, Golub and LeVeque, "Algorithms for Computing the Sample Variance", 1983.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Normalized maps of the same shape."""
        if not self.training:
            return super().forward(maps)
        weight = torch.ones_like(self.running_mean) if self.weight is None else self.weight
        bias = torch.zeros_like(self.running_mean) if self.bias is None else self.bias
        out, mean, square, count = _Normalized.apply(maps, weight, bias, self.eps)
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(square / (count - 1).clamp(min=1), self.momentum)
        return out

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"expected maps (b, C) or (b, C, ...), got {tuple(input.shape)}")


class _Normalized(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Any:
        mean, square, count = _moments(maps)
        variance = square / count
        out = F.batch_norm(_wide(maps), mean, variance, weight, bias, eps=eps).to(maps.dtype)
        ctx.save_for_backward(maps, weight, mean, (variance + eps).rsqrt(), count)
        ctx.mark_non_differentiable(mean, square, count)
        return out, mean, square, count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> Any:
        maps, weight, mean, scale, count = ctx.saved_tensors
        own = _sums(gradient, maps, weight, mean, scale)  # (2, C)
        everyone = summed(own)
        by_maps = _input_gradient(gradient, maps, weight, mean, scale, count, everyone)
        return by_maps, own[0], own[1], None


def _moments(maps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (C,), summed squared distance to it (C,) and number (1,) of values a channel has."""
    channels = maps.shape[1]
    own_count = maps.numel() // channels
    if own_count:
        own_mean, own_variance = torch.batch_norm_update_stats(_wide(maps), None, None, 0.0)
    else:
        dtype = torch.promote_types(maps.dtype, torch.float32)
        own_mean = own_variance = maps.new_zeros(channels, dtype=dtype)
    own = torch.cat([own_mean, own_variance * own_count, own_mean.new_full((1,), own_count)])
    everyone = gathered(own[None], (1,) * size())  # (processes, 2 C + 1)
    means, squares, counts = everyone.split([channels, channels, 1], dim=1)
    count = counts.sum(0)
    mean = (means * counts).sum(0) / count
    return mean, squares.sum(0) + ((means - mean).square() * counts).sum(0), count


def _sums(gradient: Tensor, maps: Tensor, weight: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    """(2, C): the gradient times the normalized maps, and the gradient, summed over each channel.

    These are the gradients of weight and bias.
    """
    if not maps.numel():
        return mean.new_zeros(2, len(mean))
    _, *sums = torch.ops.aten.native_batch_norm_backward(
        _wide(gradient), _wide(maps), weight, None, None, mean, scale, True, 0.0,
        [False, True, True],
    )  # fmt: skip
    return torch.stack(sums)


def _input_gradient(
    gradient: Tensor, maps: Tensor, weight: Tensor, mean: Tensor, scale: Tensor, count: Tensor,
    sums: Tensor,
) -> Tensor:  # fmt: skip
    if maps.is_cuda and maps.numel():  # one pass over memory, not five
        by_distance, whole = sums[0] / scale, count.to(torch.int32)
        return torch.batch_norm_backward_elemt(
            gradient, maps, mean, scale, weight, sums[1], by_distance, whole
        )
    shape = (-1, *[1] * (maps.ndim - 2))  # a channel's value beside its maps
    slope, shift, factor = (
        values.view(shape) for values in (scale * sums[0] / count, sums[1] / count, scale * weight)
    )
    out = (_wide(maps) - mean.view(shape)).mul_(slope).add_(shift)
    return out.sub_(gradient).mul_(-factor).to(maps.dtype)


def _wide(maps: Tensor) -> Tensor:
    # on a GPU the kernels of batch norm compute in fp32 whatever they are given
    return maps if maps.is_cuda else maps.to(torch.promote_types(maps.dtype, torch.float32))


def _require_running_mean(name: str, layer: nn.Module) -> None:
    if layer.momentum is None or not layer.track_running_stats:
        found = f"momentum={layer.momentum}, track_running_stats={layer.track_running_stats}"
        told = "expected a number and True, to share its statistics over processes"
        raise ValueError(f"batch norm {name!r}: {found}; {told}")
