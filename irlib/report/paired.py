"""Methods on the same units (searches, folds or pairs), averaged over seeds and paired.

Shapes: N units, M methods, R replicates.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from irlib.evaluation.bootstrap import Interval
from irlib.evaluation.clustered import intervals
from irlib.report.basis import Basis, Run, disagreeing
from irlib.report.collected import Found

OVER_SETS = "mean of the sets"
GAIN = ("gain", "gain_low", "gain_high", "gain_seeds", "least", "most")
COLUMNS = ("method", "role", "baseline", "seeds", "value", "low", "high", *GAIN)

Values = Mapping[Run, NDArray]  # (N,) of each run
Replicate = Callable[[NDArray[np.float64]], NDArray[np.float64]]  # (N, 2M) to (1 + R, 2M)


@dataclass(frozen=True, eq=False)
class Compared:
    """Methods by themselves and less their baselines, on the same units.

    Args:
        methods: M titles.
        runs: titles and seeds that stand behind them.
        single: gain of a run over that of its baseline with the same seed.
        replicates: (1 + R, 2M), the units as they are, then each draw: the mean over seeds of
            each method, then its gain over the seeds of both; NaN without a baseline.
    """

    methods: tuple[str, ...]
    runs: frozenset[Run]
    single: Mapping[Run, float]
    replicates: NDArray[np.float64]

    def less(self, other: "Compared") -> "Compared":
        """The difference of two, draw by draw; they have the same runs."""
        single = {run: gain - other.single[run] for run, gain in self.single.items()}
        return Compared(self.methods, self.runs, single, self.replicates - other.replicates)


def compared(values: Values, basis: Basis, replicate: Replicate) -> Compared:
    """Each method and its gain under some draws.

    Args:
        values: (N,) of each run.
        basis: order of the methods, and their baselines.
        replicate: means of the columns under the draws.
    """
    values = {run: np.asarray(value, dtype=np.float64) for run, value in values.items()}
    base = {run: (basis.baselines.get(run[0], ""), run[1]) for run in values}
    gains = {run: own - values[base[run]] for run, own in values.items() if base[run] in values}
    methods = tuple(m for m in basis.methods if any(m == title for title, _ in values))
    columns = [_mean(part, method) for part in (values, gains) for method in methods]
    count = len(next(iter(values.values())))
    columns = [np.full(count, np.nan) if column is None else column for column in columns]
    single = {run: float(gain.mean()) for run, gain in gains.items()}
    return Compared(methods, frozenset(values), single, replicate(np.stack(columns, axis=1)))


def mean_of(parts: Sequence[Compared | None]) -> Compared | None:
    """The mean of several sets, draw by draw; None if they are not two, or not of the same runs."""
    known = [part for part in parts if part is not None]
    if len(known) < 2 or len(known) < len(parts) or len({part.runs for part in known}) > 1:
        return None
    single = {run: float(np.mean([part.single[run] for part in known])) for run in known[0].single}
    replicates = np.mean([part.replicates for part in known], axis=0)
    return Compared(known[0].methods, known[0].runs, single, replicates)


def rows(
    found: Compared,
    basis: Basis,
    names: Mapping[str, Hashable],
    ends: Sequence[Interval] | None = None,
) -> list[dict[str, Any]]:
    """A row a method: the names and `COLUMNS`.

    seeds are those of the method, gain_seeds those of both; least and most are the gains of
    single seeds.

    Args:
        found: M methods.
        basis: their roles and baselines.
        names: what the rows are about.
        ends: intervals of the M methods, then of their gains; those of the replicates if None.
    """
    count, told = len(found.methods), []
    ends = intervals(found.replicates) if ends is None else ends
    for method, value, gain in zip(found.methods, ends[:count], ends[count:], strict=True):
        alone = [gain for (title, _), gain in found.single.items() if title == method]
        told.append({
            **names, "method": method, "role": basis.roles.get(method, ""),
            "baseline": basis.baselines.get(method, ""),
            "seeds": sum(title == method for title, _ in found.runs),
            "value": value.value, "low": value.low, "high": value.high,
            "gain": gain.value, "gain_low": gain.low, "gain_high": gain.high,
            "gain_seeds": len(alone), "least": min(alone, default=np.nan),
            "most": max(alone, default=np.nan),
        })  # fmt: skip
    return told


def table_of(found: Sequence[Mapping[str, Hashable]], *names: str) -> pd.DataFrame:
    """Rows as a table that has these columns and those of `rows` even if it is empty."""
    return pd.DataFrame(found, columns=None if found else [*names, *COLUMNS])


def same_units(
    table: pd.DataFrame, found: Found, same: Sequence[str]
) -> tuple[pd.DataFrame, dict[Run, str]]:
    """The rows of the runs that are about the same units, and the runs that are not.

    Args:
        table: method, seed, set and other columns, the units of each run in one order.
        found: the runs.
        same: columns that say what the units are.
    """
    units: dict[Run, dict[str, Hashable]] = {}
    for (method, seed, title), part in table.groupby(["method", "seed", "set"], sort=False):
        hashed = pd.util.hash_pandas_object(part[list(same)], index=False)
        what = f"its people or images of {title}"
        units.setdefault((method, seed), {})[what] = hashed.to_numpy().tobytes()
    stale = disagreeing(found, units)
    kept = [run not in stale for run in zip(table["method"], table["seed"], strict=True)]
    return table.loc[np.array(kept, dtype=bool)], stale


def by_run(table: pd.DataFrame, value: str) -> dict[Run, NDArray[np.float64]]:
    """The values of one set by run; see `same_units`.

    Args:
        table: method, seed and the value, of one set.
        value: its column.
    """
    runs = table.groupby(["method", "seed"], sort=False)
    return {run: rows[value].to_numpy(dtype=np.float64) for run, rows in runs}


def units_of(table: pd.DataFrame) -> pd.DataFrame:
    """The units of one set: the rows of its first run.

    Args:
        table: method, seed and what the units are, of one set.
    """
    first = table.iloc[0]
    return table[(table["method"] == first["method"]) & (table["seed"] == first["seed"])]


def _mean(values: Values, method: str) -> NDArray[np.float64] | None:
    own = [value for (title, _), value in values.items() if title == method]
    return np.mean(own, axis=0) if own else None
