import numpy as np
import pandas as pd
import pytest
from made_runs import add_evaluation, add_run, fail, pair_arrays, similarity

from irlib import methods, report, runs
from irlib.evaluation.bootstrap import VertexDraws, identity_counts, weighted_statistics
from irlib.evaluation.student import student_interval
from irlib.evaluation.verification import grouped_folds
from irlib.report.resampling import accuracies

CHOSEN = [methods.find("arcface"), methods.find("inter_prototype")]
PLAIN, ADDED = (method.title for method in CHOSEN)


@pytest.fixture
def study(tmp_path):
    add_evaluation(tmp_path, "arcface", 1, wrong=6)
    add_evaluation(tmp_path, "inter_prototype", 1, wrong=3)
    return tmp_path


def replicates(folder, seeds=(1,)):
    found = report.collect(folder, CHOSEN, seeds)
    return report.replicates(found, repeats=50, seed=0)


def answered(draws):
    controls = draws.gains(report.control_pairs(draws.found))
    return report.answer(draws.found, draws.accuracies(), draws.gains(), controls, synthetic=True)


def gain(**changed):
    values = {
        "gain": 0.01, "low": 0.002, "high": 0.02, "least": 0.004, "most": 0.016,
        "train_low": 0.001, "train_high": 0.019, "seeds": 3,
    }  # fmt: skip
    return {**values, **changed}


def test_collect_of_an_empty_folder_names_every_run_as_missing(tmp_path):
    found = report.collect(tmp_path / "nothing", CHOSEN, [1, 2])
    # data, and three stages of two methods and two seeds
    assert len(found.runs) == len(found.absent) == 1 + 3 * 2 * 2
    assert {run.status for run in found.absent} == {"missing"}


def test_collect_gives_the_reason_of_a_failed_run(study):
    fail(add_run(study, "train", "arcface", 1, {}), "step 8: nan")
    told = {
        run.folder.name: (run.status, run.reason)
        for run in report.collect(study, CHOSEN, [1]).absent
    }
    assert told["train-arcface-s1"] == ("failed", "step 8: nan")


def test_a_complete_record_without_metrics_counts_as_missing(study):
    (study / "evaluate-arcface-s1" / "metrics.json").unlink()
    found = report.collect(study, CHOSEN, [1])
    assert [run.method for run in found.complete("evaluate")] == [ADDED]


def test_a_broken_file_does_not_stop_the_report(study):
    (study / "evaluate-arcface-s1" / "metrics.json").write_text("{")
    found = report.collect(study, CHOSEN, [1])
    broken = next(run for run in found.absent if run.stage == "evaluate")
    assert broken.status == "unreadable"
    assert "not valid JSON" in broken.reason


def test_a_method_is_compared_with_its_own_head():
    chosen = [methods.find(name) for name in ("arcface", "ip_cosface", "inter_prototype")]
    assert report.collect(runs.ROOT / "nowhere", chosen, [1]).baselines == {ADDED: PLAIN}


def test_scores_have_a_row_a_run_and_set(study):
    scores = report.collect(study, CHOSEN, [1]).scores
    assert scores[["method", "seed", "set", "oracle_accuracy", "tar_0.1"]].values.tolist() == [
        [PLAIN, 1, "LAG", 1 - 6 / 48, 0.5],
        [ADDED, 1, "LAG", 1 - 3 / 48, 0.5],
    ]


def test_scores_of_nothing_have_their_columns(tmp_path):
    scores = report.collect(tmp_path, CHOSEN, [1]).scores
    assert scores.empty
    assert {"method", "seed", "set", "fold_accuracy", "best_fold_accuracy"} <= set(scores)


def test_roc_is_averaged_over_seeds_at_equal_rates(tmp_path):
    for seed, tar in ((1, 0.2), (2, 0.6)):
        place = add_run(tmp_path, "evaluate", "arcface", seed, {"sets": {}})
        curve = pd.DataFrame({"set": "LAG", "far": [0.0, 0.01, 1.0], "tar": [0.0, tar, 1.0]})
        (place / "figures").mkdir()
        curve.to_csv(place / "figures" / "roc.csv", index=False)
    roc = report.collect(tmp_path, CHOSEN[:1], [1, 2]).roc
    assert roc["far"].iloc[0] == pytest.approx(0.01)
    # both curves are flat from 1 % to just below 100 %: (0.2 + 0.6) / 2
    np.testing.assert_allclose(roc["tar"].iloc[:-1], 0.4)
    assert roc["tar"].iloc[-1] == 1.0


def test_accuracies_without_resampling_are_those_of_the_pairs(study):
    table = replicates(study).accuracies()
    oracle = table[(table["rule"] == report.ORACLE) & (table["set"] == "LAG")]
    assert oracle["value"].tolist() == pytest.approx([1 - 6 / 48, 1 - 3 / 48])


def test_the_gain_is_the_difference_of_the_accuracies(study):
    table = replicates(study).gains()
    oracle = table[(table["rule"] == report.ORACLE) & (table["set"] == "LAG")].iloc[0]
    assert oracle["gain"] == pytest.approx(3 / 48)
    assert oracle["low"] <= oracle["gain"] <= oracle["high"]


def test_equal_methods_gain_nothing_in_every_replicate(tmp_path):
    for method in ("arcface", "inter_prototype"):
        add_evaluation(tmp_path, method, 1, wrong=5)
    table = replicates(tmp_path).gains()
    assert table[["gain", "low", "high"]].abs().max().max() == 0.0


def test_a_gain_rests_on_the_seeds_of_both_methods(study):
    add_evaluation(study, "arcface", 2, wrong=20)  # no partner: it must not move the gain
    table = replicates(study, seeds=(1, 2)).gains()
    assert set(table["seeds"]) == {1}
    assert table["gain"].iloc[0] == pytest.approx(3 / 48)


def test_before_and_after_rest_on_the_seeds_of_the_gain(study):
    add_evaluation(study, "arcface", 2, wrong=20)
    table = replicates(study, seeds=(1, 2)).gains()
    first = table[table["rule"] == report.ORACLE].iloc[0]
    assert [first["before"], first["after"]] == pytest.approx([1 - 6 / 48, 1 - 3 / 48])


def test_a_run_without_a_set_keeps_out_of_it(tmp_path):
    add_evaluation(tmp_path, "arcface", 1, 6, ("lag", "agedb20_child"))
    add_evaluation(tmp_path, "inter_prototype", 1, 3, ("lag",))
    table = replicates(tmp_path).gains()
    assert set(table["set"]) == {"LAG"}  # no mean either: it would be over different sets


def test_gains_without_a_mean_are_no_answer(tmp_path):
    add_evaluation(tmp_path, "arcface", 1, 6, ("lag", "agedb20_child"))
    add_evaluation(tmp_path, "inter_prototype", 1, 3, ("lag",))
    draws = replicates(tmp_path)
    (text,) = answered(draws)
    assert text.startswith("No comparison can be told yet: 2 of 2")
    assert report.details(draws.found, draws.gains()) == []
    assert report.tiles(draws.found, draws.gains()) == []


def test_sets_of_one_collection_share_their_draws(tmp_path):
    keys = ("agedb20_child", "agedb30_child")  # here with the same pairs
    for method, wrong in (("arcface", 6), ("inter_prototype", 3)):
        add_evaluation(tmp_path, method, 1, wrong, keys)
    table = replicates(tmp_path).gains().set_index(["rule", "set"])
    mean, single = (table.loc[(report.ORACLE, name)] for name in (report.MEAN, "AgeDB-C20"))
    # drawn apart, the mean of two sets would have a narrower interval than one set
    assert (mean["low"], mean["high"]) == (single["low"], single["high"])


def test_adult_controls_stay_out_of_the_mean(tmp_path):
    for method, child, adult in (("arcface", 6, 1), ("inter_prototype", 3, 9)):
        place = add_evaluation(tmp_path, method, 1, child, ("agedb20_child",))
        stored = dict(np.load(place / "similarities.npz"))
        arrays = {**pair_arrays(), "similarity": similarity(adult)}
        stored |= {f"agedb20_adult/{name}": values for name, values in arrays.items()}
        np.savez(place / "similarities.npz", **stored)
    table = replicates(tmp_path).gains().set_index(["rule", "set"])["gain"]
    assert table[report.ORACLE, report.MEAN] == pytest.approx(3 / 48)
    assert table[report.ORACLE, report.CONTROL] == pytest.approx(-8 / 48)


def change(place, **changed):
    stored = dict(np.load(place / "similarities.npz"))
    np.savez(place / "similarities.npz", **{**stored, **changed})


def test_a_run_on_other_pairs_than_most_is_left_out_with_its_reason(study):
    place = add_evaluation(study, "inter_prototype", 2, wrong=3)
    change(place, **{"lag/first_identity": np.roll(pair_arrays()["first_identity"], 1)})
    draws = replicates(study, seeds=(1, 2))
    assert set(draws.gains()["seeds"]) == {1}
    told = draws.found.incomplete.set_index("run").loc["evaluate-inter_prototype-s2"]
    assert told["status"] == "stale"
    assert told["reason"].startswith("its pairs of LAG are not those of most evaluations")
    assert set(draws.found.scores["seed"]) == {1}


def test_a_run_on_other_images_than_most_is_left_out(study):
    place = add_evaluation(study, "inter_prototype", 2, wrong=3)
    record = runs.read_record(place)
    runs.write_json(place / "run.json", {**record, "data": "cd" * 32})
    found = replicates(study, seeds=(1, 2)).found
    assert [run.seed for run in found.complete("evaluate")] == [1, 1]


def test_similarities_that_cannot_be_read_do_not_stop_the_report(study):
    (study / "evaluate-arcface-s1" / "similarities.npz").write_bytes(b"PK\x03\x04 cut short")
    change(study / "evaluate-inter_prototype-s1", **{"lag/similarity": np.full(48, np.nan)})
    draws = replicates(study)
    assert draws.values == {}
    told = draws.found.incomplete.set_index("run")["status"]
    assert told["evaluate-arcface-s1"] == told["evaluate-inter_prototype-s1"] == "unreadable"


def test_no_evaluation_gives_empty_tables(tmp_path):
    nothing = replicates(tmp_path)
    assert nothing.accuracies().empty
    assert nothing.gains().empty


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, "these data tell the change apart from zero"),
        ({"gain": -0.01, "low": -0.02, "high": -0.001, "least": -0.02, "most": -0.001,
          "train_low": -0.019, "train_high": -0.01}, "these data tell the change apart from zero"),
        ({"low": -0.001}, "includes zero"),
        ({"low": 0.0}, "includes zero"),
        ({"seeds": 1}, "from zero: one training a method"),
        ({"seeds": 2}, "two trainings a method are too few seeds"),
        ({"train_low": -0.0001}, "the interval over trainings includes zero"),
        ({"least": -0.001}, "disagree in sign"),
        ({"low": float("nan"), "high": float("nan")}, "includes zero"),
    ],
)  # fmt: skip
def test_the_verdict_is_no_stronger_than_the_numbers(changed, told):
    assert told in report.verdict(gain(**changed))


def test_the_answer_tells_gain_interval_and_number_of_sets(study):
    draws = replicates(study)
    (text,) = answered(draws)
    assert text.startswith(
        "On synthetic faces, adding the Inter-Prototype loss to ArcFace changed the "
        "child\u2013adult accuracy by +6.2 points ["
    )
    assert "on average over 1 set." in text


def test_the_answer_without_a_comparison_says_so(tmp_path):
    found = report.collect(tmp_path, CHOSEN, [1, 2])
    draws = report.replicates(found, repeats=5, seed=0)
    (text,) = answered(draws)
    assert text.startswith("No comparison can be told yet: 0 of 4 evaluations are complete")


@pytest.mark.parametrize(
    ("interval", "told"),
    [
        ([0.01, 0.03], "holds"),
        ([-0.01, 0.02], "is not told apart"),
        ([-0.02, -0.01], "does not hold"),
    ],
)
def test_the_premise_is_judged_by_its_interval(interval, told):
    accuracy = {
        "child_adult_accuracy": {"lag": 0.8},
        "adult_adult_accuracy": {"agedb20_adult": 0.9},
    }
    means = {"child_child": 0.03, "adult_adult": 0.01, "difference_interval": interval}
    text = report.premise({"premise": {**means, **accuracy}})
    assert told in text
    assert "80.0 % of child\u2013adult pairs rightly and 90.0 %" in text


def test_completeness_counts_and_names_what_is_absent(study):
    # data, two trainings, two prototype runs
    assert report.completeness(report.collect(study, CHOSEN, [1])).startswith(
        "5 of 7 runs are not complete and count nowhere: data (missing), train-arcface-s1 (missing)"
    )


@pytest.mark.parametrize("digits", [1, 9])
def test_both_accuracies_are_those_of_the_evaluation_library(digits):
    # with one digit most similarities are equal to others
    rng = np.random.default_rng(0)
    first = rng.integers(0, 30, 400)
    second = np.where(rng.random(400) < 0.5, first, (first + rng.integers(1, 30, 400)) % 30)
    same = first == second
    values = (0.3 * same + rng.normal(0, 0.2, 400)).round(digits)
    counts = identity_counts(30, repeats=20, seed=0)
    weights = VertexDraws(counts, first, second, same).weights(slice(None))
    split = grouped_folds(first, second)
    best, folds = accuracies(values, same, weights, split)
    told = weighted_statistics(values, same, weights, split=split, fars=())
    np.testing.assert_allclose(best, told["best_threshold_accuracy"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(folds, told["fold_accuracy"], rtol=0, atol=1e-12)


def test_the_interval_over_trainings_is_students():
    # 1, 2, 3: mean 2, deviation 1, error 1 / sqrt(3); t of 2 degrees of freedom is 4.30265
    low, high = student_interval([0.01, 0.02, 0.03])
    assert low == pytest.approx(0.02 - 0.0430265 / 3**0.5, abs=1e-6)
    assert high == pytest.approx(0.02 + 0.0430265 / 3**0.5, abs=1e-6)


def test_one_training_has_no_interval_student_interval():
    assert np.isnan(student_interval([0.01])).all()
