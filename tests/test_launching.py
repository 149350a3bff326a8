"""A training as a process of its own: its start, its end, and who looks on.

A script stands in for the training, so that a start takes no second.
"""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import psutil
import pytest

from irlib import runs
from irlib.training import attaching, launching, status
from irlib.training.attaching import TrainingError
from irlib.training.launching import launch

SECONDS_TO_END = 20  # for processes that notice within one or two
# words: script, -m, irlib.training, folder, perhaps --tied
STAND_IN = """
import os, signal, sys, time
from pathlib import Path
from irlib import processes
from irlib.training import status
folder, tied = Path(sys.argv[3]), "--tied" in sys.argv
if tied:
    processes.end_with_input()
with status.held(folder, seconds=5):
    status.update(folder, status="running", processes=2, about={"steps": 8})
    print("watched by", os.environ.get("JPY_SESSION_NAME"), flush=True)
    while not (folder / "end").exists():
        time.sleep(0.02)
    end = (folder / "end").read_text()
    print("half a line", end="")
    if end == "fail":
        status.fail(folder, "ValueError: too small", rank=1)
        sys.exit(1)
    if end == "die":
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    status.update(folder, status="complete", bad_images=["a.png"])
"""
PARENT = """
import os, sys, time
from pathlib import Path
from irlib.training.launching import launch
lock = open(sys.argv[3] + ".gpu", "a")
os.set_inheritable(lock.fileno(), True)  # as a headless kernel is given the lock of its GPU
training = launch(Path(sys.argv[1]), launcher=sys.argv[2])
training.about()
print("started", flush=True)
time.sleep(120)
"""


def is_alive(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def wait_until(fact):
    deadline = time.monotonic() + SECONDS_TO_END
    while not fact() and time.monotonic() < deadline:
        time.sleep(0.05)
    return fact()


@pytest.fixture
def place(tmp_path):
    """A run folder, and words that start the stand-in there; what still runs is ended."""
    script = tmp_path / "stand in.py"
    script.write_text(STAND_IN)
    folder = tmp_path / "run"
    folder.mkdir()
    yield SimpleNamespace(folder=folder, launcher=shlex.join([sys.executable, str(script)]))
    launching.Training(folder).stop()


@pytest.fixture
def start(place):
    """A function that starts the stand-in and says how it shall end; nothing: not yet.

    With `again` it is at work already.
    """

    def begin(end="", *, again=False):
        (place.folder / "end").unlink(missing_ok=True)
        training = launch(place.folder, launcher=place.launcher)
        training.about()
        assert training.process or again
        if end:
            runs.write_text(place.folder / "end", end)
        return training

    return begin


@pytest.fixture
def watched(monkeypatch):
    """As in JupyterLab; the bar's done and total, one after the other."""
    shown = []
    bar = lambda label, unit: lambda done, total: shown.append((done, total))  # noqa: E731
    monkeypatch.setattr("irlib.progress.watched", lambda: True)
    monkeypatch.setattr("irlib.progress.teller", bar)
    return shown


# The words of a start


def words(**given):
    values = {"processes": 1, "launcher": "", "tied": False, **given}
    return launching.command(runs.ROOT / "run", **values)


def test_one_process_is_the_module_itself():
    assert words() == [sys.executable, "-m", "irlib.training", str(runs.ROOT / "run")]


def test_several_processes_are_started_by_torchrun():
    expected = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    assert words(processes=3)[:5] == [*expected, "--nproc-per-node=3"]
    assert words(processes=3, tied=True)[5:] == [*words()[1:], "--tied"]


def test_a_launchers_words_go_before_the_module():
    found = words(launcher="srun --nodes 2 'my env/torchrun' --nnodes 2")
    assert found == ["srun", "--nodes", "2", "my env/torchrun", "--nnodes", "2", *words()[1:]]


def test_a_number_of_processes_that_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="processes is 0: expected at least 1"):
        words(processes=0)
    with pytest.raises(ValueError, match="processes is 2: expected 1 with a launcher"):
        words(processes=2, launcher="srun")


def test_a_launcher_that_is_no_program_is_told_and_put_on_record(place):
    with pytest.raises(ValueError, match="launcher 'nobody -n 2': nobody: No such file"):
        launch(place.folder, launcher="nobody -n 2")
    assert status.read(place.folder)["status"] == "failed"


# A training to its end


def test_a_training_that_ends_gives_its_record(start):
    record = start("well").follow(str)
    assert (record["status"], record["bad_images"]) == ("complete", ["a.png"])
    assert (record["host"], record["processes"]) == (socket.gethostname(), 2)


def test_what_it_prints_is_told_line_by_line_and_kept(start, place, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "02_train.ipynb")
    monkeypatch.setattr("irlib.progress.watched", lambda: False)
    told = []
    start("well").follow(told.append)
    assert told[0].startswith("--- ")
    assert place.launcher.split()[0] in told[0]
    assert told[1:] == ["watched by None"]  # and what is no whole line stays in the log
    assert (place.folder / "training.log").read_text() == "\n".join([*told, "half a line"])


def test_a_later_training_tells_none_of_an_earlier_ones_lines(start, place):
    start("well").follow(str)
    told = []
    start("well").follow(told.append)
    assert len(told) == 2
    assert (place.folder / "training.log").read_text().count("watched by") == 2


def test_whoever_watches_sees_the_steps_done(start, place, watched):
    (place.folder / "history.jsonl").write_text('{"step": 5}\n{"step": 6}\n{"ste')
    start("well").follow(str)
    assert watched[-1] == (6, 8)


# One that does not end well


def test_a_failure_is_raised_with_its_reason_and_the_logs_end(start, place):
    training = start("fail")
    with pytest.raises(TrainingError) as error:
        training.follow(str)
    assert str(error.value) == "rank 1: ValueError: too small"
    [note] = error.value.__notes__
    log, *lines = note.splitlines()
    assert log == f"the end of {place.folder / 'training.log'}:"
    assert lines[1:] == ["watched by None", "half a line"]


def test_a_failure_before_it_told_what_it_trains_on_is_raised_too(place):
    (place.folder / "training.lock").mkdir()  # it can hold no such thing
    with pytest.raises(IsADirectoryError):
        launch(place.folder)
    (place.folder / "training.lock").rmdir()
    training = launch(place.folder, launcher=f"{sys.executable} -c 'raise SystemExit(3)'")
    with pytest.raises(TrainingError, match="the training ended without a word"):
        training.about()


def test_a_killed_training_is_told_with_the_signal(start, place):
    training = start("die")
    with pytest.raises(TrainingError, match=r"^the training was ended by SIGKILL: out of memory"):
        training.follow(str)
    record = runs.read_json(place.folder / "training.json")
    assert (record["status"], record["error"].split(":")[0]) == (
        "killed", "the training was ended by SIGKILL"
    )  # fmt: skip


def test_the_process_that_died_first_is_told_by_torchruns_words(start, place):
    training = start()
    with (place.folder / "training.log").open("a") as log:
        log.write("Root Cause (first observed failure):\n[0]:\n  time : 2026\n")
        log.write("  rank      : 3 (local_rank: 1)\n  exitcode  : -9 (pid: 7)\n")
    runs.write_text(place.folder / "end", "die")
    with pytest.raises(TrainingError, match=r"^rank 3 was ended by SIGKILL: out of memory\?"):
        training.follow(str)


def test_a_killed_training_counts_as_killed_though_nobody_saw_it(start, place):
    training = start("die")
    training.process.wait()
    assert runs.read_json(place.folder / "training.json")["status"] == "running"
    assert status.read(place.folder)["status"] == "killed"


def test_a_killed_training_is_started_again(start, place):
    start("die").process.wait()
    assert start("well").follow(str)["status"] == "complete"


# Looking on


def test_a_training_at_work_is_attached_to_and_not_started_again(start, place):
    first = start()
    second = start(again=True)
    assert second.process is None
    assert second.record["pid"] == first.process.pid
    assert (place.folder / "training.log").read_text().count("---") == 1
    runs.write_text(place.folder / "end", "well")
    assert second.follow(str)["status"] == "complete"


def test_whoever_attaches_is_told_the_lines_of_this_training_alone(start):
    start("well").follow(str)
    first, told = start(), []
    second = start("well", again=True)
    second.follow(told.append)
    first.process.wait()
    assert [line[:3] for line in told] == ["---", "wat"]


def test_of_several_starts_at_a_moment_one_counts(place):
    with ThreadPoolExecutor(4) as pool:
        starts = [pool.submit(launch, place.folder, launcher=place.launcher) for _ in range(4)]
        found = [start.result() for start in starts]
    assert sum(training.process is not None for training in found) == 1


def test_whoever_attaches_learns_of_a_failure(start, place):
    start()
    attached = start("fail", again=True)
    with pytest.raises(TrainingError, match="rank 1: ValueError: too small"):
        attached.follow(str)


def test_an_interrupted_look_leaves_the_training_at_work(start, watched, monkeypatch):
    training = start()

    def interrupt(seconds):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(attaching.time, "sleep", interrupt)
        with pytest.raises(KeyboardInterrupt, match="the training goes on"):
            training.follow(str)
    assert training.process.poll() is None
    # an interrupt of the kernel goes to the kernel's own group of processes
    assert os.getpgid(training.process.pid) == training.process.pid


def test_a_training_can_be_stopped(start, place):
    training = start()
    training.stop()
    assert training.process.poll() == -signal.SIGTERM
    assert status.read(place.folder)["status"] == "stopped"
    with pytest.raises(TrainingError, match="the training was stopped"):
        training.follow(str)


def test_a_training_on_another_machine_is_not_stopped_from_here(start, place):
    training = start()
    status.update(place.folder, host="elsewhere")
    with pytest.raises(ValueError, match="its training runs on elsewhere: stop it there"):
        training.stop()
    assert training.process.poll() is None
    status.update(place.folder, host=socket.gethostname())


# The death of those above


def started_by_another(place, **environment):
    """A process that starts the stand-in, and the stand-in's number."""
    arguments = [str(place.folder), place.launcher, str(place.folder)]
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, *arguments], cwd=runs.ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env={**os.environ, **environment},
    )  # fmt: skip
    assert parent.stdout.readline() == b"started\n"
    return parent, status.read(place.folder)["pid"]


def kill(parent):
    parent.kill()
    parent.wait()
    parent.stdout.close()


def test_a_headless_training_ends_with_its_killed_kernel(place, monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    parent, pid = started_by_another(place)
    # it holds what its kernel was given until its own end
    assert f"{place.folder}.gpu" in {file.path for file in psutil.Process(pid).open_files()}
    kill(parent)
    assert wait_until(lambda: not is_alive(pid))
    assert status.read(place.folder)["status"] == "killed"


def test_a_training_from_jupyterlab_outlives_its_killed_kernel(place):
    parent, pid = started_by_another(place, JPY_SESSION_NAME="02_train.ipynb")
    kill(parent)
    time.sleep(1)
    assert is_alive(pid)
    again = launch(place.folder, launcher=place.launcher)
    runs.write_text(place.folder / "end", "well")
    assert again.follow(str)["status"] == "complete"


# The record


def test_a_folder_without_a_training_has_an_empty_record(tmp_path):
    assert status.read(tmp_path) == {}


def test_the_first_reason_of_a_failure_counts(tmp_path):
    status.begin(tmp_path, status="running")
    assert status.fail(tmp_path, "first", rank=1)
    assert not status.fail(tmp_path, "second", rank=0)
    found = status.read(tmp_path)
    assert (found["status"], found["error"], found["rank"]) == ("failed", "first", 1)


def test_a_new_record_keeps_the_damaged_images_that_were_met_and_nothing_else(tmp_path):
    status.begin(tmp_path, status="complete", bad_images=["a"], error="old")
    status.begin(tmp_path, status="starting")
    found = status.read(tmp_path)
    assert (found["bad_images"], "error" in found) == (["a"], False)


def test_a_folder_is_held_once(tmp_path):
    with status.held(tmp_path, seconds=0) as first, status.held(tmp_path, seconds=0) as second:
        assert (first, second) == (True, False)
    with status.held(tmp_path, seconds=0) as third:
        assert third
