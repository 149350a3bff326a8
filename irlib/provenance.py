"""What a result was made with: commit, versions, hardware and a digest of the code it rests on."""

import ast
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

PACKAGES = (
    "torch", "torchvision", "numpy", "scipy", "pandas", "scikit-learn", "umap-learn", "seaborn",
    "matplotlib", "pillow", "papermill", "jupyterlab", "snakemake",
)  # fmt: skip


def snapshot(root: Path) -> dict[str, Any]:
    """Git state, package versions and hardware, as plain JSON values."""
    return {"git": git_state(root), "versions": versions(), "hardware": hardware()}


def git_state(root: Path) -> dict[str, Any]:
    """Commit and whether tracked or new files differ from it; nulls outside a git checkout."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(root), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "dirty": None}


def versions() -> dict[str, str | None]:
    """Version of Python and of each package that can move a number; None where not installed."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    return found


def hardware() -> dict[str, Any]:
    """System, processor, cores that this process may use, and NVIDIA GPUs by name."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": available_cores(),
        "gpus": _gpus(),
    }


def available_cores() -> int:
    """Cores that this process may run on, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _gpus() -> list[str]:
    # Read from the driver, not through torch: starting CUDA only to write a record takes seconds.
    names = []
    for info in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        lines = [line for line in info.read_text().splitlines() if line.startswith("Model:")]
        names += [line.split(":", 1)[1].strip() for line in lines]
    return names


# Modules that are not part of a digest. Registries only list what there is: a result depends on the
# entries that it uses, and not on those that were added beside them. And how a training is started,
# and how a result is recorded and shown on the way, does not change it.
LEFT_OUT = frozenset(
    {
        "irlib.backbones", "irlib.backbones.registry", "irlib.checkpoints.families", "irlib.data",
        "irlib.heads",
        "irlib.losses", "irlib.methods", "irlib.methods.method", "irlib.methods.entries_tables",
        "irlib.methods.entries_controls", "irlib.methods.entries_estimators",
        "irlib.methods.entries_published", "irlib.objectives",
        "irlib.studies",
        "irlib.progress", "irlib.provenance", "irlib.runs", "irlib.values",
        "irlib.parallel.starting", "irlib.training.attaching", "irlib.training.launching",
        "irlib.training.status",
    }
)  # fmt: skip


def digest(*values: Any) -> str:
    """SHA-256 of plain JSON values, as 64 hexadecimal digits."""
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def source_digest(root: Path, *modules: str) -> str:
    """Digest of irlib modules and of every irlib module they import, `LEFT_OUT` aside.

    Comments, docstrings and layout do not count: only a change of the program makes a result stale.

    Args:
        root: the repository.
        modules: dotted names, e.g. ``irlib.training.loop``.

    Raises:
        FileNotFoundError: a named module does not exist.
    """
    files = {name: _module_file(root, name) for name in import_closure(root, modules)}
    programs = [[name, _program(file.read_text())] for name, file in files.items()]
    templates = {template for file in files.values() for template in file.parent.glob("*.j2")}
    return digest(programs, [template.read_text() for template in sorted(templates)])


def notebook_digest(root: Path, notebook: Path) -> str:
    """Digest of a notebook's code cells and of the irlib modules they import, as above."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    return digest(_program(code), source_digest(root, *_imports(ast.parse(code), root, "")))


def import_closure(root: Path, modules: tuple[str, ...] | list[str]) -> list[str]:
    """Sorted names of the irlib modules that the named ones import, themselves included."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found and name not in LEFT_OUT:
            found.add(name)
            waiting += _imports(ast.parse(_module_file(root, name).read_text()), root, name)
    return sorted(found)


def _imports(tree: ast.AST, root: Path, name: str) -> list[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names += [node.module]
            names += filter(None, (_home(root, node.module, alias.name) for alias in node.names))
    return [n for n in names if n.split(".")[0] == "irlib" and n != name]


def _home(root: Path, package: str, member: str) -> str | None:
    # The module that a member of a package is, or that the package re-exports it from.
    if _has_module(root, f"{package}.{member}"):
        return f"{package}.{member}"
    exports = root.joinpath(*package.split("."), "__init__.py")
    nodes = ast.parse(exports.read_text()).body if exports.exists() else []
    imported = (node for node in nodes if isinstance(node, ast.ImportFrom))
    return next((n.module for n in imported if member in [a.name for a in n.names]), None)


def _has_module(root: Path, name: str) -> bool:
    path = root.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def _module_file(root: Path, name: str) -> Path:
    path = root.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _program(source: str) -> str:
    # The syntax tree without docstrings: equal for two sources that run alike.
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_docstring(body[0]):
            del body[0]
    return ast.dump(tree)


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
