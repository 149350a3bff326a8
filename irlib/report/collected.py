"""What the run folders of a study hold, read defensively: a run that is not there is named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from irlib import runs
from irlib.data.pairs.sets import PAIR_SETS
from irlib.report.result import COMPLETE, MISSING, Result, read_result

TABLE, CONTROL, ABLATION, PUBLISHED = "table", "control", "ablation", "published"  # of a method
STAGES = ("train", "evaluate", "prototypes")  # one run a method and seed, beside the data run
SCORES = (
    "oracle_accuracy", "fold_accuracy", "best_oracle_accuracy", "best_fold_accuracy", "auc", "eer",
    "tar_0.1", "tar_0.01", "tar_0.001",
)  # fmt: skip
NO_REASON = "its record gives none"
CURVES = ("images", "id_loss", "child_loss", "accuracy", "val_accuracy")


class Named(Protocol):
    """What a method is to the report, e.g. an `irlib.methods.Method`."""

    name: str
    title: str
    kind: str  # table, control, ablation or published
    baseline: str  # name of the method that its gain is measured against


@dataclass(frozen=True)
class Found:
    """Every run that a report rests on, or should.

    Args:
        folder: of the study.
        methods: titles in the order of the tables.
        baselines: title of a method to that of the plain head it adds to.
        seeds: of the trainings.
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
                "seed": "" if run.seed is None else str(run.seed), "status": run.status,
                "reason": reason or run.reason or NO_REASON,
            })  # fmt: skip
        return _table(rows, "run", "method", "seed", "status", "reason")

    @property
    def data(self) -> dict[str, Any]:
        """The numbers of the data run, or nothing."""
        return next((run.metrics for run in self.complete("data")), {})

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Verification results: method, seed, key, set and fractions, a row a run and set."""
        rows = []
        for run in self.complete("evaluate"):
            best = run.metrics.get("best") or {}
            for key, told in run.metrics.get("sets", {}).items():
                tar = {f"tar_{far}": value for far, value in (told.get("tar") or {}).items()}
                chosen = {f"best_{name}": value for name, value in best.get(key, {}).items()}
                plain = {n: v for n, v in told.items() if isinstance(v, int | float)}
                title = told.get("title") or title_of(key)
                names = {"method": run.method, "seed": run.seed, "key": key, "set": title}
                rows.append({**names, **plain, **tar, **chosen})
        table = _table(rows, "method", "seed", "key", "set")
        absent = [name for name in SCORES if name not in table]
        return table.reindex(columns=[*table.columns, *absent])

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Training histories: method, seed, images, losses and accuracies, a row a line."""
        from irlib.training.recorder import read_history  # brings torch: only who draws it waits

        rows = []
        for run in self.complete("train"):
            names = {"method": run.method, "seed": run.seed}
            lines = read_history(run.folder)
            rows += [{**names, **{name: line.get(name) for name in CURVES}} for line in lines]
        return _table(rows, "method", "seed", *CURVES)

    @cached_property
    def prototypes(self) -> pd.DataFrame:
        """Prototype diagnostics: method, seed and the numbers, a row a run."""
        rows = [
            {"method": run.method, "seed": run.seed, **run.metrics}
            for run in self.complete("prototypes")
        ]
        return _table(rows, "method", "seed")

    @cached_property
    def impostors(self) -> pd.DataFrame:
        """Mean cosines between different people: method, seed, child_child, adult_adult, excess."""
        rows = []
        for run in self.complete("evaluate"):
            told = run.metrics.get("impostors")
            if told:
                means = {name: told[name] for name in ("child_child", "adult_adult")}
                excess = told["child_child"] - told["adult_adult"]
                rows.append({"method": run.method, "seed": run.seed, **means, "excess": excess})
        return _table(rows, "method", "seed")

    @cached_property
    def roc(self) -> pd.DataFrame:
        """Mean curves over seeds: set, method, far, tar at 100 rates spread evenly in log."""
        curves = self.read("evaluate", "roc", ("set", "far", "tar"))
        rows = []
        for (title, method), part in curves.groupby(["set", "method"], sort=False):
            rates = np.geomspace(part.loc[part["far"] > 0, "far"].min(), 1.0, 100)
            each = [_tar_at(run, rates) for _, run in part.groupby("seed")]
            told = {"far": rates, "tar": np.mean(each, axis=0)}
            rows.append(pd.DataFrame({"set": title, "method": method, **told}))
        return pd.concat(rows) if rows else _table([], "set", "method", "far", "tar")

    def read(self, stage: str, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
        """The numbers behind a figure of every complete run of a stage.

        Args:
            stage: evaluate or prototypes.
            name: of the figure, as `Run.save_figure` was told.
            columns: that it has; an empty table has them too.

        Returns:
            These columns with method (title) and seed, a row a mark and run.
        """
        return self._figures(self.complete(stage), name, columns)

    def read_first(self, stage: str, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
        """The same of the first complete seed of each method alone."""
        first = {run.method: run for run in reversed(self.complete(stage))}
        results = [first[method] for method in self.methods if method in first]
        return self._figures(results, name, columns)

    @staticmethod
    def _figures(results: Sequence[Result], name: str, columns: tuple[str, ...]) -> pd.DataFrame:
        parts = [_table([], "method", "seed", *columns)]
        for run in results:
            path = run.folder / "figures" / f"{name}.csv"
            if path.exists():
                parts.append(pd.read_csv(path).assign(method=run.method, seed=run.seed))
        return pd.concat(parts[1:] or parts, ignore_index=True)


def collect(folder: Path, methods: Sequence[Named], seeds: Sequence[int]) -> Found:
    """The runs of a study that a report over some methods and seeds rests on.

    Args:
        folder: of the study; it need not hold any of them.
        methods: rows of the tables.
        seeds: of the trainings.
    """
    titles = {method.name: method.title for method in methods}
    adding = [m for m in methods if m.baseline in titles and m.baseline != m.name]
    found = [read_result("data", folder / runs.run_name("data"))]
    for stage in STAGES:
        for method in methods:
            for seed in seeds:
                place = folder / runs.run_name(stage, method.name, seed)
                found.append(read_result(stage, place, method=method.title, seed=seed))
    return Found(
        folder=folder,
        methods=tuple(method.title for method in methods),
        baselines={method.title: titles[method.baseline] for method in adding},
        seeds=tuple(seeds),
        runs=tuple(found),
        names={method.title: method.name for method in methods},
        kinds={method.title: method.kind for method in methods},
    )


def title_of(key: str) -> str:
    """Title of a pair set; the key itself where nobody gave it one."""
    return PAIR_SETS[key].title if key in PAIR_SETS else key


def _tar_at(curve: pd.DataFrame, rates: np.ndarray) -> np.ndarray:
    # the best that stays within each rate: the curve's rates never fall
    far = np.concatenate([[0.0], curve["far"].to_numpy()])
    tar = np.concatenate([[0.0], curve["tar"].to_numpy()])
    return tar[np.searchsorted(far, rates * (1 + 1e-9), side="right") - 1]


def _table(rows: list[dict[str, Any]], *columns: str) -> pd.DataFrame:
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(columns))
