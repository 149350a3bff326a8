"""Groups of classes whose prototypes a loss acts on: children, and the controls for them.

A group is a frozen value: what it selects depends on the label file and on the training seed.

Shapes: N images, C classes, K child classes, n classes of the group.
Units: ages in years.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irlib.data.ages import CHILD_BELOW, CHILD_IMAGES, child_ids

ADULT_FROM = 18.0
OLDEST = 130.0

_DRAW = 0x6C0  # tells the draws of classes from all others that the training seed decides

Predicate = Callable[[NDArray[np.float64]], NDArray[np.bool_]]  # of ages, one answer an age


@dataclass(frozen=True, eq=False)
class Labelled:
    """What is known of the training images.

    Args:
        labels: (N,) class of each image.
        ages: (N,) NaN where unknown.
        num_classes: C.
        child_ids: (K,) child classes by the study's threshold and filter.
        child_below: that threshold: younger is a child.
        child_at_least: that filter: images that a class needs.
    """

    labels: NDArray[np.int64]
    ages: NDArray[np.float64]
    num_classes: int
    child_ids: NDArray[np.int64]
    child_below: float = CHILD_BELOW
    child_at_least: int = CHILD_IMAGES

    def count(self, is_counted: NDArray[np.bool_]) -> NDArray[np.int64]:
        """(C,) images of each class among those that (N,) `is_counted` marks."""
        return np.bincount(self.labels[is_counted], minlength=self.num_classes)


class Group:
    """Selects classes; a subclass is a frozen dataclass."""

    @property
    def settings(self) -> dict[str, Any]:
        """What its selection depends on, besides code, labels and seed, as plain JSON values."""
        return dataclasses.asdict(self)

    @property
    def sources(self) -> tuple[str, ...]:
        """The modules that hold its code."""
        return (type(self).__module__,)

    def select(self, faces: Labelled, seed: int) -> NDArray[np.int64]:
        """(n,) ascending class ids, perhaps none."""
        raise NotImplementedError


@dataclass(frozen=True)
class Children(Group):
    """The child identities of the study."""

    def select(self, faces: Labelled, seed: int) -> NDArray[np.int64]:
        """(n,) ascending class ids."""
        return faces.child_ids


@dataclass(frozen=True, kw_only=True)
class ChildrenBy(Group):
    """Child identities by a threshold and a filter of its own, whatever the study's are.

    Args:
        below: an image shows a child if its age is strictly below this.
        at_least: child images that a class needs.

    Raises:
        ValueError: a value out of its range; the message names it.
    """

    below: float = CHILD_BELOW
    at_least: int = CHILD_IMAGES

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0 < self.below <= OLDEST:
            raise ValueError(f"below: expected years above 0, at most {OLDEST}, got {self.below}")
        _require_images(self.at_least)

    def select(self, faces: Labelled, seed: int) -> NDArray[np.int64]:
        """(n,) ascending class ids."""
        return child_ids(faces.labels, faces.ages, below=self.below, at_least=self.at_least)


@dataclass(frozen=True)
class RandomClasses(Group):
    """As many classes as there are child classes, drawn from all by the training seed.

    Some child classes may be among them: as many as chance puts there.
    """

    def select(self, faces: Labelled, seed: int) -> NDArray[np.int64]:
        """(K,) ascending class ids."""
        return _drawn(np.arange(faces.num_classes), len(faces.child_ids), seed)


@dataclass(frozen=True)
class AllClasses(Group):
    """Every class."""

    def select(self, faces: Labelled, seed: int) -> NDArray[np.int64]:
        """(C,) ascending class ids."""
        return np.arange(faces.num_classes)


@dataclass(frozen=True)
class AdultClasses(Group):
    """As many classes of adults alone as there are child classes, or all if they are fewer.

    A class counts that has no image with an age below the study's threshold, and as many images of
    18 years and more as the study's filter asks of children. The training seed draws among them.
    """

    def select(self, faces: Labelled, seed: int) -> NDArray[np.int64]:
        """(n,) ascending class ids, n at most K."""
        has_child = faces.count(faces.ages < faces.child_below) > 0
        adult_images = faces.count(faces.ages >= ADULT_FROM)
        classes = np.flatnonzero(~has_child & (adult_images >= faces.child_at_least))
        return _drawn(classes, min(len(faces.child_ids), len(classes)), seed)


@dataclass(frozen=True)
class ImagesWhere(Group):
    """Classes with enough images whose age answers to a predicate.

    Args:
        predicate: (N,) known ages to (N,) booleans; a function at the top level of a module of the
            repository, so that it has a name to be recorded by. Images without an age never count.
        at_least: such images that a class needs.

    Raises:
        ValueError: a lambda or an inner function, or a value out of its range.
    """

    predicate: Predicate
    at_least: int = CHILD_IMAGES

    def __post_init__(self) -> None:
        """Check the name and the range."""
        name = getattr(self.predicate, "__qualname__", None)
        if not (name and name.isidentifier()):
            raise ValueError(
                "predicate: expected a function at the top level of a module, got "
                f"{name or repr(self.predicate)}"
            )
        _require_images(self.at_least)

    @property
    def settings(self) -> dict[str, Any]:
        """The function's name, and the filter."""
        name = f"{self.predicate.__module__}.{self.predicate.__qualname__}"
        return {"predicate": name, "at_least": self.at_least}

    @property
    def sources(self) -> tuple[str, ...]:
        """The modules that hold the code of the group and of the predicate."""
        return (*super().sources, self.predicate.__module__)

    def select(self, faces: Labelled, seed: int) -> NDArray[np.int64]:
        """(n,) ascending class ids.

        Raises:
            ValueError: the predicate does not give one boolean an age.
        """
        known = np.isfinite(faces.ages)
        answers = np.asarray(self.predicate(faces.ages[known]))
        if answers.dtype != bool or answers.shape != (known.sum(),):
            raise ValueError(
                f"predicate {self.predicate.__qualname__}: expected ({known.sum()},) booleans, got "
                f"{answers.shape} of {answers.dtype}"
            )
        is_counted = np.zeros(len(known), dtype=bool)
        is_counted[known] = answers
        return np.flatnonzero(faces.count(is_counted) >= self.at_least)


def _require_images(at_least: int) -> None:
    if at_least < 1:
        raise ValueError(f"at_least: expected at least 1 image, got {at_least}")


def _drawn(classes: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    generator = np.random.default_rng([seed, _DRAW])
    return np.sort(generator.choice(classes, count, replace=False))
