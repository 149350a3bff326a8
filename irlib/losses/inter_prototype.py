"""The Inter-Prototype loss and its variants: they pull the prototypes of children apart.

Shapes: n child prototypes of D numbers each; b of them in a block of rows.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from irlib import parallel
from irlib.values import unknown

CASIA_CHILDREN = 229  # child identities of CASIA-WebFace; Lee et al., BMVC 2021, section 5.2
MOST_ENTRIES = 2**24  # cosines in memory at a time: 64 MiB in fp32

# What the sum over the off-diagonal entries is divided by, from n.
REDUCTIONS: dict[str, Callable[[int], int]] = {
    "paper": lambda n: n**2,
    "off_diagonal": lambda n: max(n * (n - 1), 1),  # of one prototype alone the sum is 0
    "size_free": lambda n: n * CASIA_CHILDREN,
}
SIDES = ("two", "one")
TARGETS = ("mse", "l1", "ce")


def inter_prototype_loss(
    prototypes: Tensor, *, reduction: str = "paper", sides: str = "two", target: str = "mse",
    counts: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """Mean over all n x n entries of (cosine - identity) squared, or a variant of it.

    The paper's form is two-sided: a negative cosine is pushed up to 0 as hard as a positive one is
    pushed down. Its diagonal is 0 and counts in the mean. With n > D it cannot fall below the
    Welch floor 1/D - 1/n. Memory stays bounded for any n.

    Args:
        prototypes: (n, D) class vectors of the children, of any length; a zero row has cosine 0
            to everything.
        reduction: "paper" divides the sum by n^2; "off_diagonal" by n (n - 1), the number of
            entries that are not 0 by definition; "size_free" by 229 n, so that the pull on one
            class is, for any n, as in the paper's CASIA-WebFace setting.
        sides: "two", or "one": only positive cosines are pushed down.
        target: "mse", the squared cosine; "l1", its absolute value; "ce", the cross entropy of
            each row of cosines as logits, with the diagonal as the class, in the mean over rows.
        counts: of the n prototypes, those that each process gives; None: all are here. Of the
            paper's form one D x D sum then goes over the network, of the others the rows.

    Returns:
        Scalar, in the type of `prototypes`, fp32 at least.

    Raises:
        ValueError: not a matrix, no rows, an unknown word, or words that do not go together.

    Source: Lee et al., "Improving Face Recognition with Large Age Gaps by Learning to Distinguish
        Children", BMVC 2021, equation of L_ip as the authors' code computes it; "l1" and "ce" as
        in their development repository. The other variants are irlib's own.
    """
    require_variant(reduction, sides, target)
    n = len(prototypes) if counts is None else sum(counts)
    if prototypes.ndim != 2 or n == 0:
        shape = tuple(prototypes.shape)
        raise ValueError(f"prototypes: expected (n, D) with n >= 1, got shape {shape}")
    is_papers = (target, sides) == ("mse", "two")
    with torch.autocast(prototypes.device.type, enabled=False):  # bf16 cosines step by 0.004
        unit = F.normalize(prototypes.to(torch.promote_types(prototypes.dtype, torch.float32)))
        if counts is not None and not is_papers:
            unit = parallel.gathered(unit, counts)
        if target == "ce":
            return _over_rows(unit, _cross_entropy) / n
        if is_papers and (counts is not None or n > unit.shape[1]):
            total = _squares_from_small_gram(unit, divided=counts is not None)
        else:
            total = _over_rows(unit, partial(_off_diagonal, _PENALTIES[target, sides]))
        return total / REDUCTIONS[reduction](n)


def require_variant(reduction: str, sides: str, target: str) -> None:
    """See that the loss knows these words, and that they go together.

    Raises:
        ValueError: the message names the option.
    """
    options = (
        ("reduction", reduction, REDUCTIONS), ("sides", sides, SIDES), ("target", target, TARGETS)
    )  # fmt: skip
    for name, word, known in options:
        if word not in known:
            raise ValueError(unknown(name, word, known))
    if target == "ce" and (reduction, sides) != ("paper", "two"):
        raise ValueError(
            f"target 'ce' has one reduction, 'paper', and no sides: got reduction {reduction!r} "
            f"and sides {sides!r}"
        )


def _positive_square(cosine: Tensor) -> Tensor:
    return F.relu(cosine).square()


_PENALTIES: dict[tuple[str, str], Callable[[Tensor], Tensor]] = {
    ("mse", "two"): torch.square,
    ("mse", "one"): _positive_square,
    ("l1", "two"): torch.abs,
    ("l1", "one"): F.relu,
}


def _squares_from_small_gram(unit: Tensor, *, divided: bool) -> Tensor:
    # ||P P^T|| = ||P^T P||, and the diagonal of P P^T holds ones, whose squares add up to the
    # trace of either product: exact, and the n x n matrix is never made.
    gram = unit.T @ unit  # (D, D)
    gram = parallel.summed(gram) if divided else gram
    return gram.square().sum() - gram.trace()


def _over_rows(unit: Tensor, term: Callable[[Tensor, int], Tensor]) -> Tensor:
    # The sum of a term over blocks of rows of the (n, n) cosines. Where there are several, none is
    # kept for the backward pass: it is made again there, for it costs n numbers a row.
    blocks = unit.split(max(1, MOST_ENTRIES // len(unit)))
    if len(blocks) == 1:
        return _of_block(unit, unit, 0, term)
    sums, first = [], 0
    for rows in blocks:
        # Nothing here is random, and to keep the generator's state would wait for the device.
        again = partial(checkpoint, use_reentrant=False, preserve_rng_state=False)
        sums.append(again(_of_block, rows, unit, first, term))
        first += len(rows)
    return torch.stack(sums).sum()


def _of_block(rows: Tensor, unit: Tensor, first: int, term: Callable) -> Tensor:
    return term(rows @ unit.T, first)  # of (b, n) cosines; row 0 is prototype `first`


def _off_diagonal(penalty: Callable[[Tensor], Tensor], cosine: Tensor, first: int) -> Tensor:
    cosine.diagonal(first).zero_()
    return penalty(cosine).sum()


def _cross_entropy(cosine: Tensor, first: int) -> Tensor:
    own = torch.arange(first, first + len(cosine), device=cosine.device)
    return F.cross_entropy(cosine, own, reduction="sum")
