"""Leave-one-out identification: every image is searched among all the others, as on FG-NET.

Shapes: N images, M probes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.data.sets.crossage import read_faces
from irlib.data.sources import ImageFiles


@dataclass(frozen=True, eq=False)
class LeaveOneOut:
    """Probes, each with a gallery of all images but itself.

    Args:
        images: (N,) the images, None where only their people are known.
        identities: (N,) the person in each.
        ages: (N,) years, NaN where unknown.
        probes: (M,) positions of the images whose person has another one, ascending.
        alone: names, or positions, of the images whose person has no other: in galleries only.
    """

    images: ImageFiles | None
    identities: NDArray[np.generic]
    ages: NDArray[np.float64]
    probes: NDArray[np.int64]
    alone: tuple[str, ...]

    def gallery(self, probe: int) -> NDArray[np.bool_]:
        """(N,) the images that a probe is searched among: all but itself."""
        mask = np.ones(len(self.identities), dtype=bool)
        mask[probe] = False
        return mask

    def mates(self, probe: int) -> NDArray[np.bool_]:
        """(N,) the images in the gallery that show the person in the probe."""
        return (self.identities == self.identities[probe]) & self.gallery(probe)


def leave_one_out(
    identities: ArrayLike, ages: ArrayLike | None = None, *, names: Sequence[str] | None = None
) -> LeaveOneOut:
    """The protocol for images whose people are known.

    Args:
        identities: (N,) text or whole numbers.
        ages: (N,) years, NaN where unknown; None where all are.
        names: (N,) what to call the images, by default their positions.

    Raises:
        ValueError: lengths differ, or no person has two images.
    """
    people = np.asarray(identities)
    years = np.full(people.shape, np.nan) if ages is None else np.asarray(ages, dtype=np.float64)
    called = [str(row) for row in range(people.size)] if names is None else list(names)
    if people.ndim != 1 or years.shape != people.shape or len(called) != len(people):
        raise ValueError(
            f"identities {people.shape}, ages {years.shape}, {len(called)} names: expected one "
            "of each for every image"
        )
    _, person, count = np.unique(people, return_inverse=True, return_counts=True)
    has_mate = count[person] > 1
    if not has_mate.any():
        raise ValueError(f"no person has two of the {len(people)} images; expected at least one")
    alone = tuple(called[row] for row in np.flatnonzero(~has_mate))
    return LeaveOneOut(None, people, years, np.flatnonzero(has_mate), alone)


def read_fgnet_loo(folder: Path) -> LeaveOneOut:
    """The protocol for the images of a folder named as in FG-NET, such as 001A02.JPG.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: no image has such a name, or no person has two images.
    """
    faces = read_faces(folder, "fgnet")
    found = leave_one_out(faces.identity, faces.age, names=faces.names.tolist())
    return replace(found, images=ImageFiles(faces.root, faces.names))
