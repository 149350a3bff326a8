"""A folder of pictures to a folder of ArcFace crops, with a record of what was left out and why.

Shapes: crops of 112x112 pixels.
"""

import csv
import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from irlib import runs
from irlib.data.alignment.cutting import JPEG, Cutter, cut_all
from irlib.data.alignment.finders import LandmarkSource
from irlib.data.alignment.journal import FOLDER, Done, open_journal
from irlib.data.alignment.plans import Plan, Planned, plan_folder
from irlib.data.manifests import (
    MANIFEST,
    TEMPLATE,
    Manifest,
    content_hash,
    list_hash,
    write_manifest,
)
from irlib.data.walking import real

FACES = "faces.csv"  # name, gender and source of each crop of AgeDB, whose crops lose the gender

_NO_IMAGE = "no image: left out"
_NOT_ENTERED = "hidden, or a link that leads in a circle: left out"


def align_folder(
    source: Path,
    target: Path,
    *,
    landmarks: LandmarkSource,
    set_name: str,
    layout: str = "any",
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Manifest:
    """The manifest that is left in a folder of crops, cut from every picture below another.

    Pictures of 112x112 pixels are crops already: their files are copied as they are. A picture
    that gives no crop is listed in the manifest with the reason. Work that stopped goes on where
    it was; images exchanged since, or left out before, are tried again.

    Args:
        source: the set as its owners hand it out; it is only read.
        target: folder of the crops, made if it is missing.
        landmarks: where the five points come from.
        set_name: name of the data set, for the manifest.
        layout: how the set names its images, a key of `irlib.data.alignment.plans.LAYOUTS`.
        workers: threads; decoding, detection and encoding leave Python's lock.
        progress: told the images done and in all.

    Raises:
        FileNotFoundError: source is not a folder.
        ValueError: no image of that layout, two images of one target name, a target inside the
            source or around it, one that holds other files, or one begun with other settings.
        OSError: the target cannot be written; what was written is kept.
    """
    plan = plan_folder(source, layout)
    _require_apart(source, target)
    _require_own(target, plan)
    settings = {"set": set_name, "layout": layout, "template": TEMPLATE, "jpeg": JPEG}
    journal = open_journal(target, settings | {"landmarks": landmarks.kind} | landmarks.settings)
    (target / MANIFEST).unlink(missing_ok=True)  # it stands for a folder that is complete
    cutter = Cutter(source, target, landmarks)
    done = cut_all(cutter, plan.images, journal, workers=workers, progress=progress)
    crops = [image for image in plan.images if done[image.source].outcome != "quarantined"]
    if layout == "agedb":
        _write_faces(target / FACES, crops)
    hashes = _hashes(target, [image.target for image in crops], workers)
    manifest = _manifest(plan, done, crops, landmarks, set_name, hashes)
    write_manifest(target, manifest)
    return manifest


def _require_apart(source: Path, target: Path) -> None:
    here, there = real(source), real(target)
    if here == there or here in there.parents or there in here.parents:
        raise ValueError(
            f"{target}: lies inside the source {source}, or around it; expected a folder apart"
        )


def _require_own(target: Path, plan: Plan) -> None:
    if (target.exists() or target.is_symlink()) and not target.is_dir():
        raise ValueError(f"{target}: is no folder, expected one or nothing")
    ours = {image.target for image in plan.images} | {MANIFEST, FACES}
    begun = (target / FOLDER).is_dir()
    for folder, folders, files in os.walk(target):
        if Path(folder) == target and FOLDER in folders:
            folders.remove(FOLDER)
        for path in (Path(folder) / name for name in files):
            name = path.relative_to(target).as_posix()
            if path.name.startswith(runs.TEMPORARY):
                path.unlink()  # a file that a killed run was writing
            elif not begun or name not in ours:
                raise ValueError(
                    f"{target}: holds {name}, which was not made from this source; name another "
                    "folder, or take it away"
                )


def _manifest(
    plan: Plan,
    done: dict[str, Done],
    crops: Sequence[Planned],
    landmarks: LandmarkSource,
    set_name: str,
    hashes: Sequence[tuple[str, str]],
) -> Manifest:
    aligned = any(each.outcome == "aligned" for each in done.values())
    people = {image.identity for image in crops}
    misnamed = [(name, "not named as the layout wants, or not in UTF-8") for name in plan.misnamed]
    failed = [(each.source, each.remark) for each in done.values() if each.outcome == "quarantined"]
    return Manifest(
        set=set_name,
        images=len(crops),
        identities=None if None in people else len(people),
        landmarks=landmarks.kind if aligned else "as distributed",
        detector=landmarks.settings if aligned and landmarks.kind == "detected" else None,
        list_sha256=list_hash(name for name, _ in hashes),
        content_sha256=content_hash(hashes),
        quarantined=tuple(sorted(failed + misnamed)),
        notes=tuple(_notes(plan, done, crops, landmarks)),
    )


def _notes(
    plan: Plan, done: dict[str, Done], crops: Sequence[Planned], landmarks: LandmarkSource
) -> Iterable[tuple[str, str]]:
    kept = sum(each.outcome == "kept" for each in done.values())
    written = [image for image in crops if done[image.source].outcome == "aligned"]
    if any(image.target.lower().endswith((".jpg", ".jpeg")) for image in written):
        yield "*", f"crops of .jpg are written as {JPEG}; other kinds lose nothing"
    if kept:
        yield "*", f"{kept} pictures were 112x112 already and were copied as they are"
    for image in crops:
        if remark := done[image.source].remark:
            yield image.source, remark
    yield from ((name, _NOT_ENTERED if name.endswith("/") else _NO_IMAGE) for name in plan.stray)
    yield from landmarks.remarks(image.source for image in plan.images)


def _write_faces(path: Path, crops: Sequence[Planned]) -> None:
    rows = [(image.target, image.gender, image.source) for image in crops]
    with (
        runs.atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        csv.writer(file, lineterminator="\n").writerows([("name", "gender", "source"), *rows])


def _hashes(target: Path, names: Sequence[str], workers: int) -> list[tuple[str, str]]:
    def hashed(name: str) -> tuple[str, str]:
        return name, hashlib.sha256((target / name).read_bytes()).hexdigest()

    with ThreadPoolExecutor(max(1, workers)) as pool:
        return list(pool.map(hashed, names))
