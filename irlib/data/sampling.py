"""Which images an epoch draws, and in which order.

Each sampler gives as many images as the set has, so that an epoch stays an epoch.

Shapes: N images, C classes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from irlib.data.faces import Faces
from irlib.values import unknown

Rows = NDArray[np.int64]


class Sampler(Protocol):
    """Chooses the images of an epoch; an implementation is a frozen dataclass."""

    def order(self, rng: np.random.Generator) -> Rows:
        """(N,) positions of images, by this generator alone."""


@dataclass(frozen=True)
class Uniform:
    """Every image once, in random order.

    Args:
        count: N.
    """

    count: int

    def order(self, rng: np.random.Generator) -> Rows:
        """(N,) positions of images."""
        return rng.permutation(self.count)


@dataclass(frozen=True, eq=False)
class ClassBalanced:
    """Every class as often as every other one, give or take one; its images at random.

    An image may come several times in an epoch, or not at all.

    Args:
        labels: (N,) class of each image.
    """

    labels: NDArray[np.int64]

    def order(self, rng: np.random.Generator) -> Rows:
        """(N,) positions of images."""
        by_class = np.argsort(self.labels, kind="stable")
        _, starts, counts = np.unique(self.labels[by_class], return_index=True, return_counts=True)
        drawn = rng.permutation(_repeated(np.arange(len(counts)), len(self.labels), rng))
        return by_class[starts[drawn] + rng.integers(counts[drawn])]


@dataclass(frozen=True, eq=False)
class ChildAware:
    """Images of children as a fixed share of an epoch, whatever their share of the set.

    Among children, and among the others, each image comes as often as any other, give or take one.

    Args:
        is_child: (N,) whether an image shows a child; one of unknown age counts as none.
        share: of the images drawn.

    Raises:
        ValueError: no image shows a child, or all do.
    """

    is_child: NDArray[np.bool_]
    share: float

    def __post_init__(self) -> None:
        """See that there is something to draw from."""
        children, count = int(self.is_child.sum()), len(self.is_child)
        if children in (0, count):
            raise ValueError(
                f"sampler child_aware: {children:,} of {count:,} training images show a child by "
                "the age labels: expected some that do and some that do not"
            )

    def order(self, rng: np.random.Generator) -> Rows:
        """(N,) positions of images."""
        count = len(self.is_child)
        children = round(self.share * count)
        drawn = [
            _repeated(np.flatnonzero(self.is_child), children, rng),
            _repeated(np.flatnonzero(~self.is_child), count - children, rng),
        ]
        return rng.permutation(np.concatenate(drawn))


@dataclass(frozen=True, eq=False)
class GroupBalanced:
    """A random group, then a random image of it, N times; each group as likely as any other.

    Args:
        groups: (N,) group of each image, from 0; below 0 where unknown, which is never drawn.
        names: of the groups, for the message, such as ``0-10``.

    Raises:
        ValueError: a group has no image.

    Source: released code of MTLFace (Huang et al., CVPR 2021), how it draws real faces.
    """

    groups: Rows
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        """See that there is something to draw from in each group."""
        known = self.groups[self.groups >= 0]
        counts = np.bincount(known, minlength=len(self.names))
        for group in np.flatnonzero(counts == 0):
            raise ValueError(
                f"age group {group} ({self.names[group]} years) has none of the {len(known):,} "
                "training images of known age: expected some in every group; choose other groups "
                "(--set num_groups=4 to 8) or other age labels"
            )

    def order(self, rng: np.random.Generator) -> Rows:
        """(N,) positions of images."""
        by_group = np.argsort(self.groups, kind="stable")
        starts, ends = np.searchsorted(
            self.groups[by_group], [np.arange(len(self.names)), np.arange(1, len(self.names) + 1)]
        )
        drawn = rng.integers(len(self.names), size=len(self.groups))
        return by_group[starts[drawn] + rng.integers((ends - starts)[drawn])]


def build(name: str, faces: Faces, *, child_below: float, child_share: float) -> Sampler:
    """The sampler of that name over a training set.

    Args:
        name: ``uniform``, ``class_balanced`` or ``child_aware``.
        faces: the training set.
        child_below: years; an image of a lower age shows a child.
        child_share: of the images that the child-aware sampler draws.

    Raises:
        ValueError: an unknown name, or a set that the sampler cannot work on.
    """
    makers: dict[str, Callable[[], Sampler]] = {
        "uniform": lambda: Uniform(len(faces)),
        "class_balanced": lambda: ClassBalanced(faces.labels),
        "child_aware": lambda: ChildAware(faces.ages < child_below, child_share),
    }
    if name not in makers:
        raise ValueError(unknown("sampler", name, makers))
    return makers[name]()


def _repeated(pool: Rows, count: int, rng: np.random.Generator) -> Rows:
    # shuffled again and again until there are enough, so that none comes much oftener than another
    rounds = [rng.permutation(pool) for _ in range(-(-count // len(pool)))]
    return np.concatenate([*rounds, pool[:0]])[:count]
