"""The words that run_all.sh takes."""

import argparse
import textwrap

from irlib import studies
from irlib.training.config import TrainConfig
from irlib.training.synthesis.config import SynthesisConfig

_FIELDS = textwrap.fill(
    f"fields for --set: {', '.join(sorted(TrainConfig.fields()))} of the recipe; "
    f"{', '.join(studies.SETTABLE)} of the study; see irlib/training/config.py and "
    "irlib/studies/. A study with changed fields gets a folder of its own.",
    width=96,
)
_OF_SYNTHESIS = textwrap.fill(
    "--synthesis also trains MTLFace of the first seed, an estimator of age and ArcFace, which "
    "measure it, and then the faces' aging. Its fields for --set, as synthesis.steps=100: "
    f"{', '.join(sorted(SynthesisConfig.fields()))}; see irlib/training/synthesis/config.py.",
    width=96,
)
EPILOG = f"""\
groups for --methods: all (the rows of the paper's tables, and AdaFace), controls, ablations,
published (rows with their authors' own settings), everything; none trains nothing.

--models evaluates networks or tables of embeddings made elsewhere beside the methods; a file that
does not tell its color order takes RGB, or with @BGR behind it that.

{_FIELDS}

{_OF_SYNTHESIS}

What stands after -- goes to Snakemake unchanged.
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
    add("--methods", metavar="A,B", help="methods or groups of them (default: the study's)")
    add("--seeds", metavar="1,2,3", help="training seeds (default: the study's)")
    add("--models", metavar="NAME=FILE", help="models made elsewhere, between commas; FILE@BGR")
    add("--synthesis", action="store_true", help="face age synthesis too, for the first seed")
    add("--set", metavar="FIELD=VALUE", action="append", default=[], help="change a setting")
    add("--device", default="auto", help="auto, cuda, mps or cpu")
    add("--data", metavar="DIR", default="data", help="where the data lie or are made")
    add("--outputs", metavar="DIR", default="outputs", help="where results go")
    add("--cores", type=int, metavar="N", help="cores to use (default: all)")
    add("--processes", type=int, default=1, metavar="N", help="of a training: GPUs (default: 1)")
    add("-n", "--dry-run", action="store_true", help="say what would run, and why")
    add("--force", action="store_true", help="run everything again, training too")
    add("--profile", metavar="DIR", help="a Snakemake profile, e.g. slurm; see docs/cluster.md")
    return command


def parse(given: list[str]) -> argparse.Namespace:
    """The options, with what stands after ``--`` as `snakemake`."""
    cut = given.index("--") if "--" in given else len(given)
    options = parser().parse_args(given[:cut])
    options.snakemake = given[cut + 1 :]
    return options
