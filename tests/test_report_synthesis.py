"""Face age synthesis in tables and on the page."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_runs import add_evaluation, add_run, execute, fail
from synthesis_metrics import metrics

from irlib import methods, plots, report, runs
from irlib.report import synthesized as section
from irlib.tables import synthesized as tables

NAME = "synthesis-mtlface-s1"


@pytest.fixture(scope="module")
def told():
    return metrics()


def row(table, start):
    """The one row whose measure begins so."""
    rows = table[table["measure"].str.startswith(start)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_a_perfect_follower_stands_beside_the_estimator_on_real_faces(told):
    line = row(tables.measures(told), "Estimated age follows")
    assert line["result"] == "1.00 [1.00, 1.00]"
    assert line["for comparison"].startswith("real faces, known age: 1.00 [1.00, 1.00]")
    assert line["rests on"] == "96 faces of 24 people"


def test_the_true_faces_stand_beside_where_they_are_painted(told):
    # all read as 35: off by 20, 0, 10 and 25 years; one group in four is its source
    table = tables.measures(told)
    error, verified = (row(table, start) for start in ("Estimated age less", "Verified"))
    assert error["for comparison"].endswith("; true faces: 13.8 [13.8, 13.8]")
    assert "; true faces: 25.0 [" in verified["for comparison"]


def test_photographs_have_no_true_faces(told):
    table = tables.measures(told | {"true_faces": None})
    assert not table["for comparison"].str.contains("; true faces").any()


def test_identity_of_copies_is_kept_and_strangers_are_told(told):
    # sources at right angles: no stranger reaches the threshold of 0.3
    line = row(tables.measures(told), "Verified against the source")
    assert line["result"].startswith("100.0 [")
    assert line["for comparison"].startswith("sources of other people: 0.0")


def test_changes_of_genuine_and_impostor_pairs_have_signs(told):
    line = row(tables.measures(told), "AgeDB-C20: a child made as old")
    assert line["result"].startswith("+0.100 [")
    assert line["for comparison"].startswith("different people: +0.020 [")


def test_the_truth_stands_beside_the_source_as_it_is(told):
    # results are 6, the truth is 10 and the sources are 0 of 255
    line = row(tables.measures(told), "Difference from the true face")
    assert line["result"] == "4.0 [4.0, 4.0]"
    assert line["for comparison"] == "sources as they are: 10.0 [10.0, 10.0]"


@pytest.mark.parametrize("part", ["kid", "truth", "crossing"])
def test_a_part_that_was_not_measured_has_no_row(told, part):
    rows, all_rows = (len(tables.measures(each)) for each in (told | {part: None}, told))
    assert all_rows - rows == {"kid": 1, "truth": 2, "crossing": 2}[part]


def test_use_in_recognition_has_both_rules_of_each_set(told):
    # both kinds of pair are told apart at 0.5 and 0.1 already
    use = tables.use(told)
    assert use["set"].tolist() == ["AgeDB-C20"] * 2
    assert use["threshold chosen on"].tolist() == ["other people", "these pairs"]
    assert use["photographs"].str.startswith("100.0 [").all()
    assert use["difference"].tolist() == ["+0.0 [+0.0, +0.0]"] * 2


def test_each_age_group_has_a_row(told):
    table = tables.by_group(told)
    assert table["age group"].tolist() == ["0-30", "31-40", "41-50", "over 50"]
    assert table["central age"].tolist() == ["15", "35", "45", "60"]
    assert table["estimated age"].tolist()[0] == "15.0 [15.0, 15.0]"


def test_a_group_without_a_kernel_distance_has_a_dash(told):
    assert set(tables.by_group(told | {"kid": None})["KID"]) == {"\u2013"}


def test_the_kernel_distance_stands_beside_that_of_the_sources_and_of_real_halves(told):
    # results are their sources; the floor is that of the first group
    first, low_high = tables.by_group(told).iloc[0], told["kid"]["groups"][0]["floor_interval"]
    assert first["KID"] == first["KID of the sources"]
    low, high = (f"{end:.3f}".replace("-", "\u2212") for end in low_high)
    assert first["KID of real halves, 95 %"] == f"[{low}, {high}]"


def test_groups_without_a_kernel_distance_are_counted(told):
    kid = told["kid"] | {"groups": told["kid"]["groups"][:3], "left_out": [3]}
    line = row(tables.measures(told | {"kid": kid}), "Kernel distance")
    assert line["rests on"] == "24 faces a group, of 24 people, in 3 of 4 groups"
    assert line["for comparison"].endswith("; less that: +0.000 [+0.000, +0.000]")


def test_numbers_that_are_null_become_dashes():
    null = {"mean": None, "mean_interval": [None, None]}
    assert tables.number(null, "mean", 2) == "\u2013"


def test_a_number_below_zero_has_a_typographic_minus():
    below = {"mean": -0.25, "mean_interval": [-0.5, 0.125]}
    assert tables.number(below, "mean", 2) == "\u22120.25 [\u22120.50, 0.12]"


def test_titles_come_from_the_methods():
    assert section.titles([NAME], methods.find) == {NAME: "MTLFace"}


@pytest.mark.parametrize("name", ["synthesis-mtlface", "train-mtlface-s1", "synthesis-mtlface-s1x"])
def test_a_run_of_another_kind_is_refused_by_name(name):
    with pytest.raises(ValueError, match=f"^synthesis '{name}': expected a run such as"):
        section.titles([name], methods.find)


def test_what_was_reached_names_both_goals(told):
    text = section.reached(told)
    assert "rank correlation of 1.00 [1.00, 1.00]" in text
    assert re.search(r"100\.0 \[[0-9.]+, 100\.0\] % of the faces are verified", text)
    assert "0.0 % against that of somebody else" in text


def test_what_was_reached_stands_beside_the_true_faces(told):
    assert re.search(r"true faces at these ages.* reach .* and 25\.0 \[", section.reached(told))
    assert "true faces" not in section.reached(told | {"true_faces": None})


def test_a_run_of_one_person_tells_of_no_strangers(told):
    alone = told | {"kept": told["kept"] | {"strangers": None}}
    assert "somebody else" not in section.reached(alone)


def add_synthesis(folder, **changed):
    place = add_run(folder, "synthesis", "mtlface", 1, metrics(**changed))
    run = runs.Run(place, runs.read_json(place / "run.json"))
    grid = plots.aging_grid(
        np.zeros((1, 8, 8, 3), np.uint8), np.zeros((1, 1, 8, 8, 3), np.uint8), groups=["all"]
    )
    for name in ("aging_grid", "truth_grid", "there_and_back"):
        run.save_figure(name, grid, pd.DataFrame())
    losses = pd.DataFrame({"step": [1, 2], "age_loss": [2.0, 1.0]})
    for name in ("training", "age_following", "identity_kept"):
        run.save_figure(name, plots.synthesis_curves(losses), losses)
    return place


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    outputs = tmp_path_factory.mktemp("outputs")
    add_evaluation(outputs / "smoke", "arcface", 1, wrong=3)
    add_synthesis(outputs / "smoke")
    execute(outputs, methods="arcface", seeds="1", synthesis=NAME)
    html = (outputs / "smoke" / "report.html").read_text()
    return SimpleNamespace(folder=outputs / "smoke" / "report", html=html)


def headings(html):
    return re.findall(r"<h2>(.*?)</h2>", html)


def part_of(html, heading):
    return html.split(f"<h2>{heading}</h2>")[1].split("<h2>")[0]


def test_the_page_has_the_section(made):
    assert "Face age synthesis" in headings(made.html)


def test_its_tables_are_files_too(made):
    written = {path.stem for path in (made.folder / "tables").glob("synthesis*.csv")}
    expected = {"synthesis_mtlface_s1", "synthesis_mtlface_s1_groups", "synthesis_mtlface_s1_use"}
    assert written == expected


def test_painted_faces_are_on_the_page(made):
    assert part_of(made.html, "Face age synthesis").count("<img") == 6


def test_the_section_names_the_network_it_rests_on(made):
    assert "the maps of MTLFace, seed 1" in part_of(made.html, "Face age synthesis")


def test_the_run_is_among_the_records(made):
    assert NAME in pd.read_csv(made.folder / "tables/run_records.csv")["name"].tolist()


def page_of(folder, found):
    run = runs.start(folder / "report", notebook="05_report", parameters={})
    page = report.Page(run, title="A page")
    section.add(page, found)
    return page


def collected(folder):
    return report.collect(folder, [methods.find("arcface")], [1], synthesis={NAME: "MTLFace"})


def test_real_faces_never_stand_on_the_page(tmp_path):
    add_synthesis(tmp_path, synthetic=False)
    (part,) = page_of(tmp_path, collected(tmp_path)).sections
    captions = [each.text for each in part.parts if each.kind == "figure"]
    assert len(captions) == 3  # age following, identity kept, training
    assert not any("Sources" in caption or "Children" in caption for caption in captions)


@pytest.mark.parametrize(
    ("people", "painted", "text"),
    [
        (None, False, "Names do not tell"),
        (None, True, "The painted people of the test sets are others"),
        (0, False, "None of the test people are in the training set"),
        (
            3,
            False,
            "3 of the test people are in the training set, as far as names tell; they are left",
        ),
    ],
)
def test_people_of_the_training_set_are_told(tmp_path, people, painted, text):
    add_synthesis(tmp_path, shared_people=people, synthetic=painted)
    (part,) = page_of(tmp_path, collected(tmp_path)).sections
    assert any(text in each.text for each in part.parts)


def test_the_runs_behind_stand_in_the_records_once_and_are_no_rows(tmp_path):
    place = add_synthesis(tmp_path)
    record = runs.read_json(place / "run.json")
    behind = ["train-arcface-s1", "train-age_estimator-s2", "evaluate-mtlface-s1"]
    runs.write_json(place / "run.json", record | {"rests_on": behind})
    add_run(tmp_path, "train", "age_estimator", 2, {})
    found = collected(tmp_path)
    assert [run.folder.name for run in found.runs].count("train-arcface-s1") == 1  # of the study
    assert [(run.folder.name, run.status) for run in found.runs[-2:]] == [
        ("train-age_estimator-s2", "complete"), ("evaluate-mtlface-s1", "missing")
    ]  # fmt: skip
    assert found.complete("train") == []


def test_a_failed_run_is_told_with_its_reason_and_has_no_section(tmp_path):
    fail(add_run(tmp_path, "synthesis", "mtlface", 1, {}), "step 3: the age loss is nan")
    found = collected(tmp_path)
    told = found.incomplete.set_index("run").loc[NAME]
    assert (told["status"], told["reason"]) == ("failed", "step 3: the age loss is nan")
    assert page_of(tmp_path, found).sections == []


def test_without_synthesis_nothing_is_collected(tmp_path):
    found = report.collect(tmp_path, [methods.find("arcface")], [1])
    assert [run.stage for run in found.runs] == ["data", "train", "evaluate", "prototypes"]
