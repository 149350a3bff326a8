"""Notebooks run headless: what they leave when they succeed, fail, are killed, or are in the way.

A kernel takes seconds to start, so several facts share one run.
"""

import fcntl
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from waiting import is_alive, wait_until

from irlib import gpus, runs
from irlib.notebooks import __main__ as command
from irlib.notebooks import execution, narrator
from irlib.notebooks import parameters as notebook_parameters

ROOT = Path(__file__).parents[1]
PARAMETERS = 'folder: str = ""  # where the run goes\nsteps: int = 3  # how many\n'
START = """from pathlib import Path
from irlib import gpus, runs
run = runs.start(Path(folder), notebook="toy", parameters={"steps": steps})"""


def outputs(notebook):
    cells = json.loads(notebook.read_text())["cells"]
    return [cell.get("outputs", []) for cell in cells]


def status_of(cell):
    return cell["metadata"].get("papermill", {}).get("status")


def holds_lock(folder):
    with (folder / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


# A run to its end


@pytest.fixture(scope="module")
def success(tmp_path_factory, write_notebook):
    home = tmp_path_factory.mktemp("success")
    cells = [
        START,
        'print("first")\nprint()\nprint("second")\nprint(Path.cwd())',
        "import os, time\nprint(os.environ.get('JPY_SESSION_NAME'))\ntime.sleep(3)",
        "run.finish({'steps': steps})",
    ]
    notebook = write_notebook(home / "toy.ipynb", *cells, parameters=PARAMETERS)
    before = notebook.read_bytes()
    folder = home / "run"
    folder.mkdir()
    (folder / "toy.failed.ipynb").write_text("of an earlier run")
    patch = pytest.MonkeyPatch()
    patch.setattr(narrator, "SECONDS_OF_SILENCE", 0.5)
    patch.setenv("JPY_SESSION_NAME", "somebody.ipynb")
    patch.chdir(home)
    with redirect_stdout(io.StringIO()) as told:
        given = {"folder": str(folder), "steps": "5"}
        executed = execution.execute(notebook, folder, given)
    patch.undo()
    lines = told.getvalue().splitlines()
    source = SimpleNamespace(path=notebook, before=before)
    return SimpleNamespace(folder=folder, executed=executed, lines=lines, source=source)


def test_a_run_leaves_its_metrics_with_parameters_of_their_type(success):
    assert runs.read_json(success.folder / "metrics.json") == {"steps": 5}


def test_a_run_leaves_its_record(success):
    record = runs.read_record(success.folder)
    assert (record["status"], record["notebook"]) == ("complete", "toy")
    assert record["parameters"] == {"steps": 5}


def test_a_run_leaves_the_executed_notebook_and_takes_an_older_failure_away(success):
    assert success.executed == success.folder / "toy.ipynb"
    names = {path.name for path in success.folder.iterdir()} - {".lock"}
    assert names == {"toy.ipynb", "run.json", "metrics.json"}


def test_the_executed_notebook_holds_the_outputs(success):
    assert "first" in json.dumps(outputs(success.executed))


def test_the_source_notebook_stays_as_it_is(success):
    assert success.source.path.read_bytes() == success.source.before


def test_output_is_told_line_by_line_with_the_runs_name(success):
    at = success.lines.index("[run] first")
    assert success.lines[at + 1] == "[run] second"  # blank lines are left out


def test_the_kernel_works_at_the_root_of_the_repository(success):
    assert f"[run] {ROOT}" in success.lines


def test_the_kernel_does_not_take_itself_for_watched(success):
    assert "[run] None" in success.lines


def test_a_silent_cell_gives_a_sign_of_life(success):
    # parameters, injected parameters, and the third cell of code: the fifth
    signs = [line for line in success.lines if re.fullmatch(r"\[run\] cell 5 of 6, \d+ s", line)]
    assert signs


def test_the_folder_is_free_afterwards(success):
    assert not holds_lock(success.folder)


# A cell that fails


@pytest.fixture(scope="module")
def failure(tmp_path_factory, write_notebook):
    home = tmp_path_factory.mktemp("failure")
    cells = ["print('so far')", "1 / 0", f"{START}\nrun.finish({{}})"]
    notebook = write_notebook(home / "toy.ipynb", *cells, parameters=PARAMETERS)
    folder = home / "run"
    runs.write_json(folder / "metrics.json", {"steps": 1})
    runs.write_text(folder / "toy.ipynb", "of an earlier run")
    runs.write_json(folder / "run.json", {"status": "running", "start": "long ago", "pid": 1})
    with redirect_stdout(io.StringIO()), pytest.raises(execution.NotebookError) as error:
        execution.execute(notebook, folder, {"folder": str(folder)})
    return SimpleNamespace(folder=folder, message=str(error.value))


def test_the_message_of_a_failure_names_notebook_cell_cause_and_where_to_look(failure):
    # cells 1 and 2 are the parameters and the injected ones
    expected = "toy.ipynb failed: cell [4]: ZeroDivisionError: division by zero"
    assert failure.message.splitlines()[0] == expected
    assert str(failure.folder / "toy.failed.ipynb") in failure.message


def test_a_failed_notebook_is_kept_with_its_error(failure):
    told = json.dumps(outputs(failure.folder / "toy.failed.ipynb"))
    assert "so far" in told
    assert "ZeroDivisionError" in told


def test_a_failure_is_on_record(failure):
    record = runs.read_record(failure.folder)
    assert record["status"] == "failed"
    assert "ZeroDivisionError" in record["error"]


def test_a_failure_before_its_own_record_takes_nothing_from_an_older_one(failure):
    record = runs.read_record(failure.folder)
    assert "start" not in record
    assert record["parameters"] == {"folder": str(failure.folder)}


def test_a_failure_is_no_result(failure):
    # nor does the result of an earlier run stand for it
    assert not (failure.folder / "metrics.json").exists()


def test_a_notebook_that_ends_without_a_result_failed(tmp_path, write_notebook):
    notebook = write_notebook(tmp_path / "toy.ipynb", START, parameters=PARAMETERS)
    folder = tmp_path / "run"
    with pytest.raises(execution.NotebookError, match=r"left no metrics\.json"):
        execution.execute(notebook, folder, {"folder": str(folder)})
    assert runs.read_record(folder)["status"] == "failed"


# A kernel that is killed


@pytest.fixture(scope="module")
def killed(tmp_path_factory, write_notebook):
    home = tmp_path_factory.mktemp("killed")
    cells = [START, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "run.finish({})"]
    notebook = write_notebook(home / "toy.ipynb", *cells, parameters=PARAMETERS)
    folder = home / "run"
    with redirect_stdout(io.StringIO()), pytest.raises(execution.NotebookError) as error:
        execution.execute(notebook, folder, {"folder": str(folder)})
    cells = json.loads((folder / "toy.failed.ipynb").read_text())["cells"]
    return SimpleNamespace(folder=folder, message=str(error.value), cells=cells)


def test_a_killed_kernel_is_told_as_such(killed):
    assert killed.message.startswith("toy.ipynb was killed: ")


def test_a_killed_kernel_is_on_record_with_what_the_run_began_with(killed):
    record = runs.read_record(killed.folder)
    assert record["status"] == "killed"
    assert {"start", "versions", "error", "end"} <= record.keys()


def test_a_killed_notebook_says_so_in_red_on_top(killed):
    assert "color:red" in "".join(killed.cells[0]["source"])


def test_the_cell_that_ran_is_marked_as_killed_and_later_ones_as_pending(killed):
    # the red cell; parameters, injected parameters, start, kill, finish
    found = [status_of(cell) for cell in killed.cells[1:]]
    assert found == ["completed", "completed", "completed", "killed", "pending"]


def test_a_killed_notebook_is_still_a_valid_one(killed):
    import nbformat

    nbformat.validate(nbformat.read(killed.folder / "toy.failed.ipynb", as_version=4))


# Before a kernel starts


@pytest.fixture
def idle(tmp_path, write_notebook):
    return write_notebook(tmp_path / "toy.ipynb", "1 / 0", parameters=PARAMETERS)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"step": "1"}, r"unknown parameter of toy\.ipynb 'step': did you mean 'steps'\?"),
        ({"steps": "many"}, r"parameter 'steps' of toy\.ipynb is 'many': expected int"),
        ({"steps": 1.5}, r"parameter 'steps' of toy\.ipynb is 1\.5: expected int"),
        ({"folder": 3}, r"parameter 'folder' of toy\.ipynb is 3: expected str"),
    ],
)
def test_a_wrong_parameter_stops_before_anything_is_made(idle, given, message):
    with pytest.raises(ValueError, match=message):
        execution.execute(idle, idle.parent / "run", given)
    assert not (idle.parent / "run").exists()


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("steps = 3", "is not 'name: type = literal'"),
        ("steps: int", "is not 'name: type = literal'"),
        ("steps: array = 3", "type 'array', expected one of int, float"),
        ("a: int = 1\nsteps: int = 2 * a", "line 2"),
    ],
)
def test_a_wrong_parameter_cell_is_told_with_its_line(tmp_path, write_notebook, cell, message):
    notebook = write_notebook(tmp_path / "toy.ipynb", parameters=cell)
    with pytest.raises(ValueError, match=message):
        notebook_parameters.check(notebook, {})


def test_a_notebook_without_a_parameter_cell_is_refused(tmp_path, write_notebook):
    notebook = write_notebook(tmp_path / "toy.ipynb")
    notebook.write_text(notebook.read_text().replace('"parameters"', '"other"'))
    with pytest.raises(ValueError, match="0 cells tagged 'parameters', expected one"):
        notebook_parameters.check(notebook, {})


def test_a_file_in_the_place_of_the_folder_is_refused(idle):
    (idle.parent / "run").write_text("not a folder")
    with pytest.raises(OSError, match="run"):
        execution.execute(idle, idle.parent / "run", {})
    assert (idle.parent / "run").read_text() == "not a folder"


def test_a_folder_that_another_process_holds_is_left_alone(idle, monkeypatch, capsys):
    monkeypatch.setattr(execution, "SECONDS_TO_WAIT", 1)
    folder = idle.parent / "run"
    runs.write_json(folder / "metrics.json", {"of": "the other"})
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(execution.NotebookError, match="in use by another process"):
            execution.execute(idle, folder, {})
    assert runs.read_json(folder / "metrics.json") == {"of": "the other"}
    assert capsys.readouterr().out == "[run] waiting for another process to leave the folder\n"


# The command line


def test_an_unknown_notebook_is_told_with_the_nearest(capsys, tmp_path):
    assert command.main(["02_trian", str(tmp_path / "run")]) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: unknown notebook '02_trian': did you mean '02_train'?")


def test_an_unknown_parameter_on_the_command_line_makes_nothing(capsys, tmp_path):
    assert command.main(["02_train.ipynb", str(tmp_path / "run"), "-p", "sed=1"]) == 1
    assert "did you mean 'seed'?" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_parameter_without_a_value_is_refused(capsys, tmp_path):
    assert command.main(["02_train", str(tmp_path / "run"), "-p", "method"]) == 1
    assert capsys.readouterr().err == "error: -p 'method': expected NAME=VALUE\n"


def test_a_value_may_hold_an_equals_sign(monkeypatch, tmp_path):
    seen = {}
    monkeypatch.setattr(command, "execute", lambda _, folder, given, held: seen.update(given))
    command.main(["02_train", str(tmp_path), "-p", 'overrides={"a": "b=c"}'])
    assert seen == {"overrides": '{"a": "b=c"}'}


# A run's GPUs


@pytest.fixture
def taking(monkeypatch, tmp_path):
    """A function that starts a run on some of the GPUs 2, 3; what it sees, and what is left."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    locks, seen = tmp_path / "locks", {}

    def execute(notebook, folder, given, held):
        seen["sees"] = os.environ["CUDA_VISIBLE_DEVICES"]
        seen["left"] = gpus.claim(["2", "3"], locks)

    def start(*more):
        monkeypatch.setattr(command, "execute", execute)
        words = ["02_train", str(tmp_path / "run"), "--gpus", "2,3", "--gpu-locks", str(locks)]
        assert command.main([*words, *more]) == 0
        return SimpleNamespace(**seen)

    start.locks = locks
    return start


def test_a_run_sees_the_gpu_that_it_took_and_no_other(taking):
    others = gpus.claim(["2"], taking.locks)
    found = taking()
    others["2"].close()
    assert (found.sees, found.left) == ("3", None)


def test_a_run_waits_for_a_gpu_and_says_so_once(taking, capsys):
    held = gpus.claim(["2", "3"], taking.locks, count=2)
    threading.Timer(1.2, held["3"].close).start()
    assert taking().sees == "3"
    assert capsys.readouterr().out == "[run] waiting for one of the GPUs 2,3\n"


def test_a_run_that_needs_two_gpus_sees_both(taking):
    found = taking("--gpu-count", "2")
    assert (found.sees, found.left) == ("2,3", None)


def test_a_run_that_needs_two_gpus_waits_for_both(taking, capsys):
    held = gpus.claim(["2"], taking.locks)
    threading.Timer(1.2, held["2"].close).start()
    assert taking("--gpu-count", "2").sees == "2,3"
    assert capsys.readouterr().out == "[run] waiting for 2 of the GPUs 2,3\n"


def test_a_run_that_is_told_no_gpus_leaves_the_choice_to_others(monkeypatch, tmp_path):
    # as on a cluster, which has set it
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    monkeypatch.setattr(command, "execute", lambda notebook, folder, given, held: None)
    command.main(["02_train", str(tmp_path / "run")])
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"


# The death of those above


SLEEPER = [START, "import os\nrun.update(kernel=os.getpid())", "import time\ntime.sleep(120)"]
RUNNER = """
import signal, sys
from pathlib import Path
from irlib.processes import end_with_parent
from irlib.notebooks.execution import execute
signal.signal(signal.SIGTERM, signal.default_int_handler)
end_with_parent()
gpu = open(sys.argv[2] + ".gpu", "a")
execute(Path(sys.argv[1]), Path(sys.argv[2]), {"folder": sys.argv[2]}, held=[gpu])
"""
PARENT = """
import subprocess, sys
subprocess.run([sys.executable, "-c", *sys.argv[1:]])
"""


@pytest.fixture
def sleeper(tmp_path, write_notebook):
    """A function that starts a process around a sleeping notebook; its folder, once it sleeps."""
    notebook = write_notebook(tmp_path / "toy.ipynb", *SLEEPER, parameters=PARAMETERS)
    folder = tmp_path / "run"
    started = []

    def start(*code):
        words = [sys.executable, "-c", *code, str(notebook), str(folder)]
        started.append(
            subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        )
        record = folder / "run.json"
        assert wait_until(lambda: record.exists() and "kernel" in runs.read_json(record))
        return started[0], folder, runs.read_json(record)["kernel"]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_killed_runner_leaves_no_kernel_and_a_free_folder(sleeper):
    process, folder, kernel = sleeper(RUNNER)
    assert holds_lock(folder)
    # a kernel that outlives its runner for a moment must not share its GPU with the next run
    assert f"{folder}.gpu" in {file.path for file in psutil.Process(kernel).open_files()}
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert wait_until(lambda: not is_alive(kernel))
    assert wait_until(lambda: not holds_lock(folder))
    assert runs.read_record(folder)["status"] == "killed"  # though nobody could write it down


def test_a_runner_ends_with_the_process_that_started_it(sleeper):
    process, folder, kernel = sleeper(PARENT, RUNNER)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert wait_until(lambda: not holds_lock(folder))
    assert not is_alive(kernel)
    assert runs.read_json(folder / "run.json")["status"] == "killed"
    assert (folder / "toy.failed.ipynb").exists()


def test_a_folder_of_another_run_is_refused(tmp_path):
    source = notebook_parameters.find("02_train")
    with pytest.raises(ValueError, match="with these parameters is 'train-cosface-s7'"):
        execution.execute(source, tmp_path / "train-arcface-s7", {"method": "cosface", "seed": 7})
    assert not (tmp_path / "train-arcface-s7").exists()
