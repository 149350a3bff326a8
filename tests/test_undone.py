"""What is told of a study whose runs did not all succeed."""

import os
import shutil

import pytest

from irlib import runs, undone

CONFIG = {
    "methods": ["arcface", "tuned"],
    "trained": {"cosface": [1], "tuned": [1], "arcface": [1]},
    "synthesis": {},
    "starts": {"tuned": "cosface"},
    "seeds": [1],
    "models": {"mine": {}},
}
RUNS = [
    "data", "train-cosface-s1", "train-tuned-s1", "train-arcface-s1", "evaluate-arcface-s1",
    "prototypes-arcface-s1", "evaluate-tuned-s1", "prototypes-tuned-s1", "evaluate-mine",
]  # fmt: skip


@pytest.fixture
def home(tmp_path):
    """A study whose runs are all complete."""
    for name in RUNS:
        runs.start(tmp_path / name, notebook="toy", parameters={}).finish({"name": name})
    return tmp_path


def fail(home, name, error="ValueError: too small"):
    (home / name / "metrics.json").unlink()
    record = runs.read_json(home / name / "run.json")
    runs.write_json(home / name / "run.json", {**record, "status": "failed", "error": error})


def test_a_run_comes_after_those_that_it_rests_on():
    found = undone.rests_on(CONFIG)
    assert list(found) == RUNS
    assert found["train-tuned-s1"] == ["data", "train-cosface-s1"]
    assert found["evaluate-tuned-s1"] == ["data", "train-tuned-s1"]
    assert found["prototypes-arcface-s1"] == ["data", "train-arcface-s1"]


def test_a_synthesis_rests_on_its_judges_evaluation_too():
    told = {"judge": "cosface", "seed": 1, "rests_on": ["data", "evaluate-cosface-s1"]}
    found = undone.rests_on({**CONFIG, "synthesis": {"synthesis-mtlface-s1": told}})
    assert list(found) == [*RUNS[:-1], "evaluate-cosface-s1", RUNS[-1], "synthesis-mtlface-s1"]
    assert found["evaluate-cosface-s1"] == ["data", "train-cosface-s1"]
    assert found["synthesis-mtlface-s1"] == told["rests_on"]


def test_a_whole_study_lacks_nothing(home):
    assert undone.absent(home, CONFIG) == {}


def test_a_failed_run_is_absent_with_its_reason_and_with_all_that_rests_on_it(home):
    fail(home, "train-cosface-s1")
    ground = "rests on train-cosface-s1: ValueError: too small"
    assert undone.absent(home, CONFIG) == {
        "train-cosface-s1": "ValueError: too small",
        "train-tuned-s1": "rests on train-cosface-s1: ValueError: too small",
        "evaluate-tuned-s1": f"rests on train-tuned-s1: {ground}",
        "prototypes-tuned-s1": f"rests on train-tuned-s1: {ground}",
    }


def test_a_run_that_never_began_is_told_as_such(home):
    for file in (home / "evaluate-arcface-s1").iterdir():
        file.unlink()
    assert undone.absent(home, CONFIG) == {"evaluate-arcface-s1": "not run"}


def test_a_run_that_a_distant_machine_stopped_is_told_with_the_machine(home):
    fail(home, "evaluate-arcface-s1")
    record = runs.read_json(home / "evaluate-arcface-s1/run.json")
    del record["error"]
    record |= {"status": "running", "host": "node7"}
    runs.write_json(home / "evaluate-arcface-s1/run.json", record)
    told = undone.absent(home, CONFIG)["evaluate-arcface-s1"]
    assert told == "ended without a word on node7: out of memory, or of time?"
    undone.settle(home, CONFIG)
    closed = runs.read_record(home / "evaluate-arcface-s1")
    assert (closed["status"], closed["error"]) == ("killed", told)


def test_a_damaged_record_is_the_reason(home):
    fail(home, "evaluate-arcface-s1")
    (home / "evaluate-arcface-s1/run.json").write_text("{")
    assert "not valid JSON" in undone.settle(home, CONFIG)["evaluate-arcface-s1"]
    assert (home / "evaluate-arcface-s1/run.json").read_text() == "{"


def test_only_runs_that_were_tried_and_are_not_made_count_as_failures(home):
    fail(home, "evaluate-arcface-s1", "of an earlier call")
    before = undone.records(home, CONFIG)
    fail(home, "train-cosface-s1")
    os.utime(home / "train-arcface-s1/run.json")  # tried, and made
    assert undone.failures(home, CONFIG, before) == {"train-cosface-s1": "ValueError: too small"}


def test_a_failed_report_counts_too(home):
    before = undone.records(home, CONFIG)
    runs.start(home / "report", notebook="toy", parameters={})
    assert list(undone.failures(home, CONFIG, before)) == ["report"]


def test_a_result_whose_ground_is_gone_is_withdrawn(home):
    fail(home, "train-arcface-s1")
    undone.settle(home, CONFIG)
    assert not (home / "evaluate-arcface-s1/metrics.json").exists()
    record = runs.read_record(home / "evaluate-arcface-s1")
    assert record["status"] == "missing"
    assert record["error"] == "rests on train-arcface-s1: ValueError: too small"


def test_a_run_that_could_not_begin_is_on_record_with_what_it_waits_for(home):
    shutil.rmtree(home / "evaluate-tuned-s1")
    fail(home, "train-tuned-s1")
    undone.settle(home, CONFIG)
    assert runs.read_record(home / "evaluate-tuned-s1") == {
        "status": "missing",
        "error": "rests on train-tuned-s1: ValueError: too small",
    }


def test_only_the_first_line_of_a_reason_is_passed_on(home):
    fail(home, "train-arcface-s1", "ValueError: too small\nPlease see our manual")
    missing = undone.absent(home, CONFIG)
    assert missing["evaluate-arcface-s1"] == "rests on train-arcface-s1: ValueError: too small"


def test_what_stands_is_left_alone(home):
    fail(home, "train-cosface-s1")
    before = (home / "evaluate-arcface-s1/run.json").read_bytes()
    undone.settle(home, CONFIG)
    assert (home / "evaluate-arcface-s1/run.json").read_bytes() == before
    assert runs.read_record(home / "train-cosface-s1")["error"] == "ValueError: too small"
