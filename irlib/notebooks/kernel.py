"""One notebook, one kernel, through papermill."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import papermill
from jupyter_client.manager import AsyncKernelManager
from papermill.engines import NBClientEngine, papermill_engines

from irlib.notebooks.narrator import Narrator


class IpcKernelManager(AsyncKernelManager):
    """Starts this environment's own kernel over IPC sockets instead of TCP ports.

    Parallel runs then cannot collide on a port, nothing listens on the network, and a kernel
    specification of the same name elsewhere on the machine cannot take the kernel's place.
    """

    inherited: tuple[int, ...] = ()  # file descriptors that the kernel keeps open
    scratch: Path  # a short path: socket paths may have 104 characters on some systems

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.transport = "ipc"
        self.ip = str(self.scratch / "k")
        self.connection_file = str(self.scratch / "kernel.json")

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        """The command that starts ipykernel in the running interpreter."""
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", self.connection_file]
        return command + (extra_arguments or [])

    async def _async_pre_start_kernel(self, **kw: Any) -> tuple[list[str], dict[str, Any]]:
        command, kw = await super()._async_pre_start_kernel(**kw)
        # A JupyterLab that started all this does not watch this kernel: no progress bars.
        env = {name: kw["env"][name] for name in kw["env"] if name != "JPY_SESSION_NAME"}
        return command, {**kw, "env": env, "pass_fds": self.inherited}

    async def _async_interrupt_kernel(self) -> None:
        # Ending a kernel interrupts it first, which an idle one reports as an error.
        if not self.shutting_down:
            await super()._async_interrupt_kernel()


class TellingEngine(NBClientEngine):
    """Papermill's engine, which also lets the narrator know the cell that runs."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> Any:
        """Run all cells; see papermill."""
        narrator, start = kwargs["stdout_file"], nb_man.cell_start

        def cell_start(cell: Any, cell_index: int | None = None, **more: Any) -> None:
            narrator.place = f"cell {(cell_index or 0) + 1} of {len(nb_man.nb.cells)}"
            start(cell, cell_index, **more)

        nb_man.cell_start = cell_start
        return super().execute_managed_notebook(nb_man, kernel_name, **kwargs)


papermill_engines.register("irlib", TellingEngine)


def run(
    notebook: Path,
    executed: Path,
    parameters: dict[str, Any],
    *,
    narrator: Narrator,
    scratch: Path,
    held: Sequence[IO[str]],
    cwd: Path,
) -> None:
    """Execute a notebook; the copy is written as it goes.

    Args:
        notebook: source, which is only read.
        executed: where the executed copy goes.
        parameters: checked values by name.
        narrator: where the notebook's output is told.
        scratch: a folder with a short path, for the sockets.
        held: locked files that the kernel shall hold as long as it lives.
        cwd: working directory of the kernel.

    Raises:
        papermill.PapermillExecutionError: a cell raised.
        nbclient.exceptions.DeadKernelError: the kernel died.
    """
    manager = type("RunKernelManager", (IpcKernelManager,), {})
    manager.inherited = tuple(file.fileno() for file in held)
    manager.scratch = scratch
    papermill.execute_notebook(
        notebook,
        executed,
        parameters,
        engine_name="irlib",
        kernel_name="python3",
        kernel_manager_class=manager,
        progress_bar=False,
        stdout_file=narrator,
        stderr_file=narrator,
        cwd=cwd,
    )


def mark_killed(executed: Path) -> None:
    """Say on top of a notebook that its kernel died, and in which cell.

    papermill 2.7 leaves every cell of such a notebook marked as completed, those never run too.
    """
    notebook = json.loads(executed.read_text(encoding="utf-8"))
    states = [cell["metadata"].get("papermill", {}) for cell in notebook["cells"]]
    for state in states:
        state["status"] = "completed" if state.get("start_time") else "pending"
    started = [state for state in states if state["status"] == "completed"]
    if started:
        started[-1]["status"] = "killed"  # cells run in order, so the last one begun was it
    text = '<span style="color:red">**The kernel was killed while this notebook ran.**</span>'
    red = {"cell_type": "markdown", "id": "killed", "metadata": {}, "source": [text]}
    notebook["cells"].insert(0, red)
    notebook["metadata"].setdefault("papermill", {})["exception"] = True
    executed.write_text(json.dumps(notebook, indent=1), encoding="utf-8")
