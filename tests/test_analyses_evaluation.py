"""Analyses A6, A8, A9 and A12 of the report: read from runs, drawn, and told."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from irlib import plots, studies
from irlib.plots.style import HEADLINE
from irlib.report import about_gaps, about_searches, paired
from irlib.report.analyses_evaluation import EVALUATION_ANALYSES
from irlib.report.basis import basis_of, disagreeing
from irlib.report.collected import collect
from irlib.report.paired import OVER_SETS

ARCFACE, OURS = HEADLINE
METHODS = [
    SimpleNamespace(name="arcface", title=ARCFACE, kind="table", baseline="arcface"),
    SimpleNamespace(name="inter_prototype", title=OURS, kind="table", baseline="arcface"),
]
ANALYSES = {analysis.id: analysis for analysis in EVALUATION_ANALYSES}
PEOPLE = np.array([f"p{number:02d}" for number in range(20)])
BANDS = ("10-20", "20-30", "30+", "10+", "20+")


def put_run(home, method, seed, *, better=0, sets=("AgeDB", "FG-NET"), adults=0, narrow=0):
    """An evaluation in which each person is found at rank 2, less `better`, and so on.

    By `better` all is right at 30+ years of children, by `adults` at that of adults; `narrow` adds
    errors at 10-20 years.
    """
    folder = home / f"evaluate-{method}-s{seed}"
    (folder / "figures").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"status": "complete"}))
    errors = {"genuine": 20, "false_rejects": 4 - better, "impostor": 20, "false_accepts": 2}
    a12 = {"agedb20_child": errors, "agedb20_adult": errors | {"false_rejects": 1}}
    metrics = {"analyses": {"a12": a12, "a8": {"lfw": {"images": "ab"}}}}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    ranks = np.where(np.arange(20) < 10, 1, 2 - better)
    folds = pd.DataFrame({"set": "LFW", "fold": range(1, 11), "accuracy": 0.9 + 0.01 * better})
    tables = {
        "a6_ranks": [{"set": s, "identity": PEOPLE, "rank": ranks} for s in sets],
        "a8_folds": [folds],
        "a12_gaps": [
            {"set": s, "kind": "child-adult", "identity": np.tile(PEOPLE, 4),
             "gap": np.repeat([15.0, 25.0], 40), "rejected": np.arange(80) % 4 < 2 - better}
            for s in sets
        ],
    }  # fmt: skip
    for name, parts in tables.items():
        pd.concat(map(pd.DataFrame, parts)).to_csv(folder / f"figures/{name}.csv", index=False)
    arrays = {}
    for place in [(s, k, b) for s in sets for k in ("child-adult", "adults") for b in BANDS]:
        # each person's own pair, and one with the next; at 30+ a better method errs nowhere
        right = {"child-adult": better, "adults": adults}[place[1]] and place[2] == "30+"
        wrong = (np.arange(40) % 20 < 5 + narrow * (place[2] == "10-20")) & (not right)
        second = np.concatenate([PEOPLE, np.roll(PEOPLE, 1)])
        arrays |= {
            "/".join((*place, "right")): ~wrong,
            "/".join((*place, "is_same")): np.arange(40) < 20,
            "/".join((*place, "first_identity")): np.tile(PEOPLE, 2),
            "/".join((*place, "second_identity")): second,
        }
    np.savez(folder / "bands.npz", **arrays)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("study")
    for seed in (1, 2):
        put_run(home, "arcface", seed)
        put_run(home, "inter_prototype", seed, better=1)
    return home


@pytest.fixture(scope="module")
def found(home):
    return collect(home, METHODS, [1, 2])


def row(table, **values):
    for name, value in values.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_ids_are_the_four_of_notebook_3():
    assert list(ANALYSES) == ["A6", "A8", "A9", "A12"]


@pytest.mark.parametrize("analysis", EVALUATION_ANALYSES, ids=lambda each: each.id)
def test_each_is_read_drawn_and_told(found, analysis):
    table = analysis.read(found)
    assert len(table)
    assert isinstance(analysis.draw(table), plots.Picture)
    assert OURS in analysis.finding(table)


@pytest.mark.parametrize("analysis", EVALUATION_ANALYSES, ids=lambda each: each.id)
def test_without_runs_there_are_no_rows(tmp_path, analysis):
    assert len(analysis.read(collect(tmp_path, METHODS, [1]))) == 0


@pytest.mark.parametrize("analysis", EVALUATION_ANALYSES, ids=lambda each: each.id)
def test_one_method_alone_is_told_without_a_verdict(home, analysis):
    table = analysis.read(collect(home, METHODS[:1], [1]))
    assert isinstance(analysis.draw(table), plots.Picture)
    assert "holds here" not in analysis.finding(table)


def test_rank_shares_and_gains_are_means_over_seeds(found):
    table = about_searches.read_searches(found)
    first = row(table, set="AgeDB", series="rank 1", method=OURS)
    # ten of twenty come first with ArcFace, all with the other
    assert (first["value"], first["gain"], first["seeds"]) == (1.0, 0.5, 2)
    assert 0.2 < first["gain_low"] < 0.5 < first["gain_high"] < 0.8
    assert np.isnan(row(table, set="AgeDB", series="rank 1", method=ARCFACE)["gain"])
    assert row(table, set=OVER_SETS, series="rank 5", method=ARCFACE)["value"] == 1.0


def pair(folder, seeds=(1, 2), **better):
    for seed in seeds:
        put_run(folder, "arcface", seed)
        put_run(folder, "inter_prototype", seed, **better)
    return collect(folder, METHODS, list(seeds))


def told(id, found):
    return ANALYSES[id].finding(ANALYSES[id].read(found))


def test_a_clear_gain_is_told_to_hold(found):
    assert "the claim that it makes searches better holds here" in told("A6", found)
    assert "+50.0 [" in told("A6", found)


def test_one_training_a_method_tells_no_claim(tmp_path):
    found = pair(tmp_path, [1], better=1)
    for id in ("A6", "A8", "A9"):
        assert "cannot be told here (one training a method)" in told(id, found)


def test_findings_say_that_seeds_are_averaged_and_intervals_uncorrected(found):
    for id in ("A6", "A8", "A9"):
        assert "2 training seeds, averaged first" in told(id, found)
        assert "uncorrected for the 8 analyses" in told(id, found)


def test_fold_differences_have_students_interval(found):
    table = about_searches.read_benchmarks(found)
    ours = row(table, method=OURS)
    assert ours["gain"] == pytest.approx(0.01)
    assert ours["gain_low"] == pytest.approx(0.01)  # every fold gains as much
    assert "the claim of no loss holds here" in ANALYSES["A8"].finding(table)


def test_a_loss_on_adults_is_told(tmp_path):
    assert "does not hold on LFW" in told("A8", pair(tmp_path, better=-1))


def test_no_change_on_adults_is_no_proof_that_there_is_no_loss(tmp_path):
    text = told("A8", pair(tmp_path))
    assert "whether there is a loss cannot be told here (the interval includes zero)" in text


def test_the_trend_is_the_gain_at_wide_gaps_less_that_at_narrow_ones(found):
    table = about_gaps.read_bands(found)
    wide = row(table, set="AgeDB", kind="child-adult", band="30+", method=OURS)
    trend = row(table, set=OVER_SETS, kind="child-adult", band=about_gaps.TREND, method=OURS)
    assert (wide["value"], wide["gain"]) == (1.0, 0.25)  # five people of twenty erred
    assert trend["gain"] == pytest.approx(0.25)
    assert (trend["least"], trend["most"], trend["gain_seeds"]) == (0.25, 0.25, 2)
    assert trend["gain_low"] > 0
    assert "The claim holds here" in ANALYSES["A9"].finding(table)


def test_a_gain_that_grows_on_adults_as_much_is_not_the_claim(tmp_path):
    found = pair(tmp_path, better=1, adults=1)
    contrast = row(
        about_gaps.read_bands(found), set=OVER_SETS, kind=about_gaps.CONTRAST, method=OURS
    )
    assert (contrast["gain"], contrast["gain_low"], contrast["gain_high"]) == (0, 0, 0)
    text = told("A9", found)
    assert "on adults it grows by +25.0 [" in text
    assert (
        "cannot be told here (the interval includes zero), as to the growth beyond that on adults"
        in text
    )


def test_a_loss_that_shrinks_with_the_gap_is_not_the_claim(tmp_path):
    # ours errs more at 10 to 20 years of either kind and gains nowhere
    text = told("A9", pair(tmp_path, narrow=5))
    assert "at 10-20 and +0.0 [+0.0, +0.0] at 30+" in text
    assert "cannot be told here (the interval includes zero), as to the gain at 30+ years" in text


def test_a_set_without_all_bands_does_not_take_the_place_of_one_with_them(tmp_path):
    found = pair(tmp_path, better=1)
    for path in tmp_path.glob("evaluate-*/bands.npz"):
        kept = {
            name: array
            for name, array in np.load(path).items()
            if not name.startswith(("FG-NET/child-adult/10-20", "FG-NET/child-adult/30+"))
        }
        np.savez(path, **kept)
    # the mean over the sets has a trend of adults alone
    assert "Accuracy of ArcFace (AgeDB)" in told("A9", found)


def test_a_set_with_the_control_goes_before_a_mean_without_it(tmp_path):
    found = pair(tmp_path, better=1)
    for path in tmp_path.glob("evaluate-*/bands.npz"):
        arrays = np.load(path).items()
        np.savez(path, **{n: a for n, a in arrays if not n.startswith("FG-NET/adults")})
    table = about_gaps.read_bands(found)
    assert len(table[(table["set"] == OVER_SETS) & (table["band"] == about_gaps.TREND)]) == 2
    assert "Accuracy of ArcFace (AgeDB)" in ANALYSES["A9"].finding(table)
    assert "The claim holds here" in ANALYSES["A9"].finding(table)


def test_a_run_on_other_pairs_is_left_out_and_told(tmp_path):
    found = pair(tmp_path, better=1)
    path = tmp_path / "evaluate-inter_prototype-s2/bands.npz"
    arrays = dict(np.load(path))
    arrays["AgeDB/adults/10+/first_identity"] = PEOPLE[np.r_[1:20, 0, 0:20]]
    np.savez(path, **arrays)
    table = about_gaps.read_bands(found)
    assert set(table.loc[table["method"] == OURS, "seeds"]) == {1}
    left_out = f"{OURS}, seed 2 (its pairs of AgeDB, adults, 10+ years)"
    assert left_out in ANALYSES["A9"].finding(table)


def test_searches_of_other_people_are_left_out_and_told(tmp_path):
    found = pair(tmp_path, better=1)
    path = tmp_path / "evaluate-inter_prototype-s2/figures/a6_ranks.csv"
    pd.read_csv(path).iloc[::-1].to_csv(path, index=False)
    table = about_searches.read_searches(found)
    assert set(table.loc[table["method"] == OURS, "seeds"]) == {1}
    assert f"{OURS}, seed 2 (its people or images of " in ANALYSES["A6"].finding(table)


def test_a_general_set_with_other_images_is_left_out(tmp_path):
    found = pair(tmp_path, better=1)
    path = tmp_path / "evaluate-inter_prototype-s2/metrics.json"
    path.write_text(path.read_text().replace('"images": "ab"', '"images": "cd"'))
    found = collect(tmp_path, METHODS, [1, 2])
    table = about_searches.read_benchmarks(found)
    assert row(table, method=OURS)["seeds"] == 1
    assert f"{OURS}, seed 2 (its people or images of LFW)" in ANALYSES["A8"].finding(table)


def test_of_two_that_differ_the_one_on_the_data_of_today_is_kept(tmp_path):
    found = pair(tmp_path, [1])
    data = tmp_path / "data"
    data.mkdir()
    (data / "run.json").write_text(json.dumps({"status": "complete"}))
    (data / "metrics.json").write_text(json.dumps({"fingerprint": "new"}))
    record = tmp_path / "evaluate-inter_prototype-s1/run.json"
    record.write_text(json.dumps({"status": "complete", "data": "new"}))
    found = collect(tmp_path, METHODS, [1])
    units = {(ARCFACE, 1): {"its images": "a"}, (OURS, 1): {"its images": "b"}}
    assert disagreeing(found, units) == {(ARCFACE, 1): "its images"}


def test_gains_are_over_the_baseline_of_the_method(tmp_path):
    cosface = SimpleNamespace(name="cosface", title="CosFace", kind="table", baseline="arcface")
    ours = SimpleNamespace(name="inter_prototype", title=OURS, kind="table", baseline="cosface")
    put_run(tmp_path, "cosface", 1)
    put_run(tmp_path, "inter_prototype", 1, better=1)
    table = about_searches.read_searches(collect(tmp_path, [cosface, ours], [1]))
    mine = row(table, set="AgeDB", series="rank 1", method=OURS)
    assert (mine["baseline"], mine["gain"]) == ("CosFace", 0.5)
    assert "100.0 % (FG-NET) for ArcFace + Inter-Prototype" in ANALYSES["A6"].finding(table)
    assert "50.0 % (FG-NET) for CosFace" in ANALYSES["A6"].finding(table)


def test_draws_are_those_of_the_study(tmp_path):
    put_run(tmp_path, "arcface", 1)
    record = tmp_path / "evaluate-arcface-s1/run.json"
    record.write_text(json.dumps({"status": "complete", "parameters": {"study": "smoke"}}))
    basis = basis_of(collect(tmp_path, METHODS, [1]))
    smoke = studies.find("smoke")
    assert smoke.bootstrap_repeats != studies.Study.bootstrap_repeats
    assert (basis.seed, basis.repeats) == (smoke.pair_seed, smoke.bootstrap_repeats)


@pytest.mark.parametrize("id", ["A6", "A8", "A9"])
def test_numbers_stand_in_a_table_of_text(found, id):
    cells = ANALYSES[id].table(ANALYSES[id].read(found))
    assert cells.map(lambda cell: isinstance(cell, str)).all(axis=None)
    ours = cells[(cells["method"] == OURS) & (cells["set"].isin(["AgeDB", "LFW"]))].iloc[0]
    assert (ours["over"], ours["seeds"]) == (ARCFACE, "2")
    # A6: ten of twenty more at rank 1; A8: a point in every fold; A9: nothing at narrow gaps
    gains = {
        "A6": ("gain at rank 1 [95 %]", "+50.0 ["), "A8": ("gain [95 %]", "+1.0 [+1.0, +1.0]"),
        "A9": ("gain at 10-20 [95 %]", "+0.0 [+0.0, +0.0]"),
    }  # fmt: skip
    column, start = gains[id]
    assert ours[column].startswith(start)


def test_errors_are_shares_of_their_own_kind(found):
    table = about_gaps.read_errors(found)
    case = {"x": "AgeDB-C20", "method": ARCFACE}
    assert row(table, panel=about_gaps.REJECTS, **case)["value"] == 4 / 20
    assert row(table, panel=about_gaps.ACCEPTS, **case)["value"] == 2 / 20
    # of the 40 pairs ten to twenty years apart every fourth and the one after it
    narrow = row(table, panel="AgeDB: false rejects", x="10-20", method=ARCFACE)
    assert narrow["value"] == 0.5


def test_errors_are_told_of_both_methods_by_their_kinds_of_pairs(found):
    text = told("A12", found)
    # 4 of 20, or 3 with the better one; adults 1 of 20
    genuine = "% of genuine child-adult pairs and 5.0 % of genuine pairs of adults"
    assert f"{ARCFACE} rejects falsely 20.0 {genuine}" in text
    assert f"{OURS} rejects falsely 15.0 {genuine}" in text
    assert "accepts falsely 10.0 % of impostor child-adult pairs" in text


def test_a_gain_takes_the_seeds_of_both(found):
    values = {(ARCFACE, 1): np.array([0.0]), (OURS, 1): np.array([1.0]), (OURS, 2): np.array([9.0])}
    each = paired.compared(values, basis_of(found), np.asarray)
    # means of both, then the gain of ours, over the first seed alone
    assert each.replicates[0, [0, 1, 3]].tolist() == [0.0, 5.0, 1.0]
    assert each.single == {(OURS, 1): 1.0}


# figures


def dots(axes):
    return [line for line in axes.lines if line.get_linestyle() == "None" and len(line.get_xdata())]


def test_match_curve_counts_the_searches_up_to_each_rank():
    table = pd.DataFrame({"set": "LAG", "rank": [1, 2, 2, 30]})
    line = plots.match_curve(table).axes[0].lines[0]
    assert line.get_ydata()[[0, 1, 19]].tolist() == [0.25, 0.75, 0.75]


def test_fold_accuracy_marks_every_fold_and_the_mean():
    table = pd.DataFrame({"set": "LFW", "fold": [1, 2], "accuracy": [0.8, 0.9]})
    folds, mean = plots.fold_accuracy(table).axes[0].lines
    assert folds.get_xdata().tolist() == [0.8, 0.9]
    assert mean.get_xdata() == pytest.approx([0.85, 0.85])


def test_gap_scatter_draws_the_mean_of_ten_pairs_and_more():
    gaps = [12.0] * 10 + [25.0] * 9
    table = pd.DataFrame({"set": "AgeDB", "kind": "adults", "gap": gaps, "cosine": 0.5})
    lines = [
        line for line in plots.gap_scatter(table).axes[0].lines if line.get_label() == "adults"
    ]
    assert lines[0].get_xdata().tolist() == [15.0]


def test_failures_ring_the_images_that_failed():
    table = pd.DataFrame({"x": [0.0, 1.0], "y": [0.0, 2.0], "group": ["child", "other"]})
    rings = plots.failures(table.assign(failed=[False, True])).axes[0].collections[-1]
    assert rings.get_offsets().tolist() == [[1.0, 2.0]]


def test_pair_gallery_shows_four_pictures_a_pair():
    faces = np.zeros((3, 8, 8, 3), dtype=np.uint8)
    table = pd.DataFrame({"title": ["one", "two", "three"]})
    figure = plots.pair_gallery(faces, faces, np.zeros((3, 2, 8, 8)), table)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["one", "two", "three"]
    assert figure.axes[0].images[0].get_array().shape == (8, 32, 3)


def test_gap_accuracy_has_a_panel_a_set():
    names = {"kind": "adults", "band": "10+", "folds": 0.9, "folds_low": 0.8, "folds_high": 0.95}
    table = pd.DataFrame([{"set": "AgeDB", **names}, {"set": "FG-NET", **names}])
    figure = plots.gap_accuracy(table)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["AgeDB", "FG-NET"]


def test_method_lines_lead_through_joined_cases_only():
    rows = [("10-20", 0.5, True), ("30+", 0.6, True), ("10+", 0.7, False)]
    table = pd.DataFrame(rows, columns=["x", "value", "joined"])
    table = table.assign(panel="AgeDB", method=ARCFACE, low=0.4, high=0.8, signed=False)
    axes = plots.method_lines(table, xlabel="gap", ylabel="accuracy, %").axes[0]
    assert axes.lines[0].get_ydata().tolist() == [0.5, 0.6]
    assert len(dots(axes)[0].get_xdata()) == 3


def test_method_dots_have_a_row_a_method():
    table = pd.DataFrame({"set": "LFW", "method": [ARCFACE, OURS], "value": 0.9, "low": 0.8})
    axes = plots.method_dots(table.assign(high=0.95), xlabel="accuracy, %").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [ARCFACE, OURS]
