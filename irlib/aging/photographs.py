"""Photographs of one face each to aligned crops; all others are refused, with the reason.

A face at another age, of the wrong person or of a crop out of alignment, looks like a result and is
none: so nothing is chosen or mended silently here.

Shapes: N photographs; crops of 112x112. Units: pixels.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irlib.aging.facespace import FILE, FaceSpace
from irlib.data.alignment import align
from irlib.data.alignment.detection import Detector
from irlib.data.alignment.similarity import TEMPLATE
from irlib.data.decoding import SIZE, decode

# pixels; a crop's landmarks lie within it from where ArcFace's alignment puts them, on the mean
FURTHEST = 10.0

_MEND = "give the photograph that it was cut from, and a detector"


def open_photographs(
    paths: Sequence[Path], *, detector: Path | None = None, space: FaceSpace | None = None
) -> NDArray[np.uint8]:
    """The aligned crop of each photograph, (N, 112, 112, 3) uint8 RGB.

    A picture of 112x112 pixels is a crop already and stays as it is, once it has been checked: by
    the detector's landmarks, by the face space, or by both where both are given.

    Args:
        paths: N image files.
        detector: YuNet's file; None takes aligned crops only.
        space: of the crops that the network was trained on.

    Raises:
        FileNotFoundError: there is no such detector.
        ValueError: no photograph; neither detector nor space; or photographs that cannot be used,
            all of them named with the reason: not there, given twice, damaged, without a face,
            with several faces, not a crop where there is no detector, out of alignment.
    """
    if not paths:
        raise ValueError("no photograph given; expected at least one")
    if detector is None and space is None:
        raise ValueError(
            f"photographs: nothing to check them by; expected a detector, or {FILE} in the folder "
            "of the synthesis run"
        )
    finder = None if detector is None else Detector(detector)
    crops, refused = [], []
    files = [path.resolve() for path in paths]  # one file may be spelled in several ways
    for at, path in enumerate(paths):
        try:
            crops.append(_crop(path, finder, space, is_again=files[at] in files[:at]))
        except ValueError as error:
            refused.append(f"{path}: {str(error).removeprefix(f'{path}: ')}")
    if refused:
        raise ValueError("; ".join(refused))
    return np.stack(crops)


def _crop(
    path: Path, detector: Detector | None, space: FaceSpace | None, *, is_again: bool
) -> NDArray[np.uint8]:
    if is_again:
        raise ValueError("given twice; expected each photograph once")
    picture = decode(_content(path), str(path))
    if picture.shape[:2] == (SIZE, SIZE):
        require_aligned(picture, detector, space)
        return picture
    if detector is None:
        height, width = picture.shape[:2]
        raise ValueError(
            f"{width}x{height} pixels, expected an aligned {SIZE}x{SIZE} crop; a detector would "
            "find the face"
        )
    return align(picture, only_face(picture, detector))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None


def only_face(picture: NDArray[np.uint8], detector: Detector) -> NDArray[np.float64]:
    """The (5, 2) landmarks of the one face in a picture.

    Args:
        picture: (H, W, 3) uint8 RGB.
        detector: finds the faces.

    Raises:
        ValueError: no face, or several.
    """
    faces = detector.detect(picture)
    if not faces:
        raise ValueError("no face found; expected one")
    if len(faces) > 1:
        raise ValueError(f"{len(faces)} faces found, expected one; cut the picture to one person")
    return faces[0].landmarks


def require_aligned(
    picture: NDArray[np.uint8], detector: Detector | None, space: FaceSpace | None
) -> None:
    """Refuse a crop that is out of alignment.

    Args:
        picture: (112, 112, 3) uint8 RGB.
        detector: by its landmarks; None to leave that out.
        space: by what the training crops look like; None to leave that out.

    Raises:
        ValueError: it is out of alignment, or the detector does not find one face in it.
    """
    if detector is not None:
        landmarks = only_face(picture, detector)
        distance = np.linalg.norm(landmarks - TEMPLATE, axis=1).mean()
        if distance > FURTHEST:
            raise ValueError(
                f"not aligned: its landmarks lie {distance:.1f} pixels from their places, expected "
                f"at most {FURTHEST:g}; {_MEND}"
            )
    if space is not None and not space.accepts(picture[None])[0]:
        raise ValueError(
            "does not look like the aligned crops that the network was trained on: shifted, "
            f"turned, larger or smaller, of another kind, or no face; {_MEND}"
        )
