"""Student's interval of a mean: over folds, or over training runs."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit


def student_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Ends of Student's interval of the mean of independent values; NaN for fewer than two.

    Args:
        values: (N,).
        level: in (0, 1).
    """
    values = np.asarray(values, dtype=np.float64)
    if len(values) < 2:
        return np.nan, np.nan
    reach = stdtrit(len(values) - 1, (1 + level) / 2) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() - reach), float(values.mean() + reach)
