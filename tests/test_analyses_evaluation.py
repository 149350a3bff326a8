"""Analyses A6, A8, A9 and A12 of the report: read from runs, drawn, and told."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from irlib import plots
from irlib.plots.style import HEADLINE
from irlib.report import about_gaps, about_searches, paired
from irlib.report.analyses_evaluation import EVALUATION_ANALYSES
from irlib.report.collected import collect

ARCFACE, OURS = HEADLINE
METHODS = [
    SimpleNamespace(name="arcface", title=ARCFACE, kind="table", baseline="arcface"),
    SimpleNamespace(name="inter_prototype", title=OURS, kind="table", baseline="arcface"),
]
ANALYSES = {analysis.id: analysis for analysis in EVALUATION_ANALYSES}
PEOPLE = np.array([f"p{number:02d}" for number in range(20)])
BANDS = ("10-20", "20-30", "30+", "10+", "20+")


def put_run(home, method, seed, *, better=0, sets=("AgeDB", "FG-NET")):
    """An evaluation in which each person is found at rank 2, less `better`, and so on."""
    folder = home / f"evaluate-{method}-s{seed}"
    (folder / "figures").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"status": "complete"}))
    errors = {"genuine": 20, "false_rejects": 4 - better, "impostor": 20, "false_accepts": 2}
    metrics = {"analyses": {"a12": {"agedb20_child": errors, "agedb20_adult": errors}}}
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
        wrong = (np.arange(40) % 20 < 5) & (not better or place[2] != "30+")
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
    assert OURS in analysis.finding(table) or analysis.id == "A12"


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
    assert row(table, set=about_searches.MEAN, series="rank 5", method=ARCFACE)["value"] == 1.0


def test_a_clear_gain_is_told_to_hold(found):
    told = ANALYSES["A6"].finding(about_searches.read_searches(found))
    assert "the claim that it makes searches better holds here" in told
    assert "+50.0 [" in told


def test_fold_differences_have_students_interval(found):
    table = about_searches.read_benchmarks(found)
    ours = row(table, method=OURS)
    assert ours["gain"] == pytest.approx(0.01)
    assert ours["gain_low"] == pytest.approx(0.01)  # every fold gains as much
    assert "the claim stands here" in ANALYSES["A8"].finding(table)


def test_a_loss_on_adults_is_told(home, tmp_path):
    put_run(tmp_path, "arcface", 1)
    put_run(tmp_path, "inter_prototype", 1, better=-1)
    table = about_searches.read_benchmarks(collect(tmp_path, METHODS, [1]))
    assert "does not hold on LFW" in ANALYSES["A8"].finding(table)


def test_the_trend_is_the_gain_at_wide_gaps_less_that_at_narrow_ones(found):
    table = about_gaps.read_bands(found)
    wide = row(table, set="AgeDB", kind="child-adult", band="30+", method=OURS)
    trend = row(table, set=about_gaps.MEAN, kind="child-adult", band=about_gaps.TREND, method=OURS)
    assert (wide["value"], wide["gain"]) == (1.0, 0.25)  # five people of twenty erred
    assert trend["gain"] == pytest.approx(0.25)
    assert trend["gain_low"] > 0
    assert "the claim holds here" in ANALYSES["A9"].finding(table)


def test_bands_of_other_pairs_are_refused(tmp_path):
    put_run(tmp_path, "arcface", 1)
    put_run(tmp_path, "inter_prototype", 1)
    path = tmp_path / "evaluate-inter_prototype-s1/bands.npz"
    arrays = dict(np.load(path))
    arrays["AgeDB/adults/10+/first_identity"] = PEOPLE[np.r_[1:20, 0, 0:20]]
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=r"Inter-Prototype, seed 1: its pairs of AgeDB, adults"):
        about_gaps.read_bands(collect(tmp_path, METHODS, [1]))


def test_searches_of_other_people_are_refused(tmp_path):
    put_run(tmp_path, "arcface", 1)
    put_run(tmp_path, "inter_prototype", 1)
    path = tmp_path / "evaluate-inter_prototype-s1/figures/a6_ranks.csv"
    pd.read_csv(path).iloc[::-1].to_csv(path, index=False)
    with pytest.raises(ValueError, match="judged on other identity"):
        about_searches.read_searches(collect(tmp_path, METHODS, [1]))


def test_errors_are_shares_of_their_own_kind(found):
    table = about_gaps.read_errors(found)
    case = {"x": "AgeDB-C20", "method": ARCFACE}
    assert row(table, panel=about_gaps.REJECTS, **case)["value"] == 4 / 20
    assert row(table, panel=about_gaps.ACCEPTS, **case)["value"] == 2 / 20
    # of the 40 pairs ten to twenty years apart every fourth and the one after it
    narrow = row(table, panel="AgeDB: false rejects", x="10-20", method=ARCFACE)
    assert narrow["value"] == 0.5


def test_a_gain_takes_the_seeds_of_both():
    values = {(ARCFACE, 1): np.array([0.0]), (OURS, 1): np.array([1.0]), (OURS, 2): np.array([9.0])}
    assert paired.columns(values, [ARCFACE, OURS])[0, [0, 1, 3]].tolist() == [0.0, 5.0, 1.0]


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
