"""What an owner hands out, put where the studies look for it: unpacked, aligned, or linked."""

import fcntl
import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from irlib import runs
from irlib.data import needs
from irlib.data.alignment.detection import Detector
from irlib.data.alignment.finders import Detected, FgnetPoints, LandmarkSource
from irlib.data.alignment.folder import align_folder
from irlib.data.archives import unfinished, unpack_archive
from irlib.data.sets import catalog
from irlib.data.sets.forms import Form
from irlib.data.walking import real

UNPACKED = "unpacked"  # folder for archives, below the data folder

_START = 2**20  # bytes at the start of an archive by which it is known again


def bring(
    key: str,
    root: Path | str,
    data: Path | str,
    *,
    detector: Path | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """The place below the data folder where a set now lies.

    An archive is unpacked, photographs are aligned, and everything else is linked to, so that
    nothing is copied that can be read where it is. An alignment that was stopped is gone on with,
    an unpacking is begun anew.

    Args:
        key: the set, as in `irlib.data.sets.catalog`.
        root: the file, folder or archive that its owner handed out.
        data: the data folder.
        detector: model file for photographs without landmarks; else the one in ``models/``.
        workers: threads.
        progress: told what is done and in all.

    Raises:
        FileNotFoundError: nothing lies at root, or no detector is there where one is needed.
        FileExistsError: another copy of the set is in its place, another archive was unpacked, or
            another process is unpacking this one.
        ValueError: no such set, or something else lies at root, such as the data folder itself.
        OSError: the data folder cannot be written.
    """
    entry, root, data = catalog.find(key), Path(root), Path(data)
    if real(root) in (real(data), *real(data).parents):
        raise ValueError(f"{root}: holds the data folder {data}; expected the set alone")
    place = data / entry.place
    form = catalog.recognize(key, root)
    if form.name == "archive":
        target = data / UNPACKED / key
        with _alone(target):
            form = catalog.recognize(key, _unpacked(form.path, target, progress))
    if entry.role == "detector":
        place = place / form.path.name
    if real(form.path) == real(place):
        return place
    if form.layout:
        source = landmark_source(form, data, detector)
        align_folder(
            form.path, place, landmarks=source, set_name=key, layout=form.layout,
            workers=workers, progress=progress,
        )  # fmt: skip
    else:
        _link(place, form.path.absolute())  # not resolved: a cache's link has the name that tells
    return place


def landmark_source(form: Form, data: Path, detector: Path | None) -> LandmarkSource:
    """Where the landmarks of photographs come from: FG-NET's own points, or a detector.

    Args:
        form: what was recognized.
        data: the data folder, whose ``models/`` may hold a detector.
        detector: the model file, if the user named one.

    Raises:
        FileNotFoundError: there is no detector.
        ValueError: the model file cannot be used.
    """
    points = form.path / "points"
    if detector is None and form.layout == "fgnet" and points.is_dir():
        return FgnetPoints(points)
    if detector is None:
        detector = catalog.recognize("yunet", data / catalog.find("yunet").place).path
    return Detected(Detector(detector))


def _unpacked(archive: Path, target: Path, progress: Callable[[int, int], None]) -> Path:
    # the note comes first, so that no unpacked folder is without one
    note, known = target.with_name(f"{target.name}.json"), _known_by(archive)
    if not target.exists():
        if (partial := unfinished(target)).exists():
            shutil.rmtree(partial)  # of a process that was killed
        runs.write_json(note, {"archive": archive.name, **known})
        unpack_archive(archive, target, progress=progress)
        return target
    before = runs.read_json(note) if note.is_file() else {}
    if not isinstance(before, dict) or not known.items() <= before.items():
        raise FileExistsError(f"{target}: not unpacked from {archive}; take it away to bring that")
    return target


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    # the lock's file stays: to remove it would let two processes hold one each
    path = target.with_name(f"{target.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileExistsError(
                f"{target}: another process is unpacking there; wait until it is done"
            ) from None
        yield


def _known_by(archive: Path) -> dict[str, int | str]:
    with archive.open("rb") as file:
        start = hashlib.sha256(file.read(_START)).hexdigest()
    return {"bytes": archive.stat().st_size, "start_sha256": start}


def _link(place: Path, source: Path) -> None:
    if real(place) in real(source).parents:
        raise FileExistsError(
            f"{source}: lies inside {place}, where studies expect it itself; move {place} "
            "elsewhere and bring it from there"
        )
    if needs.present(place):
        raise FileExistsError(f"{place}: a set lies there already; take it away to bring {source}")
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir() and not place.is_symlink():
        place.rmdir()  # empty, as nothing is present
    place.unlink(missing_ok=True)  # a link that leads nowhere
    place.symlink_to(source)
