"""Paths, atomic writes and the record that lies beside every result.

A run is a folder ``<outputs>/<study>/<run>/`` with ``run.json`` (status, parameters, provenance),
``metrics.json`` (the numbers; its presence means that the run is complete), ``figures/`` and
whatever else its notebook writes.

Units: seconds, MiB; times are UTC in ISO 8601.
"""

import errno
import json
import math
import os
import resource
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irlib import processes, provenance

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
TEMPORARY = ".tmp-"  # first letters of a file that is being written


def resolve(path: str | Path) -> Path:
    """The path itself if absolute, else anchored at the repository's root."""
    return ROOT / Path(path).expanduser()


def run_name(stage: str, method: str = "", seed: int | None = None, variant: str = "") -> str:
    """Name of a run's folder, e.g. ``train-arcface-s4885``."""
    parts = [stage, method, "" if seed is None else f"s{seed}", variant]
    return "-".join(part for part in parts if part)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place once the block ends without an error.

    Args:
        path: the file to write; its folder is made if it is missing.

    Raises:
        OSError: the folder cannot be written or the disk is full; ``path`` is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY, suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())  # else a power cut could leave an empty file under the name
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes it private
        temporary.replace(path)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        told = "the disk is full; free some space (what was written before is kept)"
        raise OSError(errno.ENOSPC, told, str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, as UTF-8."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically; a number that is not finite becomes null, as JSON has none."""
    write_text(path, _json(value))


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        ValueError: the file is not JSON; the message names it.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path}: not valid JSON ({error}); delete it to have it made anew"
        ) from error


def _json(value: Any) -> str:
    return json.dumps(_plain(value), indent=2, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # numpy arrays and scalars
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


def peak_memory_mib() -> float:
    """Largest resident memory of this process and of its finished children so far, MiB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return max(usage.ru_maxrss for usage in usages) / unit


@dataclass
class Run:
    """One run folder and its record; made by `start`."""

    folder: Path
    record: dict[str, Any] = field(default_factory=dict)

    def update(self, **values: Any) -> None:
        """Put values into ``run.json``."""
        self.record.update(values)
        write_json(self.folder / "run.json", self.record)

    def save_table(self, name: str, table: "pd.DataFrame") -> "pd.DataFrame":
        """Write ``<name>.csv`` and give the table back for display."""
        with atomic_path(self.folder / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False)
        return table

    def save_figure(self, name: str, figure: "Figure", data: "pd.DataFrame") -> "Figure":
        """Write ``figures/<name>`` as PNG, PDF and the numbers behind it as CSV.

        Args:
            name: file name without ending.
            figure: what `irlib.plots` drew; it is given back for display.
            data: the numbers that were drawn, one row a mark.
        """
        folder = self.folder / "figures"
        with atomic_path(folder / f"{name}.csv") as temporary:
            data.to_csv(temporary, index=False)
        # No creation dates inside, so that an equal figure is an equal file.
        for ending, metadata in (("pdf", {"CreationDate": None}), ("png", {"Software": None})):
            with atomic_path(folder / f"{name}.{ending}") as temporary:
                figure.savefig(temporary, format=ending, metadata=metadata)
        return figure

    def finish(self, metrics: dict[str, Any]) -> dict[str, Any]:
        """Write ``metrics.json`` and close the record as complete.

        Args:
            metrics: names to numbers (or nested dictionaries of them).

        Returns:
            The metrics, for display.
        """
        text = _json(metrics)  # first: what cannot be written completes no run
        started = datetime.fromisoformat(self.record["start"])
        self.update(
            status="complete",
            end=now().isoformat(timespec="seconds"),
            seconds=round((now() - started).total_seconds(), 1),
            peak_memory_mib=round(peak_memory_mib(), 1),
        )
        write_text(self.folder / "metrics.json", text)
        return metrics


def start(
    folder: Path, *, notebook: str, parameters: dict[str, Any], data: str | None = None
) -> Run:
    """Open a run folder and write its record with status ``running``.

    Args:
        folder: the run folder; what an earlier run left stays until new files take its place.
        notebook: name of the notebook, e.g. ``02_train``.
        parameters: every parameter of the notebook by name; ``seed`` is recorded apart too.
        data: fingerprint of the data that is read, None for a run that reads none.

    Raises:
        OSError: the folder cannot be made or written.
    """
    run = Run(folder)
    (folder / "metrics.json").unlink(missing_ok=True)  # it stands for a complete run
    run.update(
        status="running",
        notebook=notebook,
        parameters=parameters,
        seed=parameters.get("seed"),
        data=data,
        start=now().isoformat(timespec="seconds"),
        pid=os.getpid(),
        host=socket.gethostname(),
        **provenance.snapshot(ROOT),
    )
    return run


def read_record(folder: Path) -> dict[str, Any]:
    """``run.json`` of a folder; a ``running`` one whose process is gone counts as ``killed``."""
    record = read_json(folder / "run.json")
    here = record.get("host") == socket.gethostname()
    if record["status"] == "running" and here and not processes.is_alive(record["pid"]):
        record["status"] = "killed"
    return record


def require(folder: Path, file: str, made_by: str) -> Path:
    """The path of a file that an earlier notebook makes.

    Raises:
        FileNotFoundError: it is not there; the message names the notebook that makes it.
    """
    path = folder / file
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: run notebooks/{made_by}.ipynb first")
    return path
