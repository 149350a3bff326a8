import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
RANGES = [
    dependency
    for line in [*PROJECT["dependencies"], *(line for extra in EXTRAS.values() for line in extra)]
    if (dependency := Requirement(line)).name != "irlib"  # an extra that takes others in
]
PINS = {
    canonicalize_name(name): version
    for name, version in re.findall(
        r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE
    )
}

each_dependency = pytest.mark.parametrize("dependency", RANGES, ids=lambda each: each.name)


@each_dependency
def test_a_dependency_is_pinned_inside_its_range(dependency):
    assert PINS[canonicalize_name(dependency.name)] in dependency.specifier


def test_every_line_of_the_constraints_is_an_exact_version():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert len(pins) == len(PINS)


def test_the_constraints_are_sorted():
    assert list(PINS) == sorted(PINS)


@pytest.mark.parametrize(
    ("package", "version", "allowed"),
    [
        ("torch", "2.11.0", True),
        ("torch", "2.10.0", False),
        ("torchvision", "0.26.0", True),
        ("matplotlib", "3.12.9", True),
        ("matplotlib", "3.13.0", False),  # seaborn 0.13.2 breaks there
    ],
)
def test_what_the_ranges_allow(package, version, allowed):
    ranges = {each.name: each.specifier for each in RANGES}
    assert (version in ranges[package]) == allowed


def environment():
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load((ROOT / "environment.yml").read_text())


def test_conda_users_get_the_same_pins_and_the_project():
    pip = next(each["pip"] for each in environment()["dependencies"] if isinstance(each, dict))
    assert pip == ["--constraint constraints.txt", "--editable .[test]"]


def test_conda_pins_only_a_python_that_the_project_allows():
    conda = [each for each in environment()["dependencies"] if isinstance(each, str)]
    pinned = [each for each in conda if "=" in each]
    assert [each.split("=")[0] for each in pinned] == ["python"]
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert Version(pinned[0].split("=")[1]) in allowed


def test_ci_runs_the_test_command_and_nothing_else():
    lines = [
        line
        for line in (ROOT / ".ci/run").read_text().splitlines()
        if line and not line.startswith(("#", "set -", "cd "))
    ]
    assert lines == ["exec ./run_all.sh test"]


@pytest.mark.parametrize("script", ["run_all.sh", ".ci/run"])
def test_a_script_is_valid_bash(script):
    checked = subprocess.run(
        ["bash", "-n", ROOT / script], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("script", ["run_all.sh", ".ci/run"])
def test_a_script_is_executable(script):
    assert (ROOT / script).stat().st_mode & 0o111 == 0o111


def test_run_all_names_every_study_in_its_head():
    from irlib.studies import STUDIES

    told = re.search(r"run_all.sh \[([\w|-]+)\]", (ROOT / "run_all.sh").read_text())[1]
    assert set(told.split("|")) == set(STUDIES)


def run_all(*words, cwd, env=None):
    environment = {"PATH": "/usr/bin:/bin", "VIRTUAL_ENV": sys.prefix, **(env or {})}
    command = ["bash", ROOT / "run_all.sh", *words]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_run_all_works_from_another_folder(tmp_path):
    (tmp_path / "irlib").mkdir()  # a stranger of the same name, and a module to stumble over
    (tmp_path / "irlib/__init__.py").write_text("raise SystemExit('the wrong irlib')")
    (tmp_path / "argparse.py").write_text("raise SystemExit('the wrong argparse')")
    done = run_all("--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "usage: run_all.sh" in done.stdout


def test_run_all_passes_the_exit_status_on(tmp_path):
    done = run_all("dmeo", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: unknown study 'dmeo': did you mean 'demo'?")


def tracked_texts():
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no git checkout")
    # new files too, before they are added
    words = ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        if b"\0" not in content:
            yield name, content.decode()


def test_no_file_names_a_registry_or_a_path_of_somebodys_machine():
    # this file is left out: it spells the patterns
    pattern = re.compile(
        r"(/home/\w|/Users/\w|/root/|index-url|extra-index|://[\w.-]*@|artifactory)"
    )
    found = {
        name: pattern.findall(text)
        for name, text in tracked_texts()
        if pattern.search(text) and name != "tests/test_setup.py"
    }
    assert {name for name in found if name != "tests/test_notebook_conventions.py"} == set()


def test_no_file_is_over_500_kb_but_test_fixtures():
    large = [name for name, text in tracked_texts() if len(text.encode()) > 500_000]
    assert [name for name in large if not name.startswith("tests/fixtures/")] == []


def test_every_text_file_ends_with_one_newline():
    wrong = [name for name, text in tracked_texts() if text and text != text.rstrip("\n") + "\n"]
    assert [name for name in wrong if not name.startswith("tests/fixtures/")] == []


def test_data_and_outputs_track_nothing():
    for folder in ("data", "outputs"):
        assert (ROOT / folder / ".gitignore").read_text().splitlines()[0] == "*"


def test_the_licence_is_mit():
    text = (ROOT / "LICENSE").read_text()
    assert text.startswith("MIT License")
    assert "WITHOUT WARRANTY OF ANY KIND" in text
    assert PROJECT["license"] == "MIT"


@pytest.mark.parametrize("words", [["check"], ["format", "--check"]], ids=["check", "format"])
def test_ruff_finds_nothing(words):
    ruff = Path(sys.executable).with_name("ruff")
    if not ruff.exists():
        pytest.skip("ruff is not installed: pip install irlib[test]")
    done = subprocess.run(
        [ruff, *words, "."], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_hooks_run_the_tools_that_are_pinned():
    yaml = pytest.importorskip("yaml")
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    tools = {hook["entry"].split()[0] for hook in repos[0]["hooks"]}
    assert tools - {"python"} == {"ruff", "nbstripout"}
