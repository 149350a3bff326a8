"""What is to be trained: what a run folder's record says, or the words of a command line."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from irlib import runs, trainings
from irlib.parallel.starting import TIMEOUT, Place
from irlib.training import joining
from irlib.training.synthesis import joining as synthesis
from irlib.training.task import Task
from irlib.values import assigned

_DEFAULTS = {
    "method": "arcface", "seed": 4885, "device": "auto", "data": "data", "outputs": "outputs",
}  # fmt: skip


class Kind(NamedTuple):
    """A kind of training: how it comes from the parameters of its notebook."""

    task: type[Task]
    collect: Callable[[Any], Any]
    assemble: Callable[[Any, Any, Place], Any]


# by the notebook that a run's record names
KINDS = {
    "02_train": Kind(Task, joining.collect, joining.assemble),
    "06_synthesis": Kind(synthesis.SynthesisTask, synthesis.collect, synthesis.assemble),
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = argparse.ArgumentParser(
        "python -m irlib.training",
        description="Train what the run.json of a run folder says, or what the options say.",
        allow_abbrev=False,
    )
    add = command.add_argument
    add("folder", help="run folder, from the repository: OUTPUTS/STUDY/train-METHOD-sSEED, or so")
    add("--study", help="train this, whatever run.json says; notebook 01 must have run")
    add("--synthesis", action="store_true", default=None, help="with --study: face age synthesis")
    add("--method", help=f"with --study (default: arcface; {trainings.ENCODER} with --synthesis)")
    add("--seed", type=int, help="with --study (default: 4885)")
    add("--set", metavar="FIELD=VALUE", action="append", help="with --study")
    add("--device", help="with --study: auto, cuda, mps or cpu (default: auto)")
    add("--data", metavar="DIR", help="with --study: where the data lie (default: data)")
    add("--outputs", metavar="DIR", help="with --study: where results go (default: outputs)")
    add("--launch", metavar="NAME", default="", help=argparse.SUPPRESS)  # of this start
    add("--tied", action="store_true", help="end when the standard input is closed")
    add(
        "--timeout", metavar="SECONDS", type=float, default=TIMEOUT,
        help=f"how long to wait for a process that may be gone (default: {TIMEOUT:g})",
    )  # fmt: skip
    return command


def require_study(options: argparse.Namespace) -> None:
    """See that options which need --study stand beside it.

    Raises:
        ValueError: one does not.
    """
    given = [
        name for name in (*_DEFAULTS, "set", "synthesis") if getattr(options, name) is not None
    ]
    if given and not options.study:
        raise ValueError(f"--{given[0]}: expected --study with it, else run.json says what is done")


def notebook(folder: Path, options: argparse.Namespace) -> str:
    """Name of the notebook whose training it is.

    Raises:
        ValueError: the record names one that trains nothing.
    """
    if options.study:
        return "06_synthesis" if options.synthesis else "02_train"
    name = runs.read_json(folder / "run.json").get("notebook", "")
    if name not in KINDS:
        told = f"expected one of {', '.join(KINDS)}"
        raise ValueError(f"{folder / 'run.json'}: notebook is {name!r}, {told}")
    return name


def kind(folder: Path, options: argparse.Namespace) -> Kind:
    """The kind of training, by `notebook`."""
    return KINDS[notebook(folder, options)]


def task(folder: Path, options: argparse.Namespace) -> Task:
    """What is to be trained.

    Raises:
        ValueError: wrong parameters, or those of another folder.
    """
    task = kind(folder, options).task.of(parameters(folder, options))
    if task.folder.absolute() != folder.absolute():
        raise ValueError(f"run folder {folder}: that of this training is {task.folder}")
    return task


def parameters(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The parameters of the notebook whose training it is."""
    if not options.study:
        return runs.read_json(folder / "run.json").get("parameters", {})
    named = {name: getattr(options, name) for name in _DEFAULTS}
    given = {name: value for name, value in named.items() if value is not None}
    rest = {"overrides": assigned("--set", options.set or []), "tensorboard": False}
    default = _DEFAULTS | ({"method": trainings.ENCODER} if options.synthesis else {})
    return {"study": options.study, **default, **given, **rest}
