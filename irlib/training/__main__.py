"""Command line of a training: one process, or one of those that torchrun starts."""

import argparse
import os
import shlex
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from irlib import processes, runs
from irlib.parallel.starting import TIMEOUT, Place, joined
from irlib.training import status
from irlib.training.joining import PARAMETERS, Material, Task, collect, train_task
from irlib.values import assigned

SECONDS_TO_WAIT = 60.0  # for a killed training's processes to leave the folder
_TELLING = (ValueError, OSError, FloatingPointError, ImportError)  # irlib's say what is wrong


def main(arguments: list[str] | None = None) -> int:
    """Train what a run folder asks for: 0 once it is trained, else 1 and a line that says why."""
    options = parser().parse_args(arguments)
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


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = argparse.ArgumentParser(
        "python -m irlib.training",
        description="Train what the run.json of a run folder says, or what the options say.",
        allow_abbrev=False,
    )
    add = command.add_argument
    add("folder", help="run folder, relative to the repository: OUTPUTS/STUDY/train-METHOD-sSEED")
    add("--study", help="train this, whatever run.json says; notebook 01 must have run")
    add("--method", default="arcface", help="with --study (default: arcface)")
    add("--seed", type=int, default=4885, help="with --study (default: 4885)")
    add("--set", metavar="FIELD=VALUE", action="append", default=[], help="with --study")
    add("--device", default="auto", help="with --study: auto, cuda, mps or cpu")
    add("--data", metavar="DIR", default="data", help="with --study: where the data lie")
    add("--outputs", metavar="DIR", default="outputs", help="with --study: where results go")
    add("--tied", action="store_true", help="end when the standard input is closed")
    add(
        "--timeout", metavar="SECONDS", type=float, default=TIMEOUT,
        help=f"how long to wait for a process that may be gone (default: {TIMEOUT:g})",
    )  # fmt: skip
    return command


def run(folder: Path, options: argparse.Namespace, place: Place) -> None:
    """Train, as the process of this place.

    Raises:
        ValueError: a wrong parameter, folder or value, or another training at work there.
        OSError: missing data, or a folder that cannot be written.
    """
    if options.timeout <= 0:
        raise ValueError(f"--timeout {options.timeout:g}: expected seconds above 0")
    if options.study:
        _task(folder, options)  # what is wrong is told before a folder is made
        folder.mkdir(parents=True, exist_ok=True)
    elif not (folder / "run.json").exists():
        told = "expected --study, or a run.json that notebook 02 has written"
        raise ValueError(f"run folder {folder}: {told}")
    with _on_record(folder, place):
        task = _task(folder, options)
        device, material = task.pick_device(place), collect(task)
        tell = _teller(folder, place)
        tell({"status": status.RUNNING, "device": str(device)})
        alone = options.study and place.rank == 0  # no notebook keeps the record of the run
        with (
            _own_record(folder, options, material) if alone else nullcontext(),
            joined(place, device, timeout=options.timeout),
        ):
            train_task(task, material, place, tell)
        tell({"status": status.COMPLETE, "end": None})


def _task(folder: Path, options: argparse.Namespace) -> Task:
    task = Task.of(_parameters(folder, options))
    if task.folder.absolute() != folder.absolute():
        raise ValueError(f"run folder {folder}: that of this training is {task.folder}")
    return task


def _parameters(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    if not options.study:
        return runs.read_json(folder / "run.json").get("parameters", {})
    given = {name: getattr(options, name) for name in PARAMETERS if hasattr(options, name)}
    return {**given, "overrides": assigned("--set", options.set), "tensorboard": False}


@contextmanager
def _on_record(folder: Path, place: Place) -> Iterator[None]:
    """A context on record in the run folder, which the first process holds for the training."""
    first = place.rank == 0
    with status.held(folder, seconds=SECONDS_TO_WAIT) if first else nullcontext(True) as mine:
        if not mine:
            other = status.read(folder)
            told = f"pid {other.get('pid')} on {other.get('host')}"
            raise ValueError(f"{folder}: another training is at work here, {told}: stop it first")
        if first:
            _begin(folder, place)
        try:
            yield
        except KeyboardInterrupt:
            status.update(folder, status=status.STOPPED, error="interrupted", end=None)
            raise
        except Exception as error:
            status.fail(folder, f"{type(error).__name__}: {error}", rank=place.rank)
            raise


def _begin(folder: Path, place: Place) -> None:
    if not status.is_launched(folder):
        status.begin(folder, status=status.STARTING, command=shlex.join(sys.orig_argv))
    status.update(folder, processes=place.size, machines=place.machines)


@contextmanager
def _own_record(folder: Path, options: argparse.Namespace, material: Material) -> Iterator[None]:
    parameters, data = _parameters(folder, options), material.ready.fingerprint
    run = runs.start(folder, notebook="02_train", parameters=parameters, data=data)
    try:
        yield
    except BaseException as error:
        run.update(status="failed", error=str(error) or type(error).__name__)
        raise
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
