"""A training as a process of its own, and several of them by torchrun.

The notebook's kernel never trains and never forks: it starts a command and reads what that leaves.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from irlib import progress, runs
from irlib.training import status
from irlib.training.attaching import Training

_MODULE = "irlib.training"


def launch(folder: Path, *, processes: int = 1, launcher: str = "") -> Training:
    """The training of a run folder, started unless it is at work already.

    Where somebody watches, in JupyterLab, it goes on when the kernel is interrupted, restarted or
    shut down, and a later call attaches to it. Elsewhere it ends with this process, however that
    ends. What it prints goes to ``training.log``.

    Args:
        folder: the run folder; its ``run.json`` says what is trained.
        processes: on this machine, each with a GPU of its own where there are some.
        launcher: words that start the processes on several machines, such as torchrun's with an
            srun before them; ``-m irlib.training <folder>`` is put behind. Empty for this machine
            alone. See docs/cluster.md.

    Raises:
        ValueError: fewer than one process, or a launcher that is no program.
        OSError: the folder cannot be written.
    """
    folder = folder.absolute()
    words = command(folder, processes=processes, launcher=launcher, tied=not progress.watched())
    if status.is_under_way(status.read(folder)):
        return Training(folder)
    with status.held(folder, seconds=1) as free:
        if not free or status.is_launched(folder):  # by somebody at the same moment
            return Training(folder)
        log = folder / status.LOG
        offset = log.stat().st_size if log.exists() else 0
        told = {"command": shlex.join(words), "log_from": offset}
        status.begin(folder, status=status.STARTING, **told)
        try:
            process = _started(folder, words)
        except OSError as error:
            status.fail(folder, f"{words[0]}: {error.strerror}", rank=0)
            raise ValueError(f"launcher {launcher!r}: {words[0]}: {error.strerror}") from error
        status.update(folder, pid=process.pid)
    return Training(folder, process)


def command(folder: Path, *, processes: int, launcher: str, tied: bool) -> list[str]:
    """The words that start the training of a run folder.

    Args:
        folder: absolute path of the run folder.
        processes: on this machine.
        launcher: see `launch`.
        tied: whether the training shall end with its standard input.

    Raises:
        ValueError: fewer than one process; or several with a launcher, which has its own number.
    """
    if processes < 1:
        raise ValueError(f"processes is {processes}: expected at least 1")
    if launcher and processes > 1:
        raise ValueError(f"processes is {processes}: expected 1 with a launcher, which says it")
    entry = ["-m", _MODULE, str(folder), *(["--tied"] if tied else [])]
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
