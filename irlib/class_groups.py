"""Groups of classes whose prototypes a loss acts on: children, and the controls for them.

A group is a frozen value: what it selects depends on the label file and on the training seed.

Shapes: N images, C classes, n classes of the group.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Labelled:
    """What is known of the training images.

    Args:
        labels: (N,) class of each image.
        ages: (N,) years, NaN where unknown.
        num_classes: C.
        child_ids: (K,) child classes by the study's threshold and filter.
    """

    labels: NDArray[np.int64]
    ages: NDArray[np.float64]
    num_classes: int
    child_ids: NDArray[np.int64]


class Group(Protocol):
    """Selects classes; an implementation is a frozen dataclass."""

    def select(self, faces: Labelled, seed: int) -> NDArray[np.int64]:
        """(n,) ascending class ids."""


@dataclass(frozen=True)
class Children:
    """The child identities of the study."""

    def select(self, faces: Labelled, seed: int) -> NDArray[np.int64]:
        """(n,) ascending class ids."""
        return faces.child_ids
