"""Other processes: whether one lives, and ending with those that this one works for."""

import os
import signal
import threading
import time
from pathlib import Path

_SECONDS = 0.5  # between two looks


def is_alive(pid: int) -> bool:
    """Whether a process of this machine is at work."""
    state = Path(f"/proc/{pid}/stat")  # Linux alone
    try:
        os.kill(pid, 0)
        # In a container without an init process a dead orphan stays, as a zombie.
        return not (state.exists() and state.read_text().rpartition(") ")[2].startswith("Z"))
    except (ProcessLookupError, FileNotFoundError):
        return False
    except PermissionError:  # somebody else's process: alive
        return True


def born(pid: int) -> int | None:
    """When a process of this machine began, in ticks since the machine's start.

    With its number that names a process: numbers are used again. None where it is not told.
    """
    try:
        state = Path(f"/proc/{pid}/stat").read_text()  # Linux alone
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(state.rpartition(") ")[2].split()[19])


def end_with_parent() -> None:
    """From now on, send this process a SIGTERM when the one that started it is gone."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def end_with_input() -> None:
    """From now on, send this process a SIGTERM when its standard input is closed.

    A pipe that somebody holds open closes when they end, however they end.
    """

    def watch() -> None:
        while os.read(0, 1024):  # not sys.stdin, whose lock would hinder an orderly exit
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
