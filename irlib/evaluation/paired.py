"""Two models on the same pairs: what tells them apart is where they differ.

The difference of two accuracies is a mean over pairs of 1 where only the first model is right, -1
where only the second is, 0 elsewhere. Student's test of this mean, with the variance of
`irlib.evaluation.sharing`, holds its level for 30 people and more (docs/statistics.md); the
percentiles of the vertex bootstrap are two to five times too cautious where the pairs of a person
go little together, since they count the noise of an impostor pair three times.

Each model has thresholds of its own, taken as they are: an accuracy is flat at its best threshold,
so that the choice adds next to nothing to the variance. The difference at an equal false accept
rate is another matter: its variance has the impostor pairs that set the thresholds.

Shapes: P pairs, M models.
Source: Fogliato, Patil and Perona, IJCV 2024, for the variance; McNemar, Psychometrika 1947, for
    the counts of pairs that only one model judges rightly.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from irlib.data.pairs.rules import PairList
from irlib.evaluation.corrections import holm
from irlib.evaluation.influence import tar_influence
from irlib.evaluation.roc import operating_point, resolves, roc
from irlib.evaluation.sharing import ClusteredMean, clustered_mean
from irlib.evaluation.wilson import require_level


@dataclass(frozen=True)
class Difference:
    """The first model less the second.

    Args:
        value: difference of two shares.
        low: lower end of its interval over people.
        high: upper end.
        p: chance of a difference as large, up or down, if there were none; 1 if no pair differs.
        first_only: pairs that the first model alone judges rightly.
        second_only: pairs that the second alone does.
    """

    value: float
    low: float
    high: float
    p: float
    first_only: int
    second_only: int


def paired_difference(
    first_right: ArrayLike,
    second_right: ArrayLike,
    is_same: ArrayLike,
    first_identity: ArrayLike,
    second_identity: ArrayLike,
    *,
    level: float = 0.95,
) -> Difference:
    """Difference of two models' accuracies, each at its own thresholds.

    Args:
        first_right: (P,) whether the first model judges each pair rightly; or a number in [0, 1],
            in how many of its trainings.
        second_right: (P,) the same of the second.
        is_same: (P,) bool, True where both images show one person. Genuine pairs alone compare
            the true accept rates, impostor pairs alone the true reject rates.
        first_identity: (P,) person in the first image.
        second_identity: (P,) person in the second image.
        level: coverage aimed at, in (0, 1).

    Raises:
        ValueError: shapes differ, values outside [0, 1], or no pairs.
    """
    require_level(level)
    both = np.stack([_share(first_right), _share(second_right)])
    values = both[0] - both[1]
    events = np.array([np.abs(values).sum()])
    mean = clustered_mean(values[None], is_same, first_identity, second_identity, events=events)
    counts = int((values > 0).sum()), int((values < 0).sum())
    return _judged(
        float(mean.value[0]), float(mean.variance[0]), float(mean.degrees[0]), counts, level
    )


def compare(
    right: Mapping[str, ArrayLike],
    is_same: ArrayLike,
    first_identity: ArrayLike,
    second_identity: ArrayLike,
    *,
    family: int | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Every two models, in the order given: a row each.

    Args:
        right: (P,) whether a model judges each pair rightly, by name; see `paired_difference`.
        is_same: (P,) bool.
        first_identity: (P,) person in the first image.
        second_identity: (P,) person in the second image.
        family: comparisons to correct for; those of the table if not given.
        level: of each interval by itself.

    Returns:
        first, second, value (first less second), low, high, p, p_holm (adjusted for the family),
        first_only, second_only. Shares are fractions.
    """
    rows = [
        {"first": first, "second": second}
        | asdict(
            paired_difference(
                right[first], right[second], is_same, first_identity, second_identity, level=level
            )
        )
        for first, second in combinations(right, 2)
    ]
    columns = ["first", "second", "value", "low", "high", "p", "first_only", "second_only"]
    table = pd.DataFrame(rows, columns=columns)
    table.insert(6, "p_holm", holm(table["p"].to_numpy(dtype=np.float64), family=family))
    return table


def paired_tar(
    first: ArrayLike, second: ArrayLike, pairs: PairList, *, far: float, level: float = 0.95
) -> Difference:
    """Difference of two models' true accept rates at the same false accept rate.

    Each model has the threshold that gives it the rate, and the interval knows that these
    thresholds were found on the same impostor pairs (`irlib.evaluation.influence`).

    Args:
        first: (P,) cosine of each pair by the first model.
        second: (P,) by the second.
        pairs: P pairs.
        far: false accept rate, in (0, 1].
        level: coverage aimed at, in (0, 1).

    Raises:
        ValueError: cosines as in `irlib.evaluation.roc`, or fewer than 1/far impostor pairs.
    """
    require_level(level)
    same, num_other = pairs.is_same, int((~pairs.is_same).sum())
    if not resolves(num_other, far):
        raise ValueError(f"far {far:g}: {num_other} impostor pairs; expected at least {1 / far:g}")
    models = np.array([first, second], dtype=np.float64)
    curves = [roc(model, same) for model in models]
    told = [
        tar_influence(model, same, each, far) for model, each in zip(models, curves, strict=True)
    ]
    cuts = np.array([curve.threshold[operating_point(curve, far)] for curve in curves])
    accepted = models >= cuts[:, None]
    mean = clustered_mean(
        (told[0].values - told[1].values)[None],
        same,
        pairs.first_identity,
        pairs.second_identity,
        events=np.array([(accepted[0] != accepted[1]).sum()]),
    )
    alone = (accepted[0] > accepted[1]) & same, (accepted[1] > accepted[0]) & same
    return _judged(
        told[0].value - told[1].value,
        float(mean.variance[0]),
        float(mean.degrees[0]),
        (int(alone[0].sum()), int(alone[1].sum())),
        level,
    )


def student_ends(mean: ClusteredMean, level: float = 0.95) -> tuple[NDArray, NDArray]:
    """(M,) lower and upper ends of Student's interval of several means.

    Args:
        mean: of differences.
        level: in (0, 1).
    """
    reach = stdtrit(mean.degrees, (1 + level) / 2) * np.sqrt(mean.variance)
    return mean.value - reach, mean.value + reach


def _judged(
    value: float, variance: float, degrees: float, counts: tuple[int, int], level: float
) -> Difference:
    error = np.sqrt(variance)
    if not error > 0:  # the models never differ
        return Difference(value, value, value, 1.0 if value == 0 else 0.0, *counts)
    reach = float(stdtrit(degrees, (1 + level) / 2)) * error
    p = 2 * float(stdtr(degrees, -abs(value) / error))
    return Difference(value, float(value - reach), float(value + reach), p, *counts)


def _share(right: ArrayLike) -> NDArray[np.float64]:
    right = np.asarray(right, dtype=np.float64)
    if right.ndim != 1 or not ((right >= 0) & (right <= 1)).all():
        raise ValueError(f"right {right.shape}: expected one bool, or number in [0, 1], a pair")
    return right
