import numpy as np
import pandas as pd
import pytest
from made_runs import add_evaluation, add_prototypes, add_run

from irlib import methods, report
from irlib.report.together import together

NAMES = ("arcface", "inter_prototype", "ip_random", "ip_all")
CHOSEN = [methods.find(name) for name in NAMES]
PLAIN, ADDED, RANDOM, ALL = (method.title for method in CHOSEN)


def replicates(folder, seeds=(1, 2, 3), chosen=CHOSEN):
    found = report.collect(folder, chosen, seeds)
    return report.replicates(found, repeats=200, seed=0)


@pytest.fixture
def study(tmp_path):
    for seed in (1, 2, 3):
        for name, wrong in zip(NAMES, (12, 2, 11, 3), strict=True):
            add_evaluation(tmp_path, name, seed, wrong)
    return tmp_path


def test_one_comparison_has_the_width_of_its_own_normal_interval():
    # 10,000 normal draws: 95 % of |error| lie within 1.96 standard errors
    draws = np.random.default_rng(0).normal(1.0, 2.0, 10_000)
    held = together(np.concatenate([[1.0], draws])[None])
    assert held.low[0] == pytest.approx(1 - 1.96 * 2, abs=0.1)
    assert held.high[0] == pytest.approx(1 + 1.96 * 2, abs=0.1)


def test_a_hundred_independent_comparisons_reach_as_far_as_bonferroni():
    # the level of each is 0.05 / 100, two-sided: 3.48 standard errors
    draws = np.random.default_rng(0).normal(size=(100, 20_000))
    held = together(np.concatenate([np.zeros((100, 1)), draws], axis=1))
    assert held.high.mean() == pytest.approx(3.48, abs=0.06)


def test_equal_comparisons_cost_nothing():
    # they go up and down together, so a hundred are as good as one: 1.96
    draws = np.tile(np.random.default_rng(0).normal(size=20_000), (100, 1))
    held = together(np.concatenate([np.zeros((100, 1)), draws], axis=1))
    assert held.high.max() == pytest.approx(1.96, abs=0.05)


def test_the_p_value_is_the_share_of_maxima_that_reach_as_far():
    # one comparison of 2 with errors -1, 0, 1, 2 of deviation 1.29: 2 reaches 1.55 of these, as
    # far as the one error of 2 does: (1 + 1) / (1 + 4)
    held = together(np.array([[2.0, 1.0, 2.0, 3.0, 4.0]]))
    assert held.p[0] == pytest.approx(2 / 5)


def test_a_method_against_its_equal_has_no_width_and_no_say():
    draws = np.random.default_rng(0).normal(size=1_000)
    both = np.stack([np.zeros(1_001), np.concatenate([[0.0], draws])])
    held = together(both)
    assert (held.low[0], held.high[0], held.p[0]) == (0.0, 0.0, 1.0)
    assert held.high[1] == together(both[1:]).high[0]


def test_a_replicate_without_one_of_the_comparisons_is_not_used():
    samples = np.array([[0.0, 1.0, -1.0, 9.0], [0.0, 1.0, -1.0, np.nan]])
    assert together(samples).high[0] == together(samples[:, :3]).high[0]


def test_too_few_replicates_give_no_interval():
    held = together(np.array([[0.5, np.nan, 0.4]]))
    assert np.isnan([held.low[0], held.high[0], held.p[0]]).all()


def test_intervals_for_all_methods_are_wider_than_for_one(study):
    table = replicates(study).gains()
    alone = replicates(study, chosen=CHOSEN[:2]).gains()
    names = {"method": ADDED, "rule": report.ORACLE, "set": report.MEAN}

    def width(rows):
        row = rows[np.logical_and.reduce([rows[k] == v for k, v in names.items()])].iloc[0]
        return row["wide_high"] - row["wide_low"]

    assert width(table) > width(alone)


def test_means_over_child_adult_sets_are_a_family_of_their_own(study):
    # the single sets may not widen what the page is about
    add_evaluation(study, "arcface", 1, 12, ("lag", "agedb20_adult"))
    add_evaluation(study, "inter_prototype", 1, 2, ("lag", "agedb20_adult"))
    more = replicates(study, seeds=(1,), chosen=CHOSEN[:2]).gains()
    add_evaluation(study, "arcface", 1, 12)
    add_evaluation(study, "inter_prototype", 1, 2)
    less = replicates(study, seeds=(1,), chosen=CHOSEN[:2]).gains()
    means = [t[(t["set"] == report.MEAN) & (t["rule"] == report.ORACLE)] for t in (more, less)]
    assert means[0]["wide_low"].tolist() == means[1]["wide_low"].tolist()


def test_controls_are_compared_on_the_same_seeds(study):
    add_evaluation(study, "inter_prototype", 4, 0)  # no control has this seed
    draws = replicates(study, seeds=(1, 2, 3, 4))
    table = draws.gains(report.control_pairs(draws.found))
    assert table[["method", "baseline"]].drop_duplicates().values.tolist() == [
        [ADDED, RANDOM],
        [ADDED, ALL],
    ]
    assert set(table["seeds"]) == {3}
    # 11 less 2 and 3 less 2 of 48 pairs
    first = table[(table["rule"] == report.ORACLE) & (table["set"] == "LAG")]
    assert first["gain"].tolist() == pytest.approx([9 / 48, 1 / 48])


def test_the_answer_says_which_controls_are_beaten(study):
    draws = replicates(study)
    controls = draws.gains(report.control_pairs(draws.found))
    told = report.answer(draws.found, draws.accuracies(), draws.gains(), controls, synthetic=True)
    assert len(told) == 2
    assert f"{RANDOM} +18.8 [" in told[1]
    assert told[1].endswith(f"Inter-Prototype is told to be better than {RANDOM}.")


def test_one_seed_beats_no_control(study):
    draws = replicates(study, seeds=(1,))
    controls = draws.gains(report.control_pairs(draws.found))
    told = report.answer(draws.found, draws.accuracies(), draws.gains(), controls, synthetic=True)
    assert "Inter-Prototype is told to be better than none of them." in told[1]
    assert told[1].endswith(
        "With 1 training seed a method nothing is told apart from chance in training: that takes "
        "3 or more."
    )


def test_other_methods_are_told_in_one_sentence(study):
    draws = replicates(study)
    told = report.details(draws.found, draws.gains())
    assert told[-1].endswith(
        "each over its own baseline by the same mean: controls (2): told to gain "
        f"{ALL}, to lose none."
    )


def test_the_page_asks_about_inter_prototype_in_whatever_order(study):
    draws = replicates(study, chosen=[CHOSEN[index] for index in (3, 2, 0, 1)])
    told = report.answer(
        draws.found, draws.accuracies(), draws.gains(), draws.gains([]), synthetic=True
    )
    assert told[0].startswith("On synthetic faces, adding the Inter-Prototype loss to ArcFace")
    assert report.heading(draws.found, draws.gains()).startswith("Does the Inter-Prototype loss")


def test_a_page_without_inter_prototype_does_not_ask_about_it(study):
    draws = replicates(study, chosen=[CHOSEN[0], CHOSEN[2]])
    told = report.answer(
        draws.found, draws.accuracies(), draws.gains(), draws.gains([]), synthetic=True
    )
    assert told[0].startswith(
        f"Inter-Prototype was not run or is not complete; on synthetic faces, {RANDOM} for ArcFace"
    )
    assert (
        report.heading(draws.found, draws.gains())
        == "How well do these methods recognise children?"
    )


def test_inter_prototype_is_compared_with_arcface_as_published(tmp_path):
    chosen = [methods.find(n) for n in ("arcface", "inter_prototype", "arcface_published")]
    for name, wrong in (("arcface", 6), ("inter_prototype", 3), ("arcface_published", 9)):
        add_evaluation(tmp_path, name, 1, wrong)
    draws = replicates(tmp_path, seeds=(1,), chosen=chosen)
    table = draws.gains(report.published_pairs(draws.found))
    first = table[(table["rule"] == report.ORACLE) & (table["set"] == report.MEAN)].iloc[0]
    assert first["baseline"] == "ArcFace, as published"
    assert first["gain"] == pytest.approx(6 / 48)


def test_comparisons_are_counted(study):
    # three methods against ArcFace, on one set and one mean, by two rules
    text = report.comparisons_made(replicates(study).gains())
    assert text.startswith(
        "12 comparisons: 3 pairs of methods, on 1 set and on 1 mean over sets, by 2 rules"
    )
    assert "about 1 of the 95 % intervals would exclude zero by chance" in text


def test_no_comparison_is_counted_as_none(tmp_path):
    assert report.comparisons_made(replicates(tmp_path).gains()).startswith("No comparison")


def families(folder):
    draws = replicates(folder)
    made = report.ablations(
        draws,
        {"controls": NAMES[1:], "loss type": ("inter_prototype", "ip_l1")},
        ours="inter_prototype",
        command="./run_all.sh smoke --set epochs=2",
    )
    return draws.found, made


def test_a_family_stands_below_its_plain_head(study):
    found, (controls, _) = families(study)
    table = controls.read(found)
    assert table["method"].tolist() == [PLAIN, ADDED, RANDOM, ALL]
    assert table["value"].tolist() == pytest.approx([1 - w / 48 for w in (12, 2, 11, 3)])
    assert table["gain"].iloc[1:].tolist() == pytest.approx([10 / 48, 1 / 48, 9 / 48])
    assert np.isnan(table["gain"].iloc[0])


def test_a_variant_is_compared_with_the_published_setting(study):
    found, (controls, _) = families(study)
    table = controls.read(found)
    # 2 wrong of 48 for ours, 11 and 3 for the variants; neither ours nor its head is a variant
    assert table["less"].iloc[2:].tolist() == pytest.approx([-9 / 48, -1 / 48])
    assert table["less"].iloc[:2].isna().all()
    assert controls.label == "Our hypothesis"


def test_a_hypothesis_that_not_all_variants_bear_out_cannot_be_told(study):
    found, (controls, _) = families(study)
    text = controls.finding(controls.read(found))
    assert f"told to be better than it: none; worse: {RANDOM}." in text
    assert "Whether the hypothesis holds cannot be told here." in text


def test_a_hypothesis_holds_where_every_variant_is_worse_and_fails_where_one_is_better(study):
    for seed in (1, 2, 3):
        add_evaluation(study, "ip_all", seed, 12)
    found, (controls, _) = families(study)
    assert "The hypothesis holds here." in controls.finding(controls.read(found))
    for seed in (1, 2, 3):
        add_evaluation(study, "ip_all", seed, 2)
        add_evaluation(study, "inter_prototype", seed, 11)
    found, (controls, _) = families(study)
    assert "The hypothesis does not hold here." in controls.finding(controls.read(found))


def test_controls_at_a_larger_weight_are_set_against_ours_at_that_weight(tmp_path):
    wrong = {"arcface": 12, "inter_prototype": 2, "ip_x100": 8, "ip_random_x100": 10}
    for name, number in wrong.items():
        add_evaluation(tmp_path, name, 1, number)
    draws = replicates(tmp_path, seeds=(1,), chosen=[methods.find(name) for name in wrong])
    family = {"controls at lambda 100": tuple(wrong)[1:]}
    (made,) = report.ablations(draws, family, ours="inter_prototype", command="")
    less = made.read(draws.found).set_index("method")["less"].dropna()
    assert less.to_dict() == {"IP on random classes, lambda 100": pytest.approx(-2 / 48)}


def test_a_family_without_a_variant_says_what_to_run(study):
    found, (_, losses) = families(study)
    assert losses.read(found).empty
    assert losses.absent == (
        "Not run: ./run_all.sh smoke --set epochs=2 --methods all,controls,ablations."
    )


def test_the_command_of_a_study_has_its_changed_settings():
    told = report.command("smoke", {"epochs": 2, "milestones": [1, 2]})
    assert told == "./run_all.sh smoke --set epochs=2 --set milestones=1,2"


def test_a_family_tells_where_the_prototypes_lie(study):
    for name, mean in zip(NAMES, (0.2, 0.1, 0.15, 0.18), strict=True):
        add_prototypes(study, name, 1, child_mean=mean)
    found, (controls, _) = families(study)
    text = controls.finding(controls.read(found))
    assert text.startswith(f"Variant less {ADDED}, in points: {RANDOM} \u221218.8 [")
    assert text.endswith("between child prototypes ranges from +0.100 to +0.200.")


def test_the_mechanism_is_told_before_and_after(study):
    add_prototypes(study, "arcface", 1, child_mean=0.2, child_max=0.9)
    add_prototypes(
        study, "inter_prototype", 1, child_mean=0.05, child_max=0.6,
        ip_gradient=2e-5, decay_gradient=4e-4,
    )  # fmt: skip
    text = report.mechanism(report.collect(study, CHOSEN, [1]))
    assert "from +0.200 (ArcFace) to +0.050" in text
    assert "from 0.90 to 0.60" in text
    assert text.endswith("2.0e-05, weight decay with 4.0e-04: 0.05 times as much.")


def test_without_weight_decay_there_is_no_ratio(study):
    add_prototypes(study, "arcface", 1)
    add_prototypes(study, "inter_prototype", 1, ip_gradient=2e-5, decay_gradient=0.0)
    text = report.mechanism(report.collect(study, CHOSEN, [1]))
    assert text.endswith("2.0e-05, weight decay with 0.0e+00.")


def test_without_child_classes_the_reason_stands_for_the_mechanism(study):
    reason = {"left_out": "0 child and 60 other classes"}
    add_run(study, "prototypes", "arcface", 1, {**reason, "analyses": {"a11": {}}})
    text = report.mechanism(report.collect(study, CHOSEN, [1]))
    assert text == "Child prototypes were not compared: 0 child and 60 other classes."


def test_without_prototypes_there_is_no_mechanism(study):
    assert report.mechanism(report.collect(study, CHOSEN, [1])) == ""


def test_rows_by_their_authors_settings_replace_the_fair_ones(tmp_path):
    chosen = [methods.find(name) for name in ("arcface", "dal", "dal_published")]
    for name, wrong in (("arcface", 6), ("dal", 5), ("dal_published", 4)):
        add_evaluation(tmp_path, name, 1, wrong)
    scores, replaced = report.as_published(report.collect(tmp_path, chosen, [1]))
    assert replaced == ["DAL"]
    told = scores[["method", "oracle_accuracy"]].values.tolist()
    assert told == [["ArcFace", 1 - 6 / 48], ["DAL", 1 - 4 / 48]]


def test_without_such_runs_the_fair_rows_stay(tmp_path):
    chosen = [methods.find(name) for name in ("arcface", "dal_published")]
    add_evaluation(tmp_path, "arcface", 1, 6)
    scores, replaced = report.as_published(report.collect(tmp_path, chosen, [1]))
    assert replaced == []
    assert scores["method"].tolist() == ["ArcFace"]


def test_the_pictures_of_pairs_are_those_of_both_headline_methods(study):
    shown = report.headline(report.collect(study, CHOSEN, (1, 2)), "evaluate")
    assert [(run.method, run.seed) for run in shown] == [(PLAIN, 1), (ADDED, 1)]


def test_pictures_of_prototypes_take_the_first_complete_seed(tmp_path):
    for seed, mean in ((1, 0.1), (2, 0.3)):
        add_prototypes(tmp_path, "arcface", seed, child_mean=mean, purity=0.4)
    plane = report.plane(report.collect(tmp_path, CHOSEN, [1, 2]), "tsne")
    assert plane["panel"].tolist() == [PLAIN, PLAIN]
    assert set(plane["note"]) == {"seed 1\nchild cosine +0.100, purity 0.40"}


def test_ranges_of_cosines_hold_nine_in_ten(tmp_path):
    place = add_prototypes(tmp_path, "arcface", 1)
    values = pd.DataFrame({"group": "child-child", "cosine": np.linspace(0, 1, 101)})
    values.to_csv(place / "figures" / "cosines.csv", index=False)
    (row,) = report.cosine_ranges(report.collect(tmp_path, CHOSEN, [1])).to_dict("records")
    assert [row["mean"], row["low"], row["high"]] == pytest.approx([0.5, 0.05, 0.95])
