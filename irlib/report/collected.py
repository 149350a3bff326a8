"""What the run folders of a study hold, read defensively: a run that is not there is named."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from irlib import runs
from irlib.data.pairs.sets import PAIR_SETS

COMPLETE = "complete"
STAGES = ("train", "evaluate", "prototypes")  # one run a method and seed, beside the data run
SCORES = (
    "oracle_accuracy", "fold_accuracy", "best_oracle_accuracy", "best_fold_accuracy", "auc", "eer",
    "tar_0.1", "tar_0.01", "tar_0.001",
)  # fmt: skip
CURVES = ("images", "id_loss", "child_loss", "accuracy", "val_accuracy")


class Named(Protocol):
    """What a method is to the report, e.g. an `irlib.methods.Method`."""

    name: str
    title: str
    baseline: str  # name of the method that its gain is measured against


@dataclass(frozen=True)
class Result:
    """One run folder: how it stands, and its numbers if it is complete."""

    stage: str
    folder: Path
    method: str = ""  # title
    seed: int | None = None
    status: str = COMPLETE  # or failed, killed, running, missing, unreadable
    reason: str = ""  # why it is not complete
    record: dict[str, Any] = field(default_factory=dict)  # run.json
    metrics: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """Every run that a report rests on, or should.

    Args:
        folder: of the study.
        methods: titles in the order of the tables.
        baselines: title of a method to that of the plain head it adds to.
        seeds: of the trainings.
        runs: one result a run, the data run first.
    """

    folder: Path
    methods: tuple[str, ...]
    baselines: dict[str, str]
    seeds: tuple[int, ...]
    runs: tuple[Result, ...]

    def complete(self, stage: str) -> list[Result]:
        """The complete runs of a stage."""
        return [run for run in self.runs if run.stage == stage and run.status == COMPLETE]

    @property
    def absent(self) -> list[Result]:
        """The runs that are not complete; no number rests on them."""
        return [run for run in self.runs if run.status != COMPLETE]

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

    @cached_property
    def tsne(self) -> pd.DataFrame:
        """Prototypes in the plane: panel, x, y, group; the first complete seed of each method."""
        return self._first("tsne", ("x", "y", "group"))

    @cached_property
    def umap(self) -> pd.DataFrame:
        """The same by UMAP."""
        return self._first("umap", ("x", "y", "group"))

    @cached_property
    def cosines(self) -> pd.DataFrame:
        """Prototype cosines: panel, group, cosine; the first complete seed of each method."""
        return self._first("cosines", ("group", "cosine"))

    def _first(self, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
        table = self.read("prototypes", name, columns)
        first = table.groupby("method")["seed"].transform("first")
        panel = table["method"] + ", seed " + table["seed"].astype(str)
        return table.assign(panel=panel)[table["seed"] == first][["panel", *columns]]

    def read(self, stage: str, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
        """The numbers behind a figure of every complete run of a stage.

        Args:
            stage: evaluate or prototypes.
            name: of the figure, as `Run.save_figure` was told.
            columns: that it has; an empty table has them too.

        Returns:
            These columns with method (title) and seed, a row a mark and run.
        """
        parts = [_table([], "method", "seed", *columns)]
        for run in self.complete(stage):
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
    found = [_result("data", folder / runs.run_name("data"))]
    for stage in STAGES:
        for method in methods:
            for seed in seeds:
                place = folder / runs.run_name(stage, method.name, seed)
                found.append(_result(stage, place, method=method.title, seed=seed))
    return Found(
        folder=folder,
        methods=tuple(method.title for method in methods),
        baselines={method.title: titles[method.baseline] for method in adding},
        seeds=tuple(seeds),
        runs=tuple(found),
    )


def title_of(key: str) -> str:
    """Title of a pair set; the key itself where nobody gave it one."""
    return PAIR_SETS[key].title if key in PAIR_SETS else key


def _result(stage: str, folder: Path, **names: Any) -> Result:
    made = partial(Result, stage, folder, **names)
    if not (folder / "run.json").exists():
        return made(status="missing", reason="not run yet")
    try:
        record = runs.read_record(folder)
        status = record["status"]
        if status != COMPLETE:
            return made(status=status, reason=str(record.get("error", "")), record=record)
        if not (folder / "metrics.json").exists():
            return made(status="missing", reason="its metrics.json is gone", record=record)
        return made(record=record, metrics=runs.read_json(folder / "metrics.json"))
    except (ValueError, KeyError) as error:
        return made(status="unreadable", reason=f"{type(error).__name__}: {error}")


def _tar_at(curve: pd.DataFrame, rates: np.ndarray) -> np.ndarray:
    # the best that stays within each rate: the curve's rates never fall
    far = np.concatenate([[0.0], curve["far"].to_numpy()])
    tar = np.concatenate([[0.0], curve["tar"].to_numpy()])
    return tar[np.searchsorted(far, rates * (1 + 1e-9), side="right") - 1]


def _table(rows: list[dict[str, Any]], *columns: str) -> pd.DataFrame:
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(columns))
