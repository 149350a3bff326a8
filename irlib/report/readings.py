"""Tables of what complete runs left, a row a run and what it tells of."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from irlib.data.pairs.sets import PAIR_SETS
from irlib.report.result import Result
from irlib.tables import NONE
from irlib.training.history import read_history

SCORES = (
    "oracle_accuracy", "fold_accuracy", "best_oracle_accuracy", "best_fold_accuracy", "auc", "eer",
    "tar_0.1", "tar_0.01", "tar_0.001",
)  # fmt: skip
CURVES = ("images", "id_loss", "child_loss", "accuracy", "val_accuracy")
NETWORK = ("file", "family", "embedding_size", "color_order")  # of a model, as `networks` has it


def scores(results: Iterable[Result]) -> pd.DataFrame:
    """Verification results: method, seed, key, set and fractions, a row an evaluation and set."""
    rows = []
    for run in results:
        best = run.metrics.get("best") or {}
        for key, told in run.metrics.get("sets", {}).items():
            tar = {f"tar_{far}": value for far, value in (told.get("tar") or {}).items()}
            chosen = {f"best_{name}": value for name, value in best.get(key, {}).items()}
            plain = {n: v for n, v in told.items() if isinstance(v, int | float)}
            title = told.get("title") or title_of(key)
            names = {"method": run.method, "seed": run.seed, "key": key, "set": title}
            rows.append({**names, **plain, **tar, **chosen})
    table = as_table(rows, "method", "seed", "key", "set")
    absent = [name for name in SCORES if name not in table]
    return table.reindex(columns=[*table.columns, *absent])


def general(results: Iterable[Result]) -> pd.DataFrame:
    """Accuracies on the field's general sets: method, seed, set, accuracy, a row a run and set."""
    from irlib.evaluation.benchmarks import title_of as title_of_benchmark  # brings torch

    rows = [
        {
            "method": run.method, "seed": run.seed, "set": title_of_benchmark(key),
            "accuracy": told["accuracy"],
        }
        for run in results
        for key, told in ((run.metrics.get("analyses") or {}).get("a8") or {}).items()
    ]  # fmt: skip
    return as_table(rows, "method", "seed", "set", "accuracy")


def networks(results: Iterable[Result]) -> pd.DataFrame:
    """What was evaluated: method, seed and `NETWORK` as text, a dash where a run does not tell."""
    rows = []
    for run in results:
        told = run.metrics.get("model") or {}
        known = {name: str(told.get(name) or NONE) for name in NETWORK}
        rows.append({"method": run.method, "seed": run.seed, **known})
    return as_table(rows, "method", "seed", *NETWORK)


def histories(results: Iterable[Result]) -> pd.DataFrame:
    """Training histories: method, seed, images, losses and accuracies, a row a line."""
    rows = []
    for run in results:
        names = {"method": run.method, "seed": run.seed}
        lines = read_history(run.folder)
        rows += [{**names, **{name: line.get(name) for name in CURVES}} for line in lines]
    return as_table(rows, "method", "seed", *CURVES)


def impostors(results: Iterable[Result]) -> pd.DataFrame:
    """Mean cosines between different people: method, seed, child_child, adult_adult, excess."""
    rows = []
    for run in results:
        told = run.metrics.get("impostors")
        if told:
            means = {name: told[name] for name in ("child_child", "adult_adult")}
            excess = told["child_child"] - told["adult_adult"]
            rows.append({"method": run.method, "seed": run.seed, **means, "excess": excess})
    return as_table(rows, "method", "seed")


def figures(results: Iterable[Result], name: str, columns: Sequence[str]) -> pd.DataFrame:
    """The numbers behind a figure of each run, with method (title) and seed, a row a mark.

    Args:
        results: complete runs; those without the figure add nothing.
        name: of the figure, as `Run.save_figure` was told.
        columns: that it has; an empty table has them too.
    """
    parts = []
    for run in results:
        path = run.folder / "figures" / f"{name}.csv"
        if path.exists():
            parts.append(pd.read_csv(path).assign(method=run.method, seed=run.seed))
    empty = as_table([], "method", "seed", *columns)
    return pd.concat(parts, ignore_index=True) if parts else empty


def mean_roc(curves: pd.DataFrame) -> pd.DataFrame:
    """Mean curves over seeds: set, method, far, tar at 100 rates spread evenly in log.

    Args:
        curves: set, method, seed, far and tar, in the order of each curve.
    """
    rows = []
    for (title, method), part in curves.groupby(["set", "method"], sort=False):
        rates = np.geomspace(part.loc[part["far"] > 0, "far"].min(), 1.0, 100)
        each = [_tar_at(run, rates) for _, run in part.groupby("seed")]
        told = {"far": rates, "tar": np.mean(each, axis=0)}
        rows.append(pd.DataFrame({"set": title, "method": method, **told}))
    return pd.concat(rows) if rows else as_table([], "set", "method", "far", "tar")


def title_of(key: str) -> str:
    """Title of a pair set; the key itself where nobody gave it one."""
    return PAIR_SETS[key].title if key in PAIR_SETS else key


def as_table(rows: list[dict[str, Any]], *columns: str) -> pd.DataFrame:
    """Rows as a table that has these columns even without any row."""
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(columns))


def _tar_at(curve: pd.DataFrame, rates: np.ndarray) -> np.ndarray:
    # the best that stays within each rate: the curve's rates never fall
    far = np.concatenate([[0.0], curve["far"].to_numpy()])
    tar = np.concatenate([[0.0], curve["tar"].to_numpy()])
    return tar[np.searchsorted(far, rates * (1 + 1e-9), side="right") - 1]
