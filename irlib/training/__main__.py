"""Command line of a training: one process, or one of those that torchrun starts."""

import argparse
import os
import shlex
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from irlib import processes, runs
from irlib.parallel.starting import Place, joined
from irlib.training import asking, status

SECONDS_TO_WAIT = 60.0  # for a killed training's processes to leave the folder
_SECONDS_TO_BEGIN = 10.0  # for the first process's record, where another one has failed
_SECONDS_APART = timedelta(seconds=60)  # processes of one start begin within
_TELLING = (ValueError, OSError, FloatingPointError, ImportError)  # irlib's say what is wrong


def main(arguments: list[str] | None = None) -> int:
    """Train what a run folder asks for: 0 once it is trained, else 1 and a line that says why."""
    options = asking.parser().parse_args(arguments)
    if options.tied:
        processes.end_with_input()
    if "TORCHELASTIC_RUN_ID" in os.environ:  # torchrun may be killed before it can end the others
        processes.end_with_parent()
    who = f"rank {os.environ['RANK']}: " if "RANK" in os.environ else ""
    try:
        run(runs.resolve(options.folder), options, Place.read(os.environ))
    except KeyboardInterrupt:
        print(f"{who}interrupted", file=sys.stderr, flush=True)
        return 130
    except Exception as error:
        if not _is_told(error):
            traceback.print_exception(error)
        print(f"error: {who}{error}", file=sys.stderr, flush=True)
        return 1
    return 0


def run(folder: Path, options: argparse.Namespace, place: Place) -> None:
    """Train, as the process of this place.

    Raises:
        ValueError: a wrong parameter, folder or value, or another training at work there.
        OSError: missing data, or a folder that cannot be written.
    """
    if options.timeout <= 0:
        raise ValueError(f"--timeout {options.timeout:g}: expected seconds above 0")
    asking.require_study(options)
    if options.study:
        asking.task(folder, options)  # what is wrong is told before a folder is made
        folder.mkdir(parents=True, exist_ok=True)
    elif not (folder / "run.json").exists():
        told = "expected --study, or a run.json that notebook 02 or 06 has written"
        raise ValueError(f"run folder {folder}: {told}")
    with _on_record(folder, options, place):
        kind, task = asking.kind(folder, options), asking.task(folder, options)
        device, material = task.pick_device(place), kind.collect(task)
        tell = _teller(folder, place)
        told = {"device": str(device), "data": material.ready.fingerprint}
        tell({"status": status.RUNNING, **told})
        alone = options.study and place.rank == 0  # no notebook keeps the record of the run
        data = material.ready.fingerprint
        with (
            _own_record(folder, options, data) if alone else nullcontext(_nothing) as keep,
            joined(place, device, timeout=options.timeout),
        ):
            training = kind.assemble(task, material, place)
            tell({"key": training.recorder.key, "about": training.about})
            if not training.is_finished:
                keep()
            bad = training.train()
            # one that was finished has told before what it met
            tell({} if training.is_finished else {"bad_images": bad})
        tell({"status": status.COMPLETE, "end": None})


def _nothing() -> None:
    pass


@contextmanager
def _on_record(folder: Path, options: argparse.Namespace, place: Place) -> Iterator[None]:
    """A context on record in the run folder, which the first process holds for the training."""
    first = place.rank == 0
    with status.held(folder, seconds=SECONDS_TO_WAIT) if first else nullcontext(True) as mine:
        if not mine:
            other = status.read(folder)
            told = f"pid {other.get('pid')} on {other.get('host')}"
            raise ValueError(f"{folder}: another training is at work here, {told}: stop it first")
        since, name = runs.now(), _begin(folder, options, place) if first else options.launch
        try:
            yield
        except KeyboardInterrupt:
            told = {"rank": place.rank, "launch": name or _name(folder, since)}
            status.fail(folder, "interrupted", status=status.STOPPED, **told)
            raise
        except Exception as error:
            told = {"rank": place.rank, "launch": name or _name(folder, since)}
            status.fail(folder, f"{type(error).__name__}: {error}", **told)
            raise


def _begin(folder: Path, options: argparse.Namespace, place: Place) -> str:
    # started by hand, or again by torchrun, it is nobody's start but its own
    again = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"
    name = options.launch if options.launch and not again else uuid.uuid4().hex
    told = {"command": shlex.join(sys.orig_argv), "parameters": asking.parameters(folder, options)}
    status.begin(folder, launch=name, status=status.STARTING, **told)
    status.update(folder, processes=place.size, machines=place.machines)
    return name


def _name(folder: Path, since: datetime) -> str:
    # of the start that the first process has put on record, or soon will; empty if it does not
    deadline = time.monotonic() + _SECONDS_TO_BEGIN
    while time.monotonic() < deadline:
        record = status.read(folder)
        if record and datetime.fromisoformat(record["start"]) > since - _SECONDS_APART:
            return record.get("launch", "")
        time.sleep(0.1)
    return ""


@contextmanager
def _own_record(
    folder: Path, options: argparse.Namespace, data: str
) -> Iterator[Callable[[], None]]:
    # gives what puts the run on record; one that is evaluated stays until it is trained anew
    parameters, notebook = asking.parameters(folder, options), asking.notebook(folder, options)
    started: list[runs.Run] = []

    def keep() -> None:
        if not started:
            given = {"notebook": notebook, "parameters": parameters, "data": data}
            started.append(runs.start(folder, **given))

    if not (folder / "metrics.json").exists():
        keep()
    try:
        yield keep
    except BaseException as error:
        for run in started:
            run.update(status="failed", error=str(error) or type(error).__name__)
        raise
    for run in started:
        run.update(status="trained", end=runs.now().isoformat(timespec="seconds"))


def _teller(folder: Path, place: Place) -> Callable[[dict[str, Any]], None]:
    def tell(values: dict[str, Any]) -> None:
        if place.rank == 0:
            status.update(folder, **values)

    return tell


def _is_told(error: Exception) -> bool:
    # of an error that rises in another library the message alone is not enough
    file = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
    ours = file.is_relative_to(runs.ROOT / "irlib") or isinstance(error, OSError)
    return isinstance(error, _TELLING) and ours


if __name__ == "__main__":
    code = main()
    if code and "RANK" in os.environ:
        os._exit(code)  # at once: the process group would wait for who is gone
    sys.exit(code)
