"""Is a synthesized face still the person that its source shows, to a network not used in training?

Source and result have pose, light and backdrop in common, so that they match more easily than two
photographs do. A result that is its source matches always: kept identity says something only
beside an age that has changed. Not even the true faces at the ages asked for keep all of it: of
painted faces, where they are known, they are the reference.

The judge may have seen the training images of the synthesis, also under its seed: it is independent
of the generator, not of the data.

Shapes: G age groups, S sources, D embedding size. Units: cosines.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from irlib.evaluation.bootstrap import Interval
from irlib.evaluation.synthesized.means import cosines, means, require_shape, shares, told, unit


@dataclass(frozen=True)
class GroupKept:
    """Results of one age group beside their sources.

    Args:
        group: from 0.
        cosine: mean cosine of source and result.
        verified: share whose cosine reaches the threshold.
    """

    group: int
    cosine: Interval
    verified: Interval

    @property
    def metrics(self) -> dict[str, Any]:
        """Plain numbers, with intervals."""
        return {"group": self.group, **told(cosine=self.cosine, verified=self.verified)}


@dataclass(frozen=True)
class Kept:
    """How far results are still the people of their sources.

    Args:
        cosine: mean cosine of source and result.
        verified: share of results whose cosine with their source reaches the threshold.
        strangers: share of results and sources of other people whose cosine reaches it too; the
            threshold says little if this is high. NaN of one person alone.
        groups: of each group asked for.
        sources: S, each made in every group.
        people: who they show.
    """

    cosine: Interval
    verified: Interval
    strangers: float
    groups: tuple[GroupKept, ...]
    sources: int
    people: int

    @property
    def metrics(self) -> dict[str, Any]:
        """Plain numbers, with intervals."""
        return {
            **told(cosine=self.cosine, verified=self.verified),
            "strangers": self.strangers,
            "groups": [each.metrics for each in self.groups],
            "sources": self.sources,
            "people": self.people,
        }


def kept(sources: ArrayLike, results: ArrayLike, identity: ArrayLike, threshold: ArrayLike) -> Kept:
    """Identity kept, by the judge's embeddings and thresholds.

    Args:
        sources: (S, D) embeddings of the sources, of any length.
        results: (G, S, D) of the results in each group.
        identity: (S,) the person in each source.
        threshold: (S,) cosine at or above which the judge takes two images for one person: its
            best threshold on the child-adult pairs of the source's test set.

    Raises:
        ValueError: shapes differ, or an embedding is zero or not finite.
    """
    person, own = np.asarray(identity), unit(sources)
    made, cut = unit(results), np.asarray(threshold, dtype=np.float64)
    require_shape("sources", own, (len(person), None))
    require_shape("results", made, (None, *own.shape))
    require_shape("threshold", cut, (len(person),))
    cosine = cosines(made, own).T  # (S, G)
    verified = cosine >= cut[:, None]
    all_of = np.hstack([cosine.mean(axis=1, keepdims=True), cosine])
    reached = np.hstack([verified.mean(axis=1, keepdims=True), verified])
    mean, *each = means(all_of, person)
    share, *of_each = shares(reached, person)
    groups = zip(range(len(made)), each, of_each, strict=True)
    other = person[:, None] != person
    taken = [((result @ own.T >= cut[:, None]) & other).sum() for result in made]
    strangers = sum(taken) / (len(made) * other.sum()) if other.any() else np.nan
    return Kept(
        mean,
        share,
        float(strangers),
        tuple(GroupKept(*group) for group in groups),
        len(person),
        len(np.unique(person)),
    )
