"""One run folder as the report sees it: how it stands, why, and its numbers."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from irlib import runs
from irlib.tables import NO_SEED

COMPLETE, MISSING = "complete", "missing"
UNREADABLE, STALE = "unreadable", "stale"  # damaged; made from other data than the others


@dataclass(frozen=True)
class Result:
    """One run folder: how it stands, and its numbers if it is complete."""

    stage: str
    folder: Path
    method: str = ""  # title
    seed: int | None = None
    status: str = COMPLETE  # or failed, killed, running, missing, unreadable, stale
    reason: str = ""  # why it is not complete
    record: dict[str, Any] = field(default_factory=dict)  # run.json
    metrics: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Method and seed for readers; the method alone of a model made elsewhere."""
        return self.method if self.seed == NO_SEED else f"{self.method}, seed {self.seed}"


def read_result(stage: str, folder: Path, *, method: str = "", seed: int | None = None) -> Result:
    """How a run stands; a folder that is absent or damaged is told, never raised.

    Args:
        stage: data, train, evaluate, prototypes or synthesis.
        folder: of the run; it need not exist.
        method: title.
        seed: of the training.
    """
    made = partial(Result, stage, folder, method=method, seed=seed)
    if not (folder / "run.json").exists():
        return made(status=MISSING, reason="not run yet")
    try:
        record = runs.read_record(folder)
        status = record["status"]
        if status != COMPLETE:
            return made(status=status, reason=str(record.get("error", "")), record=record)
        if not (folder / "metrics.json").exists():
            return made(status=MISSING, reason="its metrics.json is gone", record=record)
        return made(record=record, metrics=runs.read_json(folder / "metrics.json"))
    except (ValueError, KeyError) as error:
        return made(status=UNREADABLE, reason=f"{type(error).__name__}: {error}")
