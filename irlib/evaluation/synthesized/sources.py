"""The held-out faces that are made older and younger, and those they are compared with.

Shapes: N faces.
Units: ages in years.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irlib.data.ages import CHILD_BELOW
from irlib.data.sets.crossage import TestFaces
from irlib.evaluation.identification import ADULT_FROM


@dataclass(frozen=True, eq=False)
class DatedFaces:
    """Faces of test sets whose ages are known.

    Args:
        layout: (N,) str, the test set of each: agedb or fgnet.
        names: (N,) str, paths below the test folder.
        identity: (N,) str, the person, with the set's name before it.
        age: (N,) years.
    """

    layout: NDArray[np.str_]
    names: NDArray[np.str_]
    identity: NDArray[np.str_]
    age: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of faces, N."""
        return len(self.names)

    def taken(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> "DatedFaces":
        """Some of the faces, in the order of the rows: positions, or (N,) bool."""
        return DatedFaces(*(column[rows] for column in vars(self).values()))


def dated(faces: Mapping[str, TestFaces]) -> DatedFaces:
    """The faces of several test sets whose ages are known, in the order given.

    Args:
        faces: of each set, by layout.

    Raises:
        ValueError: no age is known, as in LAG.
    """
    layout = np.repeat(list(faces), [len(each) for each in faces.values()])
    columns = [
        np.concatenate([getattr(each, name) for each in faces.values()] or [[]])
        for name in ("names", "identity", "age")
    ]
    known = np.isfinite(np.asarray(columns[2], dtype=np.float64))
    if not known.any():
        raise ValueError(f"faces of {', '.join(faces) or 'no set'}: no age is known")
    people = np.char.add(np.char.add(layout, "/"), columns[1])
    return DatedFaces(layout, columns[0], people, columns[2]).taken(known)


def choose(
    faces: Mapping[str, TestFaces], *, child_below: float = CHILD_BELOW, seed: int
) -> DatedFaces:
    """One child image and one adult image of every person, where there are, drawn at random.

    So each person counts once or twice, however many photographs there are.

    Args:
        faces: of each set, by layout.
        child_below: age that a child is below; an adult is 18 or older.
        seed: of the draws.

    Raises:
        ValueError: no age is known, or there is no child.
    """
    every = dated(faces)
    rng = np.random.default_rng(seed)
    rows = []
    for kind in (every.age < child_below, every.age >= ADULT_FROM):
        shuffled = rng.permutation(np.flatnonzero(kind))
        _, first = np.unique(every.identity[shuffled], return_index=True)
        rows.append(shuffled[first])
    if not len(rows[0]):
        raise ValueError(
            f"{len(every)} faces of known age: none below {child_below:g} years; expected a child"
        )
    return every.taken(np.sort(np.concatenate(rows)))
