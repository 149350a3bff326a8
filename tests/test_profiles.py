"""The Slurm profile, as far as it can be checked without a cluster."""

import re
import subprocess
import sys

import pytest

from irlib import runs

PROFILE = runs.ROOT / "profiles/slurm/config.yaml"
RULES = re.findall(r"^rule (\w+):", (runs.ROOT / "Snakefile").read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def profile():
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load(PROFILE.read_text())


def test_every_key_is_an_option_of_snakemake(profile):
    from snakemake.cli import get_argument_parser

    options = {word for action in get_argument_parser()._actions for word in action.option_strings}
    assert [key for key in profile if f"--{key}" not in options] == []


def test_it_names_no_rule_that_the_snakefile_does_not_have(profile):
    assert set(profile["set-resources"]) | set(profile["set-threads"]) <= set(RULES)


def test_every_rule_that_takes_a_gpu_has_a_partition_of_its_own(profile):
    # the data's probe is short, and no study for a cluster has one
    bodies = re.split(r"^rule ", (runs.ROOT / "Snakefile").read_text(), flags=re.MULTILINE)
    takers = [
        body.split(":")[0] for body in bodies if re.search(r'gpu=config\["(train_)?gpus"', body)
    ]
    named = [rule for rule, told in profile["set-resources"].items() if "slurm_partition" in told]
    assert takers == named == ["train", "evaluate", "evaluate_model", "prototypes", "synthesis"]


def test_memory_and_time_are_whole_numbers(profile):
    parts = [profile["default-resources"], *profile["set-resources"].values()]
    values = [part[name] for part in parts for name in ("runtime", "mem_mb")]
    assert [value for value in values if type(value) is not int or value <= 0] == []


def test_what_a_user_must_edit_is_marked():
    lines = [line for line in PROFILE.read_text().splitlines() if "slurm_" in line]
    assert [line for line in lines if "# EDIT" not in line] == []


def test_the_page_on_clusters_names_each_place_to_edit():
    page = (runs.ROOT / "docs/cluster.md").read_text()
    marked = re.findall(r"(\S+): .*# EDIT", PROFILE.read_text())
    assert [name for name in set(marked) if f"`{name}`" not in page] == []


def test_snakemake_plans_with_it_what_each_job_asks_for(tmp_path):
    # its executor need not be installed for that
    words = ["demo", "--methods", "arcface", "--seeds", "1", "--device", "cuda", "--dry-run"]
    words += ["--processes", "4"]
    folders = ["--data", str(tmp_path / "data"), "--outputs", str(tmp_path / "out")]
    command = [sys.executable, "-m", "irlib", *words, *folders, "--profile", "slurm"]
    command += ["--", "--executor", "local"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    train = re.search(r"^rule train:\n(?:    .*\n)+", told, re.MULTILINE)[0]
    for asked in ("gpu=4", "nodes=1", "slurm_partition=gpu", "runtime=2880", "mem_mb=32000"):
        assert asked in train
    evaluate = re.search(r"^rule evaluate:\n(?:    .*\n)+", told, re.MULTILINE)[0]
    assert "gpu=1" in evaluate
    report = re.search(r"^rule report:\n(?:    .*\n)+", told, re.MULTILINE)[0]
    assert "slurm_partition=cpu" in report
    assert "gpu=" not in report
