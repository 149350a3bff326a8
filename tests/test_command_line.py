"""The command behind run_all.sh: what it refuses, and what it hands to Snakemake."""

import fcntl
import re
import shutil
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from irlib import __main__ as command
from irlib import runs, studies


@pytest.fixture
def place(tmp_path):
    """An empty data folder and an outputs folder that does not exist yet, as options."""
    (tmp_path / "data").mkdir()
    words = ["--data", str(tmp_path / "data"), "--outputs", str(tmp_path / "out")]
    return SimpleNamespace(root=tmp_path, outputs=tmp_path / "out", words=words)


@pytest.fixture
def snakemake(monkeypatch):
    """Snakemake's command line, taken down instead of run."""
    taken = []
    monkeypatch.setattr(command, "run_snakemake", lambda words: taken.extend(words) or 0)
    return taken


def refused(capsys, *words):
    """The one message that a command line is refused with."""
    assert command.main(list(words)) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    return told.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dmeo"], "unknown study 'dmeo': did you mean 'demo'"),
        (["demo", "--seeds", "1,b"], "--seeds '1,b': 'b' is none; expected whole numbers"),
        (["demo", "--seeds", ""], "--seeds ''"),
        (["demo", "--seeds", "1,1"], "1 stands there twice"),
        (["demo", "--methods", "arcface,arcfase"], "unknown method 'arcfase': did you mean"),
        (["demo", "--methods", ""], "--methods ''"),
        (["demo", "--methods", "arcface,arcface"], "arcface stands there twice"),
        (["demo", "--set", "epoch=3"], "unknown setting of a study 'epoch': did you mean 'epochs'"),
        (["demo", "--set", "epochs=many"], "epochs is 'many': expected int"),
        (["demo", "--set", "epochs=0"], "epochs is 0: expected at least 1"),
        (["demo", "--set", "lr=nan"], "lr is 'nan': expected float"),
        (["demo", "--set", "epochs"], "--set 'epochs': expected FIELD=VALUE"),
        (["demo", "--cores", "0"], "--cores 0: expected at least 1"),
        (["demo", "--device", "gpu"], "device 'gpu': expected one of auto, cuda, mps, cpu"),
    ],
)
def test_a_wrong_word_is_refused_by_name(capsys, snakemake, place, words, message):
    assert message in refused(capsys, *words, *place.words)
    assert snakemake == []


@pytest.mark.parametrize("words", [["--seed", "1"], ["demo", "casia"], ["--cores", "two"]])
def test_a_word_that_is_no_option_is_refused(capsys, snakemake, words):
    with pytest.raises(SystemExit) as stop:
        command.main(words)
    assert stop.value.code == 2
    assert "run_all.sh: error: " in capsys.readouterr().err


def test_missing_data_are_told_without_loading_torch(place):
    # loading torch takes seconds, and the answer is known before
    code = (
        "import sys; from irlib.__main__ import main; code = main(sys.argv[1:]);"
        "print('torch' in sys.modules); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "casia", *place.words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "False\n")
    assert f"{place.root}/data/casia/train: CASIA-WebFace: " in done.stderr
    assert not place.outputs.exists()


def test_a_file_in_the_place_of_the_outputs_folder_is_refused(capsys, snakemake, place):
    place.outputs.write_text("mine")
    told = refused(capsys, "demo", *place.words)
    assert f"cannot write to the output folder {place.outputs / 'demo'}" in told
    assert place.outputs.read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_refused(capsys, snakemake, place, monkeypatch):
    def denied(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(command.tempfile, "TemporaryFile", denied)
    told = refused(capsys, "demo", *place.words)
    assert f"output folder {place.outputs / 'demo'}: Permission denied" in told


def test_too_little_free_disk_is_told_with_what_is_needed(capsys, snakemake, place, monkeypatch):
    full = SimpleNamespace(free=2**28)  # a quarter of a GiB
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    told = refused(capsys, "demo", *place.words)
    assert re.search(r"demo: 0\.25 GiB free, expected at least \d", told)


def test_a_second_instance_says_so_and_waits_for_the_first(capsys, snakemake, place):
    folder = place.outputs / "demo"
    folder.mkdir(parents=True)
    second = threading.Thread(target=command.main, args=[["demo", *place.words]], daemon=True)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second.start()
        told, deadline = "", time.monotonic() + 20
        while "waiting" not in told and time.monotonic() < deadline:
            time.sleep(0.05)
            told += capsys.readouterr().err
        assert told == f"waiting: another run_all.sh is at work in {folder}\n"
        assert snakemake == []
    second.join(20)
    assert "--snakefile" in snakemake


def test_another_study_may_run_beside(snakemake, place):
    folder = place.outputs / "demo"
    folder.mkdir(parents=True)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert command.main(["smoke", *place.words]) == 0


def test_a_locked_study_can_still_be_asked_what_would_run(snakemake, place):
    folder = place.outputs / "demo"
    folder.mkdir(parents=True)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert command.main(["demo", "--dry-run", *place.words]) == 0


def configuration(place, name="demo"):
    return runs.read_json(place.outputs / name / ".graph.json")


def test_the_demo_is_the_default(snakemake, place):
    assert command.main(place.words) == 0
    assert configuration(place)["study"] == "demo"


def test_methods_and_seeds_reach_the_graph(snakemake, place):
    command.main(["demo", "--methods", "cosface, arcface", "--seeds", "7,8", *place.words])
    found = configuration(place)
    assert (found["methods"], found["seeds"]) == (["cosface", "arcface"], [7, 8])


def test_without_a_choice_the_studys_own_methods_and_seeds_are_taken(snakemake, place):
    command.main(["demo", *place.words])
    found = configuration(place)
    assert found["methods"] == ["arcface", "inter_prototype"]
    assert found["seeds"] == [4885, 1234, 5678]


def test_a_variant_gets_a_folder_and_notebooks_parameters_of_its_own(snakemake, place):
    command.main(["demo", "--set", "precision=bf16", *place.words])
    found = configuration(place, "demo+precision=bf16")
    assert found["study"] == "demo+precision=bf16"
    assert found["common"]["study"] == "demo"
    assert found["common"]["overrides"] == '{"precision": "bf16"}'


def test_paths_reach_the_graph_whole(snakemake, place, tmp_path):
    words = ["--data", str(tmp_path / "my data"), "--outputs", str(tmp_path / "my out")]
    command.main(["demo", *words])
    found = runs.read_json(tmp_path / "my out/demo/.graph.json")
    assert found["common"]["data"] == str(tmp_path / "my data")
    assert found["outputs"] == found["common"]["outputs"] == str(tmp_path / "my out")


def test_snakemake_works_in_the_outputs_folder(snakemake, place):
    command.main(["demo", *place.words])
    assert snakemake[snakemake.index("--directory") + 1] == str(place.outputs)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ["--forcerun", "data"]),
        (["-p"], ["-p", "--forcerun", "data"]),
        (["--forcerun", "report", "-p"], ["--forcerun", "data", "report", "-p"]),
    ],
)
def test_changed_data_are_read_again_beside_what_the_user_forces(
    snakemake, place, monkeypatch, given, expected
):
    monkeypatch.setattr("irlib.graph.data_changed", lambda *places: True)
    command.main(["demo", *place.words, *(["--", *given] if given else [])])
    assert snakemake[-len(expected) :] == expected


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["--dry-run"], ["--dry-run"]),
        (["-n"], ["--dry-run"]),
        (["--cores", "3"], ["--cores", "3"]),
        (["--force"], ["--forceall"]),
        (["--profile", "slurm"], ["--profile", "slurm"]),
        (["--", "--quiet", "-p"], ["--quiet", "-p"]),
    ],
)
def test_options_pass_through_to_snakemake(snakemake, place, words, given):
    command.main(["demo", *place.words, *words])
    assert snakemake[-len(given) :] == given


def test_words_after_two_dashes_do_not_name_the_study(snakemake, place):
    assert command.main([*place.words, "--", "--quiet"]) == 0
    assert snakemake[-1] == "--quiet"


def test_snakemakes_exit_status_is_passed_on(place, monkeypatch):
    monkeypatch.setattr(command, "run_snakemake", lambda words: 3)
    assert command.main(["demo", *place.words]) == 3


def test_the_report_is_named_at_the_end(snakemake, place, capsys):
    (place.outputs / "demo").mkdir(parents=True)
    (place.outputs / "demo/report.html").touch()
    command.main(["demo", *place.words])
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"report: {place.outputs / 'demo/report.html'}"


def test_no_old_report_is_named_after_a_failure(place, capsys, monkeypatch):
    monkeypatch.setattr(command, "run_snakemake", lambda words: 1)
    (place.outputs / "demo").mkdir(parents=True)
    (place.outputs / "demo/report.html").touch()
    command.main(["demo", *place.words])
    assert "report:" not in capsys.readouterr().out


def test_what_to_expect_is_told_at_the_start(snakemake, place, capsys):
    command.main(["demo", *place.words])
    assert studies.find("demo").expected in capsys.readouterr().out


def checkpoint(place, run):
    path = place.outputs / "demo" / run / "last.pt"
    path.parent.mkdir(parents=True)
    path.write_text("weights")
    return path


def test_force_sets_the_chosen_runs_checkpoints_aside_and_loses_none(snakemake, place):
    chosen = checkpoint(place, "train-arcface-s1")
    spared = checkpoint(place, "train-arcface-s2")
    command.main(["demo", "--force", "--methods", "arcface", "--seeds", "1", *place.words])
    assert not chosen.exists()
    assert chosen.with_name("last.previous.pt").read_text() == "weights"
    assert spared.exists()


def test_a_dry_run_forces_nothing(snakemake, place):
    kept = checkpoint(place, "train-arcface-s4885")
    command.main(["demo", "--force", "--dry-run", *place.words])
    assert kept.exists()


def test_a_dry_run_says_what_would_run_and_why_and_makes_nothing(place):
    # Snakemake itself, in a process of its own: it logs to standard error and handles signals
    words = [sys.executable, "-m", "irlib", "smoke", "--dry-run", *place.words]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    # one of data and report; two methods, one seed
    for rule, jobs in [
        ("data", 1),
        ("train", 2),
        ("evaluate", 2),
        ("prototypes", 2),
        ("report", 1),
    ]:
        assert re.search(rf"^{rule} +{jobs}$", told, re.MULTILINE), rule
    assert "Missing output files: smoke/data/metrics.json" in told
    assert [path.name for path in place.root.rglob("*")] == ["data"]
