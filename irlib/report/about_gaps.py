"""Numbers of analyses A9 and A12: accuracy and errors over the age gap.

Shapes: P pairs, M methods, R replicates.
Units: gaps in years.
"""

import hashlib
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from irlib.data.pairs.sets import PAIR_SETS
from irlib.evaluation.clustered import identity_replicates, pair_replicates
from irlib.evaluation.gap_bands import ADULT, BANDS, CHILD
from irlib.report import paired
from irlib.report.basis import Basis, Run, basis_of, disagreeing, marked
from irlib.report.collected import Found
from irlib.report.paired import OVER_SETS
from irlib.report.readings import title_of

NARROW, WIDE = "10-20", "30+"
TREND = f"{WIDE} less {NARROW}"
CONTRAST = f"{CHILD} less {ADULT}"  # a kind, of the trend alone
GAPS = (10, 20, 30, 40, 50)  # years; the last is open
FEWEST = 30  # genuine pairs in ten years of gap that tell a share

REJECTS, ACCEPTS = "all sets: false rejects", "all sets: false accepts"

Place = tuple[str, str, str]  # set, kind and band

_PAIR = ("right", "is_same", "first_identity", "second_identity")


def read_bands(found: Found) -> pd.DataFrame:
    """Accuracy by age gap at thresholds chosen on other people: set, kind, band, `paired.rows`.

    The draws of people are one for all bands and kinds of a set, so that the row `TREND`, the
    widest gap less the narrowest, that of children less that of adults, and the mean of the sets
    have intervals of their own.
    """
    basis, stored = basis_of(found), _stored_bands(found)
    stale = disagreeing(found, {run: _units(bands) for run, bands in stored.items()})
    kept = {run: bands for run, bands in stored.items() if run not in stale}
    rows: list[dict[str, Any]] = []
    for (title, kind, band), each in _with_means(_drawn(kept, basis)).items():
        rows += paired.rows(each, basis, {"set": title, "kind": kind, "band": band})
    return marked(paired.table_of(rows, "set", "kind", "band"), stale)


def read_errors(found: Found) -> pd.DataFrame:
    """False rejects by age gap, and both errors by set: panel, x, kind, joined and `paired.rows`.

    Thresholds are oracles: of all child-adult pairs ten years apart and more, and of each set.
    """
    basis = basis_of(found)
    table = found.read("evaluate", "a12_gaps", ("set", "kind", "identity", "gap", "rejected"))
    table = table[table["kind"] == CHILD]
    table, stale = paired.same_units(table, found, ("identity", "gap"))
    rows: list[dict[str, Any]] = []
    for title, part in table.groupby("set", sort=False):
        values, units = paired.by_run(part, "rejected"), paired.units_of(part)
        gap, people = units["gap"].to_numpy(), units["identity"].astype(str).to_numpy()
        for low, high in zip(GAPS, (*GAPS[1:], np.inf), strict=True):
            within = (gap >= low) & (gap < high)
            if within.sum() < FEWEST:
                continue
            replicate = partial(
                identity_replicates, identity=people[within], seed=basis.seed,
                repeats=basis.repeats,
            )  # fmt: skip
            each = paired.compared({r: v[within] for r, v in values.items()}, basis, replicate)
            case = f"{low}+" if high == np.inf else f"{low}-{high}"
            names = {"panel": f"{title}: false rejects", "x": case, "kind": CHILD, "joined": True}
            rows += paired.rows(each, basis, names)
    told = [*rows, *_rates(found, basis)]
    return marked(paired.table_of(told, "panel", "x", "kind", "joined"), stale)


def _rates(found: Found, basis: Basis) -> Iterable[dict[str, Any]]:
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
            each = paired.compared(values, basis, np.asarray)  # (1, 2M): without replicates
            case = title_of(key).removesuffix(" (adult control)")
            kind = ADULT if PAIR_SETS[key].first_age[0] > 0 else CHILD
            names = {"panel": panel, "x": case, "kind": kind, "joined": False}
            yield from paired.rows(each, basis, names)


def _stored_bands(found: Found) -> dict[Run, dict[Place, dict[str, NDArray]]]:
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


def _units(bands: Mapping[Place, Mapping[str, NDArray]]) -> dict[str, str]:
    return {
        f"its pairs of {', '.join(place)} years": hashlib.sha256(
            b"".join(arrays[name].tobytes() for name in _PAIR[1:])
        ).hexdigest()
        for place, arrays in bands.items()
    }


def _drawn(
    stored: Mapping[Run, Mapping[Place, Mapping[str, NDArray]]], basis: Basis
) -> dict[Place, paired.Compared]:
    places = dict.fromkeys(place for bands in stored.values() for place in bands)
    people = {title: _people(stored, title) for title in dict.fromkeys(p[0] for p in places)}
    drawn = {}
    for place in places:
        runs = {run: bands[place] for run, bands in stored.items() if place in bands}
        pairs = next(iter(runs.values()))
        replicate = partial(
            pair_replicates, **{name: pairs[name] for name in _PAIR[1:]}, people=people[place[0]],
            seed=basis.seed + list(people).index(place[0]), repeats=basis.repeats,
        )  # fmt: skip
        values = {run: arrays["right"] for run, arrays in runs.items()}
        drawn[place] = paired.compared(values, basis, replicate)
    return drawn


def _people(
    stored: Mapping[Run, Mapping[Place, Mapping[str, NDArray]]], title: str
) -> NDArray[np.str_]:
    sides = [
        arrays[side]
        for bands in stored.values()
        for place, arrays in bands.items()
        if place[0] == title
        for side in _PAIR[2:]
    ]
    return np.unique(np.concatenate(sides))


def _with_means(drawn: Mapping[Place, paired.Compared]) -> dict[Place, paired.Compared]:
    # the mean of the sets, the trends, and the trend of children less that of adults
    whole = dict(drawn)
    titles = list(dict.fromkeys(title for title, *_ in drawn))
    for kind, band in dict.fromkeys((kind, band) for _, kind, band in drawn):
        mean = paired.mean_of([drawn.get((title, kind, band)) for title in titles])
        if mean is not None:
            whole[OVER_SETS, kind, band] = mean
    for title, kind in dict.fromkeys((title, kind) for title, kind, _ in whole):
        _put_difference(whole, (title, kind, TREND), (title, kind, WIDE), (title, kind, NARROW))
    for title in dict.fromkeys(title for title, *_ in whole):
        _put_difference(
            whole, (title, CONTRAST, TREND), (title, CHILD, TREND), (title, ADULT, TREND)
        )
    order = [*BANDS, TREND]
    return dict(sorted(whole.items(), key=lambda item: order.index(item[0][2])))


def _put_difference(
    whole: dict[Place, paired.Compared], place: Place, first: Place, second: Place
) -> None:
    if first in whole and second in whole and whole[first].runs == whole[second].runs:
        whole[place] = whole[first].less(whole[second])
