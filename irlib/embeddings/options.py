"""The options of ``python -m irlib.embeddings``."""

import argparse
from pathlib import Path

from irlib import provenance

_EPILOG = """\
A model is any file that irlib.checkpoints.load_backbone knows. Pictures of 112x112 pixels are taken
for aligned crops; of other photographs the detector finds the face, and of several faces the one
nearest to the center is taken, with a note. A score of similarity alone decides nothing about a
person: see "Responsible use" in README.md.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = argparse.ArgumentParser(
        "python -m irlib.embeddings",
        description="Photographs to embeddings: a table of them, a gallery of people, who is who.",
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    commands = command.add_subparsers(dest="command", required=True)
    for name, told, fill in (
        ("embed", "a folder of images to a table", _embed_options),
        ("enrol", "a folder of people to a gallery", _enrol_options),
        ("identify", "who of a gallery is on photographs", _identify_options),
        ("compare", "how alike photographs are", _compare_options),
    ):
        fill(
            commands.add_parser(
                name, help=told, description=f"{told.capitalize()}.", epilog=_EPILOG
            )
        )
    return command


def _embed_options(add: argparse.ArgumentParser) -> None:
    add.add_argument("folder", type=Path, help="images of any size, in folders of any depth")
    add.add_argument("--out", metavar="FILE", type=Path, required=True, help=".parquet or .npz")
    _cache_option(add)
    add.add_argument("--flip", action="store_true", help="add the mirrored crop's embedding")
    _model_options(add)


def _enrol_options(add: argparse.ArgumentParser) -> None:
    add.add_argument("folder", type=Path, help="one sub-folder of images for each person")
    add.add_argument("--out", metavar="FILE", type=Path, required=True, help=".npz")
    _cache_option(add)
    add.add_argument("--flip", action="store_true", help="add the mirrored crop's embedding")
    _model_options(add)


def _identify_options(add: argparse.ArgumentParser) -> None:
    add.add_argument("images", type=Path, nargs="+", help="photographs or crops")
    add.add_argument("--gallery", metavar="FILE", type=Path, required=True, help="of `enrol`")
    add.add_argument("--top", metavar="K", type=int, default=5, help="people to tell (default 5)")
    add.add_argument("--threshold", metavar="T", type=float, help="cosine; below it: unknown")
    _model_options(add, required=False)


def _compare_options(add: argparse.ArgumentParser) -> None:
    add.add_argument("images", type=Path, nargs="+", help="two or more photographs or crops")
    add.add_argument(
        "--threshold-from", metavar="RUN", help="folder of an evaluation run of this very model; "
        "or a set such as lag, of the run that the suite keeps beside the model's training run"
    )  # fmt: skip
    add.add_argument("--set", metavar="SET", help="set of that run whose threshold is taken")
    add.add_argument("--out", metavar="FOLDER", type=Path, help="for the matrix and a picture")
    _model_options(add)


def _cache_option(add: argparse.ArgumentParser) -> None:
    add.add_argument(
        "--cache", metavar="FOLDER", type=Path,
        help="what a call that was stopped goes on with (default: FILE.cache); may be deleted",
    )  # fmt: skip


def _model_options(add: argparse.ArgumentParser, *, required: bool = True) -> None:
    told = "" if required else " (default: the one that made the gallery)"
    add.add_argument("--model", metavar="FILE", type=Path, required=required, help=f"file{told}")
    add.add_argument("--color-order", choices=["RGB", "BGR"], help="if the file does not tell it")
    faces = add.add_mutually_exclusive_group()
    faces.add_argument("--detector", metavar="FILE", type=Path, help="YuNet's .onnx file")
    faces.add_argument(
        "--aligned", action="store_true", help="all are 112x112 crops (as without --detector)"
    )
    add.add_argument("--device", default="auto", help="auto, cpu, mps, cuda, or cuda:0,cuda:1")
    add.add_argument("--batch-size", metavar="B", type=int, default=64, help="crops at a time")
    cores = provenance.available_cores()
    add.add_argument("--workers", metavar="N", type=int, default=cores, help="threads that decode")
