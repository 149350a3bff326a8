import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from irlib import runs


@pytest.fixture
def run(tmp_path):
    return runs.start(tmp_path / "run", notebook="02_train", parameters={"seed": 7}, data="abc")


def figure():
    drawn = Figure(figsize=(2, 2))
    drawn.subplots().plot([0, 1], [1, 0])
    return drawn


TABLE = pd.DataFrame({"x": [0, 1], "y": [1, 0]})


def test_a_relative_path_is_anchored_at_the_repository():
    assert runs.resolve("outputs/demo") == Path(__file__).parents[1] / "outputs/demo"


def test_an_absolute_path_stays(tmp_path):
    assert runs.resolve(tmp_path) == tmp_path


def test_the_name_of_a_run():
    assert runs.run_name("train", "arcface", 4885) == "train-arcface-s4885"
    assert runs.run_name("train", "arcface", 0) == "train-arcface-s0"
    assert runs.run_name("data") == "data"


def test_a_written_file_takes_the_old_ones_place(tmp_path):
    runs.write_text(tmp_path / "a.txt", "old")
    runs.write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.txt"]


def test_a_missing_folder_is_made(tmp_path):
    runs.write_text(tmp_path / "b" / "c" / "a.txt", "new")
    assert (tmp_path / "b" / "c" / "a.txt").read_text() == "new"


def test_a_written_file_is_as_readable_as_any_other(tmp_path):
    (tmp_path / "plain").touch()
    runs.write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_the_temporary_file_keeps_the_ending(tmp_path):
    # savefig, torch.save and to_csv look at it
    with runs.atomic_path(tmp_path / "a.csv") as temporary:
        assert temporary.suffix == ".csv"


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    runs.write_text(path, "old")
    with pytest.raises(KeyError), runs.atomic_path(path) as temporary:
        temporary.write_text("half")
        raise KeyError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    runs.write_text(path, "old")

    def full(self, *_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match=r"the disk is full.*a\.txt"):
        runs.write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_fills_up_at_the_last_moment_leaves_the_old_file(tmp_path, monkeypatch):
    # what is written may sit in memory until fsync
    path = tmp_path / "a.txt"
    runs.write_text(path, "old")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"the disk is full.*a\.txt"):
        runs.write_text(path, "new")
    assert path.read_text() == "old"


def test_a_kill_in_the_middle_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    runs.write_text(path, "old")
    code = f"""
import os, signal
from pathlib import Path
from irlib import runs
with runs.atomic_path(Path({str(path)!r})) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"


def test_json_holds_numpy_numbers_paths_and_tuples_as_plain_values(tmp_path):
    value = {"a": np.float32(0.5), "b": np.arange(2), "c": (Path("d"), np.bool_(True)), 3: None}
    runs.write_json(tmp_path / "a.json", value)
    expected = {"a": 0.5, "b": [0, 1], "c": ["d", True], "3": None}
    assert runs.read_json(tmp_path / "a.json") == expected


def test_json_knows_no_nan(tmp_path):
    runs.write_json(tmp_path / "a.json", {"a": float("nan"), "b": np.array([np.inf, 1.0])})
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == {"a": None, "b": [None, 1.0]}


def test_a_damaged_json_file_is_named(tmp_path):
    (tmp_path / "a.json").write_text('{"a": ')
    with pytest.raises(ValueError, match=r"a\.json: not valid JSON .*delete it"):
        runs.read_json(tmp_path / "a.json")


def test_a_started_run_is_on_record_with_all_that_made_it(run):
    record = runs.read_json(run.folder / "run.json")
    assert record["status"] == "running"
    assert (record["notebook"], record["seed"], record["data"]) == ("02_train", 7, "abc")
    assert {"start", "pid", "host", "git", "versions", "hardware"} <= record.keys()


def test_a_finished_run_is_complete_and_has_its_metrics(run):
    assert run.finish({"loss": 0.5}) == {"loss": 0.5}
    assert runs.read_json(run.folder / "metrics.json") == {"loss": 0.5}
    assert runs.read_record(run.folder)["status"] == "complete"


def test_a_finished_run_tells_its_time_and_memory(run):
    run.finish({})
    record = runs.read_record(run.folder)
    assert record["seconds"] >= 0
    assert 10 < record["peak_memory_mib"] < 1e6  # a Python process has 10 MiB at least


def test_metrics_that_cannot_be_written_complete_no_run(run):
    with pytest.raises(TypeError):
        run.finish({"loss": object()})
    assert runs.read_record(run.folder)["status"] == "running"
    assert not (run.folder / "metrics.json").exists()


def test_a_run_whose_process_is_gone_was_killed(run):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    run.update(pid=gone.pid)
    assert runs.read_record(run.folder)["status"] == "killed"


def test_a_run_whose_process_is_a_zombie_was_killed(run):
    # as in a container whose first process does not collect the dead
    gone = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    gone.stdout.read()  # ends with the process, which nobody has collected yet
    run.update(pid=gone.pid)
    if not Path("/proc/self/stat").exists():
        pytest.skip("no /proc to tell a zombie by")
    deadline = time.monotonic() + 10
    while runs.read_record(run.folder)["status"] != "killed" and time.monotonic() < deadline:
        time.sleep(0.01)
    status = runs.read_record(run.folder)["status"]
    gone.wait()
    assert status == "killed"


def test_a_run_on_another_machine_is_believed(run):
    run.update(pid=2**22 + 1, host="elsewhere")
    assert runs.read_record(run.folder)["status"] == "running"


def test_a_figure_comes_as_png_pdf_and_numbers(run):
    drawn = figure()
    assert run.save_figure("roc", drawn, TABLE) is drawn
    assert {path.name for path in (run.folder / "figures").iterdir()} == {
        "roc.png", "roc.pdf", "roc.csv",
    }  # fmt: skip


def test_the_numbers_behind_a_figure_come_back_as_they_were(run):
    run.save_figure("roc", figure(), TABLE)
    pd.testing.assert_frame_equal(pd.read_csv(run.folder / "figures/roc.csv"), TABLE)


@pytest.mark.parametrize("ending", ["png", "pdf", "csv"])
def test_an_equal_figure_is_an_equal_file(run, ending, monkeypatch):
    run.save_figure("a", figure(), TABLE)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")  # another day, for what would write a date
    run.save_figure("b", figure(), TABLE)
    folder = run.folder / "figures"
    assert (folder / f"a.{ending}").read_bytes() == (folder / f"b.{ending}").read_bytes()


def test_a_table_is_saved_and_given_back(run):
    assert run.save_table("pairs", TABLE) is TABLE
    assert (run.folder / "pairs.csv").read_text() == "x,y\n0,1\n1,0\n"


def test_what_is_missing_is_named_with_the_notebook_that_makes_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"last\.pt is missing: run notebooks/02_train\."):
        runs.require(tmp_path, "last.pt", "02_train")


def test_what_is_there_is_given(tmp_path):
    (tmp_path / "last.pt").touch()
    assert runs.require(tmp_path, "last.pt", "02_train") == tmp_path / "last.pt"


def test_a_file_in_the_place_of_the_run_folder_is_refused(tmp_path):
    (tmp_path / "run").touch()
    with pytest.raises(OSError, match="run"):
        runs.start(tmp_path / "run", notebook="02_train", parameters={})
