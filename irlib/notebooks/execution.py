"""A notebook's run from checked parameters to a published result, or to a failure on record."""

import contextlib
import fcntl
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from irlib import runs
from irlib.notebooks import parameters as notebook_parameters
from irlib.notebooks.narrator import Narrator

SECONDS_TO_WAIT = 60  # for a killed run's kernel to leave the folder


class NotebookError(RuntimeError):
    """A notebook that did not run to its end; the message says which, where and why."""


def execute(
    notebook: Path, folder: Path, parameters: dict[str, Any], *, held: Sequence[IO[str]] = ()
) -> Path:
    """Run a notebook and publish the executed copy in its run folder.

    Args:
        notebook: path of the source notebook.
        folder: the run folder; the notebook itself writes ``run.json`` and ``metrics.json`` there.
        parameters: name to value, checked before anything starts.
        held: open files that the kernel shall hold as long as it lives, e.g. of a GPU.

    Returns:
        Path of the executed notebook.

    Raises:
        ValueError: unknown or wrongly typed parameters, or another run's folder.
        OSError: the run folder cannot be written.
        NotebookError: a cell failed, the kernel was killed, or the notebook ended without its
            result. The run record then says so and the notebook lies there as ``*.failed.ipynb``.
    """
    checked = notebook_parameters.check(notebook, parameters)
    notebook_parameters.check_folder(notebook, checked, folder)
    folder.mkdir(parents=True, exist_ok=True)
    failed = folder / f"{notebook.stem}.failed.ipynb"
    with _locked(folder) as lock, _scratch() as scratch:
        (folder / "metrics.json").unlink(missing_ok=True)  # it vouches for a complete run
        for leftover in folder.rglob(f"{runs.TEMPORARY}*"):  # of a run killed while it wrote
            leftover.unlink()
        before = _content(folder / "run.json")  # a former run's record
        executed = scratch / notebook.name
        try:
            _run(notebook, executed, checked, folder, scratch, [lock, *held])
        except BaseException as error:
            killed = type(error).__name__ == "DeadKernelError"
            if killed and executed.exists():
                _mark_killed(executed)
            status = "killed" if killed or not isinstance(error, Exception) else "failed"
            _record_failure(folder, notebook, checked, error, status=status, before=before)
            _publish(executed, failed)
            if not isinstance(error, Exception):
                raise
            told = "was killed" if killed else "failed"
            message = f"{notebook.name} {told}: {_cause(error)}\n  see {failed}"
            raise NotebookError(message) from error
        _publish(executed, folder / notebook.name)
        failed.unlink(missing_ok=True)
    return folder / notebook.name


def _run(
    notebook: Path,
    executed: Path,
    checked: dict[str, Any],
    folder: Path,
    scratch: Path,
    held: Sequence[IO[str]],
) -> None:
    from irlib.notebooks import kernel  # papermill takes half a second; bad input need not wait

    narrator = Narrator(folder.name, sys.stdout)
    try:
        kernel.run(
            notebook, executed, checked,
            narrator=narrator, scratch=scratch, held=held, cwd=runs.ROOT,
        )  # fmt: skip
    finally:
        narrator.close()
    if not (folder / "metrics.json").exists():
        raise NotebookError(f"ended but left no metrics.json in {folder}")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[IO[str]]:
    # The kernel inherits the lock, so a kernel that outlives a killed runner still holds it.
    with (folder / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"[{folder.name}] waiting for another process to leave the folder", flush=True)
            _wait_for(lock, folder)
        yield lock


def _wait_for(lock: IO[str], folder: Path) -> None:
    def give_up(*_: Any) -> None:
        raise NotebookError(f"{folder} is in use by another process: stop it or wait for its end")

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS_TO_WAIT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    # Sockets live here, and their paths must be short: a long TMPDIR is left for /tmp.
    base = tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp(prefix="irlib-", dir=base if len(base) < 60 else "/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _cause(error: BaseException) -> str:
    if hasattr(error, "ename"):  # papermill's, whose own text holds the whole traceback
        return f"cell [{error.exec_count}]: {error.ename}: {error.evalue}"
    return str(error) or type(error).__name__


def _record_failure(
    folder: Path,
    notebook: Path,
    parameters: dict[str, Any],
    error: BaseException,
    *,
    status: str,
    before: bytes,
) -> None:
    file = folder / "run.json"
    # Unchanged, it is still a former run's: this one stopped before it wrote its own.
    record = {} if _content(file) == before else runs.read_json(file)
    told = {"notebook": notebook.stem, "parameters": parameters, **record}
    end = runs.now().isoformat(timespec="seconds")
    runs.write_json(file, {**told, "status": status, "error": _cause(error), "end": end})


def _mark_killed(executed: Path) -> None:
    from irlib.notebooks.kernel import mark_killed

    mark_killed(executed)


def _content(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


def _publish(executed: Path, target: Path) -> None:
    if executed.exists():
        with runs.atomic_path(target) as temporary:
            shutil.copyfile(executed, temporary)
