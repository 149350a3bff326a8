"""What the analyses rest on: the methods in question, the draws, and the runs that agree."""

from collections import Counter
from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import pandas as pd

from irlib import studies
from irlib.report.collected import CONTROL, TABLE, Found
from irlib.report.words import QUESTION

HEAD = "arcface"  # name of the plain head
OURS, PLAIN = "ours", "plain"  # roles: the method in question, and the head that it adds to
LEFT_OUT = "left out"  # attribute of a table: what its readers left out, and why

Run = tuple[str, int | None]  # title of the method and seed


@dataclass(frozen=True)
class Basis:
    """Whom an analysis compares, and how it draws people.

    Args:
        methods: titles in order, of the tables and of the controls.
        baselines: title of a method to that of the head it adds to.
        roles: title to `OURS` or `PLAIN`; the others have none.
        seed: of the draws of people.
        repeats: of the draws.
    """

    methods: tuple[str, ...]
    baselines: Mapping[str, str]
    roles: Mapping[str, str]
    seed: int
    repeats: int


def basis_of(found: Found) -> Basis:
    """Whom the analyses of some runs compare; draws are those of the study that the runs name."""
    study = study_of(found) or studies.Study
    return Basis(
        methods=tuple(found.of_kind(TABLE, CONTROL)),
        baselines=found.baselines,
        roles=roles_of(found),
        seed=study.pair_seed,
        repeats=study.bootstrap_repeats,
    )


def roles_of(found: Found) -> dict[str, str]:
    """Title of the method in question and of its plain head to their roles, if they are there."""
    ours = found.title(QUESTION)
    plain = found.baselines.get(ours) or found.title(HEAD)
    return {title: role for title, role in ((plain, PLAIN), (ours, OURS)) if title}


def study_of(found: Found) -> studies.Study | None:
    """The study that the runs name in their records; None if no record names one there is."""
    for run in found.runs:
        told = run.record.get("parameters") or {}
        with suppress(ValueError):
            if "study" in told:
                return studies.find(told["study"], told.get("overrides"))
    return None


def chosen(table: pd.DataFrame) -> list[str]:
    """Titles to tell of: the plain head and the method in question, else the first method.

    Args:
        table: method and role.
    """
    titles = table.drop_duplicates("method").set_index("role")["method"]
    return [titles[role] for role in (PLAIN, OURS) if role in titles.index] or [titles.iloc[0]]


def disagreeing(found: Found, units: Mapping[Run, Mapping[str, Hashable]]) -> dict[Run, str]:
    """The runs that were made from other units than most, each with what differs first.

    Of two that are equally many, those are kept that fit the data run of today.

    Args:
        found: the runs.
        units: of each run, what its numbers are about, by a name for readers.
    """
    now = found.data.get("fingerprint")
    current = {(run.method, run.seed) for run in found.runs if run.record.get("data") == now}
    ordered = sorted(units, key=lambda run: run not in current)
    usual = {
        name: Counter(units[run][name] for run in ordered if name in units[run]).most_common(1)
        for name in dict.fromkeys(name for run in ordered for name in units[run])
    }
    other = {
        run: [name for name, unit in units[run].items() if unit != usual[name][0][0]]
        for run in units
    }
    return {run: names[0] for run, names in other.items() if names}


def marked(table: pd.DataFrame, stale: Mapping[Run, str]) -> pd.DataFrame:
    """The table with a note of the runs that it leaves out, for `note_of`."""
    told = [f"{method}, seed {seed} ({what})" for (method, seed), what in stale.items()]
    table.attrs[LEFT_OUT] = "; ".join(told)
    return table


def note_of(table: pd.DataFrame) -> str:
    """A sentence on the runs that were left out; empty if none was."""
    told = table.attrs.get(LEFT_OUT)
    return f" Left out, as other than in most runs: {told}; run these again." if told else ""
