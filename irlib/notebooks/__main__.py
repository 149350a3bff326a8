"""Command line of `irlib.notebooks`: notebook, run folder, parameters."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from typing import IO

from irlib import gpus, notebooks, processes, runs
from irlib.notebooks.execution import NotebookError, execute
from irlib.notebooks.parameters import find


def main(arguments: list[str] | None = None) -> int:
    """Run one notebook: 0 if it ran to its end, else 1 with one line on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m irlib.notebooks", description=notebooks.__doc__
    )
    parser.add_argument("notebook", help="name, e.g. 02_train")
    parser.add_argument("folder", help="run folder, relative to the repository")
    parser.add_argument(
        "-p", dest="parameters", metavar="NAME=VALUE", action="append", default=[],
        help="a parameter of the notebook; repeat for more",
    )  # fmt: skip
    parser.add_argument("--gpus", metavar="A,B", help="run on the first of these that are free")
    parser.add_argument("--gpu-count", metavar="N", type=int, default=1, help="how many of them")
    parser.add_argument(
        "--gpu-locks", metavar="DIR", type=Path, default=runs.ROOT / "outputs/.gpus",
        help="where runs on this machine leave word which GPU they hold",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    folder = runs.resolve(options.folder)
    try:
        given = dict(_pair(text) for text in options.parameters)
        notebook = find(options.notebook)
        held = []
        if options.gpus:
            held = _take_gpus(options.gpus, options.gpu_count, options.gpu_locks, folder)
        execute(notebook, folder, given, held=held)
    except (ValueError, OSError, NotebookError) as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr, flush=True)
        return 130
    return 0


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise ValueError(f"-p {text!r}: expected NAME=VALUE")
    return name, value


def _take_gpus(names: str, count: int, locks: Path, folder: Path) -> list[IO[str]]:
    """Wait for free GPUs and let the notebook see those alone; the files that hold them."""
    told = False
    while (found := gpus.claim(names.split(","), locks, count=count)) is None:
        if not told:
            wanted = "one" if count == 1 else str(count)
            print(f"[{folder.name}] waiting for {wanted} of the GPUs {names}", flush=True)
        told = True
        time.sleep(0.5)
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(found)
    return list(found.values())


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    processes.end_with_parent()  # who was killed would else leave it beside its successor
    sys.exit(main())
