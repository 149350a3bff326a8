"""Where the five landmarks of an image come from: a list, FG-NET's points, or a detector.

Shapes: H x W pixels; five points (5, 2).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from irlib.data.alignment.detection import Detector, central_face
from irlib.data.alignment.landmarks import LandmarkList, five_of_68, read_pts
from irlib.data.manifests import content_hash


class LandmarkSource(Protocol):
    """Landmarks by image; must bear several threads."""

    @property
    def kind(self) -> str:
        """What a manifest calls it: ``given``, ``fgnet-68`` or ``detected``."""

    @property
    def settings(self) -> dict[str, str]:
        """All that the landmarks depend on, besides the image."""

    def find(self, name: str, image: NDArray[np.uint8]) -> tuple[NDArray[np.float64], str]:
        """The (5, 2) points of an image, and a remark or nothing.

        Raises:
            ValueError: it has none; the message is the reason.
        """

    def remarks(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """What is to be said of the source itself, given the names of all images."""


@dataclass(frozen=True, eq=False)
class Given:
    """Landmarks from a list of five points an image.

    Args:
        listed: what `irlib.data.alignment.landmarks.read_landmarks` read; its names are paths below
            the source.
    """

    listed: LandmarkList
    kind: str = field(init=False, default="given")

    @property
    def settings(self) -> dict[str, str]:
        """The hash of the list."""
        return {"list_sha256": hashlib.sha256(self.listed.path.read_bytes()).hexdigest()}

    def find(self, name: str, image: NDArray[np.uint8]) -> tuple[NDArray[np.float64], str]:
        """The points in the list; ValueError if it has none for the image."""
        return self.listed.of(name), ""

    def remarks(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """Lines that could not be used, and those without an image."""
        present = set(names)
        path = self.listed.path.name
        wrong = [(f"{path}:{line}", reason) for line, _, reason in self.listed.rejected]
        alone = [str(name) for name in self.listed.names if str(name) not in present]
        return wrong + [(name, f"in {path}, but there is no such image") for name in alone]


@dataclass(frozen=True, eq=False)
class FgnetPoints:
    """Landmarks from FG-NET's ``.pts`` files, found by name whatever its case.

    Args:
        folder: holds ``001a02.pts`` and so on.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it holds no such file, or two of one name.
    """

    folder: Path
    kind: str = field(init=False, default="fgnet-68")
    _files: dict[str, Path] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise FileNotFoundError(f"{self.folder}: no such folder; expected 001a02.pts in it")
        paths = sorted(path for path in self.folder.iterdir() if path.suffix.lower() == ".pts")
        paths = [path for path in paths if not path.name.startswith(".")]
        files = {path.stem.lower(): path for path in paths}
        if not files:
            raise ValueError(f"{self.folder}: no .pts file; expected 001a02.pts and so on")
        if len(files) < len(paths):
            raise ValueError(f"{self.folder}: two .pts files whose names differ by case alone")
        object.__setattr__(self, "_files", files)

    @property
    def settings(self) -> dict[str, str]:
        """The hash of all files."""
        files = self._files.items()
        hashes = ((name, hashlib.sha256(path.read_bytes()).hexdigest()) for name, path in files)
        return {"points_sha256": content_hash(hashes)}

    def find(self, name: str, image: NDArray[np.uint8]) -> tuple[NDArray[np.float64], str]:
        """Five of the 68 points; ValueError if there are none, or they are no upright face."""
        stem = Path(name).stem.lower()
        if stem not in self._files:
            raise ValueError(f"no {stem}.pts in {self.folder.name}")
        path = self._files[stem]
        try:
            return five_of_68(read_pts(path)), ""
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from None

    def remarks(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """Point files without an image."""
        alone = self._files.keys() - {Path(name).stem.lower() for name in names}
        return [(self._files[stem].name, "there is no such image") for stem in sorted(alone)]


@dataclass(frozen=True, eq=False)
class Detected:
    """Landmarks of the face that a detector finds nearest to the center.

    Args:
        detector: finds the faces.
    """

    detector: Detector
    kind: str = field(init=False, default="detected")

    @property
    def settings(self) -> dict[str, str]:
        """The model's name and hash, and the least score."""
        detector = self.detector
        return {
            "name": detector.path.name,
            "sha256": detector.sha256,
            "min_score": str(detector.min_score),
        }

    def find(self, name: str, image: NDArray[np.uint8]) -> tuple[NDArray[np.float64], str]:
        """The points of the face nearest to the center; ValueError if there is no face."""
        faces = self.detector.detect(image)
        if not faces:
            raise ValueError("no face found")
        several = f"{len(faces)} faces: the one nearest to the center was taken"
        face = central_face(faces, image.shape[:2])
        return face.landmarks, several if len(faces) > 1 else ""

    def remarks(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """Whether the model file is one that is known."""
        if self.detector.is_known:
            return []
        return [(self.detector.path.name, "not a model file that this library knows by its hash")]
