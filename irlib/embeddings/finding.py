"""Where the face of a photograph lies, found once and remembered by the content of the file.

Shapes: H x W pixels; five points (5, 2).
"""

import hashlib
import json
import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irlib.data.alignment.detection import Detector
from irlib.data.alignment.finders import Detected
from irlib.provenance import digest

Found = tuple[list[list[float]] | None, str]  # the points, or None; a remark, or why there is none


@dataclass(frozen=True, eq=False)
class FaceFinder:
    """A detector that looks at each photograph once; may be used by several threads.

    Args:
        detector: finds the faces; of several, the one nearest to the center is taken.
        folder: where what was found is kept, a line a photograph; None keeps nothing.
    """

    detector: Detector
    folder: Path | None = None
    _known: dict[str, Found] = field(init=False, repr=False)
    _writing: threading.Lock = field(init=False, repr=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", _read(self.path) if self.path else {})

    @property
    def path(self) -> Path | None:
        """The file of what was found, one for each detector; None if nothing is kept."""
        if self.folder is None:
            return None
        return self.folder / f"faces-{digest(Detected(self.detector).settings)[:16]}.jsonl"

    def find(
        self, name: str, data: bytes, picture: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float64], str]:
        """The (5, 2) points of the face, and a remark or nothing.

        Args:
            name: of the photograph.
            data: its file, by whose content it is remembered.
            picture: (H, W, 3) uint8 RGB.

        Raises:
            ValueError: no face; the message is the reason.
        """
        key = hashlib.sha256(data).hexdigest()
        if key not in self._known:
            self._remember(key, self._look(name, picture))
        points, remark = self._known[key]
        if points is None:
            raise ValueError(remark)
        return np.array(points), remark

    def _look(self, name: str, picture: NDArray[np.uint8]) -> Found:
        try:
            points, remark = Detected(self.detector).find(name, picture)
        except ValueError as error:
            return None, str(error)
        return points.tolist(), remark

    def _remember(self, key: str, found: Found) -> None:
        with self._writing:
            self._known[key] = found
            if self.path is None:
                return
            self.path.parent.mkdir(parents=True, exist_ok=True)
            line = json.dumps({"sha256": key, "points": found[0], "remark": found[1]})
            # the break comes first: a line that was cut short takes no other with it
            with self.path.open("a", encoding="utf-8") as file:
                file.write("\n" + line)


def _read(path: Path) -> dict[str, Found]:
    if not path.is_file():
        return {}
    found: dict[str, Found] = {}
    for line in path.read_bytes().decode("utf-8", errors="replace").splitlines():
        try:
            values = json.loads(line)
            points, remark = values["points"], str(values["remark"])
            if points is not None:
                np.array(points, dtype=np.float64).reshape(5, 2)
            found[values["sha256"]] = (points, remark)
        except (ValueError, TypeError, KeyError):
            continue  # the last line of a run that was killed: the photograph is looked at again
    return found
