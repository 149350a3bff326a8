"""The GPUs of one machine, handed out so that each run has one of its own.

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


def claim(names: Sequence[str], folder: Path) -> tuple[str, IO[str]] | None:
    """The first GPU that nobody holds, and the open file that holds it; None if all are taken.

    Args:
        names: of the GPUs, as `visible` gives them.
        folder: where the lock files lie; it is made if it is missing. Machines may share it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = folder / f"{socket.gethostname()}-{name.replace('/', '_')}"
        lock = path.open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
        else:
            return name, lock
    return None
