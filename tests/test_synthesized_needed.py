"""Facts about what has to be there before a synthesis is trained."""

import pytest

from irlib import runs
from irlib.evaluation.synthesized.needed import runs_behind, thresholds

TRAIN = ["train-mtlface-s4", "train-arcface-s4", "train-age_estimator-s5"]
NAMES = dict(
    zip(("network", "judge", "estimator", "evaluation"), [*TRAIN, "evaluate-arcface-s4"],
        strict=True)
)  # fmt: skip


@pytest.fixture
def home(tmp_path):
    for name in TRAIN:
        runs.write_json(tmp_path / name / "run.json", {"first_weights": {"digest": ""}})
        (tmp_path / name / "last.pt").touch()
    sets = {"agedb20_child": {"oracle_threshold": 0.3}, "agedb30_child": {"oracle_threshold": 0.4}}
    runs.write_json(tmp_path / NAMES["evaluation"] / "metrics.json", {"sets": sets})
    return tmp_path


def behind(home, **changed):
    given = {"method": "mtlface", "seed": 4, "judge": "arcface", "estimator": "age_estimator"}
    return runs_behind(home, **(given | {"estimator_seed": 5, "joint": False} | changed))


def test_all_runs_are_named_by_what_they_are(home):
    assert behind(home) == NAMES


def test_joint_training_needs_no_network(home):
    (home / NAMES["network"] / "last.pt").unlink()
    assert behind(home, joint=True) == {k: v for k, v in NAMES.items() if k != "network"}


def test_every_missing_run_is_told_with_notebook_method_and_seed(home):
    for part, file in (("network", "last.pt"), ("estimator", "last.pt")):
        (home / NAMES[part] / file).unlink()
    (home / NAMES["evaluation"] / "metrics.json").unlink()
    told = (
        r"first run notebooks/02_train\.ipynb with method=mtlface and seed=4; "
        r"notebooks/02_train\.ipynb with method=age_estimator and seed=5; "
        r"notebooks/03_evaluate\.ipynb with method=arcface and seed=4$"
    )
    with pytest.raises(FileNotFoundError, match=told):
        behind(home)


def test_a_judge_that_the_synthesis_learned_from_is_refused(home):
    with pytest.raises(ValueError, match="judge 'mtlface': the synthesis learned from it; name"):
        behind(home, judge="mtlface")


def begin(home, part, digest):
    runs.write_json(home / NAMES[part] / "run.json", {"first_weights": {"digest": digest}})


def test_a_judge_that_began_with_the_same_weights_is_refused(home):
    begin(home, "network", "ab")
    begin(home, "judge", "ab")
    with pytest.raises(ValueError, match="judge train-arcface-s4: began with the same weights"):
        behind(home)


def test_a_judge_that_began_with_other_weights_is_taken(home):
    begin(home, "network", "ab")
    begin(home, "judge", "cd")
    assert behind(home) == NAMES


def test_the_threshold_of_a_test_set_is_that_of_its_first_list(home):
    folder = home / NAMES["evaluation"]
    assert thresholds(folder, ["agedb20_child", "agedb30_child"]) == {"agedb": 0.3}
    assert thresholds(folder, ["agedb30_child", "agedb20_child"]) == {"agedb": 0.4}


def test_a_set_that_the_judge_was_not_evaluated_on_is_named(home):
    told = "evaluate-arcface-s4: has no threshold of FG-NET-C20; run notebook 03 again"
    with pytest.raises(ValueError, match=told):
        thresholds(home / NAMES["evaluation"], ["agedb20_child", "fgnet20_child"])
