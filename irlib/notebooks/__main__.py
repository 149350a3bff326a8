"""Command line of `irlib.notebooks`: notebook, run folder, parameters."""

import argparse
import os
import signal
import sys
import threading
import time

from irlib import notebooks, runs
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
    options = parser.parse_args(arguments)
    try:
        given = dict(_pair(text) for text in options.parameters)
        execute(find(options.notebook), runs.resolve(options.folder), given)
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


def stop_with_parent() -> None:
    """Interrupt this process when the one that started it is gone.

    A killed Snakemake or shell would else leave the notebook running beside its successor.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stop_with_parent()
    sys.exit(main())
