from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from irlib import plots, report, runs
from irlib.analyses.about_ages import age_counts, age_groups
from irlib.plots.style import HEADLINE
from irlib.report.analyses_prototypes import PROTOTYPE_ANALYSES
from irlib.report.verdicts import JUDGED

PLAIN, OURS = HEADLINE
BY_ID = {analysis.id: analysis for analysis in PROTOTYPE_ANALYSES}
METHODS = [
    SimpleNamespace(name="arcface", title=PLAIN, baseline="arcface", kind="table"),
    SimpleNamespace(name="inter_prototype", title=OURS, baseline="arcface", kind="table"),
    SimpleNamespace(name="mtlface", title="MTLFace", baseline="arcface", kind="table"),
]
NAMES = {
    "a1": ("child", "other"),
    "a2": ("child", "adult"),
    "a3": ("child_child", "adult_adult", "child_adult"),
    "a4": ("child_child", "other_other", "child_other", "child_rms", "other_rms"),
    "a5": ("child_child", "child_adult", "adult_adult"),
}
SPREAD = np.linspace(-0.01, 0.01, 41)  # of the draws, so that 95 % lie within 0.0095


def add(folder, method, seed, difference, *, size=0.3, people=61, parameters=100, data="now"):
    """A run of notebook 04 whose every difference is `difference`, above a mean of 0.1."""
    analyses, draws = {}, {}
    for key, names in NAMES.items():
        values = dict.fromkeys(names, 0.1) | {names[0]: 0.1 + difference}
        values |= {name: size for name in names if name.endswith("_rms")}
        values |= {"difference": difference}
        analyses[key] = {name: {"value": v, "low": 0.0, "high": 0.0} for name, v in values.items()}
        draws |= {f"{key}/{name}": v + SPREAD for name, v in values.items()}
    analyses["a2"] |= {"identities": 26, "images": 7}
    analyses["sample"] = {"child_identities": people, "other_identities": 200}
    analyses["a11"] = {
        "parameters": parameters, "training_only": 3, "multiply_adds": 5 * 10**6,
        "plain_parameters": 100, "prototypes": 20, "further": 7,
    }  # fmt: skip
    place = folder / runs.run_name("prototypes", method, seed)
    run = runs.start(place, notebook="04_prototypes", parameters={"seed": seed}, data=data)
    run.save_table("replicates", pd.DataFrame(draws))
    run.finish({"analyses": analyses})


def found(folder, seeds=(1,)):
    return report.collect(folder, METHODS, list(seeds))


def told(folder, id, seeds=(1,)):
    table = BY_ID[id].read(found(folder, seeds))
    return BY_ID[id].finding(table)


def row(table, method, group="difference"):
    return table[(table["method"] == method) & (table["group"] == group)].iloc[0]


@pytest.fixture
def study(tmp_path):
    add(tmp_path, "arcface", 1, 0.05)
    add(tmp_path, "inter_prototype", 1, 0.02, size=0.2)
    return tmp_path


@pytest.mark.parametrize("id", BY_ID)
def test_without_runs_there_are_no_numbers(tmp_path, id):
    assert len(BY_ID[id].read(found(tmp_path))) == 0


def test_figures_have_names_of_their_own():
    names = [analysis.name for analysis in PROTOTYPE_ANALYSES]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("id", ["A1", "A2", "A3", "A4", "A5", "A11"])
def test_a_figure_has_a_row_for_each_method_with_numbers(study, id):
    table = BY_ID[id].read(found(study))
    axes = BY_ID[id].draw(table).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == [PLAIN, OURS]


def test_means_and_intervals_are_those_of_the_draws(study):
    mean = row(BY_ID["A3"].read(found(study)), PLAIN)
    assert mean["value"] == pytest.approx(0.05)
    # percentiles 2.5 and 97.5 of 41 even steps from -0.01 to 0.01
    assert (mean["low"], mean["high"]) == pytest.approx((0.05 - 0.0095, 0.05 + 0.0095))


def test_seeds_are_averaged(study):
    add(study, "arcface", 2, 0.09)
    mean = row(BY_ID["A3"].read(found(study, (1, 2))), PLAIN)
    assert (mean["value"], mean["seeds"]) == (pytest.approx(0.07), 2)


def test_a_change_is_paired_by_draw_and_seed(study):
    add(study, "arcface", 2, 0.5)  # Inter-Prototype has no run with this seed
    change = row(BY_ID["A3"].read(found(study, (1, 2))), OURS)
    # the draws of both go together, so the difference does not move
    assert change["change_value"] == pytest.approx(-0.03)
    assert (change["change_low"], change["change_high"]) == pytest.approx((-0.03, -0.03), abs=1e-6)


def test_the_baseline_has_no_change(study):
    assert np.isnan(row(BY_ID["A3"].read(found(study)), PLAIN)["change_value"])


def test_a_finding_tells_both_methods_and_what_changed(study):
    add(study, "arcface", 2, 0.05)
    add(study, "inter_prototype", 2, 0.02)
    text = told(study, "A3", (1, 2))
    assert f"{PLAIN}: two children 0.150, two adults 0.100, difference +0.050" in text
    assert f"For {PLAIN} the claim holds here" in text
    assert (
        "changes the difference by \u22120.030 [\u22120.030, \u22120.030], as it is meant to"
        in text
    )


def test_a_change_the_wrong_way_is_told_as_one(tmp_path):
    for seed in (1, 2):
        add(tmp_path, "arcface", seed, 0.02)
        add(tmp_path, "inter_prototype", seed, 0.05)
    text = told(tmp_path, "A3", (1, 2))
    assert "+0.030 [+0.030, +0.030], against what it is meant to" in text


def test_one_training_a_method_tells_neither_the_claim_nor_the_change(study):
    text = told(study, "A3")
    assert f"For {PLAIN} the claim cannot be told here (one training a method)" in text
    assert "whether as it is meant to cannot be told here (one training a method)" in text


def test_seeds_that_disagree_tell_no_claim(tmp_path):
    # the mean, 0.045, excludes zero by far, but one training shows the opposite
    add(tmp_path, "arcface", 1, 0.10)
    add(tmp_path, "arcface", 2, -0.01)
    assert "cannot be told here (the training seeds disagree in sign)" in told(
        tmp_path, "A5", (1, 2)
    )


def test_a_run_on_other_data_is_left_out_and_told(study):
    add(study, "inter_prototype", 2, 0.02, data="before")
    table = BY_ID["A3"].read(found(study, (1, 2)))
    assert row(table, OURS)["seeds"] == 1
    assert f"{OURS}, seed 2 (its data)" in BY_ID["A3"].finding(table)


def test_findings_say_that_intervals_are_uncorrected(study):
    judged = [id for id in BY_ID if id not in ("A7", "A11")]
    assert judged == [id for id in JUDGED if id in BY_ID]
    assert all("uncorrected for the 8 analyses" in told(study, id) for id in judged)


@pytest.mark.parametrize(("difference", "verdict"), [
    (0.05, "holds here."),
    (0.005, "cannot be told here (the interval includes zero)."),
    (-0.05, "does not hold here, where the opposite is found."),
])  # fmt: skip
def test_the_verdict_follows_the_interval(tmp_path, difference, verdict):
    add(tmp_path, "arcface", 1, difference)
    add(tmp_path, "arcface", 2, difference)
    assert f"the claim {verdict}" in told(tmp_path, "A5", (1, 2))


@pytest.mark.parametrize(("people", "words"), [(61, ", a small set;"), (229, " identities; one")])
def test_a_small_set_is_named(tmp_path, people, words):
    add(tmp_path, "arcface", 1, 0.05, people=people)
    assert f"{people} child and 200 other identities" in told(tmp_path, "A1")
    assert words in told(tmp_path, "A1")


def test_own_angles_rest_on_the_identities_with_enough_images(study):
    assert "26 identities with 7 images or more of either age, a small set" in told(study, "A2")


def test_the_first_method_is_told_where_arcface_is_absent(tmp_path):
    add(tmp_path, "mtlface", 1, 0.05)
    assert told(tmp_path, "A3").startswith("MTLFace: two children 0.150")


def test_the_root_mean_square_is_told_of_prototypes(study):
    text = told(study, "A4")
    assert f"two child prototypes is 0.300 for {PLAIN} and 0.200 for {OURS}" in text
    assert "a change by \u22120.100" in text


def test_a_run_of_an_older_notebook_is_left_out(study):
    place = study / runs.run_name("prototypes", "mtlface", 1)
    runs.start(place, notebook="04_prototypes", parameters={}).finish({"child_mean": 0.1})
    assert set(BY_ID["A1"].read(found(study))["method"]) == {PLAIN, OURS}


def test_training_alone_costs_prototypes_and_further_parts(study):
    table = BY_ID["A11"].read(found(study)).set_index("method")
    assert table.loc[OURS, "training_only"] == 3 + 20 + 7


def test_a_method_that_deploys_more_is_named(study):
    add(study, "mtlface", 1, 0.05, parameters=112)
    text = told(study, "A11")
    assert f"For {OURS} the claim holds here" in text
    assert "MTLFace (+12.0 %)" in text


def test_a_method_that_claims_to_deploy_the_same_and_does_not_is_told(tmp_path):
    add(tmp_path, "arcface", 1, 0.05)
    add(tmp_path, "inter_prototype", 1, 0.05, parameters=101)
    assert f"For {OURS} the claim does not hold here" in told(tmp_path, "A11")


def test_ages_come_from_the_data_run(tmp_path):
    labels, ages = np.array([0, 0, 1, 1]), np.array([4.0, 30.0, 40.0, np.nan])
    run = runs.start(tmp_path / "data", notebook="01_data_prep", parameters={})
    run.save_table("age_groups", age_groups(labels, ages, child_below=13.0))
    run.finish({"ages": age_counts(labels, ages, child_below=13.0)})
    table = BY_ID["A7"].read(found(tmp_path))
    assert table["images"].tolist() == [1, 0, 0, 1, 1, 0, 0, 0, 1]
    text = BY_ID["A7"].finding(table)
    assert text == (
        "1 of 3 labeled training images (33.3 %) show a child; 1 of 2 identities have images both "
        "of a child and of an adult."
    )
    bars = [bar.get_width() for bar in BY_ID["A7"].draw(table).axes[0].patches]
    assert bars == table["images"].tolist()


def ages(folder, labels, ages, **parameters):
    run = runs.start(folder / "data", notebook="01_data_prep", parameters=parameters)
    run.save_table("age_groups", age_groups(labels, ages, child_below=13.0))
    run.finish({"ages": age_counts(labels, ages, child_below=13.0)})
    return told(folder, "A7")


def test_without_ages_nothing_is_told_of_them(tmp_path):
    text = ages(tmp_path, np.array([0, 1]), np.array([np.nan, np.nan]))
    assert text == "None of 2 training images has an age: nothing can be told."


def test_ages_of_synthetic_faces_are_no_finding(tmp_path):
    text = ages(tmp_path, np.array([0, 1]), np.array([4.0, 30.0]), study="demo")
    assert "set by construction and not a finding" in text


def test_an_unknown_group_is_named():
    table = pd.DataFrame({"group": ["toddler"], "value": [1.0]})
    with pytest.raises(ValueError, match="'toddler': expected one of child"):
        plots.group_histogram(table, xlabel="degrees")


def test_a_histogram_marks_the_mean_of_each_group():
    table = pd.DataFrame({"group": ["child", "child", "other"], "value": [80.0, 84.0, 90.0]})
    (axes,) = plots.group_histogram(table, xlabel="degrees").axes
    assert [line.get_xdata()[0] for line in axes.lines] == [82.0, 90.0]


def test_own_angles_are_drawn_a_dot_an_identity():
    table = pd.DataFrame({"class": [4, 7], "child": [30.0, 40.0], "adult": [35.0, 33.0]})
    (axes,) = plots.own_angles(table).axes
    assert axes.lines[0].get_xydata().tolist() == [[35.0, 30.0], [33.0, 40.0]]
