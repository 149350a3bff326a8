"""One picture file to one crop file, and many of them by several threads.

Shapes: H x W pixels; crops of 112x112.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from irlib import runs
from irlib.data.alignment.finders import LandmarkSource
from irlib.data.alignment.journal import Done, Journal
from irlib.data.alignment.plans import Planned
from irlib.data.alignment.similarity import align
from irlib.data.decoding import SIZE, decode
from irlib.data.sources import ImageFiles

JPEG = "JPEG, quality 100, 4:4:4"  # how a crop of a .jpg is written; the others lose nothing

_CHUNK = 64  # images between two notes in the journal
_LOSSLESS = {".png": "PNG", ".bmp": "BMP", ".webp": "WEBP"}


@dataclass(frozen=True, eq=False)
class Cutter:
    """Cuts crops from the pictures of one folder into another.

    Args:
        source: folder of the pictures.
        target: folder of the crops.
        landmarks: where the five points come from.
    """

    source: Path
    target: Path
    landmarks: LandmarkSource

    def cut(self, image: Planned) -> Done:
        """Cut one crop; a picture that gives none is told by the outcome.

        Raises:
            OSError: the crop cannot be written.
        """
        stamp = stamp_of(self.source / image.source)
        try:
            crop, outcome, remark = self._crop(image.source)
        except ValueError as error:
            (self.target / image.target).unlink(missing_ok=True)  # of a picture exchanged since
            reason = str(error).removeprefix(f"{image.source}: ")  # as its name stands beside it
            return Done(image.source, stamp, "quarantined", reason)
        path = self.target / image.target
        data = crop if isinstance(crop, bytes) else encode(crop, path.suffix)
        with runs.atomic_path(path) as temporary:
            temporary.write_bytes(data)
        return Done(image.source, stamp, outcome, remark)

    # the file itself where it is a crop already
    def _crop(self, name: str) -> tuple[bytes | NDArray[np.uint8], str, str]:
        data = ImageFiles(self.source, np.array([name])).encoded(0)
        picture = decode(data, name)
        if picture.shape[:2] == (SIZE, SIZE):
            return data, "kept", ""
        points, remark = self.landmarks.find(name, picture)
        return align(picture, points), "aligned", remark


def cut_all(
    cutter: Cutter,
    images: Sequence[Planned],
    journal: Journal,
    *,
    workers: int,
    progress: Callable[[int, int], None],
) -> dict[str, Done]:
    """What became of each image, by its path below the source; finished ones are not cut again.

    Args:
        cutter: cuts one.
        images: all of them.
        journal: what was finished before; it is written on.
        workers: threads.
        progress: told the images done and in all.

    Raises:
        OSError: a crop or the journal cannot be written; what was written is kept.
    """
    done = {image.source: journal.earlier[image.source] for image in images
            if _is_finished(cutter, image, journal)}  # fmt: skip
    pending = [image for image in images if image.source not in done]
    progress(len(done), len(images))
    with _one_opencv_thread(), ThreadPoolExecutor(max(1, workers)) as pool:
        for start in range(0, len(pending), _CHUNK):
            chunk = list(pool.map(cutter.cut, pending[start : start + _CHUNK]))
            journal.add(chunk)
            done |= {each.source: each for each in chunk}
            progress(len(done), len(images))
    return done


def encode(crop: NDArray[np.uint8], suffix: str) -> bytes:
    """A (112, 112, 3) RGB crop as the file that its suffix says, with the least loss.

    Raises:
        ValueError: no such kind of image.
    """
    suffix = suffix.lower()
    if suffix in (".jpg", ".jpeg"):
        crop = np.ascontiguousarray(crop)
        return simplejpeg.encode_jpeg(crop, quality=100, colorsubsampling="444", fastdct=False)
    if suffix not in _LOSSLESS:
        raise ValueError(f"{suffix}: expected .jpg, .jpeg or one of {sorted(_LOSSLESS)}")
    buffer = io.BytesIO()
    lossless = {"lossless": True} if suffix == ".webp" else {}
    Image.fromarray(crop).save(buffer, _LOSSLESS[suffix], **lossless)
    return buffer.getvalue()


def stamp_of(path: Path) -> tuple[int, int]:
    """Size in bytes and time of change in ns; zeros if the file is gone."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


# a picture that gave no crop is tried again: somebody may have mended it
def _is_finished(cutter: Cutter, image: Planned, journal: Journal) -> bool:
    before = journal.earlier.get(image.source)
    return (
        before is not None
        and before.outcome != "quarantined"
        and before.stamp == stamp_of(cutter.source / image.source)
        and (cutter.target / image.target).is_file()
    )


# workers that each start threads of OpenCV's own get in each other's way: 68 images a second where
# two workers of one thread do 103
@contextmanager
def _one_opencv_thread() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
