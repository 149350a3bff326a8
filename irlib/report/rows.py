"""What of the runs stands together: rows of the paper's tables, panels of its figure."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from irlib.report.collected import PUBLISHED, TABLE, Found
from irlib.report.result import Result
from irlib.report.words import QUESTION
from irlib.tables import signed

MOST = 6  # methods and models whose single figures a page shows

# The panels of the paper's t-SNE figure, in its order.
FIVE = ("ArcFace", "CosFace", "CurricularFace", "MV-AM", "ArcFace + Inter-Prototype")


def as_published(found: Found) -> tuple[pd.DataFrame, list[str]]:
    """Scores of the rows of the tables, each by its authors' settings where these were run.

    Returns:
        Scores as `Found.scores`, under the titles of the rows and in their order; and the titles
        of the rows that stand by the authors' settings, none if no such run is complete.
    """
    scored = set(found.scores["method"])
    kept = {title: title for title in found.of_kind(TABLE)}
    own = {}
    for variant in found.of_kind(PUBLISHED):
        row = found.title(found.names[variant].removesuffix("_published"))
        if variant in scored:
            own[row or variant] = variant
    source = kept | own
    parts = [
        found.scores[found.scores["method"] == title].assign(method=row)
        for row, title in source.items()
    ]
    return pd.concat(parts) if parts else found.scores, list(own)


def headline(found: Found, stage: str) -> list[Result]:
    """The first complete run of each method or model in question.

    Args:
        found: the runs.
        stage: evaluate or prototypes.
    """
    first = {run.method: run for run in reversed(found.complete(stage))}
    return [first[title] for title in in_question(found, stage)]


def in_question(found: Found, stage: str = "evaluate") -> list[str]:
    """Titles of the plain head, the page's method and the models made elsewhere, at most `MOST`.

    Those without a complete run are left out; where none has one, it is the first method.

    Args:
        found: the runs.
        stage: evaluate or prototypes.
    """
    ours = found.title(QUESTION)
    complete = dict.fromkeys(run.method for run in found.complete(stage))
    titles = [t for t in (found.baselines.get(ours), ours, *found.brought) if t in complete]
    return titles[:MOST] or list(complete)[:1]


def command(study: str, overrides: Mapping[str, Any]) -> str:
    """What to type for a study with some settings changed, e.g. ``./run_all.sh demo --set a=1``."""
    texts = {
        name: ",".join(map(str, value)) if isinstance(value, list | tuple) else value
        for name, value in overrides.items()
    }
    return " ".join(["./run_all.sh", study, *(f"--set {n}={v}" for n, v in texts.items())])


def plane(found: Found, name: str) -> pd.DataFrame:
    """Prototypes in the plane, of the first complete seed of each method.

    Args:
        found: the runs.
        name: tsne or umap.

    Returns:
        panel (title of the method), x, y, group, and note: the seed, the mean cosine of two child
        prototypes and the child share of their neighbours.
    """
    table = found.read_first("prototypes", name, ("x", "y", "group"))
    notes = {run.method: _note(run) for run in reversed(found.complete("prototypes"))}
    noted = table.assign(panel=table["method"], note=table["method"].map(notes))
    return noted[["panel", "x", "y", "group", "note"]]


def cosine_ranges(found: Found) -> pd.DataFrame:
    """Prototype cosines by method and group: mean, low and high (5 and 95 %); seeds as above."""
    table = found.read_first("prototypes", "cosines", ("group", "cosine"))
    values = table.astype({"cosine": float})  # of an empty table they are objects
    each = values.groupby(["method", "group"], sort=False)["cosine"]
    told = {"mean": each.mean(), "low": each.quantile(0.05), "high": each.quantile(0.95)}
    return pd.DataFrame(told).reset_index()


def _note(run: Result) -> str:
    told = run.metrics
    if not {"child_mean", "purity"} <= set(told):
        return f"seed {run.seed}"
    return (
        f"seed {run.seed}\nchild cosine {signed(told['child_mean'], 3)}, "
        f"purity {told['purity']:.2f}"
    )
