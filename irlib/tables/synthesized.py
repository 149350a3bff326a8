"""Measures of synthesized faces as text, out of the numbers that notebook 06 leaves.

Units: fractions come in; percent and points go out. Ages in years.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from irlib.tables.numbers import MINUS, NONE, points, rate

COLUMNS = ("measure", "result", "for comparison", "rests on")

Told = Mapping[str, Any]


def measures(metrics: Told) -> pd.DataFrame:
    """What synthesized faces are worth: `COLUMNS`, a row a measure, as text.

    Args:
        metrics: as notebook 06 finishes with; parts that are absent or null are left out.
    """
    true = metrics.get("true_faces") or {}
    parts = {
        "following": partial(_following, true=true.get("following")),
        "kept": partial(_kept, true=true.get("kept")),
        "there_and_back": _there_and_back, "crossing": _crossing, "kid": _kid, "truth": _truth,
    }  # fmt: skip
    rows = [row for name, read in parts.items() if metrics.get(name) for row in read(metrics[name])]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def use(metrics: Told) -> pd.DataFrame:
    """Accuracy on child-adult pairs with and without synthesis, a row a set and rule, as text.

    Args:
        metrics: as above.
    """
    rules = {"folds": "other people", "oracle": "these pairs"}
    rows = []
    for told in (metrics.get("crossing") or {}).values():
        for rule, chosen_on in rules.items():
            part = told[rule]
            rows.append({
                "set": told["title"], "threshold chosen on": chosen_on,
                "photographs": share(part, "photographs"),
                "children made older": share(part, "synthesized"),
                "difference": gain(part, "difference"),
                "pairs": f"{told['pairs']:,}", "people": f"{told['identities']:,}",
            })  # fmt: skip
    names = ("set", "threshold chosen on", "photographs", "children made older", "difference")
    return pd.DataFrame(rows, columns=[*names, "pairs", "people"])


def by_group(metrics: Told) -> pd.DataFrame:
    """The measures of each age group, a row a group, as text.

    Args:
        metrics: as above, with the names of the groups as ``groups``.
    """
    following, kept = (metrics[name]["groups"] for name in ("following", "kept"))
    distances = {told["group"]: told for told in (metrics.get("kid") or {}).get("groups", ())}
    rows = []
    for group, (years, same) in enumerate(zip(following, kept, strict=True)):
        distance = distances.get(group)
        rows.append({
            "age group": metrics["groups"][group], "central age": f"{years['central']:.0f}",
            "estimated age": number(years, "estimated", 1),
            "of real faces": _plain(years["real_estimated"], 1),
            "cosine with the source": number(same, "cosine", 2),
            "verified, %": share(same, "verified"),
            "KID": number(distance, "made", 3) if distance else NONE,
            "KID of the sources": number(distance, "copy", 3) if distance else NONE,
            "KID of real halves, 95 %": _span(distance, "floor", 3) if distance else NONE,
            "real faces": f"{years['real_faces']:,}",
        })  # fmt: skip
    return pd.DataFrame(rows)


def number(told: Told, name: str, digits: int, *, sign: str = "-") -> str:
    """A number with its interval, e.g. ``0.83 [0.80, 0.86]``.

    Args:
        told: has ``name`` and ``name_interval``.
        name: of the number.
        digits: after the point.
        sign: ``+`` to write a plus before numbers that are not negative.
    """
    value, low, high = _ends(told, name)
    if np.isnan(value):
        return NONE
    ends = "" if np.isnan(low) else f" [{low:{sign}.{digits}f}, {high:{sign}.{digits}f}]"
    return f"{value:{sign}.{digits}f}{ends}".replace("-", MINUS)


def share(told: Told, name: str) -> str:
    """A share with its interval in percent, e.g. ``92.5 [90.1, 94.6]``; see `number`."""
    return rate(*_ends(told, name))


def gain(told: Told, name: str) -> str:
    """A difference of shares with its interval in points, e.g. ``+1.2 [+0.3, +2.1]``."""
    return points(*_ends(told, name))


def _following(told: Told, *, true: Told | None) -> Iterator[tuple[str, ...]]:
    rests = f"{told['faces']:,} faces of {told['people']:,} people"
    lines: tuple[tuple[str, str, Callable[[Told, str], str]], ...] = (
        ("Estimated age follows the group asked for (rank correlation)", "spearman",
         partial(number, digits=2)),
        ("Estimated age less the group's central age, years (mean absolute)", "error",
         partial(number, digits=1)),
        ("Estimated age in the group asked for, %", "right_group", share),
    )  # fmt: skip
    for text, name, read in lines:
        beside = f"real faces, known age: {read(told['real'], name)}"
        yield text, read(told, name), beside + _of_true(true, name, read), rests


def _kept(told: Told, *, true: Told | None) -> Iterator[tuple[str, ...]]:
    rests = f"{told['sources'] * len(told['groups']):,} faces of {told['people']:,} people"
    two = partial(number, digits=2)
    alone = _of_true(true, "cosine", two).removeprefix("; ")
    yield "Cosine with the source", two(told, "cosine"), alone, rests
    strangers = f"sources of other people: {rate(_value(told['strangers']))}"
    beside = strangers + _of_true(true, "verified", share)
    yield "Verified against the source, %", share(told, "verified"), beside, rests


def _of_true(true: Told | None, name: str, read: Callable[[Told, str], str]) -> str:
    return f"; true faces: {read(true, name)}" if true else ""


def _there_and_back(told: Told) -> Iterator[tuple[str, ...]]:
    yield (
        "Cosine of a child made old and young again with the source", number(told, "back", 2),
        f"made old: {number(told, 'there', 2)}", f"{told['faces']:,} children",
    )  # fmt: skip


def _crossing(told: Told) -> Iterator[tuple[str, ...]]:
    for each in told.values():
        title, rests = each["title"], f"{each['pairs']:,} pairs of {each['identities']:,} people"
        yield (
            f"{title}: a child made as old as the adult, change of the cosine, same person",
            number(each, "genuine", 3, sign="+"),
            f"different people: {number(each, 'impostor', 3, sign='+')}", rests,
        )  # fmt: skip
        yield (
            f"{title}: children who match their adult image better than before, %",
            share(each, "closer"), "", rests,
        )  # fmt: skip


def _kid(told: Told) -> Iterator[tuple[str, ...]]:
    judged = len(told["groups"])
    yield (
        "Kernel distance (KID) to real faces of the group", number(told, "made", 3),
        f"sources as they are: {number(told, 'copy', 3)}; "
        f"less that: {number(told, 'difference', 3, sign='+')}",
        f"{told['results']:,} faces a group, of {told['people']:,} people, in {judged} of "
        f"{judged + len(told['left_out'])} groups",
    )  # fmt: skip


def _truth(told: Told) -> Iterator[tuple[str, ...]]:
    rests = f"{told['faces']:,} faces of {told['people']:,} people"
    for name, digits, text in (
        ("pixels", 1, "Difference from the true face, of 255 (mean absolute)"),
        ("cosine", 2, "Cosine with the true face"),
    ):
        part = told[name]
        beside = f"sources as they are: {number(part, 'copy', digits)}"
        yield text, number(part, "made", digits), beside, rests


def _ends(told: Told, name: str) -> tuple[float, float, float]:
    low, high = told[f"{name}_interval"]
    return _value(told[name]), _value(low), _value(high)


def _span(told: Told, name: str, digits: int) -> str:
    low, high = map(_value, told[f"{name}_interval"])
    return f"[{low:.{digits}f}, {high:.{digits}f}]".replace("-", MINUS)


def _value(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _plain(value: float | None, digits: int) -> str:
    return NONE if np.isnan(_value(value)) else f"{value:.{digits}f}"
