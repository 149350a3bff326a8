"""The report of a whole matrix: sixteen methods, two seeds, one that failed."""

import re
from types import SimpleNamespace

import pandas as pd
import pytest
from made_runs import (
    KEYS,
    add_evaluation,
    add_prototypes,
    add_run,
    add_training,
    execute,
    fail,
)

from irlib import methods

NAMES = [*methods.GROUPS["all"], "ip_random", "ip_all", "ip_x10", "arcface_published"]
SEEDS = (1, 2)
FAILED = "mtlface"


def add_matrix(folder):
    for seed in SEEDS:
        for place, name in enumerate(NAMES):
            if name == FAILED:
                fail(add_run(folder, "train", name, seed, {}), "step 8: the loss is not finite")
                continue
            add_training(folder, name, seed)
            add_evaluation(folder, name, seed, 3 + (place + seed) % 6, KEYS)
            add_prototypes(folder, name, seed, child_mean=0.05 + 0.01 * place)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    outputs = tmp_path_factory.mktemp("outputs")
    add_matrix(outputs / "smoke")
    space = execute(outputs, methods=",".join(["all", *NAMES[-4:]]), seeds="1,2")
    html = (outputs / "smoke" / "report.html").read_text()
    return SimpleNamespace(folder=outputs / "smoke" / "report", html=html, space=space)


def table(made, name):
    return pd.read_csv(made.folder / "tables" / f"{name}.csv", dtype=str, keep_default_na=False)


def test_a_failed_run_is_told_first_with_its_reason(made):
    first = re.search(r"<h2>(.*?)</h2>", made.html)[1]
    assert first == "Runs that are not complete"
    rows = table(made, "incomplete")
    assert rows[["run", "status", "reason"]].values.tolist()[:2] == [
        ["train-mtlface-s1", "failed", "step 8: the loss is not finite"],
        ["train-mtlface-s2", "failed", "step 8: the loss is not finite"],
    ]


def test_what_waits_for_a_failed_training_says_so(made):
    rows = table(made, "incomplete").set_index("run")["reason"]
    assert rows["evaluate-mtlface-s1"] == "its training is not complete"
    assert rows["data"] == "not run yet"


def test_the_page_is_whole_without_the_failed_method(made):
    titles = [method.title for method in methods.METHODS.values() if method.kind == "table"]
    titles.remove("MTLFace")
    assert table(made, "accuracy_oracle")["method"].tolist() == titles
    assert "None" not in "".join(re.findall(r"<td[^>]*>([^<]*)</td>", made.html))


def test_every_table_is_there_as_csv_and_latex(made):
    written = {path.stem for path in (made.folder / "tables").glob("*.csv")}
    assert written == {path.stem for path in (made.folder / "tables").glob("*.tex")}
    assert {
        "accuracy_oracle", "accuracy_as_published", "accuracy_variants", "accuracy_folds",
        "tar_at_far", "gains_mean", "gains_sets", "gains_controls", "a10_weight_lambda",
        "gains_as_published", "run_records",
        "a10_controls", "prototype_changes", "published_casia", "published_ms1m",
    } <= written  # fmt: skip


def test_every_figure_is_there_in_three_forms(made):
    names = {path.name for path in (made.folder / "figures").iterdir()}
    for name in (
        "accuracy",
        "gains",
        "roc",
        "training_curves",
        "tsne",
        "tsne_others",
        "a10_controls",
    ):
        assert {f"{name}.{ending}" for ending in ("png", "pdf", "csv")} <= names


def test_the_five_panels_are_those_of_the_paper(made):
    panels = pd.read_csv(made.folder / "figures" / "tsne.csv")["panel"].drop_duplicates()
    assert panels.tolist() == [
        "ArcFace", "CosFace", "CurricularFace", "MV-AM", "ArcFace + Inter-Prototype"
    ]  # fmt: skip


def test_no_published_number_stands_in_a_table_of_synthetic_faces(made):
    for path in (made.folder / "tables").glob("*.csv"):
        text = path.read_text()
        assert ("83.55" in text) == (path.stem == "published_casia"), path


def test_the_published_tables_name_their_source_in_latex(made):
    text = (made.folder / "tables" / "published_ms1m.tex").read_text()
    assert "Lee et al., BMVC 2021, on photographs" in text
    assert "synthetic" not in text
    assert "synthetic faces" in (made.folder / "tables" / "gains_mean.tex").read_text()


def test_every_method_but_arcface_is_compared_with_its_baseline(made):
    told = table(made, "gains_mean")
    complete = [name for name in NAMES if name not in ("arcface", FAILED)]
    assert told["method"].tolist() == [methods.find(name).title for name in complete]
    assert set(told["seeds"]) == {"2"}


def test_a_row_by_its_authors_settings_stands_for_the_fair_one(made):
    fair, own = (
        table(made, name).set_index("method")
        for name in ("accuracy_oracle", "accuracy_as_published")
    )
    changed = [name for name in fair.index if (fair.loc[name] != own.loc[name]).any()]
    assert changed == ["ArcFace"]


def test_the_report_runs_before_anything_else_did(tmp_path):
    space = execute(tmp_path, methods="all,controls,ablations", seeds="1")
    html = (tmp_path / "smoke" / "report.html").read_text()
    assert "No comparison can be told yet: 0 of" in html
    assert "Not run: ./run_all.sh smoke --methods all,controls,ablations." in html
    assert len(space["found"].absent) == len(space["found"].runs)


def test_on_photographs_ours_stands_beside_the_published_row(tmp_path):
    for name in ("arcface", "inter_prototype"):
        add_evaluation(tmp_path / "casia", name, 1, 3, KEYS)
    execute(tmp_path, study="casia", methods="arcface,inter_prototype", seeds="1")
    folder = tmp_path / "casia" / "report" / "tables"
    rows = pd.read_csv(folder / "accuracy_oracle.csv", dtype=str)[["method", "source", "LAG"]]
    assert rows.values.tolist()[:2] == [
        # 3 of 48 pairs judged wrongly
        ["ArcFace", "this suite", "93.75"],
        ["ArcFace", "published", "89.80 ± 0.25"],
    ]
    caption = (folder / "accuracy_oracle.tex").read_text()
    assert "best epoch, chosen on that very test set" in caption
    assert "Source: this suite; published rows: Lee et al., BMVC 2021" in caption
    assert not (folder / "published_casia.csv").exists()
    assert "Not run here: ./run\\_all.sh ms1m" in (folder / "published_ms1m.tex").read_text()


def test_with_a_changed_setting_no_published_row_stands_beside_ours(tmp_path):
    changed = {"study": "casia", "overrides": {"batch_size": 64}, "seeds": "1"}
    folder = tmp_path / "casia+batch_size=64"
    add_evaluation(folder, "arcface", 1, 3, KEYS)
    execute(tmp_path, methods="arcface", **changed)
    rows = pd.read_csv(folder / "report" / "tables" / "accuracy_oracle.csv", dtype=str)
    assert rows["source"].tolist() == ["this suite"]
    assert (folder / "report" / "tables" / "published_casia.csv").exists()
    html = (folder / "report.html").read_text()
    assert "Not run: ./run_all.sh casia --set batch_size=64 --methods all,controls" in html
