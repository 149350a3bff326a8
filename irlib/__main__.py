"""The command behind run_all.sh: check all that can be checked, then hand over to Snakemake."""

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

from irlib import runs, shares, signals, studies, undone
from irlib.models import Model
from irlib.models import parse as parse_models
from irlib.options import parse
from irlib.training import status
from irlib.training.config import LAST, RESUME
from irlib.values import assigned, integers, words

STOPPED = 128  # an exit status above it is that of a signal, as in a shell
# A second start makes the report and nothing else; the empty --forcerun outdoes one before it.
REPORT_ALONE = ["--allowed-rules", "all", "report", "--forcerun"]


def main(arguments: list[str] | None = None) -> int:
    """Run a study; 0 if all of it is made, else 1 and one line on what is wrong."""
    given = sys.argv[1:] if arguments is None else arguments
    options = parse(given)
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
    overrides = assigned("--set", options.set)
    study = studies.find(options.study, overrides)
    seeds = study.seeds if options.seeds is None else integers("--seeds", options.seeds)
    if options.cores is not None and options.cores < 1:
        raise ValueError(f"--cores {options.cores}: expected at least 1")
    data, outputs = runs.resolve(options.data), runs.resolve(options.outputs)
    studies.require_data(study, data, synthesis=options.synthesis)
    if study.recipe.start and not runs.resolve(study.recipe.start).is_file():
        raise ValueError(f"start is {study.recipe.start!r}: there is no such checkpoint")
    if not options.dry_run:
        finished = (outputs / study.name / "report.html").exists()
        check_folder(outputs / study.name, 0.1 if finished else study.disk_gib)

    from irlib import graph, trainings  # bring torch: after all that can be told without it

    names = _methods(options, study)
    models = _models(options)
    if not names and not models:
        told = f"--methods {options.methods or 'none'!r}: no method, nor any --models"
        more = f"; name one beside --synthesis too, e.g. --methods {trainings.JUDGE}"
        raise ValueError(told + (more if options.synthesis else ""))
    common = {
        "study": options.study, "overrides": json.dumps(overrides), "device": options.device,
        "data": str(data), "outputs": str(outputs),
    }  # fmt: skip
    share = shares.share(options, study)
    synthesized = seeds[:1] if options.synthesis else ()
    if synthesized and study.synthesis.joint:
        images = graph.training_images(study, data, outputs / study.name)
        trainings.require_joint_steps(study, images)
    if graph.data_changed(study, data, outputs / study.name):
        options.snakemake = _with_data_forced(options.snakemake)
    made = {"models": models, "synthesized": synthesized, "common": common, "outputs": outputs}
    config = graph.config(study, names, seeds, **made, **share)
    if options.dry_run:
        with tempfile.TemporaryDirectory() as scratch:  # nothing is made, not even a folder
            return run_snakemake(snakemake_arguments(options, config, Path(scratch)))
    return _make(options, study, config, outputs / study.name)


def _methods(options: argparse.Namespace, study: studies.Study) -> list[str]:
    from irlib import methods, trainings

    names = list(study.methods)
    if options.methods is not None:
        names = methods.expand(words("--methods", options.methods))
    if options.synthesis and not study.train:
        raise ValueError(f"--synthesis: study {study.name!r} has no training set")
    needed = [trainings.ENCODER, trainings.JUDGE, trainings.ESTIMATOR] if options.synthesis else []
    for name in trainings.trained(study, [*names, *needed]):
        methods.find(name).check(study)
    return names


def _models(options: argparse.Namespace) -> list[Model]:
    from irlib import methods

    return parse_models(options.models, methods.METHODS) if options.models else []


def _make(
    options: argparse.Namespace, study: studies.Study, config: dict[str, Any], folder: Path
) -> int:
    with _only_one(folder):
        more = f"; for --synthesis more: {study.expected_synthesis}" if options.synthesis else ""
        print(f"{study.name}: {study.title}; expect {study.expected}{more}", flush=True)
        if options.force:
            set_checkpoints_aside(folder, _trainings(config))
        before = undone.records(folder, config)
        code = reported = run_snakemake(snakemake_arguments(options, config, folder))
        failed = {} if code > STOPPED else undone.failures(folder, config, before)
        if failed.keys() - {"data", "report"}:
            reported = _report_the_rest(options, config, folder)
    for name, why in failed.items():
        print(f"failed: {name}: {undone.first_line(why)}", file=sys.stderr, flush=True)
    report = folder / "report.html"
    if reported == 0 and report.exists():
        print(f"report: {report}")
    return code


def _report_the_rest(options: argparse.Namespace, config: dict[str, Any], folder: Path) -> int:
    missing = undone.settle(folder, config)
    words = snakemake_arguments(options, {**config, "absent": missing}, folder)
    return run_snakemake([*words, *REPORT_ALONE])


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


def _trainings(config: dict[str, Any]) -> list[str]:
    trained = config["trained"].items()
    names = [runs.run_name("train", method, seed) for method, seeds in trained for seed in seeds]
    return [*names, *config["synthesis"]]


def set_checkpoints_aside(folder: Path, names: list[str]) -> None:
    """Rename what some runs would go on from, so that training starts anew.

    Raises:
        ValueError: one of them is being trained.
    """
    trained = [folder / name for name in names]
    for home in trained:
        if status.is_held(home):
            raise ValueError(f"--force: {home}: a training is at work here: stop it first")
    for path in (
        home / name for home in (*trained, folder / "data/probe") for name in (LAST, RESUME)
    ):
        if path.exists():
            path.with_name("metrics.json").unlink(missing_ok=True)  # complete no longer
            aside = path.with_stem(f"{path.stem}.previous")
            if aside.is_dir():  # no folder takes the place of one that is not empty
                shutil.rmtree(aside)
            path.replace(aside)


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
        words += ["--resources", f"gpu={max(1, len(config['devices']))}"]
    if options.cores or not options.profile:
        words += ["--cores", str(shares.cores(options))]
    words += ["--profile", _profile(options.profile)] if options.profile else []
    words += ["--dry-run"] if options.dry_run else []
    words += ["--forceall"] if options.force else []
    return words + options.snakemake


def _profile(name: str) -> str:
    # one of this suite by its name, else whatever Snakemake finds by it
    own = runs.ROOT / "profiles" / name
    return str(own) if own.is_dir() and not Path(name).exists() else name


def _with_data_forced(given: list[str]) -> list[str]:
    # Snakemake heeds the last --forcerun alone
    flag = next((word for word in ("--forcerun", "-R") if word in given), None)
    at = given.index(flag) + 1 if flag else len(given)
    return [*given[:at], *([] if flag else ["--forcerun"]), "data", *given[at:]]


def run_snakemake(words: list[str]) -> int:
    """Run Snakemake in this process, so that who kills it kills the study; its exit status.

    After a Ctrl-C or a SIGTERM it is `STOPPED` and the signal's number.
    """
    from snakemake.cli import main as snakemake

    # Jobs find this environment's programs first, also when it was never activated.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with signals.received() as stops:
        try:
            snakemake(words)
            code = 0
        except KeyboardInterrupt:
            code = STOPPED + signal.SIGINT
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return STOPPED + stops[0] if stops else code


if __name__ == "__main__":
    sys.exit(main())
