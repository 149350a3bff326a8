"""Embed a folder, enrol people, identify and compare: ``python -m irlib.embeddings``."""

import argparse
import importlib.util
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from irlib import devices
from irlib.checkpoints import load_backbone
from irlib.data.alignment.detection import Detector
from irlib.data.embeddings import write_table
from irlib.embeddings import telling
from irlib.embeddings.comparing import compare, write_comparison
from irlib.embeddings.cutting import Failure
from irlib.embeddings.enrolling import enrol
from irlib.embeddings.folders import embed_folder
from irlib.embeddings.galleries import read_gallery, require_npz, write_gallery
from irlib.embeddings.identifying import identify
from irlib.embeddings.options import parser
from irlib.embeddings.photographs import PhotoEmbedder
from irlib.embeddings.thresholds import CHILDREN, Suggestion, suggestion
from irlib.progress import teller


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 if it is done, else 1 and one line on what is wrong."""
    options = parser().parse_args(arguments)
    commands = {
        "embed": run_embed, "enrol": run_enrol, "identify": run_identify, "compare": run_compare,
    }  # fmt: skip
    try:
        return commands[options.command](options)
    except (ValueError, OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def run_embed(options: argparse.Namespace) -> int:
    """Embed a folder; 1 if no image gave an embedding.

    Raises:
        ValueError: a folder, model or file name that cannot be used.
        OSError: a file that cannot be written.
    """
    _require_table(options.out)
    embedder = _embedder(options, options.model, _cache(options), flip=options.flip)
    progress = teller("embedding", "images")
    found = embed_folder(options.folder, embedder, progress=progress)
    _tell_failures(options.out, found.failures, found.notes)
    table = found.table
    write_table(options.out, table)
    told = telling.counted(found.failures, found.notes)
    size = table.embeddings.shape[1]
    print(f"{options.out}: {len(table):,} embeddings of {size} numbers; {told}")
    return 0


def run_enrol(options: argparse.Namespace) -> int:
    """Enrol a folder of people.

    Raises:
        ValueError: a folder, model or file name that cannot be used, or people without an image.
        OSError: a file that cannot be written.
    """
    require_npz(options.out)
    embedder = _embedder(options, options.model, _cache(options), flip=options.flip)
    made = enrol(options.folder, embedder, progress=teller("enrolling", "images"))
    _tell_failures(options.out, made.failures, made.notes)
    _print(telling.shown("left out", ((name, "no image of a person") for name in made.stray)))
    gallery = made.gallery
    where = {"model": str(options.model.resolve()), "color_order": options.color_order or ""}
    write_gallery(options.out, replace(gallery, settings=gallery.settings | where))
    told = telling.counted(made.failures, made.notes)
    print(f"{options.out}: {len(gallery):,} people, {gallery.images.sum():,} images; {told}")
    return 0


def run_identify(options: argparse.Namespace) -> int:
    """Search a gallery for the people on photographs; 1 if some gave no embedding.

    Raises:
        ValueError: a gallery that does not fit the model, or wrong numbers.
        OSError: a file that is not there.
    """
    gallery = read_gallery(options.gallery)
    stored = gallery.settings
    model = options.model or Path(stored.get("model", ""))
    if not model.is_file():
        raise FileNotFoundError(f"--model: {model} is not there; expected the gallery's model")
    options.color_order = options.color_order or stored.get("color_order") or None
    embedder = _embedder(options, model, None, flip=stored["flip"])
    result = identify(
        options.images, gallery, embedder, top=options.top, threshold=options.threshold
    )
    for each in result.found:
        _print(telling.identified(each))
    print(telling.ANY if options.threshold is None else telling.MANY)
    print(CHILDREN)
    _print(telling.shown("note", result.notes))
    _print(telling.shown("failed", ((each.name, each.reason) for each in result.failures)))
    return 1 if result.failures else 0


def run_compare(options: argparse.Namespace) -> int:
    """Compare photographs.

    Raises:
        ValueError: fewer than two, one without a face, or a threshold of another model.
        OSError: a file that is not there or cannot be written.
    """
    threshold = _suggestion(options)
    embedder = _embedder(options, options.model, None, flip=False)
    comparison = compare(options.images, embedder, suggestion=threshold)
    _print(telling.compared(comparison))
    _print(telling.shown("note", comparison.notes))
    if options.out:
        print(", ".join(str(path) for path in write_comparison(options.out, comparison)))
    return 0


def _suggestion(options: argparse.Namespace) -> Suggestion | None:
    if options.threshold_from is None:
        if options.set:
            raise ValueError("--set: expected --threshold-from with it")
        return None
    _require_model(options.model)
    return suggestion(
        options.threshold_from, options.model, key=options.set, color_order=options.color_order
    )


def _cache(options: argparse.Namespace) -> Path:
    return options.cache or options.out.with_name(f"{options.out.name}.cache")


def _embedder(
    options: argparse.Namespace, model: Path, cache: Path | None, *, flip: bool
) -> PhotoEmbedder:
    for name in ("workers", "batch_size"):
        if getattr(options, name) < 1:
            told = f"--{name.replace('_', '-')} {getattr(options, name)}"
            raise ValueError(f"{told}: expected at least 1")
    _require_model(model)
    picked = tuple(devices.pick(name.strip()) for name in options.device.split(","))
    detector = Detector(options.detector) if options.detector else None
    backbone = load_backbone(model, options.color_order)
    return PhotoEmbedder(
        backbone, detector, flip=flip, devices=picked, batch_size=options.batch_size,
        workers=options.workers, cache=cache,
    )  # fmt: skip


# before long work; the rest is told when it is written
def _require_table(out: Path) -> None:
    if out.suffix.lower() not in (".npz", ".parquet"):
        raise ValueError(f"--out {out}: expected a name that ends in .npz or .parquet")
    if out.suffix.lower() == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise ValueError(f"--out {out}: Parquet files need pyarrow: pip install -e '.[parquet]'")


def _require_model(model: Path) -> None:
    if not model.is_file():
        raise FileNotFoundError(f"--model: {model} is no file")


def _tell_failures(
    out: Path, failures: Sequence[Failure], notes: Sequence[tuple[str, str]]
) -> None:
    written = telling.write_beside(out, failures, notes)
    _print(telling.shown("failed", ((each.name, each.reason) for each in failures)))
    _print(telling.shown("note", notes))
    _print(f"listed in {path}" for path in written)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


if __name__ == "__main__":
    sys.exit(main())
