"""Does the age that an estimator sees follow the age that was asked for?

The estimator has to be trained apart from the synthesis. Its own error on real faces stands
beside for scale. It is no bound: synthesized faces can be more typical of their group than real
ones, and each group counts alike. Of painted faces the estimator's agreement on the true faces at
the ages asked for is the better reference (`agreement`).

Shapes: G age groups, S sources, N real faces. Units: ages in years.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.evaluation.bootstrap import Interval
from irlib.evaluation.synthesized.ages import groups_of
from irlib.evaluation.synthesized.means import means, require_shape, shares, told
from irlib.evaluation.synthesized.ranks import rank_correlation


@dataclass(frozen=True, eq=False)
class Estimates:
    """What the estimator saw in real faces.

    Args:
        age: (N,) known age.
        estimated: (N,) estimated age.
        identity: (N,) the person.
    """

    age: NDArray[np.float64]
    estimated: NDArray[np.float64]
    identity: NDArray[np.str_]


@dataclass(frozen=True)
class Agreement:
    """Estimated ages beside those they should be.

    Args:
        spearman: rank correlation.
        error: mean absolute difference, years.
        right_group: share whose estimate lies in the right age group.
        faces: how many.
        people: who.
    """

    spearman: Interval
    error: Interval
    right_group: Interval
    faces: int
    people: int

    @property
    def metrics(self) -> dict[str, Any]:
        """Plain numbers, with intervals."""
        found = {name: getattr(self, name) for name in ("spearman", "error", "right_group")}
        return {**told(**found), "faces": self.faces, "people": self.people}


@dataclass(frozen=True)
class GroupEstimates:
    """Faces asked to be of one age group.

    Args:
        group: from 0.
        central: the age that stands for it.
        estimated: mean estimated age.
        error: mean absolute difference from the central age.
        real_estimated: mean estimated age of the real faces of the group, NaN if there are none.
        real_faces: how many.
    """

    group: int
    central: float
    estimated: Interval
    error: Interval
    real_estimated: float
    real_faces: int

    @property
    def metrics(self) -> dict[str, Any]:
        """Plain numbers, with intervals."""
        plain = {name: getattr(self, name) for name in ("group", "central", "real_estimated")}
        found = told(estimated=self.estimated, error=self.error)
        return {**plain, "real_faces": self.real_faces, **found}


@dataclass(frozen=True, eq=False)
class Following:
    """How closely estimated ages follow the groups asked for.

    Args:
        made: synthesized faces: asked group against estimated age; the error is from the group's
            central age.
        real: the estimator on real faces: known age against estimated age.
        groups: of each group asked for.
        confusion: (G, G) faces by asked group and the group of the estimated age.
        sources: S, each made in every group.
    """

    made: Agreement
    real: Agreement
    groups: tuple[GroupEstimates, ...]
    confusion: NDArray[np.int64]
    sources: int

    @property
    def metrics(self) -> dict[str, Any]:
        """Plain numbers, with intervals."""
        return {
            **self.made.metrics,
            "sources": self.sources,
            "confusion": self.confusion.tolist(),
            "groups": [each.metrics for each in self.groups],
            "real": self.real.metrics,
        }


def following(
    estimated: ArrayLike,
    identity: ArrayLike,
    central: ArrayLike,
    real: Estimates,
    *,
    seed: int,
    repeats: int = 1_000,
) -> Following:
    """How closely the ages estimated of synthesized faces follow the groups asked for.

    Args:
        estimated: (G, S) estimated age of each source in each group.
        identity: (S,) the person in each source.
        central: (G,) age that stands for each group; see `ages.central_ages`.
        real: the estimator on real faces of the same kind, not synthesized.
        seed: of the draws of people, for the rank correlation.
        repeats: draws.

    Raises:
        ValueError: shapes differ, ages are not finite, or no thresholds for G groups.
    """
    years, person = np.asarray(estimated, dtype=np.float64), np.asarray(identity)
    middle = np.asarray(central, dtype=np.float64)
    require_shape("estimated", years, (len(middle), len(person)))
    draws = {"seed": seed, "repeats": repeats}
    size, wanted = len(middle), groups_of(real.age, len(middle))
    error = np.abs(years - middle[:, None])
    off = np.abs(np.asarray(real.estimated) - real.age)
    alone = Agreement(
        rank_correlation(real.age, real.estimated, real.identity, **draws),
        means(off[:, None], real.identity)[0],
        shares((groups_of(real.estimated, size) == wanted)[:, None], real.identity)[0],
        len(off),
        len(np.unique(real.identity)),
    )
    rows = zip(range(size), middle.tolist(), means(years.T, person), means(error.T, person),
               strict=True)  # fmt: skip
    told_groups = tuple(GroupEstimates(*row, *_seen(real, wanted == row[0])) for row in rows)
    asked, found = np.repeat(np.arange(size), len(person)), groups_of(years, size).ravel()
    confusion = np.bincount(asked * size + found, minlength=size**2).reshape(size, size)
    made = agreement(years, person, middle, **draws)
    return Following(made, alone, told_groups, confusion, len(person))


def agreement(
    estimated: ArrayLike,
    identity: ArrayLike,
    central: ArrayLike,
    *,
    seed: int,
    repeats: int = 1_000,
) -> Agreement:
    """How closely estimated ages of some faces in every group agree with the groups.

    Args:
        estimated: (G, S) estimated age of each source's face in each group.
        identity: (S,) the person in each source.
        central: (G,) age that stands for each group.
        seed: of the draws of people.
        repeats: draws.

    Raises:
        ValueError: shapes differ, ages are not finite, or no thresholds for G groups.
    """
    years, person = np.asarray(estimated, dtype=np.float64), np.asarray(identity)
    middle = np.asarray(central, dtype=np.float64)
    require_shape("estimated", years, (len(middle), len(person)))
    groups = np.arange(len(middle))
    right = groups_of(years, len(middle)) == groups[:, None]
    asked, everyone = np.repeat(groups, len(person)), np.tile(person, len(middle))
    return Agreement(
        rank_correlation(asked, years.ravel(), everyone, seed=seed, repeats=repeats),
        means(np.abs(years - middle[:, None]).mean(axis=0)[:, None], person)[0],
        shares(right.mean(axis=0)[:, None], person)[0],
        years.size,
        len(np.unique(person)),
    )


def _seen(real: Estimates, chosen: NDArray[np.bool_]) -> tuple[float, int]:
    count = int(chosen.sum())
    return float(np.asarray(real.estimated)[chosen].mean()) if count else np.nan, count
