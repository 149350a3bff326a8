"""The part of a margin softmax that grows with the number of classes, in pieces.

The loss of an image is log(1 + exp(L - t)), t the logit of its own class and L the log-sum-exp of
those of all other classes. To leave the own class out of the sum is exact; to take it out again
afterwards would lose all digits once the own class has nearly the whole probability.

Shapes: B images, D numbers in an embedding, c classes of this process, k of them at a time.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from irlib.heads.rows import Classes, unit_rows

LOWEST = -1e30  # logit of a class that is left out: exp is 0, and differences are numbers
TINY = 1e-12  # shortest prototype that is brought to length 1, as `normalize` has it

Rule = Callable[[Tensor, Tensor, Tensor], Tensor]


class _InChunks(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, unit: Tensor, own: Tensor, rows: Tensor, place: Tensor, here: Tensor, rule: Rule,
        chunk: int,
    ) -> Tensor:  # fmt: skip
        total = unit.new_full((len(unit),), LOWEST)
        for start, part in _pieces(rows, chunk):
            logits = without_own(rule(unit, F.normalize(part), own), place - start, here)
            total = torch.logaddexp(total, logits.logsumexp(dim=1))
        ctx.save_for_backward(unit, own, rows, place, here, total)
        ctx.rule, ctx.chunk = rule, chunk
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        unit, own, rows, place, here, total = ctx.saved_tensors
        unit, own = unit.detach().requires_grad_(), own.detach().requires_grad_()
        of_unit, of_own = torch.zeros_like(unit), torch.zeros_like(own)
        of_rows = torch.empty_like(rows)
        for start, part in _pieces(rows, ctx.chunk):
            length = part.norm(dim=1, keepdim=True)
            unit_part = (part / length.clamp(min=TINY)).requires_grad_()
            with torch.enable_grad(), torch.autocast(unit.device.type, enabled=False):
                logits = without_own(ctx.rule(unit, unit_part, own), place - start, here)
            weights = (logits.detach() - total[:, None]).exp_().mul_(gradient[:, None])
            found = torch.autograd.grad(
                logits, (unit, own, unit_part), weights, materialize_grads=True
            )
            of_unit += found[0]
            of_own += found[1]
            _through_normalize(found[2], unit_part, length, of_rows[start : start + len(part)])
        return of_unit, of_own, of_rows, None, None, None, None


def log_sum_of_others(
    unit: Tensor, own: Tensor, rows: Tensor, classes: Classes, labels: Tensor, rule: Rule, *,
    chunk: int,
) -> Tensor:  # fmt: skip
    """Log-sum-exp (B,) of the logits of all classes but an image's own, over all processes.

    Args:
        unit: (B, D) embeddings of length 1.
        own: (B, 1) cosines to the own classes.
        rows: (k, D) prototypes of the classes that take part.
        classes: which these are.
        labels: (B,) classes, whichever process holds them.
        rule: from unit embeddings (B, D), unit prototypes (k, D) and `own` to logits (B, k). In
            chunks it is called again for the gradient and must then give the same.
        chunk: classes whose logits are in memory at a time, and made again for the gradient; 0:
            those of all, kept for the gradient.
    """
    place, here = classes.places(labels)
    if chunk:
        local = _InChunks.apply(unit, own, rows, place, here, rule, chunk)
    else:
        logits = without_own(rule(unit, unit_rows(rows), own), place, here)
        local = logits.logsumexp(dim=1)
    if classes.shard is None:
        return local
    highest = classes.largest(local)
    return highest + classes.summed((local - highest).exp()).log()


def highest_of_others(
    unit: Tensor, classes: Classes, labels: Tensor, rule: Callable[[Tensor, Tensor], Tensor], *,
    chunk: int,
) -> Tensor:  # fmt: skip
    """The highest logit (B,) of all classes but an image's own, over all processes; no gradient.

    Args:
        unit: (B, D) embeddings of length 1.
        classes: those that take part.
        labels: (B,) classes, whichever process holds them.
        rule: from unit embeddings (B, D) and unit prototypes (k, D) to logits (B, k).
        chunk: classes whose logits are in memory at a time; 0: all.
    """
    place, here = classes.places(labels)
    best = unit.new_full((len(unit),), LOWEST)
    for start, part in _pieces(classes.rows, chunk):
        logits = without_own(rule(unit, F.normalize(part)), place - start, here)
        best = torch.maximum(best, logits.amax(dim=1))
    return classes.largest(best)


def without_own(logits: Tensor, place: Tensor, here: Tensor) -> Tensor:
    """Logits (B, k), changed in place, with the own class left out where it is among these.

    Args:
        logits: of a piece of the classes.
        place: (B,) of the own class, counted from the first of these.
        here: (B,) whether this process holds the own class.
    """
    count = logits.shape[1]
    inside = here & (place >= 0) & (place < count)
    column = torch.where(inside, place, count)[:, None]  # one more, for classes elsewhere
    is_own = torch.zeros(len(logits), count + 1, dtype=torch.bool, device=logits.device)
    return logits.masked_fill_(is_own.scatter_(1, column, True)[:, :count], LOWEST)


def _pieces(rows: Tensor, chunk: int) -> Iterator[tuple[int, Tensor]]:
    chunk = chunk or len(rows)
    for start in range(0, len(rows), chunk):
        yield start, rows[start : start + chunk]


def _through_normalize(of_unit: Tensor, unit: Tensor, length: Tensor, out: Tensor) -> None:
    # The gradient (k, D) on rows, from that on the rows brought to length 1, in few passes over
    # memory; `of_unit` is spent.
    along = torch.where(length < TINY, 0, torch.linalg.vecdot(of_unit, unit)[:, None])
    torch.div(of_unit.addcmul_(unit, along, value=-1), length.clamp(min=TINY), out=out)
