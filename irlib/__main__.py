"""The command behind run_all.sh: check all that can be checked, then hand over to Snakemake."""

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

from irlib import provenance, runs, studies
from irlib.training.config import LAST
from irlib.values import integers, words

EPILOG = """\
fields for --set: epochs, milestones, batch_size, lr, momentum, weight_decay, precision (fp32 or
bf16), log_every, save_every, workers of the recipe; child_below (years) and child_at_least
(images) of a child identity, allowed_bad (images), exclude_overlap (true or false). A study with
changed fields gets a folder of its own. What stands after -- goes to Snakemake unchanged.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = argparse.ArgumentParser(
        "run_all.sh",
        description="Run a study: data, training, evaluation, prototypes, report.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = command.add_argument
    add("study", nargs="?", default="demo", help=f"one of {', '.join(studies.STUDIES)}")
    add("--methods", metavar="A,B", help="methods of irlib.methods (default: the study's)")
    add("--seeds", metavar="1,2,3", help="training seeds (default: the study's)")
    add("--set", metavar="FIELD=VALUE", action="append", default=[], help="change a setting")
    add("--device", default="auto", help="auto, cuda, mps or cpu")
    add("--data", metavar="DIR", default="data", help="where the data lie or are made")
    add("--outputs", metavar="DIR", default="outputs", help="where results go")
    add("--cores", type=int, metavar="N", help="processes at a time (default: all cores)")
    add("-n", "--dry-run", action="store_true", help="say what would run, and why")
    add("--force", action="store_true", help="run everything again, training too")
    add("--profile", metavar="DIR", help="a Snakemake profile, e.g. for a cluster")
    return command


def main(arguments: list[str] | None = None) -> int:
    """Run a study; 0 if all of it is made, else 1 and one line on what is wrong."""
    given = sys.argv[1:] if arguments is None else arguments
    cut = given.index("--") if "--" in given else len(given)
    options = parser().parse_args(given[:cut])
    options.snakemake = given[cut + 1 :]
    try:
        return run(options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def run(options: argparse.Namespace) -> int:
    """Check the options, write the graph's config and run Snakemake.

    Raises:
        ValueError: a wrong name or value, or missing data.
        OSError: a folder that cannot be written, or too little free disk.
    """
    fields = [_field(text) for text in options.set]
    overrides = dict(fields)
    if len(overrides) < len(fields):
        raise ValueError(f"--set {' '.join(options.set)!r}: a field stands there twice")
    study = studies.find(options.study, overrides)
    seeds = study.seeds if options.seeds is None else integers("--seeds", options.seeds)
    names = list(study.methods) if options.methods is None else words("--methods", options.methods)
    if options.cores is not None and options.cores < 1:
        raise ValueError(f"--cores {options.cores}: expected at least 1")
    data, outputs = runs.resolve(options.data), runs.resolve(options.outputs)
    studies.require_data(study, data)
    if not options.dry_run:
        finished = (outputs / study.name / "report.html").exists()
        check_folder(outputs / study.name, 0.1 if finished else study.disk_gib)

    from irlib import devices, graph  # bring torch: after all that can be told without it

    if not options.profile:  # a cluster's nodes may have other devices than this machine
        devices.pick(options.device)

    common = {
        "study": options.study, "overrides": json.dumps(overrides), "device": options.device,
        "data": str(data), "outputs": str(outputs),
    }  # fmt: skip
    if graph.data_changed(study, data, outputs / study.name):
        options.snakemake = _with_data_forced(options.snakemake)
    config = graph.config(study, names, list(seeds), common=common, outputs=outputs)
    if options.dry_run:
        with tempfile.TemporaryDirectory() as scratch:  # nothing is made, not even a folder
            return run_snakemake(snakemake_arguments(options, config, Path(scratch)))
    return _make(options, study, config, outputs / study.name)


def _make(
    options: argparse.Namespace, study: studies.Study, config: dict[str, Any], folder: Path
) -> int:
    with _only_one(folder):
        print(f"{study.name}: {study.title}; expect {study.expected}", flush=True)
        if options.force:
            set_checkpoints_aside(folder, config["methods"], config["seeds"])
        code = run_snakemake(snakemake_arguments(options, config, folder))
    report = folder / "report.html"
    if code == 0 and report.exists():
        print(f"report: {report}")
    return code


def _field(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise ValueError(f"--set {text!r}: expected FIELD=VALUE, e.g. precision=bf16")
    return name, value


def check_folder(folder: Path, gib: float) -> None:
    """Make a folder, and see that it can be written and that the disk has room.

    Raises:
        OSError: it cannot, or has not; the message names the folder and what was expected.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OSError(f"cannot write to the output folder {folder}: {error.strerror}") from error
    free = shutil.disk_usage(folder).free / 2**30
    if free < gib:
        raise OSError(f"{folder}: {free:.2f} GiB free, expected at least {gib:g} for this study")


@contextlib.contextmanager
def _only_one(folder: Path) -> Any:
    # Snakemake's own lock would outlive a kill -9 and block the next start; this one cannot.
    lock: IO[str]
    with (folder / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(
                f"waiting: another run_all.sh is at work in {folder}", file=sys.stderr, flush=True
            )
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def set_checkpoints_aside(folder: Path, names: list[str], seeds: list[int]) -> None:
    """Rename the last checkpoints of some runs, so that training starts anew."""
    trained = [folder / runs.run_name("train", name, seed) for name in names for seed in seeds]
    for path in (home / LAST for home in (*trained, folder / "data/probe")):
        if path.exists():
            path.with_name("metrics.json").unlink(missing_ok=True)  # complete no longer
            path.replace(path.with_stem("last.previous"))


def snakemake_arguments(
    options: argparse.Namespace, config: dict[str, Any], folder: Path
) -> list[str]:
    """The words of Snakemake's command line, and in a folder the config file that they name."""
    file, outputs = folder / ".graph.json", Path(config["outputs"])
    directory = outputs if outputs.is_dir() else folder  # a dry run makes no outputs folder
    runs.write_json(file, config)
    words = [
        "--snakefile", str(runs.ROOT / "Snakefile"), "--directory", str(directory),
        "--configfile", str(file), "--rerun-incomplete", "--keep-going", "--nolock",
        "--quiet", "host",
    ]  # fmt: skip
    if not options.profile:
        words += ["--resources", "gpu=1"]
    if options.cores or not options.profile:
        words += ["--cores", str(options.cores or provenance.available_cores())]
    words += ["--profile", options.profile] if options.profile else []
    words += ["--dry-run"] if options.dry_run else []
    words += ["--forceall"] if options.force else []
    return words + options.snakemake


def _with_data_forced(given: list[str]) -> list[str]:
    # Snakemake heeds the last --forcerun alone
    flag = next((word for word in ("--forcerun", "-R") if word in given), None)
    at = given.index(flag) + 1 if flag else len(given)
    return [*given[:at], *([] if flag else ["--forcerun"]), "data", *given[at:]]


def run_snakemake(words: list[str]) -> int:
    """Run Snakemake in this process, so that who kills it kills the study; its exit status."""
    from snakemake.cli import main as snakemake

    # Jobs find this environment's programs first, also when it was never activated.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    try:
        snakemake(words)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
