"""Progress that suits where the code runs: a bar where a person watches, else a line now and then.

Under papermill a bar would write a line into the notebook at every refresh, and a widget is saved
half-way; so without JupyterLab or a terminal one plain line comes every 15 seconds.
"""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from tqdm.auto import tqdm

Item = TypeVar("Item")

SECONDS_BETWEEN_LINES = 15.0


def watched() -> bool:
    """Whether somebody looks on: a JupyterLab session or a terminal."""
    return "JPY_SESSION_NAME" in os.environ or sys.stderr.isatty()


def track(
    items: Iterable[Item], *, total: int, label: str, unit: str = "", done: int = 0
) -> Iterator[Item]:
    """The items themselves, with progress shown on the way.

    Args:
        items: what is iterated over.
        total: how many items the whole work has, those done before included.
        label: what the work is, e.g. ``epoch 3``.
        unit: what an item is, e.g. ``images``.
        done: items finished before, in a run that goes on.
    """
    if watched():
        yield from tqdm(items, total=total, desc=label, unit=unit, initial=done)
        return
    begun = told = time.monotonic()
    for count, item in enumerate(items, start=done):
        if time.monotonic() - told > SECONDS_BETWEEN_LINES:
            told = time.monotonic()
            rate = (count - done) / (told - begun)
            print(f"{label}: {count} of {total} {unit} ({rate:.1f}/s)", flush=True)
        yield item


def teller(label: str, unit: str = "") -> Callable[[int, int], None]:
    """A callback ``(done, total)`` that shows progress, for work that counts by itself."""
    bar = tqdm(desc=label, unit=unit) if watched() else None
    told = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal told
        if bar is not None:
            bar.total = total
            bar.update(done - bar.n)
        elif time.monotonic() - told > SECONDS_BETWEEN_LINES:
            told = time.monotonic()
            print(f"{label}: {done} of {total} {unit}", flush=True)

    return tell
