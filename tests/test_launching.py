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
from waiting import is_alive, wait_until

from irlib import processes, runs
from irlib.training import attaching, launching, status
from irlib.training.attaching import TrainingError
from irlib.training.launching import launch

# words: script, -m, irlib.training, folder, --launch, a name, perhaps --tied
STAND_IN = """
import os, signal, sys, time
from pathlib import Path
from irlib import processes
from irlib.training import status
folder, name, tied = Path(sys.argv[3]), sys.argv[5], "--tied" in sys.argv
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
        status.fail(folder, "ValueError: too small", rank=1, launch=name)
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


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """Looks at a training in quick succession."""
    monkeypatch.setattr(attaching, "_BETWEEN_LOOKS", 0.02)


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
def stranger():
    """A process that trains nothing."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.communicate()


def begin(folder, **values):
    status.begin(folder, launch="one", **values)


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
    with pytest.raises(ValueError, match="launcher 'nobody': No such file"):
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
    words = [sys.executable, "-c", "raise SystemExit(3)"]
    training = launch(place.folder, launcher=shlex.join(words))
    with pytest.raises(TrainingError, match="the training ended with exit code 3: no word"):
        training.about()


def test_a_launcher_that_refuses_is_told_by_its_last_words(place):
    # as an srun that is asked for a partition that is not there
    code = "import sys; print('---'); sys.exit('srun: error: Invalid partition')"
    training = launch(place.folder, launcher=shlex.join([sys.executable, "-c", code]))
    with pytest.raises(TrainingError, match=r"exit code 1: srun: error: Invalid partition\n"):
        training.follow(str)


def test_a_killed_training_is_told_with_the_signal(start, place):
    training = start("die")
    with pytest.raises(TrainingError, match=r"^the training was ended by SIGKILL: out of memory"):
        training.follow(str)
    record = runs.read_json(place.folder / "training.json")
    assert (record["status"], record["error"].split(":")[0]) == (
        "killed", "the training was ended by SIGKILL"
    )  # fmt: skip


def block(rank, code):
    """What torchrun tells of the process that failed first."""
    return (
        f"Root Cause (first observed failure):\n[0]:\n  time : 2026\n  rank      : {rank} "
        f"(local_rank: 1)\n  exitcode  : {code} (pid: 7)\n  error_file: <N/A>\n{'=' * 60}\n"
    )


def other(rank, code):
    """What it tells before of one that failed too."""
    return (
        f"Failures:\n[1]:\n  time : 2026\n  host      : localhost\n  rank      : {rank} "
        f"(local_rank: 1)\n  exitcode  : {code} (pid: 8)  (SIGKILL)\n{'-' * 60}\n"
    )


LOST = "RuntimeError: Connection closed by peer"


@pytest.mark.parametrize(
    ("text", "error", "why"),
    [
        (block(3, -9), "", "rank 3 was ended by SIGKILL: out of memory?"),
        # of two agents the one whose process failed by itself tells no signal
        (block(1, 1) + block(0, -9), "", "rank 0 was ended by SIGKILL: out of memory?"),
        (block(1, -15) + block(0, -11), "", "rank 0 was ended by SIGSEGV"),
        (block(1, -6), "FileNotFoundError: a.png", "rank 1: FileNotFoundError: a.png"),
        (block(0, -15), "FileNotFoundError: a.png", "rank 1: FileNotFoundError: a.png"),
        (block(0, -9), "FileNotFoundError: a.png", "rank 1: FileNotFoundError: a.png"),
        # what others say of lost connections is no reason
        (block(0, -9), LOST, "rank 0 was ended by SIGKILL: out of memory?"),
        (block(0, -6), LOST, f"rank 1: {LOST}"),
        # the killed one may be seen after another that lost it
        (other(1, -9) + block(0, 1), LOST, "rank 1 was ended by SIGKILL: out of memory?"),
        (block(2, -6), "", "rank 2 was ended by SIGABRT"),
        ("rank: 1\n", "", "the training ended without a word: out of memory, or of time?"),
    ],
)
def test_the_process_that_failed_first_is_told(tmp_path, text, error, why):
    begin(tmp_path, status="running")
    if error:
        status.fail(tmp_path, error, rank=1, launch="one")
    (tmp_path / "training.log").write_text(text)
    with pytest.raises(TrainingError) as found:
        launching.Training(tmp_path).follow(str)
    assert str(found.value) == why


def test_a_killed_training_counts_as_killed_though_nobody_saw_it(start, place):
    training = start("die")
    training.process.wait()
    assert runs.read_json(place.folder / "training.json")["status"] == "running"
    assert status.read(place.folder)["status"] == "killed"


def test_a_killed_training_is_started_again(start, place):
    start("die").process.wait()
    assert start("well").follow(str)["status"] == "complete"


# Looking on


def test_a_training_at_work_is_attached_to_and_not_started_again(start, place, watched):
    first = start()
    second = start(again=True)
    assert second.process is None
    assert second.record["pid"] == first.process.pid
    assert (place.folder / "training.log").read_text().count("---") == 1
    runs.write_text(place.folder / "end", "well")
    assert second.follow(str)["status"] == "complete"


def test_a_headless_start_sees_another_training_out_and_then_starts_its_own(start, place):
    start("well").follow(str)
    first, told = start(), []
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(launch, place.folder, launcher=place.launcher, tell=told.append)
        assert wait_until(lambda: len(told) > 2)
        runs.write_text(place.folder / "end", "well")
        second = later.result()
    first.process.wait()
    # the lines of this training alone
    assert [line[:3] for line in told] == ["wai", "---", "wat"]
    assert second.process is not None
    second.follow(str)
    assert (place.folder / "training.log").read_text().count("---") == 3


def test_another_training_at_work_is_not_taken_for_the_one_that_is_wanted(place, watched):
    parameters = {"study": "demo", "overrides": {"lr": 0.1}, "data": "data", "processes": 1}
    record = {"parameters": parameters, "data": "abc"}
    begin(place.folder, status="running", **record)
    with status.held(place.folder, seconds=0):
        same = {**parameters, "data": str(runs.ROOT / "data"), "processes": 2}
        runs.write_json(place.folder / "run.json", {"parameters": same, "data": "abc"})
        assert launch(place.folder).process is None
        other = {**parameters, "overrides": {"lr": 0.2}}
        runs.write_json(place.folder / "run.json", {"parameters": other, "data": "new"})
        with pytest.raises(ValueError, match=r"another training is at work here") as error:
            launch(place.folder)
    told = "with fingerprint of the data 'abc', not 'new', overrides {'lr': 0.1}, not {'lr': 0.2}:"
    assert told in str(error.value)
    assert "Training(run.folder).stop()" in str(error.value)


def test_a_start_records_what_is_wanted(start, place):
    runs.write_json(place.folder / "run.json", {"parameters": {"seed": 1}, "data": "abc"})
    record = start("well").follow(str)
    assert (record["parameters"], record["data"]) == ({"seed": 1}, "abc")


def test_a_later_process_of_the_same_number_is_no_training(start, place, stranger):
    begin(place.folder, status="running", pid=stranger.pid)
    assert status.read(place.folder)["status"] == "killed"
    begin_of = {"pid": stranger.pid, "born": 1}
    status.begin(place.folder, launch="two", status="starting", **begin_of)
    assert status.read(place.folder)["status"] == "killed"
    assert not status.is_launched(place.folder)
    start("well").follow(str)
    assert stranger.poll() is None


def test_a_process_that_has_just_been_started_counts(place, stranger):
    known = {"pid": stranger.pid, "born": processes.born(stranger.pid)}
    begin(place.folder, status="starting", **known)
    assert status.is_launched(place.folder)
    status.update(place.folder, host="elsewhere")  # nobody can ask there
    assert not status.is_launched(place.folder)
    status.update(place.folder, status="killed")


def test_nobody_is_ended_in_place_of_a_training(place, stranger, monkeypatch):
    monkeypatch.setattr(attaching, "SECONDS_TO_END", 0.1)
    begin(place.folder, status="running", pid=stranger.pid)
    training = launching.Training(place.folder)
    with (
        status.held(place.folder, seconds=0),
        pytest.raises(ValueError, match=f"a training holds it which is not pid {stranger.pid}"),
    ):
        training.stop()
    training.stop()
    assert stranger.poll() is None


def test_of_several_starts_at_a_moment_one_counts(place, watched):
    with ThreadPoolExecutor(4) as pool:
        starts = [pool.submit(launch, place.folder, launcher=place.launcher) for _ in range(4)]
        found = [start.result() for start in starts]
    assert sum(training.process is not None for training in found) == 1


def test_whoever_attaches_learns_of_a_failure(start, place, watched):
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


def test_a_training_from_jupyterlab_outlives_its_killed_kernel(place, monkeypatch):
    parent, pid = started_by_another(place, JPY_SESSION_NAME="02_train.ipynb")
    kill(parent)
    time.sleep(1)
    assert is_alive(pid)
    monkeypatch.setattr("irlib.progress.watched", lambda: True)
    again = launch(place.folder, launcher=place.launcher)
    assert again.process is None
    runs.write_text(place.folder / "end", "well")
    assert again.follow(str)["status"] == "complete"


# The record


def test_a_folder_without_a_training_has_an_empty_record(tmp_path):
    assert status.read(tmp_path) == {}


def test_the_first_reason_of_a_failure_counts(tmp_path):
    begin(tmp_path, status="running")
    assert status.fail(tmp_path, "first", rank=1, launch="one")
    assert not status.fail(tmp_path, "second", rank=0, launch="one")
    status.update(tmp_path, status="running", device="cpu")
    status.update(tmp_path, status="complete", end=None)
    begin(tmp_path, status="starting")  # by the first process of the same start
    found = status.read(tmp_path)
    assert found["device"] == "cpu"
    assert (found["status"], found["error"], found["rank"]) == ("failed", "first", 1)


def test_a_failure_of_another_start_is_not_told_of_this_one(tmp_path):
    begin(tmp_path, status="complete")
    assert not status.fail(tmp_path, "late", rank=1, launch="zero")
    assert status.read(tmp_path)["status"] == "complete"


def test_a_new_record_keeps_the_damaged_images_that_were_met_and_nothing_else(tmp_path):
    begin(tmp_path, status="complete", error="old")
    assert status.read(tmp_path)["bad_images"] == []
    status.update(tmp_path, key="k", bad_images=["a"])
    status.begin(tmp_path, launch="two", status="starting")
    status.update(tmp_path, key="k")
    found = status.read(tmp_path)
    assert (found["bad_images"], "error" in found) == (["a"], False)
    status.update(tmp_path, key="another")
    assert status.read(tmp_path)["bad_images"] == []


def test_a_record_says_where_its_part_of_the_log_begins(tmp_path):
    (tmp_path / "training.log").write_text("earlier\n")
    begin(tmp_path, status="complete")
    assert status.read(tmp_path)["log_from"] == 8


def test_a_folder_is_held_once(tmp_path):
    with status.held(tmp_path, seconds=0) as first, status.held(tmp_path, seconds=0) as second:
        assert (first, second) == (True, False)
    with status.held(tmp_path, seconds=0) as third:
        assert third


def test_looking_on_brings_no_torch():
    # a notebook's kernel would keep its 500 MiB for days
    code = (
        "import sys; from irlib import plots, prepared, runs, studies;"
        "from irlib.training import history, launching; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=runs.ROOT, check=False).returncode == 0
