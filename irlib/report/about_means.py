"""Means over training images, with draws of identities that all methods share: A1 to A5.

Notebook 04 leaves each mean with its draws of identities, which are the same for every method and
seed. So seeds are averaged and methods compared draw by draw.

Shapes: M means of an analysis, R draws.
"""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from irlib.evaluation.bootstrap import percentile_interval
from irlib.plots.analyses_prototypes import DIFFERENCE
from irlib.report.basis import OURS, Run, chosen, disagreeing, marked, note_of, roles_of
from irlib.report.collected import Found
from irlib.report.result import Result
from irlib.report.verdicts import UNCORRECTED, verdict_of
from irlib.tables import signed
from irlib.tables.numbers import MINUS

FEW = 100  # child identities
PEOPLE = ("child_identities", "other_identities")
OWN = ("value", "low", "high", "seeds", "least", "most")
CHANGE = tuple(f"change_{name}" for name in OWN)
COLUMNS = ("method", "role", "group", *OWN, *CHANGE, *PEOPLE)


def read_means(found: Found, *, key: str, names: tuple[str, ...]) -> pd.DataFrame:
    """Means of an analysis with their intervals, a row a method and group.

    Args:
        found: the runs.
        key: of the analysis in the metrics of notebook 04, such as a1.
        names: of its M means; a group has a hyphen where a name has an underscore.

    Returns:
        The columns `COLUMNS`, and what else the analysis counts. value is the mean over seeds, low
        and high its 95 % interval over identities, least and most are single seeds; change_value
        and so on are those of the change against the method's baseline on the seeds that both
        have, NaN without one. A run on other training images than most is left out.
    """
    results = told_runs(found, key, names)
    samples = {at: _samples(result, key, names) for at, result in results.items()}
    stale = disagreeing(found, {at: _units(results[at], samples[at]) for at in results})
    samples = {at: sample for at, sample in samples.items() if at not in stale}
    roles = roles_of(found)
    rows: list[dict[str, Any]] = []
    for method in found.methods:
        own = [seed for seed in found.seeds if (method, seed) in samples]
        base = found.baselines.get(method)
        both = [seed for seed in own if (base, seed) in samples]
        if not own:
            continue
        each = _rows_of([samples[method, seed] for seed in own], OWN, len(names))
        pairs = [samples[method, seed] - samples[base, seed] for seed in both]
        changes = _rows_of(pairs, CHANGE, len(names))
        same = {"method": method, "role": roles.get(method, "")}
        counts = _counts(results[method, own[0]], key)
        for name, mean, change in zip(names, each, changes, strict=True):
            rows.append({**same, "group": name.replace("_", "-"), **mean, **change, **counts})
    return marked(pd.DataFrame(rows, columns=None if rows else list(COLUMNS)), stale)


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
    """What the means show, for the plain head and Inter-Prototype or else for the first method.

    Args:
        table: as `read_means` gives it.
        groups: the two groups whose difference is told, in words.
        sign: 1 if the claim is that the difference is positive, -1 for negative.
        wanted: sign of the change of the difference that Inter-Prototype is for, 0 for none.
        unit: of the values.
        digits: after the point.
        note: what a reader has to know besides.
    """
    methods, told = chosen(table), []
    for method in methods:
        means = {words: _row(table, method, name)["value"] for name, words in groups.items()}
        values = [f"{words} {_text(value, digits)}{unit}" for words, value in means.items()]
        row = _row(table, method, DIFFERENCE)
        ends = _span(row["value"], row["low"], row["high"], unit, digits)
        told.append(f"{method}: {', '.join(values)}, difference {ends}")
    first, last = (_row(table, method, DIFFERENCE) for method in (methods[0], methods[-1]))
    text = f"{'; '.join(told)}. For {methods[0]} the claim {_holds(first, sign)}"
    if wanted and last["role"] == OURS and np.isfinite(last["change_value"]):
        ends = _span(*(last[name] for name in CHANGE[:3]), unit, digits)
        text += f"; {methods[-1]} changes the difference by {ends}, {_effect(last, wanted)}"
    return " ".join(filter(None, [f"{text}.", _basis(first), note])) + note_of(table)


def tell_prototypes(table: pd.DataFrame) -> str:
    """What the means of prototypes show, and their root mean square, which the loss acts on.

    Args:
        table: as `read_means` gives it, with the group child-rms.
    """
    rows = [_row(table, method, "child-rms") for method in chosen(table)]
    values = " and ".join(f"{_text(row['value'], 3)} for {row['method']}" for row in rows)
    note = f"The loss acts on squares: the root mean square of two child prototypes is {values}"
    if np.isfinite(rows[-1]["change_value"]):
        ends = (rows[-1][name] for name in CHANGE[:3])
        note += f", a change by {_span(*ends, '', 3)}"
    groups = {"child-child": "two child prototypes", "other-other": "two others"}
    return tell_means(table, groups=groups, sign=1, wanted=-1, note=f"{note}.")


def told_runs(found: Found, key: str, names: tuple[str, ...] = ()) -> dict[Run, Result]:
    """The complete runs of notebook 04 that tell some values of an analysis."""
    told = {(run.method, run.seed): run for run in found.complete("prototypes")}
    return {
        at: run
        for at, run in told.items()
        if set(names) <= ((run.metrics.get("analyses") or {}).get(key) or {}).keys()
    }


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


def _units(result: Result, sample: NDArray[np.float64]) -> dict[str, Hashable]:
    people = tuple(result.metrics["analyses"]["sample"][name] for name in PEOPLE)
    return {
        "its data": result.record.get("data"),
        "its identities or draws of them": (people, sample.shape),
    }


def _rows_of(
    samples: list[NDArray[np.float64]], names: tuple[str, ...], count: int
) -> list[dict[str, float | int]]:
    # of each of M means, over seeds; NaN without any
    if not samples:
        return [dict.fromkeys(names, np.nan) | {names[3]: 0}] * count
    single = np.stack(samples)[:, :, 0]  # (S, M)
    told = []
    for at, mean in enumerate(np.mean(samples, axis=0)):
        found = percentile_interval(float(mean[0]), mean[1:])
        ends = (float(single[:, at].min()), float(single[:, at].max()))
        row = (found.value, found.low, found.high, len(samples), *ends)
        told.append(dict(zip(names, row, strict=True)))
    return told


def _row(table: pd.DataFrame, method: str, group: str) -> pd.Series:
    return table[(table["method"] == method) & (table["group"] == group)].iloc[0]


def _text(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", MINUS)


def _span(value: float, low: float, high: float, unit: str, digits: int) -> str:
    return f"{signed(value, digits)}{unit} [{signed(low, digits)}, {signed(high, digits)}]"


def _holds(row: pd.Series, sign: int) -> str:
    words = ("holds here", "does not hold here, where the opposite is found")
    return _told(row, OWN, words[::sign])


def _effect(row: pd.Series, wanted: int) -> str:
    words = ("as it is meant to", "against what it is meant to")
    text = _told(row, CHANGE, words[::wanted])
    return text if text in words else f"whether as it is meant to {text}"


def _told(row: pd.Series, names: tuple[str, ...], words: tuple[str, str]) -> str:
    _, low, high, seeds, least, most = (row[name] for name in names)
    return verdict_of(low, high, seeds=int(seeds), least=least, most=most).text(*words)


def _basis(row: pd.Series) -> str:
    people = f"{row['child_identities']} child and {row['other_identities']} other identities"
    if "identities" in row.index:
        people = f"{row['identities']} identities with {row['images']} images or more of either age"
    few = ", a small set" if row.get("identities", row["child_identities"]) < FEW else ""
    seeds = "one training seed" if row["seeds"] == 1 else f"{row['seeds']} training seeds"
    return (
        f"Measured on training images of {people}{few}; {seeds} a method. Brackets are over "
        f"identities: {UNCORRECTED}."
    )
