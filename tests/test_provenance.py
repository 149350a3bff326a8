import json
import shutil
import subprocess

import pytest

from irlib import provenance

LOOP = '''"""A loop."""

from irlib.losses.one import loss


def train(steps):
    """Train."""
    return [loss(step) for step in range(steps)]  # one a step
'''
TREE = {
    "irlib/__init__.py": "",
    "irlib/loop.py": LOOP,
    "irlib/losses/__init__.py": "from irlib.losses.one import loss\n",
    "irlib/losses/one.py": "def loss(step):\n    return 1.0 / (step + 1)\n",
    "irlib/other.py": "SPEED = 1\n",
    "irlib/methods.py": "from irlib import other\n\nMETHODS = ['arcface']\n",
}


@pytest.fixture
def root(write_tree):
    return write_tree(TREE)


def digest(root):
    return provenance.source_digest(root, "irlib.loop")


def changed(root, name, old, new):
    """Whether the loop's digest changes with an edit of a file."""
    before = digest(root)
    text = (root / name).read_text()
    assert old in text
    (root / name).write_text(text.replace(old, new))
    return digest(root) != before


def test_a_comment_changes_no_digest(root):
    assert not changed(root, "irlib/loop.py", "# one a step", "# one for each step")


def test_a_docstring_changes_no_digest(root):
    assert not changed(root, "irlib/loop.py", '"""Train."""', '"""Train for some steps."""')


def test_a_removed_docstring_changes_no_digest(root):
    assert not changed(root, "irlib/loop.py", '    """Train."""\n', "")


def test_layout_changes_no_digest(root):
    assert not changed(root, "irlib/loop.py", "range(steps)]", "range(\n        steps)\n    ]")


def test_code_changes_the_digest(root):
    assert changed(root, "irlib/loop.py", "range(steps)", "range(steps + 1)")


def test_code_behind_an_import_changes_the_digest(root):
    assert changed(root, "irlib/losses/one.py", "step + 1", "step + 2")


def test_code_that_is_not_imported_changes_no_digest(root):
    assert not changed(root, "irlib/other.py", "SPEED = 1", "SPEED = 2")


def test_a_module_imported_inside_a_function_counts(root):
    name = "irlib/losses/one.py"
    assert changed(root, name, "    return", "    from irlib import other\n    return")
    assert changed(root, "irlib/other.py", "SPEED = 1", "SPEED = 2")


def test_the_import_of_a_whole_package_follows_into_it(root):
    (root / "irlib/loop.py").write_text("from irlib import other\n")
    assert changed(root, "irlib/other.py", "SPEED = 1", "SPEED = 2")


def test_modules_that_import_each_other_end(root):
    (root / "irlib/other.py").write_text("import irlib.loop\n")
    (root / "irlib/loop.py").write_text("import irlib.other\n")
    closure = provenance.import_closure(root, ["irlib.loop"])
    assert closure == ["irlib.loop", "irlib.other"]


def test_a_registry_is_no_part_of_a_digest(root):
    (root / "irlib/loop.py").write_text("from irlib.methods import METHODS\n")
    assert not changed(root, "irlib/methods.py", "['arcface']", "['arcface', 'cosface']")


# A package that only re-exports is a registry: its own text is no part of a digest, but a name that
# is taken from it leads to the module at home in it.


def test_a_re_export_is_followed_to_its_module(root):
    (root / "irlib/loop.py").write_text("from irlib.losses import loss\n")
    assert "irlib.losses" in provenance.LEFT_OUT
    assert provenance.import_closure(root, ["irlib.loop"]) == ["irlib.loop", "irlib.losses.one"]
    assert changed(root, "irlib/losses/one.py", "step + 1", "step + 2")


def test_what_a_package_re_exports_besides_is_no_part_of_a_digest(root):
    (root / "irlib/loop.py").write_text("from irlib.losses import loss\n")
    (root / "irlib/losses/two.py").write_text("def other(step):\n    return 2.0\n")
    before = digest(root)
    (root / "irlib/losses/__init__.py").write_text(
        "from irlib.losses.one import loss\nfrom irlib.losses.two import other\n"
    )
    assert digest(root) == before


def test_a_re_export_under_its_own_name_of_a_package_that_counts_is_followed_too(root):
    (root / "irlib/extra").mkdir()
    (root / "irlib/extra/__init__.py").write_text("from irlib.extra.deep import speed\n")
    (root / "irlib/extra/deep.py").write_text("speed = 1\n")
    (root / "irlib/loop.py").write_text("from irlib.extra import speed\n")
    closure = provenance.import_closure(root, ["irlib.loop"])
    assert closure == ["irlib.extra", "irlib.extra.deep", "irlib.loop"]


def test_a_module_of_a_package_is_followed_by_its_own_name(root):
    (root / "irlib/loop.py").write_text("from irlib.losses import one\n")
    assert provenance.import_closure(root, ["irlib.loop"]) == ["irlib.loop", "irlib.losses.one"]


def test_a_notebook_that_takes_a_name_from_a_package_depends_on_its_module(root, write_notebook):
    notebook = write_notebook(root / "a.ipynb", "from irlib.losses import loss")
    before = provenance.notebook_digest(root, notebook)
    (root / "irlib/losses/one.py").write_text("def loss(step):\n    return 0.0\n")
    assert provenance.notebook_digest(root, notebook) != before


def test_a_module_that_does_not_exist_is_an_error(root):
    with pytest.raises(FileNotFoundError):
        provenance.source_digest(root, "irlib.nothing")


def test_a_notebooks_digest_changes_with_its_code_and_not_with_its_prose(root, write_notebook):
    digests = []
    for line, prose in [("x = 1", "Words."), ("x = 1  # one", "Other words."), ("x = 2", "Words.")]:
        path = write_notebook(root / "a.ipynb", "from irlib import loop", line)
        notebook = json.loads(path.read_text())
        notebook["cells"].append({"cell_type": "markdown", "metadata": {}, "source": [prose]})
        path.write_text(json.dumps(notebook))
        digests.append(provenance.notebook_digest(root, path))
    assert digests[0] == digests[1] != digests[2]


def test_a_notebooks_digest_changes_with_the_library_behind_it(root, write_notebook):
    notebook = write_notebook(root / "a.ipynb", "from irlib import loop")
    before = provenance.notebook_digest(root, notebook)
    (root / "irlib/losses/one.py").write_text("def loss(step):\n    return 0.0\n")
    assert provenance.notebook_digest(root, notebook) != before


def test_a_digest_does_not_depend_on_the_order_of_names():
    assert provenance.digest({"a": 1, "b": 2}) == provenance.digest({"b": 2, "a": 1})


def test_a_digest_tells_values_apart():
    assert len({provenance.digest(v) for v in (1, 1.5, "1", [1], None, {"a": 1})}) == 6


def test_outside_git_the_commit_is_unknown(tmp_path):
    assert provenance.git_state(tmp_path) == {"commit": None, "dirty": None}


@pytest.fixture
def repository(tmp_path):
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", "-C", tmp_path, *identity, *words], check=True)
    return tmp_path


def test_a_clean_checkout_is_not_dirty(repository):
    state = provenance.git_state(repository)
    assert (len(state["commit"]), state["dirty"]) == (40, False)


def test_a_new_file_makes_a_checkout_dirty(repository):
    (repository / "new.py").touch()
    assert provenance.git_state(repository)["dirty"] is True


def test_versions_name_what_can_move_a_number():
    found = provenance.versions()
    assert {"python", "torch", "numpy", "pillow"} <= {k for k, v in found.items() if v}


def test_a_package_that_is_not_installed_has_no_version(monkeypatch):
    monkeypatch.setattr(provenance, "PACKAGES", ("no-such-package",))
    assert provenance.versions()["no-such-package"] is None


def test_hardware_is_plain_and_complete():
    found = provenance.hardware()
    assert json.loads(json.dumps(found)) == found
    assert found["cores"] >= 1
    assert found["system"] and found["processor"]
