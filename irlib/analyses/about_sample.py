"""Training images to look at: children, and the adults that they are compared with.

Shapes: N training images, K identities drawn, n images drawn, D embedding size.
Units: ages in years.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irlib.class_groups import Labelled
from irlib.prototypes import sample_prototypes

ADULT_FROM = 18.0  # years; between child and adult an image belongs to neither
CLASSES = 200  # of each kind; the analyses of the authors' code take as many
IMAGES = 10  # of an identity, child and adult ones each


@dataclass(frozen=True, eq=False)
class Sample:
    """Images of child identities and of as many others.

    An image of a child identity shows a child or an adult; one of the others shows an adult.

    Args:
        classes: (K,) the identities' classes, child ones first.
        is_child: (K,) whether a child identity.
        rows: (n,) ascending position of each image in the training set.
        owner: (n,) whose image it is, position in `classes`.
        shows_child: (n,) whether it shows a child, else an adult.
    """

    classes: NDArray[np.int64]
    is_child: NDArray[np.bool_]
    rows: NDArray[np.int64]
    owner: NDArray[np.int64]
    shows_child: NDArray[np.bool_]

    def counts(self) -> dict[str, int]:
        """How many identities and images of each kind there are, by name."""
        return {
            "child_identities": int(self.is_child.sum()),
            "other_identities": int((~self.is_child).sum()),
            "child_images": int(self.shows_child.sum()),
            "adult_images": int((~self.shows_child).sum()),
        }


def draw(
    faces: Labelled,
    *,
    seed: int,
    child_below: float,
    classes: int = CLASSES,
    images: int = IMAGES,
) -> Sample:
    """A seeded sample; its size is bounded whatever the size of the training set.

    Args:
        faces: labels, ages and child classes of the training set.
        seed: of the draw; give every method the same, so that all are asked about one sample.
        child_below: a younger image shows a child. From 18 years on, and not below this, it shows
            an adult; the images between are left out.
        classes: most child identities, and most others.
        images: most images of an identity that show a child, and most that show an adult.

    Raises:
        ValueError: too few classes of a kind, or no image of a child or of an adult among them.
    """
    chosen, is_child = sample_prototypes(
        faces.child_ids, faces.num_classes, seed=seed, children=classes, others=classes
    )
    owner = np.full(faces.num_classes, -1)
    owner[chosen] = np.arange(len(chosen))
    owner = owner[faces.labels]  # (N,), -1 where the identity was not drawn
    is_adult = (owner >= 0) & (faces.ages >= max(ADULT_FROM, child_below))
    is_young = (owner >= 0) & (faces.ages < child_below) & is_child[owner]
    rng = np.random.default_rng([seed, 1])
    young, adult = (_some(np.flatnonzero(m), owner, images, rng) for m in (is_young, is_adult))
    for name, rows in (("child", young), ("adult", adult)):
        if not len(rows):
            raise ValueError(f"no {name} image among {len(chosen)} identities; check the ages")
    rows = np.sort(np.concatenate([young, adult]))
    return Sample(chosen, is_child, rows, owner[rows], is_young[rows])


def _some(
    rows: NDArray[np.int64], owner: NDArray[np.int64], most: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    # at most so many of each owner: shuffled, then by owner, then by place among the owner's
    shuffled = rng.permutation(rows)
    ordered = shuffled[np.argsort(owner[shuffled], kind="stable")]
    first = np.searchsorted(owner[ordered], owner[ordered])  # where the owner's rows begin
    return ordered[np.arange(len(ordered)) - first < most]
