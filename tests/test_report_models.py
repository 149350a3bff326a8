"""Models made elsewhere in the report: side by side, compared, and alone on a page."""

import json

import numpy as np
import pandas as pd
import pytest
from made_runs import KEYS, PAIRS, add_details, add_evaluation, add_model, execute

from irlib import methods, report, tables
from irlib.evaluation.paired import paired_difference
from irlib.report import about_flattery, carried, cautions, failing, searched, side_by_side
from irlib.report.told_models import of_models, tell_comparisons

CHOSEN = [methods.find("arcface"), methods.find("inter_prototype")]
PLAIN, ADDED = (method.title for method in CHOSEN)


@pytest.fixture
def study(tmp_path):
    for seed in (1, 2):
        add_details(add_evaluation(tmp_path, "arcface", seed, wrong=6, keys=KEYS))
        add_evaluation(tmp_path, "inter_prototype", seed, wrong=3, keys=KEYS)
    add_model(tmp_path, "mine", wrong=1, keys=KEYS)
    add_model(tmp_path, "theirs", wrong=12, keys=KEYS, family="adaface")
    return tmp_path


def collected(folder, models=("mine", "theirs"), chosen=CHOSEN):
    return report.collect(folder, chosen, (1, 2) if chosen else (), models)


def drawn(folder, **options):
    return report.replicates(collected(folder, **options), repeats=30, seed=0)


def test_a_model_counts_as_a_file_and_not_as_a_seed(study):
    scores = collected(study).scores
    table = tables.by_method(scores, "fold_accuracy", sets=["LAG"], source="")
    assert table[["method", "seeds"]].values.tolist() == [
        [PLAIN, "2"], [ADDED, "2"], ["mine", "file"], ["theirs", "file"],
    ]  # fmt: skip


def test_a_model_that_was_not_evaluated_is_named_without_a_seed(study):
    told = collected(study, models=("mine", "absent")).incomplete.set_index("run")
    assert told.loc["evaluate-absent", ["method", "seed", "status"]].tolist() == [
        "absent", "", "missing",
    ]  # fmt: skip


def test_a_training_with_seed_zero_is_not_taken_for_a_model(tmp_path):
    add_evaluation(tmp_path, "arcface", 0, wrong=6)
    add_model(tmp_path, "mine", wrong=1)
    add_evaluation(tmp_path, "arcface", 0, wrong=6)
    found = report.collect(tmp_path, CHOSEN[:1], (0,), ("mine",))
    told = report.replicates(found, repeats=5, seed=0).accuracies()
    assert dict(zip(told["method"], told["seeds"], strict=True)) == {PLAIN: 1, "mine": 0}


def test_models_have_accuracies_with_intervals(study):
    told = drawn(study).accuracies().set_index(["rule", "set", "method"])
    row = told.loc[(report.ORACLE, "LAG", "mine")]
    assert row["value"] == pytest.approx(1 - 1 / PAIRS)
    assert row["low"] < row["value"] < row["high"]
    # 24 people, and one pair judged wrongly
    assert row[["people", "errors"]].tolist() == [24, 1]


def test_the_network_table_tells_what_a_file_holds(study):
    told = side_by_side.network_table(collected(study)).set_index("model")
    assert told.loc["theirs"].tolist() == ["file", "theirs.onnx", "adaface", "512", "BGR"]
    # the trainings were evaluated before this was kept
    assert told.loc[PLAIN].tolist() == ["2", *4 * [tables.NONE]]


def test_a_method_that_one_seed_tells_of_is_told(study):
    place = study / "evaluate-arcface-s2" / "metrics.json"
    metrics = json.loads(place.read_text())
    place.write_text(json.dumps(metrics | {"model": {"file": "last.pt", "family": "irlib"}}))
    told = side_by_side.network_table(collected(study)).set_index("model")
    assert told.loc[PLAIN, ["file", "family"]].tolist() == ["last.pt", "irlib"]


def test_every_two_are_compared_of_which_one_was_made_elsewhere(study):
    table = side_by_side.comparisons(drawn(study))
    pairs = table[["first", "second"]].drop_duplicates().values.tolist()
    assert pairs == [
        ["mine", "theirs"], ["mine", PLAIN], ["mine", ADDED], ["theirs", PLAIN], ["theirs", ADDED],
    ]  # fmt: skip
    assert len(table) == 5 * len(KEYS)


def test_a_comparison_is_the_paired_difference_and_corrected_for_all(study):
    draws = drawn(study)
    table = side_by_side.comparisons(draws)
    row = table[(table["set"] == "LAG") & (table["second"] == "theirs")].iloc[0]
    right = [draws.right[name, tables.NO_SEED, "lag"][1] for name in ("mine", "theirs")]
    pairs = [draws.pairs["lag"][name] for name in ("is_same", "first_identity", "second_identity")]
    told = paired_difference(*right, *pairs)
    # 1 of 48 and 12 of 48 pairs judged wrongly, the one among the twelve
    assert row["value"] == pytest.approx(11 / PAIRS)
    assert (row["p"], row["errors"]) == (told.p, 11)
    smallest = table.loc[table["p"].idxmin()]
    assert smallest["p_holm"] == pytest.approx(min(len(table) * smallest["p"], 1))


def test_of_many_methods_two_stand_for_all(study):
    names = ("arcface", "cosface", "adaface", "sphereface", "inter_prototype")
    found = collected(study, chosen=[methods.find(name) for name in names])
    assert side_by_side.compared(found) == ["mine", "theirs", PLAIN, ADDED]
    assert f"each of them with {PLAIN} and {ADDED}." in side_by_side.rule_of_comparison(found)


def test_who_is_better_is_told_only_where_the_adjusted_p_is_small():
    rows = [("LAG", "a", "b", 0.1, 0.01), ("CACD", "a", "b", -0.1, 0.04), ("X", "a", "b", 1, 0.05)]
    table = pd.DataFrame(rows, columns=["set", "first", "second", "value", "p_holm"])
    told = tell_comparisons(table)
    assert told.startswith("Family of 3 comparisons")
    assert told.endswith("a is better than b on LAG; b is better than a on CACD.")


def test_the_answer_of_models_alone_tells_the_best_first(study):
    draws = drawn(study, chosen=[])
    told = report.answer(draws.found, draws.accuracies(), draws.gains(), draws.gains([]),
                         synthetic=False)  # fmt: skip
    assert len(told) == 1
    assert told[0].startswith("On the test faces, of child\u2013adult pairs")
    assert "average over 5 sets" in told[0]
    assert told[0].index("mine 9") < told[0].index("theirs ")
    title = report.heading(draws.found, draws.gains())
    assert title == "How well do these models recognise children?"


def test_models_that_were_not_evaluated_give_no_answer(tmp_path):
    draws = drawn(tmp_path, chosen=[])
    told = of_models(draws.found, draws.accuracies(), synthetic=True)
    assert told.startswith("No model can be told of yet: 0 of 2 evaluations are complete")
    assert side_by_side.comparisons(draws).empty


def test_flattery_is_the_paired_difference_of_both_rules(study):
    draws = drawn(study)
    table = about_flattery.flattery(draws).set_index(["method", "set"])
    best, other = draws.right["mine", tables.NO_SEED, "lag"]
    assert table.loc[("mine", "LAG"), "value"] == pytest.approx(best.mean() - other.mean())
    child = [key for key in KEYS if not key.endswith("_adult")]
    values = [np.subtract(*draws.right["mine", tables.NO_SEED, key].mean(axis=1)) for key in child]
    assert table.loc[("mine", report.MEAN), "value"] == pytest.approx(np.mean(values))


def test_a_method_without_a_best_checkpoint_has_no_row(study):
    assert about_flattery.best_less_last(collected(study), ["LAG"]).empty


def test_the_best_checkpoint_less_the_last_is_in_points(study):
    place = study / "evaluate-arcface-s1" / "metrics.json"
    metrics = json.loads(place.read_text())
    best = {"lag": {"oracle_accuracy": 0.885, "fold_accuracy": 0.895}}
    place.write_text(json.dumps(metrics | {"best": best}))
    told = about_flattery.best_less_last(collected(study), ["LAG"])
    # the last judges 42 of 48 rightly: 87.5 %
    assert told["LAG"].tolist() == ["1.0", "2.0"]


def test_thresholds_of_adults_are_carried_to_children(study):
    table = carried.transfers(collected(study))
    told = carried.carried_table(table)
    assert told["method"].tolist() == [PLAIN, "mine", "theirs"]
    assert told["seeds"].tolist() == ["2", "file", "file"]
    assert told["LAG"].tolist() == 3 * ["75.0 (\u22125.0)"]
    assert "costs child\u2013adult pairs of other people 5.0 points" in carried.tell_carried(table)


def test_the_figure_of_thresholds_is_of_the_page_or_of_a_model(study):
    found = collected(study)
    assert carried.transfer_of(found, carried.transfers(found))[0] == PLAIN
    alone = collected(study, chosen=[])
    assert carried.transfer_of(alone, carried.transfers(alone))[0] == "mine"


def test_evaluations_of_before_are_named_once_and_left_out(study):
    told = cautions.lacking(collected(study), "transfer")
    assert told.startswith("Left out, as their evaluations were made before this was kept: ")
    assert f"{ADDED}, seed 1; {ADDED}, seed 2. Run" in told
    assert PLAIN + "," not in told


def test_bands_are_told_by_method_and_few_people_marked(study):
    bands = failing.breakdowns(collected(study))
    told = failing.band_table(bands)
    assert list(told) == ["set", "by", "band", PLAIN, "mine", "theirs"]
    # of 40 people nothing, of 20 a mark
    assert told["mine"].tolist() == ["70.0 [60.0, 90.0]", f"80.0 [60.0, 90.0]{tables.DOUBT}"]
    assert failing.drawn_sets(bands) == ["AgeDB-C20"]
    assert cautions.doubts(bands).startswith("Of 6 intervals 3 ")


def test_children_are_set_beside_adults_at_the_threshold_of_adults(study):
    told = failing.tell_strangers(failing.strangers(collected(study)))
    assert "mine on AgeDB: 20.0 % of two children, 10.0 % of two adults" in told


def test_searches_of_a_file_have_an_interval(study):
    table = searched.search_table(collected(study))
    rows = table[["search", "method", "seeds", "rank 1"]].values.tolist()
    assert rows == [
        ["FG-NET, all", "mine", "file", "25.0 [20.0, 30.0]"],
        ["FG-NET, all", "theirs", "file", "25.0 [20.0, 30.0]"],
    ]


def test_searches_of_several_seeds_have_a_deviation(tmp_path):
    for seed, value in ((1, 0.2), (2, 0.4)):
        place = add_evaluation(tmp_path, "arcface", seed, wrong=1) / "metrics.json"
        a6 = {"a6": {"lag": {"rank_1": value, "rank_1_interval": [0, 1]}}}
        place.write_text(json.dumps(json.loads(place.read_text()) | {"analyses": a6}))
    table = searched.search_table(collected(tmp_path, models=(), chosen=CHOSEN[:1]))
    # mean 30, deviation sqrt(10^2 + 10^2)
    assert table.values.tolist() == [["LAG, child among adults", PLAIN, "2", "30.0 ± 14.1"]]


def test_templates_are_told_at_the_rates_that_are_known(tmp_path):
    place = add_model(tmp_path, "mine", wrong=1) / "metrics.json"
    tar = {"0.0001": 0.9, "1e-06": None}
    further = {"ijbc": {"verification": {"tar": tar}, "identification": None}}
    place.write_text(json.dumps(json.loads(place.read_text()) | {"further": further}))
    table = searched.template_table(collected(tmp_path, models=("mine",), chosen=[]))
    assert table.values.tolist() == [["IJB-C", "mine", "file", "90.0"]]
    assert list(table)[-1] == "FAR 0.01 %"


def test_rates_that_rest_on_few_false_accepts_are_named():
    # 500 impostors: 50 false accepts at 10 %, 5 at 1 %, none at 0.1 %
    scores = pd.DataFrame({"set": ["LAG"], "pairs": [1000], "positives": [500]})
    told = cautions.few_impostors(scores)
    assert told.startswith("Fewer than 10 false accepts decide the rate at FAR 1 % on LAG:")
    assert cautions.few_impostors(scores.assign(pairs=20_500)) == ""


def test_scores_of_before_have_no_count_of_impostors(study):
    assert cautions.few_impostors(collected(study).scores) == ""


def test_the_analyses_are_about_the_methods_alone(study):
    own = collected(study).only("table", "control")
    assert own.methods == (PLAIN, ADDED)
    assert {run.method for run in own.runs} == {"", PLAIN, ADDED}


def test_the_notes_are_about_what_is_on_the_page(study):
    both, alone = (report.protocol(collected(study, chosen=c)) for c in (CHOSEN, []))
    assert any("A10 is corrected" in note for note in both)
    assert not any("trainings" in note and "A10" in note for note in alone)
    assert any("Models made elsewhere" in note for note in alone)


@pytest.fixture(scope="module")
def page_of_models(tmp_path_factory):
    outputs = tmp_path_factory.mktemp("outputs")
    add_model(outputs / "smoke", "mine", 1, KEYS)
    add_model(outputs / "smoke", "theirs", 12, KEYS)
    execute(outputs, methods="none", models="mine,theirs")
    return outputs / "smoke"


def test_a_page_of_models_asks_for_no_training(page_of_models):
    html = (page_of_models / "report.html").read_text()
    assert "<h1>How well do these models recognise children?</h1>" in html
    for absent in ("Training</h2>", "prototypes</h2>", "Analyses A1", "No comparison can be told"):
        assert absent not in html
    assert "all methods by one recipe" not in html


def test_a_page_of_models_has_its_tables(page_of_models):
    written = {path.stem for path in (page_of_models / "report" / "tables").glob("*.tex")}
    assert {
        "models", "models_accuracy", "models_rates", "models_compared", "flattery", "carried",
        "breakdown", "strangers", "searches", "accuracy_oracle", "accuracy_folds",
    } <= written  # fmt: skip
    assert not {"gains_mean", "checkpoints", "best_checkpoint", "prototype_cosines"} & written


def test_a_mixed_page_has_both(tmp_path):
    folder = tmp_path / "smoke"
    for name in ("arcface", "inter_prototype"):
        add_evaluation(folder, name, 1, 3, KEYS)
    add_model(folder, "mine", 1, KEYS)
    execute(tmp_path, methods="arcface,inter_prototype", seeds="1", models="mine")
    told = pd.read_csv(folder / "report" / "tables" / "models_accuracy.csv", dtype=str)
    assert told["method"].unique().tolist() == [PLAIN, ADDED, "mine"]
    fair = pd.read_csv(folder / "report" / "tables" / "accuracy_oracle.csv", dtype=str)
    assert fair["method"].tolist() == [PLAIN, ADDED]
