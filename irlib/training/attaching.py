"""A training that runs in other processes, as one who looks on sees it."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from irlib import progress
from irlib.training import status
from irlib.training.config import HISTORY

SECONDS_TO_END = 40.0  # after a SIGTERM; torchrun gives its processes 30
_BETWEEN_LOOKS = 0.5  # seconds
_LINES_TOLD = 20  # of the log, with an error
_A_LINE = 4096  # bytes that hold the last line of a history
# torchrun's own words, up to the line of = that closes them
_ROOT_CAUSE = re.compile(r"Root Cause[^=]*?rank\s*: (\d+)[^=]*?exitcode\s*: -(\d+)")
_ENDED = re.compile(r"rank\s*: (\d+) [^\n]*\n\s*exitcode\s*: -(\d+)")  # also who came next
_VICTIM = (signal.SIGTERM, signal.SIGABRT)  # how a process ends when another has failed
_MAY_FOLLOW = re.compile(r"(RuntimeError|Dist\w*Error): ")  # from a connection that is lost


class TrainingError(RuntimeError):
    """A training that did not end well; the message says why, its note is the log's end."""


class Training:
    """The training of a run folder, started here or elsewhere; `launching.launch` makes it.

    Args:
        folder: the run folder.
        process: that was started for it, if it was started here. One that is tied to its input
            ends when this object goes.
    """

    def __init__(self, folder: Path, process: subprocess.Popen[bytes] | None = None) -> None:
        self.folder, self.process = folder, process
        self._begin = self.record.get("log_from", 0)  # before it stand earlier trainings
        self._told = self._begin

    @property
    def record(self) -> dict[str, Any]:
        """Where it stands; see `irlib.training.status.read`."""
        return status.read(self.folder)

    def about(self) -> dict[str, Any]:
        """What it trains on, as soon as it has told.

        Returns:
            ``data``, ``first_weights`` and ``recipe``, each by name; and ``steps``, of the whole
            training.

        Raises:
            TrainingError: it ended before.
        """
        while "about" not in (record := self.record):
            if not self._is_at_work():
                self._require_complete()
            time.sleep(_BETWEEN_LOOKS)
        return record["about"]

    def follow(self, tell: Callable[[str], object]) -> dict[str, Any]:
        """Wait for the end and give the record; show on the way how far it is.

        That is a bar where somebody watches, else the new lines of the log.

        Args:
            tell: takes a line of the log.

        Raises:
            TrainingError: it failed, was stopped or was killed.
            KeyboardInterrupt: this waiting was interrupted. Where somebody watches, the training
                itself goes on, and the message says so.
        """
        watched = progress.watched()
        show = self._bar() if watched else partial(self._tell_lines, tell)
        try:
            while self._is_at_work():
                show()
                time.sleep(_BETWEEN_LOOKS)
        except KeyboardInterrupt:
            if not watched:
                raise
            told = "the training goes on: run this cell again to see it, stop() would end it"
            raise KeyboardInterrupt(told) from None
        show()
        self._require_complete()
        return self.record

    def stop(self) -> None:
        """End the training; the next start goes on from its last checkpoint.

        Raises:
            ValueError: it runs on another machine, which the message names; or the process of
                the record is gone and another one holds the folder.
        """
        record = self.record
        if not status.is_under_way(record):
            return
        if record["host"] != socket.gethostname():
            raise ValueError(f"{self.folder}: its training runs on {record['host']}: stop it there")
        for number in (signal.SIGTERM, signal.SIGKILL):
            if status.is_its_process(record):
                _send(record["pid"], number)
            deadline = time.monotonic() + SECONDS_TO_END
            while self._is_at_work() and time.monotonic() < deadline:
                time.sleep(_BETWEEN_LOOKS)
        if self._is_at_work():
            told = f"a training holds it which is not pid {record['pid']} of its record"
            raise ValueError(f"{self.folder}: {told}: end it by hand")
        status.update(self.folder, status=status.STOPPED, error="stopped", end=None)

    def _is_at_work(self) -> bool:
        if self.process is not None:
            return self.process.poll() is None
        return status.is_under_way(self.record)

    def _tell_lines(self, tell: Callable[[str], object]) -> None:
        new = self._log(self._told)
        whole = new[: new.rfind(b"\n") + 1]  # the rest of the last line is still to come
        self._told += len(whole)
        for line in whole.decode(errors="replace").splitlines():
            tell(line)

    def _bar(self) -> Callable[[], None]:
        tell = progress.teller(self.folder.name, "steps")

        def show() -> None:
            if steps := self.record.get("about", {}).get("steps"):
                tell(_steps_done(self.folder), steps)

        return show

    def _require_complete(self) -> None:
        record = self.record
        code = self.process.returncode if self.process is not None else 0
        if record.get("status") == status.COMPLETE and not code:
            return
        why = self._reason(record, code)
        if record.get("status") == status.KILLED:
            status.update(self.folder, status=status.KILLED, error=why, end=None)
        error = TrainingError(why)
        if last := self._text().splitlines()[-_LINES_TOLD:]:  # to be shown, but not for the record
            error.add_note("\n".join([f"the end of {self.folder / status.LOG}:", *last]))
        raise error

    def _reason(self, record: dict[str, Any], code: int) -> str:
        if record.get("status") == status.STOPPED:
            return "the training was stopped"
        text = self._text()
        found = [*_ROOT_CAUSE.findall(text), *_ENDED.findall(text)]
        ended = [(rank, int(number)) for rank, number in found]
        killed = [(rank, number) for rank, number in ended if number not in _VICTIM]
        told = record.get("error", "") if record.get("status") == status.FAILED else ""
        if told and not (killed and _MAY_FOLLOW.match(told)):
            several = record.get("processes", 1) > 1 or record["rank"] > 0
            return f"rank {record['rank']}: {told}" if several else told
        for rank, number in [*killed, *ended][:1]:
            return f"rank {rank} was ended by {_signal(number)}"
        return self._unexplained(code)

    def _unexplained(self, code: int) -> str:
        if code < 0:
            return f"the training was ended by {_signal(-code)}"
        if code == 0:
            return "the training ended without a word: out of memory, or of time?"
        # what starts it has written the first line
        lines = [line for line in self._text().splitlines()[1:] if re.search(r"\w", line)]
        return f"the training ended with exit code {code}: {lines[-1] if lines else 'no word'}"

    def _text(self) -> str:
        return self._log(self._begin).decode(errors="replace")

    def _log(self, offset: int) -> bytes:
        with contextlib.suppress(FileNotFoundError), (self.folder / status.LOG).open("rb") as file:
            file.seek(offset)
            return file.read()
        return b""


def _signal(number: int) -> str:
    name = signal.Signals(number).name
    return f"{name}: out of memory?" if number == signal.SIGKILL else name


def _steps_done(folder: Path) -> int:
    path = folder / HISTORY
    if not path.exists():
        return 0
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _A_LINE))
        lines = file.read().split(b"\n")[:-1]  # behind the last end of a line one may be begun
    return json.loads(lines[-1])["step"] if lines else 0


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        # one that was launched leads a group of its own
        send = os.killpg if os.getpgid(pid) == pid else os.kill
        send(pid, number)
