"""Where a training stands, on record in its run folder.

``training.json`` tells it to whoever looks on; ``training.lock`` is held by the one training that
may be at work there, and the operating system frees it however that ends. The lock alone says
that a training runs: the number of a process may be another's by now.

Units: seconds; times are UTC in ISO 8601.
"""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from irlib import processes, runs

RECORD, LOG, LOCK = "training.json", "training.log", "training.lock"
_WRITING = ".training.json.lock"
STARTING, RUNNING, COMPLETE = "starting", "running", "complete"
FAILED, STOPPED, KILLED = "failed", "stopped", "killed"
_BETWEEN_TRIES = 0.1


def read(folder: Path) -> dict[str, Any]:
    """The record of the last training in a run folder, empty if there was none.

    One that is under way and whose process is gone counts as killed.

    Args:
        folder: the run folder.

    Returns:
        ``status``, ``launch`` (the start's own name), ``pid``, ``born`` (see
        `irlib.processes.born`), ``host``, ``command``, ``start``, ``log_from`` (bytes of earlier
        trainings in the log), ``parameters`` and ``bad_images``; once it is known ``data``,
        ``processes``, ``machines``, ``device``, ``key`` and ``about``, what it trains on; in the
        end ``end``, and after a failure ``error`` and ``rank``.

    Raises:
        ValueError: the record is damaged.
    """
    record = _content(folder)
    if not is_under_way(record) or _is_at_work(folder, record):
        return record
    record = _content(folder)  # it may have come to its end just now
    return {**record, "status": KILLED} if is_under_way(record) else record


def is_under_way(record: dict[str, Any]) -> bool:
    """Whether a record tells of a training that has not ended."""
    return record.get("status") in (STARTING, RUNNING)


def is_launched(folder: Path) -> bool:
    """Whether somebody has just started a training here, which does not hold the folder yet."""
    record = _content(folder)
    return record.get("status") == STARTING and is_its_process(record)


def is_its_process(record: dict[str, Any]) -> bool:
    """Whether the process that a record names lives on this machine, and is no later one."""
    pid = record["pid"]
    here = record["host"] == socket.gethostname() and processes.is_alive(pid)
    return here and record.get("born") == processes.born(pid)


def is_held(folder: Path) -> bool:
    """Whether a training holds the run folder."""
    try:
        with (folder / LOCK).open() as lock:
            return not _taken(lock, fcntl.LOCK_SH)  # shared: lookers do not take each other for one
    except FileNotFoundError:
        return False


@contextmanager
def held(folder: Path, *, seconds: float) -> Iterator[bool]:
    """A context that holds the run folder for a training; whether it does.

    Args:
        folder: the run folder.
        seconds: how long to wait for another one to leave.
    """
    deadline = time.monotonic() + seconds
    with (folder / LOCK).open("a") as lock:
        while not (taken := _taken(lock, fcntl.LOCK_EX)) and time.monotonic() < deadline:
            time.sleep(_BETWEEN_TRIES)
        yield taken


def begin(folder: Path, *, launch: str, **values: Any) -> None:
    """Put a new record in the place of the one before, with this process's number and the time.

    Args:
        folder: the run folder.
        launch: name of this start; a record of that name stays as it is.
        values: of the record.
    """
    log, pid = folder / LOG, os.getpid()
    head = {
        "launch": launch, "pid": pid, "born": processes.born(pid), "host": socket.gethostname(),
        "start": _now(), "log_from": log.stat().st_size if log.exists() else 0, "bad_images": [],
    }  # fmt: skip
    with _writing(folder):
        record = _content(folder)
        if record.get("launch") == launch:
            return
        # met while it trained: a start that finds it trained already meets none
        kept = {name: record[name] for name in ("bad_images", "key") if name in record}
        runs.write_json(folder / RECORD, {**head, **kept, **values})


def update(folder: Path, **values: Any) -> None:
    """Put values into the record; an ``end`` of None becomes the current time.

    A failure stays, whatever another process says of its own part; and damaged images that were
    met under another key are forgotten.
    """
    if values.get("end", ...) is None:
        values["end"] = _now()
    with _writing(folder):
        record = _content(folder)
        if record.get("status") == FAILED and values.get("status") in (RUNNING, COMPLETE):
            values = {n: value for n, value in values.items() if n not in ("status", "end")}
        if "key" in values and values["key"] != record.get("key", values["key"]):
            record["bad_images"] = []
        runs.write_json(folder / RECORD, record | values)


def fail(folder: Path, error: str, *, rank: int, launch: str, status: str = FAILED) -> bool:
    """Record why a training ended, unless a reason is there, or the record is another start's.

    Args:
        folder: the run folder.
        error: the reason.
        rank: of the process that tells it.
        launch: name of its start.
        status: `FAILED` or `STOPPED`.

    Returns:
        Whether this is the first reason.
    """
    with _writing(folder):
        record = _content(folder)
        if record.get("launch") != launch or record["status"] in (FAILED, STOPPED):
            return False
        told = {"status": status, "error": error, "rank": rank, "end": _now()}
        runs.write_json(folder / RECORD, record | told)
    return True


def _now() -> str:
    return runs.now().isoformat(timespec="seconds")


def _content(folder: Path) -> dict[str, Any]:
    path = folder / RECORD
    return runs.read_json(path) if path.exists() else {}


def _is_at_work(folder: Path, record: dict[str, Any]) -> bool:
    return is_held(folder) or (record["status"] == STARTING and is_its_process(record))


def _taken(lock: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    # processes of one training may tell of their failures at once
    with (folder / _WRITING).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
