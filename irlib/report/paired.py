"""Methods on the same units (searches, folds or pairs), averaged over seeds and paired.

Shapes: N units, M methods, R replicates.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from irlib.evaluation.bootstrap import Interval
from irlib.evaluation.clustered import intervals
from irlib.plots.style import HEADLINE

PLAIN, OURS = HEADLINE  # titles of ArcFace and of ArcFace + Inter-Prototype
SEED, REPEATS = 4885, 1_000  # of the draws of people

Run = tuple[str, int | None]  # title of the method and seed
Values = Mapping[Run, NDArray[np.floating]]  # (N,) of each run


def by_run(
    table: pd.DataFrame, value: str, *, same: Sequence[str]
) -> tuple[dict[Run, NDArray[np.float64]], pd.DataFrame]:
    """The values of each run, and the columns that all runs share.

    Args:
        table: method, seed and the other columns, the units of each run in one order.
        value: the column of the values.
        same: columns that say what the units are.

    Raises:
        ValueError: two runs have other units; the message names one.
    """
    values, first = {}, None
    for (method, seed), rows in table.groupby(["method", "seed"], sort=False, dropna=False):
        units = rows[list(same)].reset_index(drop=True)
        if first is not None and not units.equals(first):
            raise ValueError(
                f"{method}, seed {seed}: it was judged on other {', '.join(same)} than the runs "
                "before it; evaluate all methods on the same data"
            )
        first = units
        values[method, seed] = rows[value].to_numpy(dtype=np.float64)
    return values, first if first is not None else table[list(same)]


def methods_of(values: Mapping[Run, Any], order: Sequence[str]) -> list[str]:
    """Titles of the methods that have runs, in the given order."""
    present = {method for method, _ in values}
    return [method for method in order if method in present]


def columns(values: Values, methods: Sequence[str]) -> NDArray[np.float64]:
    """(N, 2M) mean over seeds of each method, then each less ArcFace over the seeds of both.

    A gain is NaN for ArcFace itself and where no seed is shared.

    Args:
        values: (N,) of each run.
        methods: M titles, each with a run.
    """
    means = [_mean(values, method, _seeds(values, method)) for method in methods]
    gains = []
    for method in methods:
        shared = [seed for seed in _seeds(values, method) if (PLAIN, seed) in values]
        if method == PLAIN or not shared:
            gains.append(np.full(len(means[0]), np.nan))
        else:
            gains.append(_mean(values, method, shared) - _mean(values, PLAIN, shared))
    return np.stack([*means, *gains], axis=1)


def rows(
    replicates: NDArray[np.float64], values: Mapping[Run, Any], methods: Sequence[str], **names: Any
) -> list[dict[str, Any]]:
    """A row a method: names, method, seeds, value, low, high, gain, gain_low and gain_high.

    Args:
        replicates: (1 + R, 2M), of the columns that `columns` gives.
        values: by run; its keys tell the seeds.
        methods: M titles.
        names: what the rows are about.
    """
    return rows_of(intervals(replicates), values, methods, **names)


def rows_of(
    found: Sequence[Interval], values: Mapping[Run, Any], methods: Sequence[str], **names: Any
) -> list[dict[str, Any]]:
    """The same from intervals that are there: M of the methods, then M of their gains."""
    return [
        {
            **names, "method": method, "seeds": len(_seeds(values, method)),
            "value": value.value, "low": value.low, "high": value.high,
            "gain": gain.value, "gain_low": gain.low, "gain_high": gain.high,
        }
        for method, value, gain in zip(
            methods, found[: len(methods)], found[len(methods) :], strict=True
        )
    ]  # fmt: skip


def table_of(found: Sequence[Mapping[str, Hashable]], *names: str) -> pd.DataFrame:
    """Rows as a table that has these columns and those of `rows` even if it is empty."""
    numbers = ("value", "low", "high", "gain", "gain_low", "gain_high")
    told = pd.DataFrame(found)
    return told if len(told) else pd.DataFrame(columns=[*names, "method", "seeds", *numbers])


def _seeds(values: Mapping[Run, Any], method: str) -> list[int | None]:
    return [seed for title, seed in values if title == method]


def _mean(values: Values, method: str, seeds: Sequence[int | None]) -> NDArray[np.float64]:
    return np.mean([values[method, seed] for seed in seeds], axis=0)
