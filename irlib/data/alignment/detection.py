"""Faces in a picture, found by OpenCV's YuNet from a model file that the user downloads.

Shapes: H x W pixels; five points (5, 2) as x, y, in the order of `irlib.data.alignment.similarity`.
Units: pixels.
"""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

LONG_SIDE = 640  # pixels; the size YuNet was trained for
MIN_SCORE = 0.6

# YuNet finds faces of about 10 to 300 pixels (Wu et al., Machine Intelligence Research 2023). What
# the first look misses is looked for smaller, with a border (a face that fills the picture has no
# surroundings to be known by), and larger.
_LOOKS = ((LONG_SIDE, 0.0), (LONG_SIDE // 2, 0.0), (LONG_SIDE // 2, 0.5), (2 * LONG_SIDE, 0.0))
_MOST_ENLARGED = 4.0

# Each face is then looked at again, alone and always as large, which makes its landmarks depend
# less on the picture's size: over 34 cuts and scales of one portrait (its face 90 pixels wide) the
# mean error fell from 2.6 to 1.8 pixels and the largest from 13 to 7.
_SECOND_LOOK = 448  # pixels, the side of what is looked at
_SURROUNDINGS = 1.5  # its side in the picture, in sides of the face

_CREATION = threading.Lock()  # OpenCV's level of logging is one for all threads


@dataclass(frozen=True)
class ModelFile:
    """A detector's file as its makers hand it out.

    Args:
        name: of the file.
        size: bytes.
        sha256: of its content.
        license: of the model.
        source: the project that has it, and where in it.
    """

    name: str
    size: int
    sha256: str
    license: str
    source: str


known_models = (
    ModelFile(
        "yunet_n_640_640.onnx",
        317466,
        "25a606a145a5b6d7271ae138fbd00eba91dad8b83222ae3f2c7ecd0f4a7b0e31",
        "Apache-2.0, Copyright (c) 2022 Shiqi Yu",
        "ShiqiYu/libfacedetection.train, folder onnx",
    ),
    ModelFile(
        "face_detection_yunet_2023mar.onnx",
        232589,
        "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
        "MIT",
        "OpenCV's model zoo (opencv/opencv_zoo), models/face_detection_yunet",
    ),
)


@dataclass(frozen=True, eq=False)
class Face:
    """One face in a picture.

    Args:
        box: (4,) left, top, width and height; it may reach out of the picture.
        landmarks: (5, 2).
        score: of the detector, in [0, 1].
    """

    box: NDArray[np.float64]
    landmarks: NDArray[np.float64]
    score: float


@dataclass(frozen=True, eq=False)
class Detector:
    """YuNet; may be used by several threads at once.

    Args:
        path: the model file.
        min_score: faces below it do not count.

    Raises:
        FileNotFoundError: there is no such file; the message tells where to get one.
        ValueError: it is not a model of this detector, or min_score is not in (0, 1).
    """

    path: Path
    min_score: float = MIN_SCORE
    _model: NDArray[np.uint8] = field(init=False, repr=False)
    _networks: threading.local = field(init=False, repr=False)  # cv2's are not thread-safe

    def __post_init__(self) -> None:
        if not 0 < self.min_score < 1:
            raise ValueError(f"min_score {self.min_score}: expected a number between 0 and 1")
        if not self.path.is_file():
            raise FileNotFoundError(f"{self.path}: no such face detector; {_where_to_get_one()}")
        object.__setattr__(self, "_model", np.fromfile(self.path, dtype=np.uint8))
        object.__setattr__(self, "_networks", threading.local())
        try:
            self._find(np.zeros((64, 64, 3), dtype=np.uint8))
        except cv2.error as error:
            raise ValueError(
                f"{self.path}: not a YuNet model that OpenCV {cv2.__version__} can use "
                f"({error.err or error}); {_where_to_get_one()}"
            ) from None

    @property
    def sha256(self) -> str:
        """Hash of the model file, 64 hexadecimal digits."""
        return hashlib.sha256(self._model.tobytes()).hexdigest()

    @property
    def is_known(self) -> bool:
        """Whether the file is one of `known_models`, by its hash."""
        return self.sha256 in {model.sha256 for model in known_models}

    def detect(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """The faces in a picture, best score first; none if no look at any scale finds one.

        Args:
            image: (H, W, 3) uint8 RGB.

        Raises:
            ValueError: the image is of another kind.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise ValueError(f"image: {image.dtype} {image.shape}, expected uint8 (H, W, 3)")
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        for scaled, scale, border in _looks(bgr):
            rows = self._find(scaled)
            if len(rows):
                return tuple(self._again(bgr, _face(row, scale, border)) for row in rows)
        return ()

    # the same face with better landmarks
    def _again(self, bgr: NDArray[np.uint8], face: Face) -> Face:
        side = max(1, round(_SURROUNDINGS * face.box[2:].max()))
        corner = np.rint(face.box[:2] + face.box[2:] / 2 - side / 2).astype(int)
        scale = min(_SECOND_LOOK / side, _MOST_ENLARGED)
        rows = self._find(_resized(_square(bgr, corner, side), scale))
        if not len(rows):
            return face
        found = [_face(row, scale, 0) for row in rows]
        landmarks = central_face(found, (side, side)).landmarks + corner
        moved = np.linalg.norm(landmarks - face.landmarks, axis=1).max()
        # further than half a face is another face
        return face if 2 * moved > face.box[2:].max() else replace(face, landmarks=landmarks)

    # rows of box, landmarks and score, best first
    def _find(self, bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        if not hasattr(self._networks, "yunet"):
            self._networks.yunet = self._network()
        self._networks.yunet.setInputSize((bgr.shape[1], bgr.shape[0]))
        found = self._networks.yunet.detect(bgr)[1]
        found = np.empty((0, 15), dtype=np.float32) if found is None else found
        found = found[np.isfinite(found).all(axis=1)]
        return found[np.argsort(-found[:, 14], kind="stable")]

    def _network(self) -> cv2.FaceDetectorYN:
        nothing = np.empty(0, dtype=np.uint8)
        with _CREATION:
            level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
            try:  # OpenCV 5 warns of a setting that its own code makes
                return cv2.FaceDetectorYN.create(
                    "onnx", self._model, nothing, (64, 64), score_threshold=self.min_score
                )
            finally:
                cv2.utils.logging.setLogLevel(level)


def central_face(faces: Sequence[Face], size: tuple[int, int]) -> Face:
    """The face whose box is nearest to the center of the picture; of equals, the best score.

    Args:
        faces: at least one.
        size: height and width of the picture.

    Raises:
        ValueError: there is no face.
    """
    if not faces:
        raise ValueError("no face to choose from")
    center = np.array([size[1], size[0]]) / 2

    def order(face: Face) -> tuple[float, float]:
        return float(np.linalg.norm(face.box[:2] + face.box[2:] / 2 - center)), -face.score

    return min(faces, key=order)


# the picture at several scales, with the scale and the width of the border in its pixels
def _looks(bgr: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.uint8], float, int]]:
    longer = max(bgr.shape[:2])
    seen: set[tuple[float, float]] = set()
    for long_side, border in _LOOKS:
        # the first look never enlarges; the others, at most so much
        scale = min(long_side / longer, _MOST_ENLARGED if seen else 1.0)
        if (scale, border) not in seen:
            seen.add((scale, border))
            width = round(border * longer * scale)
            sides = (width, width, width, width)
            scaled = cv2.copyMakeBorder(_resized(bgr, scale), *sides, cv2.BORDER_CONSTANT)
            yield scaled, scale, width


def _resized(bgr: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    if scale == 1:
        return bgr
    height, width = (max(1, round(side * scale)) for side in bgr.shape[:2])
    filter_ = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(bgr, (width, height), interpolation=filter_)


# a square cut out, black where the picture ends
def _square(bgr: NDArray[np.uint8], corner: NDArray[np.int64], side: int) -> NDArray[np.uint8]:
    square = np.zeros((side, side, 3), dtype=np.uint8)
    left, top = corner
    inside = bgr[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    if inside.size:
        at_y, at_x = max(-top, 0), max(-left, 0)
        square[at_y : at_y + inside.shape[0], at_x : at_x + inside.shape[1]] = inside
    return square


def _face(row: NDArray[np.float32], scale: float, border: int) -> Face:
    values = row.astype(np.float64)
    box = np.concatenate([values[:2] - border, values[2:4]]) / scale
    return Face(box, (values[4:14].reshape(5, 2) - border) / scale, float(values[14]))


def _where_to_get_one() -> str:
    files = "; ".join(
        f"{model.name} ({model.size:,} bytes, {model.license}) from {model.source}"
        for model in known_models
    )
    return f"download one of: {files}; put it into data/models and give its path"
