"""How far synthesized faces of an age group lie from real ones of that age: the kernel distance.

    KID = mean k(x, x') + mean k(y, y') - 2 mean k(x, y),  k(a, b) = (a.b / D + 1)^3

of results x and real faces y. Embeddings are brought to length sqrt(D), so that a.b / D is their
cosine. Pairs of images of one person are left out of all three means: then the distance is unbiased
for people drawn from one population, 0 on average if results were real faces, also where a person
has many images or is among the results and the real faces. It can come out below 0. Where groups
have their real faces from different test sets, the distance holds how the sets differ as well.

Shapes: G age groups, S sources, N real faces, D embedding size, I people, R replicates.
Source: Binkowski, Sutherland, Arbel and Gretton, "Demystifying MMD GANs", ICLR 2018.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.evaluation.bootstrap import Interval, identity_counts, percentile_interval
from irlib.evaluation.synthesized.kernels import (
    KernelSums,
    Sample,
    distance,
    kernel_sums,
    split_distances,
)
from irlib.evaluation.synthesized.means import require_shape, told

LEAST = 10  # people among the real faces of a group
_SPLITS = 200  # of the real faces' people into halves


@dataclass(frozen=True)
class GroupKid:
    """Kernel distances from the real faces of one age group.

    Args:
        group: from 0.
        made: of the results asked to be of this group.
        copy: of the sources as they are: what a network that does nothing reaches.
        floor: lower and upper end, 95 %, of the distance of real faces of half of the group's
            people from those of the other half. Its mean is 0.
        real_faces: of the group.
        real_people: who they show.
    """

    group: int
    made: Interval
    copy: Interval
    floor: tuple[float, float]
    real_faces: int
    real_people: int

    @property
    def metrics(self) -> dict[str, Any]:
        """Plain numbers, with intervals."""
        plain = {name: getattr(self, name) for name in ("group", "real_faces", "real_people")}
        return plain | told(made=self.made, copy=self.copy) | {"floor_interval": [*self.floor]}


@dataclass(frozen=True)
class Kid:
    """Kernel distances of all groups.

    Args:
        made: mean over the groups.
        copy: of the sources as they are.
        difference: made less copy, under the same draws of people.
        groups: those with real faces of at least ten people.
        left_out: the other groups.
        results: S, synthesized faces in each group.
        people: who the sources show.
    """

    made: Interval
    copy: Interval
    difference: Interval
    groups: tuple[GroupKid, ...]
    left_out: tuple[int, ...]
    results: int
    people: int

    @property
    def metrics(self) -> dict[str, Any]:
        """Plain numbers, with intervals."""
        return {
            **told(made=self.made, copy=self.copy, difference=self.difference),
            "groups": [each.metrics for each in self.groups],
            "left_out": list(self.left_out),
            "results": self.results,
            "people": self.people,
        }


def kid(
    sources: ArrayLike,
    results: ArrayLike,
    identity: ArrayLike,
    real: ArrayLike,
    real_identity: ArrayLike,
    real_group: ArrayLike,
    *,
    seed: int,
    repeats: int = 1_000,
) -> Kid:
    """Kernel distances of results and of unchanged sources from real faces of each group.

    Args:
        sources: (S, D) embeddings of the sources by the judge.
        results: (G, S, D) of the results in each group.
        identity: (S,) the person in each source.
        real: (N, D) of real test faces.
        real_identity: (N,) the person in each.
        real_group: (N,) age group of each.
        seed: of the draws of people and of the halves.
        repeats: R.

    Raises:
        ValueError: shapes differ, an embedding is zero or not finite, or no group has real faces
            of at least ten people.
    """
    own, made, there = np.asarray(sources), np.asarray(results), np.asarray(real)
    require_shape("results", made, (None, *own.shape))
    require_shape("real", there, (len(np.asarray(real_identity)), own.shape[-1]))
    people, person = np.unique(np.concatenate([identity, real_identity]), return_inverse=True)
    still, others = Sample(own, person[: len(own)]), person[len(own) :]
    counts = identity_counts(len(people), repeats=repeats, seed=seed)
    weights = np.concatenate([np.ones((1, len(people))), counts])
    groups, drawn = np.asarray(real_group), []
    enough = [group for group in well_shown(others, groups) if group < len(made)]
    if not enough:
        raise ValueError(f"real: no group shows {LEAST} people; expected at least one")
    found = []
    for group in enough:
        faces = Sample(there[groups == group], others[groups == group])
        there_sums = kernel_sums(faces, faces, len(people))
        pair = np.array([
            _replicates(x, faces, there_sums, weights)
            for x in (Sample(made[group], still.person), still)
        ])  # fmt: skip
        floor = _floor(faces, there_sums, np.random.default_rng([seed, group]))
        about = len(faces.person), len(np.unique(faces.person))
        found.append(GroupKid(group, *_intervals(pair), floor, *about))
        drawn.append(pair)
    mean = np.mean(drawn, axis=0)  # (2, 1 + R)
    return Kid(
        *_intervals([*mean, mean[0] - mean[1]]),
        tuple(found),
        tuple(g for g in range(len(made)) if g not in enough),
        len(own),
        len(np.unique(still.person)),
    )


def well_shown(identity: ArrayLike, group: ArrayLike) -> list[int]:
    """The groups whose faces show at least ten people, so that they can be compared with.

    Args:
        identity: (N,) the person in each face.
        group: (N,) age group of each.
    """
    person, groups = np.asarray(identity), np.asarray(group)
    found = np.unique(groups).tolist()
    return [each for each in found if len(np.unique(person[groups == each])) >= LEAST]


def _replicates(
    own: Sample, faces: Sample, among_faces: KernelSums, weights: NDArray
) -> NDArray[np.float64]:
    num_people = weights.shape[1]
    among_own = kernel_sums(own, own, num_people)
    return distance(among_own, among_faces, kernel_sums(own, faces, num_people), weights)


def _floor(faces: Sample, own: KernelSums, rng: np.random.Generator) -> tuple[float, float]:
    people = np.unique(faces.person)
    halves = np.zeros((_SPLITS, len(own.total)), dtype=bool)
    for row in halves:
        row[rng.permutation(people)[: len(people) // 2]] = True
    low, high = np.quantile(split_distances(own, halves), [0.025, 0.975])
    return float(low), float(high)


def _intervals(replicates: Sequence[NDArray[np.float64]] | NDArray) -> list[Interval]:
    return [percentile_interval(float(each[0]), each[1:]) for each in replicates]
