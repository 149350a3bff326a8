"""Where a training stands, on record in its run folder.

``training.json`` tells it to whoever looks on; ``training.lock`` is held by the one training that
may be at work there, and the operating system frees it however that ends.

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
        ``status``, ``pid``, ``host``, ``command`` and ``start``; once it is known ``processes``,
        ``machines``, ``device`` and ``about``, what it trains on; in the end ``end``, and after a
        failure ``error`` and ``rank``.

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
    """Whether somebody has just started a training here, which has not told of itself yet."""
    record = _content(folder)
    if record.get("status") != STARTING:
        return False
    return record["host"] != socket.gethostname() or processes.is_alive(record["pid"])


@contextmanager
def held(folder: Path, *, seconds: float) -> Iterator[bool]:
    """A context that holds the run folder for a training; whether it does.

    Args:
        folder: the run folder.
        seconds: how long to wait for another one to leave.
    """
    deadline = time.monotonic() + seconds
    with (folder / LOCK).open("a") as lock:
        while not (taken := _taken(lock)) and time.monotonic() < deadline:
            time.sleep(_BETWEEN_TRIES)
        yield taken


def begin(folder: Path, **values: Any) -> None:
    """Put a new record in the place of the one before, with this process's number and the time."""
    head = {"pid": os.getpid(), "host": socket.gethostname(), "start": _now()}
    with _writing(folder):
        # met while it trained: a start that finds it trained already meets none
        kept = {n: value for n, value in _content(folder).items() if n == "bad_images"}
        runs.write_json(folder / RECORD, {**kept, **head, **values})


def update(folder: Path, **values: Any) -> None:
    """Put values into the record; an ``end`` of None becomes the current time."""
    if values.get("end", ...) is None:
        values["end"] = _now()
    with _writing(folder):
        runs.write_json(folder / RECORD, _content(folder) | values)


def fail(folder: Path, error: str, *, rank: int) -> bool:
    """Record why a training failed, unless another of its processes has told a reason before.

    Returns:
        Whether this is the first reason.
    """
    with _writing(folder):
        record = _content(folder)
        if record.get("status") == FAILED:
            return False
        told = {"status": FAILED, "error": error, "rank": rank, "end": _now()}
        runs.write_json(folder / RECORD, record | told)
    return True


def _now() -> str:
    return runs.now().isoformat(timespec="seconds")


def _content(folder: Path) -> dict[str, Any]:
    path = folder / RECORD
    return runs.read_json(path) if path.exists() else {}


def _is_at_work(folder: Path, record: dict[str, Any]) -> bool:
    if record["host"] == socket.gethostname() and processes.is_alive(record["pid"]):
        return True
    with held(folder, seconds=0) as free:
        return not free


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    # processes of one training may tell of their failures at once
    with (folder / _WRITING).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
