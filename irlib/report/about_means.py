"""Means over training images, with draws of identities that all methods share: A1 to A5.

Notebook 04 leaves each mean with its draws of identities, which are the same for every method and
seed. So seeds are averaged and methods compared draw by draw.

Shapes: M means of an analysis, R draws.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from irlib.evaluation.bootstrap import percentile_interval
from irlib.plots.style import HEADLINE
from irlib.report.collected import Found
from irlib.report.result import Result
from irlib.tables import signed
from irlib.tables.numbers import MINUS

PLAIN, OURS = HEADLINE
FEW = 100  # child identities
DIFFERENCE = "difference"
PEOPLE = ("child_identities", "other_identities")
COLUMNS = (
    "method", "group", "value", "low", "high", "seeds", "change", "change_low", "change_high",
    *PEOPLE,
)  # fmt: skip


def read_means(found: Found, *, key: str, names: tuple[str, ...]) -> pd.DataFrame:
    """Means of an analysis with their intervals, a row a method and group.

    Args:
        found: the runs.
        key: of the analysis in the metrics of notebook 04, such as a1.
        names: of its M means; a group has a hyphen where a name has an underscore.

    Returns:
        The columns `COLUMNS`, and what else the analysis counts. value is the mean over seeds, low
        and high its 95 % interval over identities; change is that against the method's baseline
        on the seeds that both have, NaN without one.
    """
    results = told_runs(found, key, names)
    samples = {at: _samples(result, key, names) for at, result in results.items()}
    rows: list[dict[str, Any]] = []
    for method in found.methods:
        own = [seed for seed in found.seeds if (method, seed) in samples]
        base = found.baselines.get(method)
        both = [seed for seed in own if (base, seed) in samples]
        if not own:
            continue
        means = np.mean([samples[method, seed] for seed in own], axis=0)
        pairs = [samples[method, seed] - samples[base, seed] for seed in both]
        changes = np.mean(pairs, axis=0) if pairs else np.full_like(means, np.nan)
        counts = _counts(results[method, own[0]], key)
        for name, mean, change in zip(names, means, changes, strict=True):
            row = (method, name.replace("_", "-"), *_interval(mean), len(own), *_interval(change))
            rows.append(dict(zip(COLUMNS, row, strict=False)) | counts)
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(COLUMNS))


def tell_means(
    table: pd.DataFrame,
    *,
    groups: dict[str, str],
    sign: int,
    wanted: int = 0,
    unit: str = "",
    digits: int = 3,
    note: str = "",
) -> str:
    """What the means show, for ArcFace and Inter-Prototype or else for the first method.

    Args:
        table: as `read_means` gives it.
        groups: the two groups whose difference is told, in words.
        sign: 1 if the claim is that the difference is positive, -1 for negative.
        wanted: sign of the change of the difference that Inter-Prototype is for, 0 for none.
        unit: of the values.
        digits: after the point.
        note: what a reader has to know besides.
    """
    chosen, told = _chosen(table), []
    for method in chosen:
        means = {words: _row(table, method, name)["value"] for name, words in groups.items()}
        values = [f"{words} {_text(value, digits)}{unit}" for words, value in means.items()]
        row = _row(table, method, DIFFERENCE)
        ends = _span(row["value"], row["low"], row["high"], unit, digits)
        told.append(f"{method}: {', '.join(values)}, difference {ends}")
    first, last = (_row(table, method, DIFFERENCE) for method in (chosen[0], chosen[-1]))
    text = f"{'; '.join(told)}. For {chosen[0]} the claim {_verdict(first, sign)}"
    if wanted and last["method"] == OURS and np.isfinite(last["change"]):
        ends = _span(last["change"], last["change_low"], last["change_high"], unit, digits)
        text += f"; {OURS} changes the difference by {ends}, {_effect(last, wanted)}"
    return " ".join(filter(None, [f"{text}.", _basis(first), note]))


def tell_prototypes(table: pd.DataFrame) -> str:
    """What the means of prototypes show, and their root mean square, which the loss acts on.

    Args:
        table: as `read_means` gives it, with the group child-rms.
    """
    rows = [_row(table, method, "child-rms") for method in _chosen(table)]
    values = " and ".join(f"{_text(row['value'], 3)} for {row['method']}" for row in rows)
    note = f"The loss acts on squares: the root mean square of two child prototypes is {values}"
    if np.isfinite(rows[-1]["change"]):
        ends = (rows[-1][name] for name in ("change", "change_low", "change_high"))
        note += f", a change by {_span(*ends, '', 3)}"
    groups = {"child-child": "two child prototypes", "other-other": "two others"}
    return tell_means(table, groups=groups, sign=1, wanted=-1, note=f"{note}.")


def told_runs(
    found: Found, key: str, names: tuple[str, ...] = ()
) -> dict[tuple[str, int | None], Result]:
    """The complete runs of notebook 04 that tell some values of an analysis, by method and seed."""
    told = {(run.method, run.seed): run for run in found.complete("prototypes")}
    return {
        at: run
        for at, run in told.items()
        if set(names) <= ((run.metrics.get("analyses") or {}).get(key) or {}).keys()
    }


def _chosen(table: pd.DataFrame) -> list[str]:
    found = list(dict.fromkeys(table["method"]))
    return [method for method in (PLAIN, OURS) if method in found] or found[:1]


def _samples(result: Result, key: str, names: tuple[str, ...]) -> NDArray[np.float64]:
    # (M, 1 + R): the means as they are, then in each draw
    told = result.metrics["analyses"][key]
    columns = [f"{key}/{name}" for name in names]
    draws = pd.read_csv(result.folder / "replicates.csv", usecols=columns)[columns]
    values = [np.nan if told[name]["value"] is None else told[name]["value"] for name in names]
    return np.column_stack([values, draws.to_numpy().T])


def _counts(result: Result, key: str) -> dict[str, int]:
    told = result.metrics["analyses"]
    people = {name: told["sample"][name] for name in PEOPLE}
    return people | {name: n for name, n in told[key].items() if isinstance(n, int)}


def _interval(sample: NDArray[np.float64]) -> tuple[float, float, float]:
    found = percentile_interval(float(sample[0]), sample[1:])
    return found.value, found.low, found.high


def _row(table: pd.DataFrame, method: str, group: str) -> pd.Series:
    return table[(table["method"] == method) & (table["group"] == group)].iloc[0]


def _text(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", MINUS)


def _span(value: float, low: float, high: float, unit: str, digits: int) -> str:
    return f"{signed(value, digits)}{unit} [{signed(low, digits)}, {signed(high, digits)}]"


def _verdict(row: pd.Series, sign: int) -> str:
    least, most = sorted((sign * row["low"], sign * row["high"]))
    if least > 0:
        return "holds here"
    if most < 0:
        return "does not hold here, where the opposite is found"
    return "cannot be told here, as the interval includes zero"


def _effect(row: pd.Series, wanted: int) -> str:
    least, most = sorted((wanted * row["change_low"], wanted * row["change_high"]))
    if least > 0:
        return "as it is meant to"
    return "against what it is meant to" if most < 0 else "not told apart from zero"


def _basis(row: pd.Series) -> str:
    people = f"{row['child_identities']} child and {row['other_identities']} other identities"
    if "identities" in row.index:
        people = f"{row['identities']} identities with {row['images']} images or more of either age"
    few = ", a small set" if row.get("identities", row["child_identities"]) < FEW else ""
    seeds = "one training seed" if row["seeds"] == 1 else f"{row['seeds']} training seeds"
    return f"Measured on training images of {people}{few}; {seeds} a method."
