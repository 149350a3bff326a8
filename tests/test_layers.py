"""The shape of the house: who may import whom, and who may touch the world outside.

A module is looked up by its longest known prefix, so a package has one layer unless a part of it
is listed apart.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import irlib

ROOT = Path(irlib.__file__).parents[1]

# Utilities below everything; then the layers 0 to 3, in steps where one of a layer's modules
# stands on another.
LAYER = {
    "irlib": -3,
    "irlib.values": -2,
    "irlib.progress": -2,
    "irlib.provenance": -2,
    "irlib.published": -2,
    "irlib.gpus": -2,
    "irlib.processes": -2,
    "irlib.signals": -2,
    "irlib.augmentation": -2,
    "irlib.parallel": -2,
    "irlib.images": -1,
    "irlib.runs": -1,
    "irlib.backbones": 0,
    "irlib.heads": 0,
    "irlib.losses": 0,
    "irlib.devices": 0,
    "irlib.plots": 0,
    "irlib.tables": 0,
    "irlib.training.config": 0,  # a value; studies hold one
    "irlib.data": 1,
    "irlib.checkpoints": 1,
    "irlib.notebooks": 1,
    "irlib.objectives": 1,
    "irlib.age_invariant": 2,
    "irlib.class_groups": 2,
    "irlib.methods": 3,
    "irlib.studies": 2,
    "irlib.training": 2,
    "irlib.training.synthesis": 3,
    "irlib.training.synthesis.config": 1,
    "irlib.training.task": 4,
    "irlib.training.joining": 6,
    "irlib.training.synthesis.joining": 7,
    "irlib.training.asking": 8,
    "irlib.training.__main__": 9,
    "irlib.evaluation": 2,
    "irlib.evaluation.synthesized": 3,
    "irlib.prototypes": 2,
    "irlib.analyses": 3,
    "irlib.prepared": 3,
    "irlib.preparing": 4,
    "irlib.aging": 4,
    "irlib.embeddings": 4,
    "irlib.report": 3,
    "irlib.trainings": 4,
    "irlib.graph": 5,
    "irlib.options": 3,
    "irlib.shares": 3,
    "irlib.undone": 0,
    "irlib.models": 0,
    "irlib.__main__": 6,
}

# Who may: read the environment or the command line; print.
WORLD = {
    "irlib.__main__": "the command line; a PATH for the jobs",
    "irlib.aging.__main__": "a command line",
    "irlib.checkpoints.__main__": "a command line",
    "irlib.data.__main__": "a command line",
    "irlib.embeddings.__main__": "a command line",
    "irlib.notebooks.__main__": "a command line; the GPU that the run may see",
    "irlib.notebooks.kernel": "the interpreter's own path",
    "irlib.notebooks.execution": "the stream that a headless run talks to",
    "irlib.progress": "whether somebody watches",
    "irlib.shares": "the GPUs that the user chose",
    "irlib.training.__main__": "a command line; the place that torchrun gives; its input",
    "irlib.training.launching": "the environment that a training inherits",
}


def module_files():
    for path in sorted((ROOT / "irlib").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(module_files())
TREES = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}


def imports(name):
    """Modules that a module names anywhere in its code, functions and conditions included."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from imported_from(name, node)


def imported_from(name, node):
    package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
    parents = package.split(".")[: len(package.split(".")) - node.level + 1]
    base = (
        ".".join([*parents, *([node.module] if node.module else [])]) if node.level else node.module
    )
    for alias in node.names:
        full = f"{base}.{alias.name}"
        yield full if full in MODULES else base


def layer_name(name):
    while name not in LAYER:
        name = name.rpartition(".")[0]
    return name


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_lower_layers_and_its_own_package(name):
    own = layer_name(name)
    for imported in imports(name):
        if imported.split(".")[0] != "irlib":
            continue
        other = layer_name(imported)
        same_package = imported.startswith(f"{own}.") or other == own
        assert same_package or LAYER[other] < LAYER[own], f"{name} imports {imported}"


def test_every_module_stands_in_the_table():
    assert [name for name in MODULES if layer_name(name) == "irlib" and name != "irlib"] == []


def test_the_table_lists_no_module_that_is_gone():
    assert set(LAYER) <= set(MODULES)


def test_no_import_is_relative():
    # the digest of a result's code follows absolute imports only
    relative = [
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


@pytest.mark.parametrize(("library", "homes"), [
    ("papermill", ["irlib.notebooks"]),
    ("jupyter_client", ["irlib.notebooks"]),
    ("snakemake", ["irlib.__main__"]),
    ("matplotlib", ["irlib.plots", "irlib.report", "irlib.runs"]),
    ("cv2", ["irlib.data.alignment"]),
    ("simplejpeg", ["irlib.data.alignment", "irlib.data.decoding"]),
])  # fmt: skip
def test_a_library_has_one_home(library, homes):
    users = [name for name in MODULES for i in imports(name) if i.split(".")[0] == library]
    strangers = {user for user in users if not user.startswith(tuple(homes))}
    assert strangers == set()


def test_data_imports_torch_in_loading_alone():
    users = {n for n in MODULES for i in imports(n) if i.split(".")[0] == "torch"}
    assert {name for name in users if name.startswith("irlib.data")} == {"irlib.data.loading"}


def test_the_loop_knows_neither_data_nor_evaluation_nor_methods():
    known = set(imports("irlib.training.loop")) | set(imports("irlib.training.recorder"))
    foreign = ("irlib.data", "irlib.evaluation", "irlib.methods", "irlib.studies")
    assert [name for name in known if name.startswith(foreign)] == []


def test_plots_and_studies_do_not_bring_torch():
    code = "import sys, irlib.plots, irlib.studies, irlib.tables; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd="/", check=False).returncode == 0


READS = {"os.environ", "os.getenv", "sys.argv", "sys.stdout"}


def world_uses(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in READS:
            yield ast.unparse(node)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "input"):
            yield ast.unparse(node.func)


def test_only_the_modules_made_for_it_print_or_read_the_environment():
    users = {name: sorted(set(world_uses(tree))) for name, tree in TREES.items()}
    assert {name: uses for name, uses in users.items() if uses and name not in WORLD} == {}


def test_nothing_seeds_or_draws_from_numpys_global_generator():
    legacy = [
        f"{name}: {ast.unparse(node)}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and ast.unparse(node.value) in ("np.random", "numpy.random")
        and node.attr not in ("default_rng", "Generator", "SeedSequence", "PCG64", "Philox")
    ]
    assert legacy == []


def longest_function(tree):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    sizes = [n.end_lineno - n.lineno + 1 for n in ast.walk(tree) if isinstance(n, kinds)]
    return max(sizes, default=0)


def test_no_module_is_longer_than_250_lines():
    sizes = {name: len(path.read_text().splitlines()) for name, path in MODULES.items()}
    assert {n: size for n, size in sizes.items() if size > 250} == {}


def test_no_function_is_longer_than_60_lines():
    longest = {name: longest_function(tree) for name, tree in TREES.items()}
    loop = "irlib.training.loop"  # its one function is the algorithm, to be read in one piece
    assert {n: size for n, size in longest.items() if size > (65 if n == loop else 60)} == {}
