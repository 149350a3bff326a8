"""Mean kernels between faces of different people, also under draws of people.

Shapes: n and m faces, D embedding size, I people, R draws.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from irlib.evaluation.synthesized.means import unit

_ROWS = 512  # of a kernel matrix at once


@dataclass(frozen=True, eq=False)
class Sample:
    """Embeddings with the people behind them.

    Args:
        rows: (n, D), of any length.
        person: (n,) number of each person, below I.
    """

    rows: NDArray[np.floating]
    person: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class KernelSums:
    """Kernels between two samples, summed by the people of both; those of one person are 0.

    Args:
        total: (I, I) sum of the kernels.
        count: (I, I) how many.
    """

    total: NDArray[np.float64]
    count: NDArray[np.float64]

    def mean(self, first: NDArray, second: NDArray) -> NDArray[np.float64]:
        """(R,) mean kernel, NaN where there is no pair of two people.

        Args:
            first: (R, I) weight of each person in the first sample.
            second: (R, I) in the second.
        """
        value, pairs = (((first @ each) * second).sum(axis=1) for each in (self.total, self.count))
        return np.divide(value, pairs, out=np.full(len(first), np.nan), where=pairs > 0)


def kernel_sums(first: Sample, second: Sample, num_people: int) -> KernelSums:
    """Sums of (cosine + 1)^3 between the faces of every two people.

    Args:
        first: n faces.
        second: m faces.
        num_people: I.
    """
    x, y = unit(first.rows), unit(second.rows)
    of_x, of_y = (_member(each.person, num_people) for each in (first, second))
    total = np.zeros((num_people, num_people))
    for start in range(0, len(x), _ROWS):
        rows = slice(start, start + _ROWS)
        kernel = (x[rows] @ y.T + 1) ** 3
        total += of_x[rows].T @ (of_y.T @ kernel.T).T
    count = np.outer(of_x.sum(axis=0), of_y.sum(axis=0))
    for table in (total, count):
        np.fill_diagonal(table, 0.0)
    return KernelSums(total, count)


def distance(
    own: KernelSums, other: KernelSums, between: KernelSums, weights: NDArray
) -> NDArray[np.float64]:
    """(R,) squared distance of two samples under weights (R, I) of the people, unbiased.

    Args:
        own: kernels within the first sample.
        other: within the second.
        between: between both.
        weights: of the people, in both samples.
    """
    within = own.mean(weights, weights) + other.mean(weights, weights)
    return within - 2 * between.mean(weights, weights)


def split_distances(own: KernelSums, halves: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(R,) squared distance of one part of a sample's people from the rest.

    Args:
        own: kernels within the sample.
        halves: (R, I) who is in the first part.
    """
    first, second = halves.astype(np.float64), (~halves).astype(np.float64)
    within = own.mean(first, first) + own.mean(second, second)
    return within - 2 * own.mean(first, second)


def _member(person: NDArray[np.int64], num_people: int) -> csr_array:
    # (n, I) with a one where a face shows a person
    rows = np.arange(len(person))
    return csr_array((np.ones(len(person)), (rows, person)), shape=(len(person), num_people))
