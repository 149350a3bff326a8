"""What the run folders of a study hold, read defensively: a run that is not there is named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import pandas as pd

from irlib import runs
from irlib.report import readings
from irlib.report.result import COMPLETE, MISSING, Result, read_result
from irlib.tables import NO_SEED

TABLE, CONTROL, ABLATION, PUBLISHED = "table", "control", "ablation", "published"  # of a method
BROUGHT = "brought"  # a model made elsewhere
STAGES = ("train", "evaluate", "prototypes")  # one run a method and seed, beside the data run
SYNTHESIS = "synthesis"  # stage of the runs of face age synthesis, where there are any
BEHIND = "behind"  # of the runs that these rest on and that are no rows of the study
NO_REASON = "its record gives none"


class Named(Protocol):
    """What a method is to the report, e.g. an `irlib.methods.Method`."""

    name: str
    title: str
    kind: str  # table, control, ablation, published, or brought: a model made elsewhere
    baseline: str  # name of the method that its gain is measured against


@dataclass(frozen=True)
class Found:
    """Every run that a report rests on, or should.

    Args:
        folder: of the study.
        methods: titles in the order of the tables.
        baselines: title of a method to that of the plain head it adds to.
        seeds: of the trainings; a model made elsewhere has `NO_SEED`.
        runs: one result a run, the data run first.
        names: title of a method to its name.
        kinds: title of a method to its kind; one that is not named is a row of the tables.
    """

    folder: Path
    methods: tuple[str, ...]
    baselines: dict[str, str]
    seeds: tuple[int, ...]
    runs: tuple[Result, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)

    def title(self, name: str) -> str:
        """Title of a method by its name; empty if it is not among them."""
        return next((title for title, own in self.names.items() if own == name), "")

    def of_kind(self, *kinds: str) -> list[str]:
        """Titles of the methods of some kinds, in the order of the tables."""
        return [title for title in self.methods if self.kinds.get(title, TABLE) in kinds]

    def complete(self, stage: str) -> list[Result]:
        """The complete runs of a stage."""
        return [run for run in self.runs if run.stage == stage and run.status == COMPLETE]

    def without(self, refused: Mapping[Path, tuple[str, str]]) -> "Found":
        """The same, but some runs are not complete.

        Args:
            refused: folder of a run to its status and the reason.
        """
        told = {
            folder: {"status": status, "reason": reason, "metrics": {}}
            for folder, (status, reason) in refused.items()
        }
        runs_ = tuple(replace(run, **told.get(run.folder, {})) for run in self.runs)
        return replace(self, runs=runs_)

    @property
    def absent(self) -> list[Result]:
        """The runs that are not complete, those that never began last; no number rests on them."""
        absent = [run for run in self.runs if run.status != COMPLETE]
        return sorted(absent, key=lambda run: run.status == MISSING)

    @property
    def incomplete(self) -> pd.DataFrame:
        """The same as a table: run, method, seed, status and reason, as text."""
        trained = {(run.method, run.seed) for run in self.complete("train")}
        rows = []
        for run in self.absent:
            waits = run.stage in STAGES[1:] and (run.method, run.seed) not in trained
            reason = "its training is not complete" if waits and run.status == MISSING else ""
            rows.append({
                "run": run.folder.name, "method": run.method,
                "seed": "" if run.seed in (None, NO_SEED) else str(run.seed), "status": run.status,
                "reason": reason or run.reason or NO_REASON,
            })  # fmt: skip
        return readings.as_table(rows, "run", "method", "seed", "status", "reason")

    @property
    def data(self) -> dict[str, Any]:
        """The numbers of the data run, or nothing."""
        return next((run.metrics for run in self.complete("data")), {})

    def only(self, *kinds: str) -> "Found":
        """The same with the methods of some kinds alone, and their runs.

        Args:
            kinds: of methods.
        """
        titles = self.of_kind(*kinds)
        runs_ = tuple(run for run in self.runs if run.method in ("", *titles))
        return replace(self, methods=tuple(titles), runs=runs_)

    @property
    def brought(self) -> list[str]:
        """Titles of the models made elsewhere."""
        return self.of_kind(BROUGHT)

    @property
    def trained(self) -> list[str]:
        """Titles of the methods that the study trains."""
        return [title for title in self.methods if title not in self.brought]

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Verification results: method, seed, key, set and fractions, a row a run and set."""
        return readings.scores(self.complete("evaluate"))

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Training histories: method, seed, images, losses and accuracies, a row a line."""
        return readings.histories(self.complete("train"))

    @cached_property
    def prototypes(self) -> pd.DataFrame:
        """Prototype diagnostics: method, seed and the numbers, a row a run."""
        rows = [
            {"method": run.method, "seed": run.seed, **run.metrics}
            for run in self.complete("prototypes")
        ]
        return readings.as_table(rows, "method", "seed")

    @cached_property
    def impostors(self) -> pd.DataFrame:
        """Mean cosines between different people: method, seed, child_child, adult_adult, excess."""
        return readings.impostors(self.complete("evaluate"))

    @cached_property
    def roc(self) -> pd.DataFrame:
        """Mean curves over seeds: set, method, far, tar at 100 rates spread evenly in log."""
        return readings.mean_roc(self.read("evaluate", "roc", ("set", "far", "tar")))

    def read(self, stage: str, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
        """The numbers behind a figure of every complete run of a stage.

        Args:
            stage: evaluate or prototypes.
            name: of the figure, as `Run.save_figure` was told.
            columns: that it has; an empty table has them too.

        Returns:
            These columns with method (title) and seed, a row a mark and run.
        """
        return readings.figures(self.complete(stage), name, columns)

    def read_first(self, stage: str, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
        """The same of the first complete seed of each method alone."""
        first = {run.method: run for run in reversed(self.complete(stage))}
        results = [first[method] for method in self.methods if method in first]
        return readings.figures(results, name, columns)


def collect(
    folder: Path,
    methods: Sequence[Named],
    seeds: Sequence[int],
    models: Sequence[str] = (),
    *,
    synthesis: Mapping[str, str] = MappingProxyType({}),
) -> Found:
    """The runs of a study that a report over some methods and seeds rests on.

    Args:
        folder: of the study; it need not hold any of them.
        methods: rows of the tables.
        seeds: of the trainings.
        models: names of models made elsewhere that the study evaluated.
        synthesis: names of the runs of face age synthesis, each with the title of its method.
    """
    titles = {method.name: method.title for method in methods}
    adding = [m for m in methods if m.baseline in titles and m.baseline != m.name]
    found = [read_result("data", folder / runs.run_name("data"))]
    for stage in STAGES:
        for method in methods:
            for seed in seeds:
                place = folder / runs.run_name(stage, method.name, seed)
                found.append(read_result(stage, place, method=method.title, seed=seed))
    for model in models:
        place = folder / runs.run_name("evaluate", model)
        found.append(read_result("evaluate", place, method=model, seed=NO_SEED))
    for name, title in synthesis.items():
        seed = int(name.rpartition("-s")[2])
        found.append(read_result(SYNTHESIS, folder / name, method=title, seed=seed))
    found += _behind(folder, found)
    return Found(
        folder=folder,
        methods=(*(method.title for method in methods), *models),
        baselines={method.title: titles[method.baseline] for method in adding},
        seeds=tuple(seeds),
        runs=tuple(found),
        names={method.title: method.name for method in methods} | {name: name for name in models},
        kinds={method.title: method.kind for method in methods} | dict.fromkeys(models, BROUGHT),
    )


def _behind(folder: Path, found: Sequence[Result]) -> list[Result]:
    # what runs of face age synthesis rest on and no method or seed of the study names
    told = [name for run in found if run.stage == SYNTHESIS for name in
            run.record.get("rests_on", ())]  # fmt: skip
    listed = {run.folder.name for run in found}
    return [read_result(BEHIND, folder / n) for n in dict.fromkeys(told) if n not in listed]
