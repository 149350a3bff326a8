"""A normal distribution, and how dense it is at a point.

Shapes: N points, K axes.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

_RIDGE = 1e-3  # of the mean variance, on each axis


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A normal distribution over points (N, K).

    Args:
        mean: (K,).
        whitening: (K, K), lower triangular; makes a deviation one of variance 1 on every axis.
    """

    mean: NDArray[np.float64]
    whitening: NDArray[np.float64]

    @classmethod
    def of(cls, points: NDArray[np.floating]) -> Self:
        """The distribution of points, a little widened on every axis."""
        wide = points.astype(np.float64)
        covariance = np.cov(wide, rowvar=False)
        covariance += _RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
        return cls(wide.mean(axis=0), np.linalg.inv(np.linalg.cholesky(covariance)))

    def log_density(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """(N,), up to a constant that all Gaussians of K axes share."""
        deviations = (points - self.mean) @ self.whitening.T
        return np.log(np.diag(self.whitening)).sum() - 0.5 * np.square(deviations).sum(axis=1)
