"""Which signals to stop a process got, whoever handles them."""

import contextlib
import os
import signal
from collections.abc import Iterator

STOPS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def received() -> Iterator[list[int]]:
    """A list that holds, once the block has ended, the numbers of `STOPS` that came meanwhile.

    Handlers stay as they are: Snakemake sets its own, and then tells a run that it was stopped
    like one that failed. For the main thread alone.
    """
    found: list[int] = []
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield found
    finally:
        signal.set_wakeup_fd(before)
        with contextlib.suppress(BlockingIOError):  # nothing came
            found += [number for number in os.read(reading, 4096) if number in STOPS]
        os.close(reading)
        os.close(writing)
