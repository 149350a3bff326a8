"""Pack, unpack and align face sets: ``python -m irlib.data``."""

import argparse
import sys
from pathlib import Path

from irlib import provenance
from irlib.data.alignment.detection import Detector
from irlib.data.alignment.finders import Detected, FgnetPoints, Given, LandmarkSource
from irlib.data.alignment.folder import align_folder
from irlib.data.alignment.landmarks import read_landmarks
from irlib.data.alignment.plans import LAYOUTS
from irlib.data.examining import examine
from irlib.data.faces import open_faces
from irlib.data.manifests import write_manifest
from irlib.data.recordio.packing import pack
from irlib.data.recordio.unpacking import unpack
from irlib.progress import teller


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = argparse.ArgumentParser(
        "python -m irlib.data",
        description="Pack, unpack and align face sets. What was stopped is gone on with.",
        allow_abbrev=False,
    )
    commands = command.add_subparsers(dest="command", required=True)
    add = commands.add_parser("pack", help="image folder or list to train.rec and train.idx")
    _places(add, "folder of identities, or list of lines `path label`")
    add = commands.add_parser("unpack", help="train.rec to a folder of identities")
    _places(add, "train.rec with its train.idx, or the folder that holds them")
    add = commands.add_parser("align", help="photographs to aligned 112x112 crops")
    _places(add, "the set as its owners hand it out")
    add.add_argument(
        "--layout", choices=sorted(LAYOUTS), default="any", help="how images are named"
    )
    add.add_argument("--set", metavar="NAME", help="name for the manifest (default: the layout)")
    points = add.add_mutually_exclusive_group()
    points.add_argument("--detector", metavar="FILE", type=Path, help="YuNet's .onnx file")
    points.add_argument("--landmarks", metavar="FILE", type=Path, help="lines `name x1 y1 ... y5`")
    cores = provenance.available_cores()
    add.add_argument("--workers", metavar="N", type=int, default=cores, help="threads")
    return command


def _places(command: argparse.ArgumentParser, source: str) -> None:
    command.add_argument("source", type=Path, help=source)
    command.add_argument("target", type=Path, help="folder to make")


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 if all of it is done, else 1 and one line on what is wrong."""
    options = parser().parse_args(arguments)
    try:
        {"pack": run_pack, "unpack": run_unpack, "align": run_align}[options.command](options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def run_pack(options: argparse.Namespace) -> None:
    """Pack a folder or list, and say what was left out.

    Raises:
        ValueError: something that cannot be packed.
        OSError: a target that cannot be written.
    """
    faces = open_faces(options.source)
    done = pack(faces.images, faces.labels, options.target, progress=teller("packing", "images"))
    print(f"{options.target}: {done.written:,} images written, {done.skipped:,} were there")
    for stray in faces.stray:
        print(f"left out: {stray}")
    _read_back(options.source, options.target)


def run_unpack(options: argparse.Namespace) -> None:
    """Unpack a set of records, and say what is damaged.

    Raises:
        ValueError: something that cannot be unpacked.
        OSError: a target that cannot be written.
    """
    source = options.source / "train.rec" if options.source.is_dir() else options.source
    done = unpack(source, options.target, progress=teller("unpacking", "images"))
    print(f"{options.target}: {done.written:,} images written, {done.skipped:,} were there")
    for note in done.notes:
        print(f"note: {note}")
    for name, reason in done.damaged:
        print(f"damaged: {name}: {reason}")
    _read_back(source.parent, options.target)


def _read_back(source: Path, target: Path) -> None:
    # what was written is read and hashed, and a manifest left that keeps what the source's tells
    faces, cores = open_faces(target), provenance.available_cores()
    manifest = examine(
        target.name, source, faces.images, identities=faces.num_classes, workers=cores,
        progress=teller("reading back", "images"),
    )  # fmt: skip
    write_manifest(target, manifest)
    for name, reason in manifest.quarantined:
        print(f"damaged: {name}: {reason}")


def run_align(options: argparse.Namespace) -> None:
    """Align a folder, and say how many gave no crop.

    Raises:
        ValueError: something that cannot be aligned.
        OSError: a target that cannot be written.
    """
    if options.workers < 1:
        raise ValueError(f"--workers {options.workers}: expected at least 1")
    manifest = align_folder(
        options.source,
        options.target,
        landmarks=_landmarks(options),
        set_name=options.set or options.layout,
        layout=options.layout,
        workers=options.workers,
        progress=teller("aligning", "images"),
    )
    print(f"{options.target}: {manifest.images:,} crops; manifest.json tells the rest")
    for name, reason in manifest.quarantined:
        print(f"left out: {name}: {reason}")
    if not manifest.images:
        raise ValueError(f"{options.source}: no picture gave a crop")


def _landmarks(options: argparse.Namespace) -> LandmarkSource:
    if options.landmarks:
        return Given(read_landmarks(options.landmarks))
    if options.detector:
        return Detected(Detector(options.detector))
    if options.layout == "fgnet":
        return FgnetPoints(options.source / "points")
    raise ValueError("--detector FILE or --landmarks FILE: expected one, to find the faces by")


if __name__ == "__main__":
    sys.exit(main())
