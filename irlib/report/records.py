"""What a reader of the page wants to know of each run, as text."""

from typing import Any

import pandas as pd

from irlib.report.collected import Found
from irlib.report.result import Result
from irlib.runs import Run

PACKAGES = ("python", "torch", "numpy", "scikit-learn", "umap-learn")  # told in the records


def records(found: Found, page: Run) -> list[dict[str, Any]]:
    """What a reader wants to know of each run, as text by name; that of the page comes last.

    Args:
        found: the runs that the page rests on.
        page: the run that makes it, not complete yet.
    """
    last = Result("report", page.folder, status="this page", record=page.record)
    return [_record(run) for run in [*found.runs, last]]


def record_table(found: Found, page: Run) -> pd.DataFrame:
    """The same as a table, a row a run."""
    return pd.DataFrame(records(found, page)).drop(columns="has_folder")


def _record(run: Result) -> dict[str, Any]:
    return {
        "name": run.folder.name,
        "status": run.status,
        "reason": run.reason,
        "has_folder": run.folder.is_dir(),
        **facts(run.record),
    }


def facts(told: dict[str, Any]) -> dict[str, str]:
    """Seed, commit, versions, hardware, data, times and memory of a ``run.json``, as text."""
    git, versions = told.get("git") or {}, told.get("versions") or {}
    hardware = told.get("hardware") or {}
    commit = (git.get("commit") or "")[:10]
    packages = [f"{name} {versions[name]}" for name in PACKAGES if versions.get(name)]
    machine = [hardware.get("processor"), f"{hardware['cores']} cores" if hardware else None]
    memory = told.get("peak_memory_mib")
    return {
        "seed": _text(told.get("seed")),
        "commit": commit + (" + changes" if git.get("dirty") else ""),
        "versions": ", ".join(packages),
        "hardware": ", ".join(filter(None, [*machine, *hardware.get("gpus", ())])),
        "data": (told.get("data") or "")[:12],
        "start": _text(told.get("start")).replace("T", " ").removesuffix("+00:00"),
        "duration": duration(told.get("seconds")),
        "memory": f"{memory / 1024:.2f} GiB" if memory else "",
    }


def duration(seconds: float | None) -> str:
    """Seconds as a person says them, e.g. ``3 min 05 s``; nothing for None."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def _text(value: Any) -> str:
    return "" if value is None else str(value)
