"""The GPUs of one machine, handed out so that each run has its own.

A GPU is held by a lock on a file, which the kernel of the operating system frees when the last
process that has it open ends, however it ends.
"""

import fcntl
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import IO


def visible(count: int, chosen: str | None) -> list[str]:
    """Names of the GPUs that may be used, as CUDA_VISIBLE_DEVICES spells them.

    Args:
        count: how many torch finds.
        chosen: CUDA_VISIBLE_DEVICES; None where it is not set.
    """
    every = [str(number) for number in range(count)]
    return every if chosen is None else [name.strip() for name in chosen.split(",")][:count]


def claim(names: Sequence[str], folder: Path, *, count: int = 1) -> dict[str, IO[str]] | None:
    """The first GPUs that nobody holds, each with the open file that holds it; None if too few.

    Args:
        names: of the GPUs, as `visible` gives them.
        folder: where the lock files lie; it is made if it is missing. Machines may share it.
        count: GPUs that are wanted: all of them or none.

    Raises:
        ValueError: more are wanted than there are names.
    """
    if count > len(names):
        raise ValueError(f"{count} GPUs are wanted: expected at most {len(names)}")
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder, "turn") as turn:  # else two could hold a half each, and wait for ever
        fcntl.flock(turn, fcntl.LOCK_EX)
        found: dict[str, IO[str]] = {}
        for name in names:
            if len(found) < count and (held := _held(folder, name)):
                found[name] = held
        if len(found) == count:
            return found
        for held in found.values():
            held.close()
    return None


def _held(folder: Path, name: str) -> IO[str] | None:
    lock = _lock(folder, name.replace("/", "_"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _lock(folder: Path, name: str) -> IO[str]:
    return (folder / f"{socket.gethostname()}-{name}").open("a")
