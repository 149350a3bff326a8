"""A synthetic set on disk, in the layouts of the public ones; whole or not there at all.

Finished groups of people are kept in a folder beside the target, so that a run that was killed
goes on where it was; the folder takes its final name when the manifest is in it.
"""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from irlib.data.synthetic.adults import is_due, write_adults
from irlib.data.synthetic.nuisance import draw_nuisance
from irlib.data.synthetic.population import Plan, plan
from irlib.data.synthetic.render import render
from irlib.data.synthetic.spec import JPEG_BYTES, VERSION, SyntheticSpec
from irlib.data.synthetic.traits import draw_identities

MANIFEST = "manifest.json"
LABELS = "age-labels.txt"
GROUP = 256  # images of one unit of work, about; people stay whole
_DONE = ".done"

Progress = Callable[[int, int], None]


def describe(spec: SyntheticSpec) -> dict[str, Any]:
    """The settings that a manifest records, as JSON values."""
    return {"generator": VERSION, "spec": asdict(spec)}


def groups(whole: Plan) -> list[slice]:
    """Consecutive images of whole people, about GROUP at a time."""
    first_of_person = np.flatnonzero(np.diff(whole.person, prepend=-1))
    bounds = [0]
    for start in first_of_person[1:].tolist():
        if start - bounds[-1] >= GROUP:
            bounds.append(start)
    bounds.append(len(whole.names))
    return [slice(a, b) for a, b in pairwise(bounds)]


def encode(picture: np.ndarray, suffix: str, quality: int) -> bytes:
    """A portrait as PNG, or as JPEG of a given quality."""
    buffer = io.BytesIO()
    if suffix.lower() == ".png":
        Image.fromarray(picture).save(buffer, "PNG", compress_level=3)
    else:
        Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _write_group(
    spec: SyntheticSpec, folder: Path, names: list[str], person: np.ndarray, image: np.ndarray,
    age: np.ndarray, marker: Path,
) -> int:  # fmt: skip
    """Render and write one group; its marker, written last, lists the hash of every file."""
    people, index = np.unique(person, return_inverse=True)
    identities = draw_identities(spec.seed, people).take(index)
    nuisance = draw_nuisance(spec.seed, person, image, difficulty=spec.difficulty)
    pictures = render(identities, age, nuisance)
    for parent in {(folder / name).parent for name in names}:
        parent.mkdir(parents=True, exist_ok=True)
    hashes = []
    for name, picture, quality in zip(names, pictures, nuisance["quality"], strict=True):
        data = encode(picture, Path(name).suffix, int(quality))
        (folder / name).write_bytes(data)
        hashes.append(f"{hashlib.sha256(data).hexdigest()} {name}\n")
    unfinished = marker.with_suffix(".unfinished")
    unfinished.write_text("".join(hashes), encoding="utf-8")
    unfinished.replace(marker)
    return len(names)


def _start(folder: Path, settings: dict[str, Any]) -> None:
    """Open the folder of finished groups, or empty it where it belongs to other settings."""
    note = folder / _DONE / "settings.json"
    if folder.exists():
        if note.exists() and json.loads(note.read_text(encoding="utf-8")) == settings:
            return
        shutil.rmtree(folder)
    note.parent.mkdir(parents=True)
    unfinished = note.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(settings), encoding="utf-8")
    unfinished.replace(note)


def _require_space(folder: Path, images: int) -> None:
    free, needed = shutil.disk_usage(folder).free, images * JPEG_BYTES
    if free < needed:
        raise OSError(
            f"{folder}: {free / 2**30:.2f} GiB free, but {images} portraits"
            f" need about {needed / 2**30:.2f} GiB"
        )


def _unfinished(
    spec: SyntheticSpec, folder: Path, whole: Plan, markers: list[Path]
) -> tuple[list[Callable[[], int]], int]:
    """The work that is left, and the number of images that are there."""
    jobs, ready = [], 0
    for group, marker in zip(groups(whole), markers, strict=True):
        if marker.exists():
            ready += group.stop - group.start
            continue
        rows = (whole.names[group], whole.person[group], whole.image[group], whole.age[group])
        jobs.append(partial(_write_group, spec, folder, *rows, marker))
    return jobs, ready


def _write_groups(
    jobs: list[Callable[[], int]], done: int, total: int, workers: int, progress: Progress | None
) -> None:
    def report(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    if workers <= 1:
        for job in jobs:
            report(job())
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            for future in as_completed([pool.submit(job) for job in jobs]):
                report(future.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def write(
    spec: SyntheticSpec, root: Path, *, workers: int = 1, progress: Progress | None = None
) -> dict[str, Any]:
    """Make the set under `root`, unless the same set is there.

    Pairs of adults in a ``.bin`` file are part of it (see `irlib.data.synthetic.adults`), lists of
    child-adult pairs are not.

    Args:
        spec: what to make.
        root: folder of the set; its name is the data set's name in the age-label file.
        workers: processes that paint; the bytes do not depend on it.
        progress: called with the images finished and all images, after every group.

    Returns:
        The manifest: settings, counts, fingerprint.

    Raises:
        FileExistsError: `root` holds another set, or something that is not a whole set.
        OSError: too little free disk space.
    """
    root = Path(root)
    settings = describe(spec)
    if root.exists() and any(root.iterdir()):
        manifest = read_manifest(root)
        if {key: manifest[key] for key in settings} != settings:
            raise FileExistsError(
                f"{root} holds a set made with other settings; remove the folder to make it anew"
            )
        shutil.rmtree(root / _DONE, ignore_errors=True)  # a run killed at the very end leaves it
        if is_due(spec, root):  # made by a version that did not pair the adults
            write_adults(spec, root, plan(spec, dataset=root.name))
        return manifest

    folder = root.with_name(root.name + ".partial")
    folder.parent.mkdir(parents=True, exist_ok=True)
    whole = plan(spec, dataset=root.name)
    _start(folder, settings)
    markers = [folder / _DONE / f"{number:06d}.txt" for number in range(len(groups(whole)))]
    jobs, ready = _unfinished(spec, folder, whole, markers)
    _require_space(folder, len(whole.names) - ready)
    _write_groups(jobs, ready, len(whole.names), workers, progress)

    labels = "".join(f"{line}\n" for line in whole.labels)
    (folder / LABELS).write_text(labels, encoding="utf-8")
    hashes = "".join(marker.read_text(encoding="utf-8") for marker in markers)
    manifest = settings | {
        "images": {name: part.stop - part.start for name, part in whole.parts.items()},
        "identities": {name: len(np.unique(whole.person[p])) for name, p in whole.parts.items()},
        "labelled": len(whole.labels),
        "fingerprint": _fingerprint(labels, hashes),
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    write_adults(spec, folder, whole)
    if root.exists():
        root.rmdir()
    folder.replace(root)
    shutil.rmtree(root / _DONE)
    return manifest


def _fingerprint(labels: str, hashes: str) -> str:
    """Hash over the label file and, in the order of their names, all images' hashes."""
    lines = sorted(hashes.splitlines(), key=lambda line: line.split(" ", 1)[1])
    text = labels + "\n".join(lines) + "\n"
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifest(root: Path) -> dict[str, Any]:
    """Manifest of a whole set.

    Args:
        root: folder of the set.

    Raises:
        FileExistsError: the folder has no manifest, or not as many images as it says.
    """
    path = Path(root) / MANIFEST
    if not path.exists():
        raise FileExistsError(
            f"{root} has no {MANIFEST}, so it is not a whole synthetic set; remove or rename it"
        )
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for part, expected in manifest["images"].items():
        found = sum(
            file.lower().endswith((".jpg", ".png"))
            for _, _, files in os.walk(Path(root, part))
            for file in files
        )
        if found != expected:
            raise FileExistsError(
                f"{root}/{part}: {found} images, {expected} expected by {MANIFEST};"
                " remove the set's folder to make it anew"
            )
    return manifest


def fingerprint(root: Path) -> str:
    """Hash over the label file and every image as they are on disk, to hold to the manifest's."""
    root = Path(root)
    files = sorted(file for file in root.rglob("*") if file.suffix.lower() in {".jpg", ".png"})
    hashes = "".join(
        f"{hashlib.sha256(file.read_bytes()).hexdigest()} {file.relative_to(root).as_posix()}\n"
        for file in files
    )
    return _fingerprint((root / LABELS).read_text(encoding="utf-8"), hashes)
