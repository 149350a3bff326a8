import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pandas as pd
import pytest
from made_runs import add_evaluation

from irlib import methods, plots, report, runs
from irlib.report.latex import escape, latex
from irlib.report.records import duration

CHOSEN = [methods.find("arcface"), methods.find("inter_prototype")]
ADDED = CHOSEN[1].title


@pytest.fixture
def study(tmp_path):
    add_evaluation(tmp_path, "arcface", 1, wrong=6)
    add_evaluation(tmp_path, "inter_prototype", 1, wrong=3)
    return tmp_path


def page(folder, **options):
    run = runs.start(folder / "report", notebook="05_report", parameters={})
    return report.Page(run, title="Title", **options)


def rendered(folder, made, seeds=(1,)):
    return report.render(made, report.collect(folder, CHOSEN, seeds), protocol=["A note."])


def test_the_page_is_well_formed_and_needs_nothing_from_outside(study):
    made = page(study, label=report.SYNTHETIC, answer=["An answer."], tiles=[("1", "one")])
    made.section("Section", "Text.")
    names = {"set": ["LAG"], "method": [ADDED]}
    table = pd.DataFrame({**names, "gain": [0.01], "low": [0.0], "high": [0.02]})
    made.figure("gains", plots.gains, table, "A figure.")
    html = rendered(study, made)
    assert not re.search(r"<script|<link|https?://|url\(", html)
    assert re.findall(r'src="([^"]{14})', html) == ["data:image/png"]
    stack = Balance()
    stack.feed(html)
    assert stack.open == []


class Balance(HTMLParser):
    VOID = frozenset({"meta", "img", "br"})

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attributes):
        self.open += [] if tag in self.VOID else [tag]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_escapes_what_it_is_told(study):
    made = page(study, answer=["<script>alert(1)</script>"])
    made.section("S")
    made.table("t", pd.DataFrame({"a": ["<b>"]}), "c")
    html = rendered(study, made)
    assert "<script>" not in html
    assert "&lt;b&gt;" in html


def test_the_page_marks_published_rows(study):
    made = page(study)
    made.section("S")
    made.table("t", pd.DataFrame({"m": ["A", "A"], "source": ["this suite", "published"]}), "c")
    assert rendered(study, made).count('<tr class="published">') == 1


def test_an_empty_table_leaves_a_note_and_no_file(study):
    made = page(study)
    made.section("S")
    made.table("t", pd.DataFrame({"a": []}), "What it says.")
    assert "No complete run has these numbers yet." in rendered(study, made)
    assert not (study / "report" / "tables").exists()


def test_an_absent_image_leaves_a_note_that_names_the_run(study):
    made = page(study)
    made.section("S")
    made.image(study / "data" / "figures" / "premise.png", "The premise.")
    assert "Not there: the run data has not made it." in rendered(study, made)


def test_every_run_has_its_record_and_a_link_where_it_has_a_folder(study):
    html = rendered(study, page(study))
    assert 'href="evaluate-arcface-s1/"' in html
    assert 'href="train-arcface-s1/"' not in html
    assert "train-arcface-s1" in html


def test_a_section_has_no_empty_paragraph(study):
    made = page(study)
    made.section("S", "", "Text.")
    assert [part.text for part in made.sections[0].parts] == ["Text."]


def test_records_are_a_table_too(study):
    made = page(study)
    found = report.collect(study, CHOSEN, [1])
    made.keep("run_records", report.record_table(found, made.run), "Records.")
    told = pd.read_csv(study / "report" / "tables" / "run_records.csv").set_index("name")
    assert told.loc["evaluate-arcface-s1", ["status", "data"]].tolist() == [
        "complete", "abababababab"
    ]  # fmt: skip
    assert told["status"].iloc[-1] == "this page"
    assert made.sections == []
    assert (study / "report" / "tables" / "run_records.tex").exists()


def test_records_tell_the_data_and_a_dirty_checkout(study):
    place = study / "evaluate-arcface-s1"
    record = json.loads((place / "run.json").read_text())
    git = {"commit": "0123456789abcdef", "dirty": True}
    runs.write_json(place / "run.json", {**record, "git": git})
    html = rendered(study, page(study))
    assert "0123456789 + changes" in html
    assert "abababababab" in html


@pytest.mark.parametrize(
    ("seconds", "told"), [(None, ""), (9.4, "9 s"), (185, "3 min 05 s"), (7260, "2 h 01 min")]
)
def test_durations_read_as_a_person_says_them(seconds, told):
    assert duration(seconds) == told


def test_a_table_is_kept_as_csv_and_latex(study):
    made = page(study, source="synthetic faces")
    made.section("S")
    made.table("rates", pd.DataFrame({"method": ["A"], "LAG": ["81.0 ± 1.4"]}), "Rates, percent.")
    tables = study / "report" / "tables"
    assert (tables / "rates.csv").read_text() == "method,LAG\nA,81.0 ± 1.4\n"
    text = (tables / "rates.tex").read_text()
    assert r"\caption{Rates, percent. Source: synthetic faces.}" in text
    assert r"A & 81.0 $\pm$ 1.4 \\" in text


def test_the_published_tables_do_not_claim_to_be_synthetic(study):
    made = page(study, source="synthetic faces")
    made.section("S")
    made.table("t", pd.DataFrame({"method": ["A"]}), "Printed.", source="the paper")
    assert "Source: the paper." in (study / "report" / "tables" / "t.tex").read_text()


def test_the_best_cell_is_bold_on_the_page_and_in_latex(study):
    made = page(study)
    made.section("S")
    table = pd.DataFrame({"method": ["A", "B"], "LAG": ["81.0 ± 1.4", "82.0 ± 0.3"]})
    made.table("t", table, "c", best=["LAG"])
    assert rendered(study, made).count("<b>82.0") == 1
    text = (study / "report" / "tables" / "t.tex").read_text()
    assert text.count(r"\textbf") == 1
    assert r"{\boldmath\textbf{82.0 $\pm$ 0.3}}" in text


def test_an_interval_does_not_break_within_a_line(study):
    made = page(study)
    made.section("S")
    made.table("t", pd.DataFrame({"a": ["+1.2 [+0.3, +2.6]"]}), "c")
    assert "+1.2 [+0.3,\u00a0+2.6]" in rendered(study, made)


def test_a_long_table_scrolls_within_itself(study):
    made = page(study)
    made.section("S")
    made.table("short", pd.DataFrame({"a": ["1"] * 24}), "c")
    made.table("long", pd.DataFrame({"a": ["1"] * 25}), "c")
    assert rendered(study, made).count('class="scroll parts tall"') == 1


ANALYSIS = report.Analysis(
    id="A3",
    name="a3_test",
    title="A title",
    claim="A claim.",
    read=lambda found: pd.DataFrame({"set": ["LAG"], "far": [0.1], "tar": [0.5]}),
    draw=plots.roc,
    finding=lambda table: f"{len(table)} row.",
    absent="Run it.",
)


def test_an_analysis_has_claim_figure_and_finding(study):
    made = page(study)
    made.section("S")
    made.analysis(ANALYSIS, report.collect(study, CHOSEN, [1]))
    html = rendered(study, made)
    for told in ("<h3>A3: A title</h3>", "Claim: A claim.", "Here: 1 row.", "data:image/png"):
        assert told in html
    names = sorted(path.name for path in (study / "report" / "figures").iterdir())
    assert names == ["a3_test.csv", "a3_test.pdf", "a3_test.png"]


def test_an_analysis_may_have_a_table_and_another_label(study):
    made = page(study)
    made.section("S")
    changed = {"table": lambda numbers: pd.DataFrame({"tar": ["50.0"]}), "label": "Our hypothesis"}
    made.analysis(
        report.Analysis(**{**vars(ANALYSIS), **changed}), report.collect(study, CHOSEN, [1])
    )
    assert "Our hypothesis: A claim." in rendered(study, made)
    assert (study / "report" / "tables" / "a3_test.csv").read_text() == "tar\n50.0\n"


def test_an_analysis_without_numbers_says_what_to_run(study):
    made = page(study)
    made.section("S")
    absent = report.Analysis(**{**vars(ANALYSIS), "read": lambda found: pd.DataFrame()})
    assert made.analysis(absent, report.collect(study, CHOSEN, [1])) is None
    assert '<p class="note">Run it.</p>' in rendered(study, made)


def test_analyses_come_by_their_numbers():
    ids = ["A10", "A2", "A12", "A10", "A1"]
    made = [report.Analysis(**{**vars(ANALYSIS), "id": name}) for name in ids]
    assert [a.id for a in report.in_order(made)] == ["A1", "A2", "A10", "A10", "A12"]


def test_every_analysis_but_the_ablations_is_there():
    ids = [analysis.id for analysis in report.in_order(report.ANALYSES)]
    assert ids == [f"A{number}" for number in range(1, 13) if number != 10]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("50 % & more_", r"50 \% \& more\_"),
        (r"a\b {c}", r"a\textbackslash{}b \{c\}"),
        ("\u00b1\u2212\u2013\u2192", r"$\pm$$-$--$\rightarrow$"),
        ("[0, 1]", "{[}0, 1{]}"),  # after a line's end it would be a length
    ],
)
def test_latex_gets_what_it_can_set(text, written):
    assert escape(text) == written


def small_table():
    return latex(
        pd.DataFrame({"method": ["A_1 + B", "C"], "[95 %]": ["[\u22120.1, +0.2]*", "\u2013"]}),
        caption="Gains & losses, 95 %.",
        label="gains",
        left=[True, False],
        bold=pd.DataFrame({"method": [False, False], "[95 %]": [True, False]}),
    )


def test_a_latex_table_has_the_rules_of_booktabs_in_order():
    lines = small_table().splitlines()
    rules = [line for line in lines if line.endswith("rule")]
    assert rules == [r"\toprule", r"\midrule", r"\bottomrule"]
    assert r"\begin{tabular}{lr}" in lines
    assert r"\label{tab:gains}" in lines


def test_every_row_of_a_latex_table_has_its_cells():
    rows = [line for line in small_table().splitlines() if line.endswith(r" \\")]
    assert [row.replace(r"\&", "").count("&") for row in rows] == [1, 1, 1]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
def test_a_latex_table_compiles(tmp_path):
    text = r"\documentclass{article}\usepackage{booktabs}\begin{document}" + "\n"
    (tmp_path / "t.tex").write_text(text + small_table() + r"\end{document}")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout[-2000:]
    assert "Missing character" not in (tmp_path / "t.log").read_text(errors="replace")
