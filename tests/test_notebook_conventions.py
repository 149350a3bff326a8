import ast
import io
import json
import re
import tokenize
from pathlib import Path

import papermill
import pytest

from irlib.notebooks.parameters import parameters_of
from irlib.values import TYPES

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
COMMON = {"study": "str", "overrides": "dict", "device": "str", "data": "str", "outputs": "str"}
WORDS_PER_LINE = 2  # of prose for each line of code, at least

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def sources(path, kind):
    return ["".join(c["source"]) for c in read(path)["cells"] if c["cell_type"] == kind]


def parameter_cell(path):
    cells = [c for c in read(path)["cells"] if "parameters" in c["metadata"].get("tags", [])]
    assert len(cells) == 1
    return "".join(cells[0]["source"])


def test_the_six_notebooks_are_there():
    names = ["01_data_prep", "02_train", "03_evaluate", "04_prototypes", "05_report"]
    names.append("06_synthesis")  # after the report in number, before it in time
    assert [path.stem for path in NOTEBOOKS] == names


@each_notebook
def test_no_outputs_are_kept(path):
    code = [cell for cell in read(path)["cells"] if cell["cell_type"] == "code"]
    assert [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"]] == []


@each_notebook
def test_cells_have_at_most_15_lines(path):
    assert max(len(source.splitlines()) for source in sources(path, "code")) <= 15


@each_notebook
def test_code_defines_nothing_and_has_no_magics(path):
    trees = [ast.parse(source) for source in sources(path, "code")]  # a magic is no Python
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    defined = [ast.unparse(n) for tree in trees for n in ast.walk(tree) if isinstance(n, kinds)]
    assert defined == []


@each_notebook
def test_parameters_are_annotated_literals_with_a_comment_each(path):
    line = re.compile(rf"\w+: ({'|'.join(TYPES)})(\[.*\])? = \S.*  # [^=]+")
    assert [text for text in parameter_cell(path).splitlines() if not line.fullmatch(text)] == []


@each_notebook
def test_a_parameters_default_is_a_value_of_its_type(path):
    for parameter in parameters_of(path).values():
        assert type(parameter.default).__name__ == parameter.type.split("[")[0]


@each_notebook
def test_papermill_sees_the_parameters_that_we_see(path):
    assert set(papermill.inspect_notebook(path)) == set(parameters_of(path))


@each_notebook
def test_the_common_parameters_are_there(path):
    types = {name: parameter.type for name, parameter in parameters_of(path).items()}
    assert types == {**types, **COMMON}


@each_notebook
def test_common_parameters_default_to_the_demo_anywhere(path):
    found = {name: parameters_of(path)[name].default for name in COMMON}
    expected = {"study": "demo", "overrides": {}, "device": "auto"}
    assert found == {**expected, "data": "data", "outputs": "outputs"}


@each_notebook
def test_every_parameter_is_used(path):
    # a parameter that nothing reads is an option that lies
    after = "\n".join(source for source in sources(path, "code") if source != parameter_cell(path))
    used = {n.id for n in ast.walk(ast.parse(after)) if isinstance(n, ast.Name)}
    assert set(parameters_of(path)) - used == set()


@each_notebook
def test_it_opens_with_its_number_and_title_and_then_the_parameters(path):
    first, second = read(path)["cells"][:2]
    number = int(path.stem.split("_")[0])
    assert re.match(rf"# {number} \w+", "".join(first["source"]))
    assert second["metadata"].get("tags") == ["parameters"]


@each_notebook
def test_the_usual_sections_come_in_order(path):
    headings = re.findall(r"^## (.*)$", "\n".join(sources(path, "markdown")), re.MULTILINE)
    wanted = [heading for heading in headings if heading in ("Setup", "Result", "Reading")]
    assert wanted == ["Setup", "Result", "Reading"]
    assert headings[0] == "Setup"
    assert headings[-1] == "Reading"


def code_lines(source):
    """Lines that hold more than a comment."""
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0] for t in tokens if t.type not in skipped and t.string}


@each_notebook
def test_prose_carries_the_code(path):
    told = sum(len(source.split()) for source in sources(path, "markdown"))
    code = sum(len(code_lines(source)) for source in sources(path, "code"))
    assert told >= WORDS_PER_LINE * code


@each_notebook
def test_it_imports_nothing_it_does_not_use(path):
    tree = ast.parse("\n".join(sources(path, "code")))
    named = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    names = {(a.asname or a.name).split(".")[0] for node in named for a in node.names}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert names - used == set()


@each_notebook
def test_cell_ids_are_unique(path):
    ids = [cell["id"] for cell in read(path)["cells"]]
    assert len(set(ids)) == len(ids)


@each_notebook
def test_the_kernel_is_the_plain_python_one(path):
    metadata = read(path)["metadata"]
    assert metadata["kernelspec"]["name"] == "python3"
    assert set(metadata) == {"kernelspec", "language_info"}  # no editor's traces


@each_notebook
def test_it_leaves_no_path_of_a_machine(path):
    assert not re.search(r"/(home|Users|root|tmp|work)/", path.read_text(encoding="utf-8"))


@each_notebook
def test_its_run_record_names_the_notebook_itself(path):
    assert f'notebook="{path.stem}"' in "\n".join(sources(path, "code"))


@each_notebook
def test_its_run_record_holds_every_parameter(path):
    code = "\n".join(sources(path, "code"))
    quoted = set(re.findall(r'"(\w+)": \w+', code))
    assert set(parameters_of(path)) - quoted == set()


def started_by_the_snakefile():
    text = (ROOT / "Snakefile").read_text()
    for rule in text.split("\nrule ")[1:]:
        notebook = re.search(r"\b(\d\d_\w+)", rule)
        if notebook:
            yield notebook[1], set(re.findall(r"-p (\w+)=", rule))


def test_the_snakefile_starts_every_notebook():
    assert sorted({name for name, _ in started_by_the_snakefile()}) == [p.stem for p in NOTEBOOKS]


@pytest.mark.parametrize(("name", "given"), list(started_by_the_snakefile()))
def test_the_snakefile_gives_only_parameters_that_the_notebook_has(name, given):
    assert given - set(parameters_of(ROOT / f"notebooks/{name}.ipynb")) == set()
