"""Numbers of analyses A9 and A12: accuracy and errors over the age gap.

Shapes: P pairs, M methods, R replicates.
Units: gaps in years.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from irlib.data.pairs.sets import PAIR_SETS
from irlib.evaluation.clustered import identity_replicates, pair_replicates
from irlib.evaluation.gap_bands import BANDS, CHILD
from irlib.report import paired
from irlib.report.collected import CONTROL, TABLE, Found, title_of

MEAN = "mean of the sets"
NARROW, WIDE = "10-20", "30+"
TREND = f"{WIDE} less {NARROW}"
GAPS = (10, 20, 30, 40, 50)  # years; the last is open
FEWEST = 30  # genuine pairs in ten years of gap that tell a share

REJECTS, ACCEPTS = "all sets: false rejects", "all sets: false accepts"

_PAIR = ("right", "is_same", "first_identity", "second_identity")


def read_bands(found: Found) -> pd.DataFrame:
    """Accuracy by age gap at thresholds chosen on other people: set, kind, band, `paired.rows`.

    The draws of people are one for all bands of a set, so that the row `TREND`, the widest gap
    less the narrowest, and the mean of the sets have intervals of their own.
    """
    stored = _stored_bands(found)
    drawn: dict[tuple[str, str, str], tuple[dict, list[str], NDArray]] = {}
    places = dict.fromkeys(place for bands in stored.values() for place in bands)
    people = {title: _people(stored, title) for title in dict.fromkeys(p[0] for p in places)}
    for place in places:
        runs = {run: bands[place] for run, bands in stored.items() if place in bands}
        _require_same(place, runs)
        methods = paired.methods_of(runs, found.of_kind(TABLE, CONTROL))
        values = {run: arrays["right"].astype(np.float64) for run, arrays in runs.items()}
        pairs = next(iter(runs.values()))
        replicates = pair_replicates(
            paired.columns(values, methods), *(pairs[name] for name in _PAIR[1:]),
            people=people[place[0]], seed=paired.SEED + list(people).index(place[0]),
            repeats=paired.REPEATS,
        )  # fmt: skip
        drawn[place] = (runs, methods, replicates)
    rows: list[dict[str, Any]] = []
    for (title, kind, band), (runs, methods, replicates) in _with_means(drawn).items():
        names = {"set": title, "kind": kind, "band": band}
        rows += paired.rows(replicates, runs, methods, **names)
    return paired.table_of(rows, "set", "kind", "band")


def read_errors(found: Found) -> pd.DataFrame:
    """False rejects by age gap, and both errors by set: panel, x, joined and `paired.rows`.

    Thresholds are oracles: of all child-adult pairs ten years apart and more, and of each set.
    """
    table = found.read("evaluate", "a12_gaps", ("set", "kind", "identity", "gap", "rejected"))
    rows: list[dict[str, Any]] = []
    for title, part in table[table["kind"] == CHILD].groupby("set", sort=False):
        values, units = paired.by_run(part, "rejected", same=("identity", "gap"))
        methods = paired.methods_of(values, found.of_kind(TABLE, CONTROL))
        of_methods, gap = paired.columns(values, methods), units["gap"].to_numpy()
        for low, high in zip(GAPS, (*GAPS[1:], np.inf), strict=True):
            within = (gap >= low) & (gap < high)
            if within.sum() < FEWEST:
                continue
            replicates = identity_replicates(
                of_methods[within], units["identity"][within].astype(str), seed=paired.SEED,
                repeats=paired.REPEATS,
            )  # fmt: skip
            case = f"{low}+" if high == np.inf else f"{low}-{high}"
            names = {"panel": f"{title}: false rejects", "x": case, "joined": True}
            rows += paired.rows(replicates, values, methods, **names)
    return paired.table_of([*rows, *_rates(found)], "panel", "x", "joined")


def _rates(found: Found) -> Iterable[dict[str, Any]]:
    told = {
        (run.method, run.seed): run.metrics["analyses"]["a12"]
        for run in found.complete("evaluate")
        if "a12" in (run.metrics.get("analyses") or {})
    }
    kinds = {REJECTS: ("false_rejects", "genuine"), ACCEPTS: ("false_accepts", "impostor")}
    for panel, (wrong, of) in kinds.items():
        for key in [key for key in PAIR_SETS if any(key in sets for sets in told.values())]:
            values = {
                run: np.array([sets[key][wrong] / sets[key][of]])
                for run, sets in told.items()
                if key in sets
            }
            methods = paired.methods_of(values, found.of_kind(TABLE, CONTROL))
            shares = paired.columns(values, methods)  # (1, 2M): without replicates
            case = title_of(key).removesuffix(" (adult control)")
            yield from paired.rows(shares, values, methods, panel=panel, x=case, joined=False)


def _stored_bands(found: Found) -> dict[paired.Run, dict[tuple[str, str, str], dict]]:
    stored = {}
    for run in found.complete("evaluate"):
        path = run.folder / "bands.npz"
        if not path.exists():
            continue
        with np.load(path) as arrays:
            places = dict.fromkeys(name.rpartition("/")[0] for name in arrays.files)
            stored[run.method, run.seed] = {
                tuple(place.split("/")): {name: arrays[f"{place}/{name}"] for name in _PAIR}
                for place in places
            }
    return stored


def _people(stored: dict, title: str) -> NDArray[np.str_]:
    sides = [
        arrays[side]
        for bands in stored.values()
        for place, arrays in bands.items()
        if place[0] == title
        for side in _PAIR[2:]
    ]
    return np.unique(np.concatenate(sides))


def _require_same(place: tuple[str, str, str], runs: dict[paired.Run, dict]) -> None:
    first = next(iter(runs.values()))
    for (method, seed), arrays in runs.items():
        if any(not np.array_equal(arrays[name], first[name]) for name in _PAIR[1:]):
            raise ValueError(
                f"{method}, seed {seed}: its pairs of {', '.join(place)} years are not those of "
                "the runs before it; evaluate all methods on the same data"
            )


def _with_means(drawn: dict) -> dict:
    # the mean of the sets where each has the band for the same methods, then the trends
    whole = dict(drawn)
    titles = list(dict.fromkeys(title for title, *_ in drawn))
    for kind, band in dict.fromkeys((kind, band) for _, kind, band in drawn):
        each = [drawn.get((title, kind, band)) for title in titles]
        if len(each) > 1 and all(each) and all(part[1] == each[0][1] for part in each):
            mean = np.mean([replicates for *_, replicates in each], axis=0)
            whole[MEAN, kind, band] = (*each[0][:2], mean)
    for title, kind in dict.fromkeys((title, kind) for title, kind, _ in whole):
        narrow, wide = (whole.get((title, kind, band)) for band in (NARROW, WIDE))
        if narrow and wide and narrow[1] == wide[1]:
            whole[title, kind, TREND] = (*wide[:2], wide[2] - narrow[2])
    order = [*BANDS, TREND]
    return dict(sorted(whole.items(), key=lambda item: order.index(item[0][2])))
