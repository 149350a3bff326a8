"""A training as a process of its own, and several of them by torchrun.

The notebook's kernel never trains and never forks: it starts a command and reads what that leaves.
"""

import os
import shlex
import subprocess
import sys
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from irlib import progress, runs
from irlib.processes import born
from irlib.training import status
from irlib.training.attaching import Training, TrainingError

_MODULE = "irlib.training"
# of the notebook's parameters those that decide what is trained, and on what
_DECIDE = ("study", "overrides", "method", "seed", "device", "data", "outputs")
_FOLDERS = ("data", "outputs")


def launch(
    folder: Path,
    *,
    processes: int = 1,
    launcher: str = "",
    tell: Callable[[str], object] = lambda line: None,
) -> Training:
    """The training of a run folder, started unless it is at work already.

    Where somebody watches, in JupyterLab, it goes on when the kernel is interrupted, restarted or
    shut down, and a later call attaches to it. Elsewhere it ends with this process, however that
    ends; and where somebody else's is at work, its end is waited for, and then this one started,
    which finds what that left. What it prints goes to ``training.log``.

    Args:
        folder: the run folder; its ``run.json`` says what is trained.
        processes: on this machine, each with a GPU of its own where there are some.
        launcher: words that start the processes on several machines, such as torchrun's with an
            srun before them; ``-m irlib.training <folder>`` is put behind. Empty for this machine
            alone. See docs/cluster.md.
        tell: takes a line on a training that is waited for, and its log's lines.

    Raises:
        ValueError: fewer than one process; a launcher that is no program; or, in JupyterLab, a
            training at work here that trains something else.
        OSError: the folder cannot be written.
    """
    folder, watched, name = folder.absolute(), progress.watched(), uuid.uuid4().hex
    given = {"processes": processes, "launcher": launcher, "tied": not watched}
    words = command(folder, name=name, **given)
    while (process := _start(folder, words, name)) is None:
        if watched:
            _require_same(folder)
            return Training(folder)
        _see_out(folder, tell)
    return Training(folder, process)


def _start(folder: Path, words: list[str], name: str) -> subprocess.Popen[bytes] | None:
    # None where a training is at work, or is just started by somebody else
    if status.is_under_way(status.read(folder)):
        return None
    with status.held(folder, seconds=1) as free:
        if not free or status.is_launched(folder):
            return None
        told = {"command": shlex.join(words), **_wanted(folder)}
        status.begin(folder, launch=name, status=status.STARTING, **told)
        try:
            process = _started(folder, words)
        except OSError as error:
            status.fail(folder, f"{words[0]}: {error.strerror}", rank=0, launch=name)
            raise ValueError(f"launcher {words[0]!r}: {error.strerror}") from error
        status.update(folder, pid=process.pid, born=born(process.pid))
        return process


def _wanted(folder: Path) -> dict[str, Any]:
    # what the notebook has put on record for this folder, or nothing
    path = folder / "run.json"
    record = runs.read_json(path) if path.exists() else {}
    return {name: record[name] for name in ("parameters", "data") if record.get(name)}


def _require_same(folder: Path) -> None:
    wanted, there = (_deciding(record) for record in (_wanted(folder), status.read(folder)))
    differ = [name for name in wanted.keys() & there.keys() if wanted[name] != there[name]]
    if differ:
        told = ", ".join(f"{n} {there[n]!r}, not {wanted[n]!r}" for n in sorted(differ))
        raise ValueError(
            f"{folder}: another training is at work here, with {told}: wait for its end, or end it "
            "by irlib.training.attaching.Training(run.folder).stop()"
        )


def _deciding(record: dict[str, Any]) -> dict[str, Any]:
    parameters = record.get("parameters", {})
    found = {name: parameters[name] for name in _DECIDE if name in parameters}
    found |= {name: str(runs.resolve(found[name])) for name in _FOLDERS if name in found}
    data = {"fingerprint of the data": record["data"]} if "data" in record else {}
    return found | data


def _see_out(folder: Path, tell: Callable[[str], object]) -> None:
    record = status.read(folder)
    tell(f"waiting for the training at work here: pid {record.get('pid')} on {record.get('host')}")
    with suppress(TrainingError):
        Training(folder).follow(tell)


def command(
    folder: Path, *, processes: int, launcher: str, tied: bool, name: str = ""
) -> list[str]:
    """The words that start the training of a run folder.

    Args:
        folder: absolute path of the run folder.
        processes: on this machine.
        launcher: see `launch`.
        tied: whether the training shall end with its standard input.
        name: of this start, by which its processes know its record; empty for none.

    Raises:
        ValueError: fewer than one process; or several with a launcher, which has its own number.
    """
    if processes < 1:
        raise ValueError(f"processes is {processes}: expected at least 1")
    if launcher and processes > 1:
        raise ValueError(f"processes is {processes}: expected 1 with a launcher, which says it")
    entry = ["-m", _MODULE, str(folder), *(["--launch", name] if name else [])]
    entry += ["--tied"] if tied else []
    if launcher:
        return [*shlex.split(launcher), *entry]
    if processes == 1:
        return [sys.executable, *entry]
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return [sys.executable, *torchrun, *entry]


def _started(folder: Path, words: list[str]) -> subprocess.Popen[bytes]:
    tied = words[-1] == "--tied"
    # it watches nothing by itself: bars are for who reads the log
    environment = {name: os.environ[name] for name in os.environ if name != "JPY_SESSION_NAME"}
    with (folder / status.LOG).open("a", encoding="utf-8") as file:
        file.write(f"--- {runs.now():%Y-%m-%d %H:%M:%S} UTC: {shlex.join(words)}\n")
        file.flush()
        return subprocess.Popen(
            words,
            cwd=runs.ROOT,
            env=environment,
            stdin=subprocess.PIPE if tied else subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # an interrupt of the kernel is not meant for it
            # the locks of folder and GPU that a headless kernel was given; Python's own files
            # are not inheritable
            close_fds=not tied,
        )
