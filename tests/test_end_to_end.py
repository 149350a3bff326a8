"""The smoke study through run_all's own command, Snakemake and papermill, start to end."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from embedding_models import saved

from irlib import studies
from irlib.checkpoints import load_backbone
from irlib.checkpoints.exporting import export_onnx
from irlib.data import synthetic
from irlib.data.embeddings import EmbeddingTable, write_table
from irlib.data.sets.crossage import FOLDERS, read_faces
from irlib.runs import ROOT

CLOCK = {"images_per_second", "time", "peak_memory_mib", "seconds"}  # differ from run to run
SMOKE = studies.find("smoke")
METHODS = SMOKE.methods
RUNS = [
    "data", "report", "evaluate-network", "evaluate-table",
    *(f"{stage}-{m}-s1" for stage in ("train", "evaluate", "prototypes") for m in METHODS),
]  # fmt: skip


def command(home: Path, outputs: str, *more: str) -> list[str]:
    folders = ["--data", str(home / "data"), "--outputs", str(home / outputs)]
    return [sys.executable, "-m", "irlib", "smoke", "--models", models(home), *folders, *more]


def models(home: Path) -> str:
    """The models made elsewhere that every run evaluates too; see the fixture `home`."""
    return f"network={home / 'network.onnx'},table={home / 'table.npz'}"


def put_models(home: Path):
    """An untrained network as ONNX, and a table of embeddings that know each person."""
    export_onnx(load_backbone(saved(home / "last.pt")), home / "network.onnx")
    synthetic.write(SMOKE.synthetic, home / "data/smoke", workers=2)
    faces = [read_faces(home / "data/smoke/test", layout) for layout in FOLDERS]
    _, person = np.unique(np.concatenate([each.identity for each in faces]), return_inverse=True)
    noise = np.random.default_rng(0).normal(0, 0.02, (len(person), person.max() + 1))
    names = np.concatenate([each.names for each in faces])
    write_table(home / "table.npz", EmbeddingTable(names, np.eye(noise.shape[1])[person] + noise))


def run(home: Path, outputs: str, *more: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(home, outputs, *more), cwd=home, capture_output=True, text=True, timeout=900
    )


def without_clock(value):
    if isinstance(value, dict):
        return {k: without_clock(v) for k, v in value.items() if k not in CLOCK}
    return value


def metrics(folder: Path) -> dict:
    return {
        name: without_clock(json.loads((folder / "smoke" / name / "metrics.json").read_text()))
        for name in RUNS
    }


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A folder with data/ and undisturbed/, the outputs of one whole run."""
    home = tmp_path_factory.mktemp("a folder with spaces")
    put_models(home)
    done = run(home, "undisturbed")
    assert done.returncode == 0, done.stdout + done.stderr
    return home


def test_every_run_is_complete_on_record(home):
    records = {
        name: json.loads((home / "undisturbed/smoke" / name / "run.json").read_text())
        for name in RUNS
    }
    assert {name: record["status"] for name, record in records.items()} == dict.fromkeys(
        RUNS, "complete"
    )


def test_a_run_folder_holds_what_the_readme_says(home):
    folder = home / "undisturbed/smoke/train-arcface-s1"
    for name in ("run.json", "metrics.json", "02_train.ipynb", "history.jsonl", "last.pt"):
        assert (folder / name).stat().st_size > 0
    for ending in ("png", "pdf", "csv"):
        assert (folder / f"figures/training.{ending}").stat().st_size > 0


def test_the_record_tells_seed_data_versions_and_memory(home):
    record = json.loads((home / "undisturbed/smoke/train-arcface-s1/run.json").read_text())
    data = json.loads((home / "undisturbed/smoke/data/metrics.json").read_text())
    assert record["seed"] == 1
    assert record["parameters"]["method"] == "arcface"
    assert record["data"] == data["fingerprint"]
    assert record["versions"]["torch"]
    assert record["hardware"]["cores"] >= 1
    assert 50 < record["peak_memory_mib"] < 6 * 1024


def test_the_report_is_one_page_without_outside_addresses(home):
    page = (home / "undisturbed/smoke/report.html").read_text()
    assert "ArcFace + Inter-Prototype" in page
    assert "ynthetic" in page
    assert 'src="http' not in page
    assert 'href="http' not in page


def test_similarities_are_saved_for_paired_comparisons(home):
    with np.load(home / "undisturbed/smoke/evaluate-arcface-s1/similarities.npz") as arrays:
        assert len(arrays["lag/similarity"]) == len(arrays["lag/is_same"]) > 0


# Models made elsewhere


def told(home, name):
    return json.loads((home / "undisturbed/smoke" / name / "metrics.json").read_text())


def test_a_table_that_knows_each_person_is_right_on_every_pair(home):
    found = told(home, "evaluate-table")
    assert {key: each["oracle_accuracy"] for key, each in found["sets"].items()} == dict.fromkeys(
        told(home, "evaluate-network")["sets"], 1.0
    )
    assert found["further"]["fgnet"]["all"]["rank_1"] == 1.0


def test_a_set_that_the_table_does_not_have_is_left_out_by_name(home):
    assert told(home, "evaluate-table")["analyses"]["a8"] == {}
    assert set(told(home, "evaluate-network")["analyses"]["a8"]) == {"adults"}
    notebook = (home / "undisturbed/smoke/evaluate-table/03_evaluate.ipynb").read_text()
    assert "left out: Adults: " in notebook
    assert "adults.bin/00000: not in the table of embeddings" in notebook


def test_what_a_model_is_stands_with_its_numbers(home):
    network, table = (told(home, f"evaluate-{name}")["model"] for name in ("network", "table"))
    assert (network["file"], network["embedding_size"]) == ("network.onnx", 8)
    assert (table["file"], table["color_order"]) == ("table.npz", "")


def test_the_report_has_a_row_of_each_model_beside_the_methods(home):
    lines = (home / "undisturbed/smoke/report/tables/models.csv").read_text().splitlines()
    files = {row["model"]: row["file"] for row in csv.DictReader(lines)}
    assert files == {
        "ArcFace": "last.pt", "ArcFace + Inter-Prototype": "last.pt", "network": "network.onnx",
        "table": "table.npz",
    }  # fmt: skip


@pytest.fixture(scope="session")
def benchmarked(home):
    """The study of test sets alone, on LAG and the adults of the smoke study, with one model."""
    test, data = home / "data/smoke/test", home / "own sets"
    shutil.copytree(test / "LAG-aligned", data / "test/LAG-aligned")
    (data / "test/bin").mkdir()
    shutil.copy(test / "bin/adults.bin", data / "test/bin/lfw.bin")
    words = ["benchmark", "--models", f"network={home / 'network.onnx'}", "--data", str(data)]
    done = subprocess.run(
        [sys.executable, "-m", "irlib", *words, "--outputs", str(home / "benchmarked")],
        cwd=home, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return home / "benchmarked/benchmark"


def test_a_test_set_and_a_model_alone_make_a_report(benchmarked):
    names = {path.parent.name for path in benchmarked.glob("*/metrics.json")}
    assert names == {"data", "report", "evaluate-network"}
    page = (benchmarked / "report.html").read_text()
    assert "network.onnx" in page
    assert "The test sets alone, for models made elsewhere" in page


def test_a_model_has_one_accuracy_in_whatever_study_it_is_evaluated(home, benchmarked):
    found = json.loads((benchmarked / "evaluate-network/metrics.json").read_text())
    expected = told(home, "evaluate-network")
    lag, adults = expected["sets"]["lag"], expected["analyses"]["a8"]["adults"]
    assert list(found["sets"]) == ["lag"]
    assert found["sets"]["lag"]["auc"] == lag["auc"]
    assert found["analyses"]["a8"]["lfw"]["accuracy"] == adults["accuracy"]


# Again


def test_a_second_call_runs_nothing(home):
    before = metrics(home / "undisturbed")
    done = run(home, "undisturbed")
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout + done.stderr
    assert metrics(home / "undisturbed") == before


def test_a_dry_run_names_what_one_more_seed_needs(home):
    done = run(home, "undisturbed", "--seeds", "1,2", "--dry-run")
    told = done.stdout + done.stderr
    assert done.returncode == 0
    assert "smoke/train-arcface-s2/metrics.json" in told
    assert "reason: Missing output files" in told
    assert not (home / "undisturbed/smoke/train-arcface-s2").exists()


def test_an_unknown_method_is_refused_by_name(home):
    done = run(home, "undisturbed", "--methods", "arcfase")
    assert done.returncode == 1
    assert "unknown method 'arcfase': did you mean 'arcface'?" in done.stderr


@pytest.fixture(scope="session")
def broken(home):
    """The whole run's outputs again, then one method more, whose checkpoint is damaged."""
    shutil.copytree(home / "undisturbed", home / "broken")
    damaged = home / "broken/smoke/train-cosface-s1/last.pt"
    damaged.parent.mkdir()
    damaged.write_text("no weights")
    done = run(home, "broken", "--methods", "arcface,cosface")
    return SimpleNamespace(damaged=damaged, folder=damaged.parents[1], done=done)


def test_a_failed_run_is_told_at_the_end_with_its_reason(broken):
    assert broken.done.returncode == 1
    told = [line for line in broken.done.stderr.splitlines() if line.startswith("failed: ")]
    assert len(told) == 1
    assert told[0].startswith("failed: train-cosface-s1: cell [")
    assert f"{broken.damaged}: not a readable checkpoint" in told[0]


def test_the_report_is_made_without_the_failed_run_and_says_why(broken):
    assert f"report: {broken.folder / 'report.html'}" in broken.done.stdout
    page = (broken.folder / "report.html").read_text()
    assert f"{broken.damaged}: not a readable checkpoint" in page
    statuses = json.loads((broken.folder / "report/metrics.json").read_text())["runs"]
    assert statuses["train-cosface-s1"] == "failed"
    assert statuses["evaluate-cosface-s1"] == "missing"
    assert statuses["evaluate-arcface-s1"] == "complete"


@pytest.mark.slow
def test_a_failed_run_is_tried_again_and_completes_once_it_can(home, broken):
    page = broken.folder / "report.html"
    before = page.stat().st_mtime_ns
    again = run(home, "broken", "--methods", "arcface,cosface")
    assert again.returncode == 1
    assert "failed: train-cosface-s1: " in again.stderr
    assert page.stat().st_mtime_ns == before  # nothing new to tell
    broken.damaged.unlink()
    repaired = run(home, "broken", "--methods", "arcface,cosface")
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    statuses = json.loads((broken.folder / "report/metrics.json").read_text())["runs"]
    assert set(statuses.values()) == {"complete"}
    assert "Nothing to be done" in run(home, "broken", "--methods", "arcface,cosface").stderr


# Face age synthesis


@pytest.fixture(scope="session")
def aged(home):
    """The whole run's outputs again, and face age synthesis."""
    shutil.copytree(home / "undisturbed", home / "aged")
    done = run(home, "aged", "--synthesis")
    assert done.returncode == 0, done.stdout + done.stderr
    return home / "aged/smoke"


@pytest.mark.slow
def test_synthesis_is_made_with_what_it_rests_on_and_nothing_is_made_anew(home, aged):
    made = {path.parent.name for path in aged.glob("*/metrics.json")}
    assert made - set(RUNS) == {
        "train-mtlface-s1", "train-age_estimator-s2", "synthesis-mtlface-s1"
    }  # fmt: skip
    written = [
        [(folder / name / "metrics.json").read_bytes() for name in RUNS if name != "report"]
        for folder in (aged, home / "undisturbed/smoke")
    ]
    assert written[0] == written[1]


@pytest.mark.slow
def test_the_report_tells_of_synthesis_only_where_it_was_asked_for(home, aged):
    pages = [(folder / "report.html").read_text() for folder in (aged, home / "undisturbed/smoke")]
    assert ["Face age synthesis" in page for page in pages] == [True, False]


@pytest.mark.slow
def test_a_second_call_synthesizes_nothing(home, aged):
    done = run(home, "aged", "--synthesis")
    assert "Nothing to be done" in done.stdout + done.stderr


@pytest.mark.slow
def test_a_failed_synthesis_stops_no_report(home, aged):
    shutil.copytree(home / "aged", home / "not aged")
    folder = home / "not aged/smoke"
    damaged = folder / "synthesis-mtlface-s1/last.pt"
    damaged.write_text("no weights")
    for name in ("synthesis-mtlface-s1", "report"):
        (folder / name / "metrics.json").unlink()
    done = run(home, "not aged", "--synthesis")
    assert done.returncode == 1
    assert f"{damaged}: not a readable checkpoint" in done.stderr
    assert f"report: {folder / 'report.html'}" in done.stdout
    statuses = json.loads((folder / "report/metrics.json").read_text())["runs"]
    assert statuses["synthesis-mtlface-s1"] == "failed"


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["kernel", "snakemake", "shell"])
def test_a_killed_study_ends_with_the_numbers_of_an_undisturbed_one(home, victim):
    """Killed without a word at a random moment, then started again."""
    outputs = f"killed {victim}"
    words = ["bash", "-c", '"$@"; exit $?', "-", str(ROOT / "run_all.sh")]
    words += command(home, outputs)[3:]
    environment = {**os.environ, "VIRTUAL_ENV": sys.prefix}
    log = (home / f"{victim}.log").open("w")
    shell = subprocess.Popen(words, cwd=home, env=environment, stdout=log, stderr=log)
    moment = 15 + 45 * np.random.default_rng().random()
    time.sleep(moment)
    pid = shell.pid
    if victim == "snakemake":
        pid = newest("-f", f"irlib smoke.*{outputs}")
    if victim == "kernel":
        pid = kernel_at_work(home / outputs)
    os.kill(pid, signal.SIGKILL)
    assert shell.wait(timeout=600) != 0, f"killed after {moment:.1f} s"
    again = run(home, outputs)
    assert again.returncode == 0, again.stdout + again.stderr
    assert metrics(home / outputs) == metrics(home / "undisturbed"), f"after {moment:.1f} s"


def kernel_at_work(outputs) -> int:
    """Process id of a kernel in the middle of a notebook; one that shuts down harms nobody."""
    for _ in range(1000):
        for path in outputs.glob("smoke/*/run.json"):
            record = json.loads(path.read_text())
            if record["status"] == "running":
                return record["pid"]
        time.sleep(0.02)
    raise AssertionError(f"{outputs}: no notebook is running")


def newest(*words: str) -> int:
    """Process id of the last started one that pgrep finds; there may be none between two runs."""
    for _ in range(100):
        found = subprocess.run(["pgrep", "-n", *words], capture_output=True, text=True)
        if found.stdout.strip():
            return int(found.stdout)
        time.sleep(0.1)
    raise AssertionError(f"pgrep {words} finds nothing")
