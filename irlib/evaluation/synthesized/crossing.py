"""Synthesis in recognition: children made as old as the adults they are compared with.

Of each pair the child's photograph is replaced by its synthesis at the age group of the adult's,
of genuine and impostor pairs alike. The adult's age is taken as known, which in use it would have
to be estimated.

Shapes: P pairs, W faces to synthesize, D embedding size.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irlib.data.pairs.rules import PairList
from irlib.evaluation.bootstrap import Interval
from irlib.evaluation.clustered import share_intervals
from irlib.evaluation.gap_bands import judged
from irlib.evaluation.metrics import counts
from irlib.evaluation.paired import Difference, paired_difference, student_ends
from irlib.evaluation.sharing import clustered_mean
from irlib.evaluation.synthesized.ages import groups_of
from irlib.evaluation.synthesized.means import cosines, require_shape, shares, told
from irlib.evaluation.verification import grouped_folds


@dataclass(frozen=True, eq=False)
class Wanted:
    """What has to be synthesized for some pairs, each face once in a group.

    Args:
        names: (W,) child's photograph.
        groups: (W,) age group to make it.
        row: (P,) which of the W stands in for the child of each pair.
    """

    names: NDArray[np.str_]
    groups: NDArray[np.int64]
    row: NDArray[np.int64]

    def cosine(self, results: ArrayLike, adults: ArrayLike) -> NDArray[np.float64]:
        """(P,) cosine of each pair with its child synthesized.

        Args:
            results: (W, D) embeddings of the synthesized faces.
            adults: (P, D) of the pairs' second images.
        """
        return cosines(np.asarray(results)[self.row], adults)


@dataclass(frozen=True)
class Rule:
    """Verification accuracy with and without synthesis, thresholds chosen by one rule.

    Args:
        photographs: of the pairs as they are.
        synthesized: with the children made older.
        difference: synthesized less photographs, pair by pair.
    """

    photographs: Interval
    synthesized: Interval
    difference: Difference

    @property
    def metrics(self) -> dict[str, Any]:
        """Plain numbers, with intervals."""
        changed = self.difference
        return {
            **told(photographs=self.photographs, synthesized=self.synthesized),
            "difference": changed.value,
            "difference_interval": [changed.low, changed.high],
            "p": changed.p,
            "photographs_only": changed.second_only,
            "synthesized_only": changed.first_only,
        }


@dataclass(frozen=True)
class Crossing:
    """What synthesis does to a set of child-adult pairs.

    Args:
        genuine: mean change of the cosine of genuine pairs.
        impostor: of impostor pairs. Only where this rises less is anything gained.
        closer: share of genuine pairs whose cosine rises.
        oracle: accuracy at the threshold that is best on these pairs.
        folds: at thresholds chosen on other people.
        pairs: counts of pairs, genuine pairs (positives) and people (identities).
    """

    genuine: Interval
    impostor: Interval
    closer: Interval
    oracle: Rule
    folds: Rule
    pairs: dict[str, int]

    @property
    def metrics(self) -> dict[str, Any]:
        """Plain numbers, with intervals."""
        found = told(genuine=self.genuine, impostor=self.impostor, closer=self.closer)
        rules = {"oracle": self.oracle.metrics, "folds": self.folds.metrics}
        return {**found, **rules, **self.pairs}


def crossable(
    lists: Mapping[str, PairList], exclude: ArrayLike
) -> tuple[dict[str, PairList], dict[str, str]]:
    """The lists that can be judged without some people, and by key why the others cannot.

    Args:
        lists: pairs of a child and an adult, by key.
        exclude: (E,) people whose pairs are left out.
    """
    found, left_out = {}, {}
    for key, each in lists.items():
        shown = [np.isin(who, exclude) for who in (each.first_identity, each.second_identity)]
        pairs = each.taken(~(shown[0] | shown[1]))
        try:
            grouped_folds(pairs.first_identity, pairs.second_identity)
        except ValueError as error:
            left_out[key] = str(error)
        else:
            found[key] = pairs
    return found, left_out


def wanted(pairs: PairList, num_groups: int) -> Wanted:
    """The children of the pairs, each in the age groups of the adults it is compared with.

    Args:
        pairs: P pairs of a child and an adult.
        num_groups: 4 to 8.

    Raises:
        ValueError: an adult's age is unknown, as in LAG.
    """
    groups = groups_of(pairs.second_age, num_groups)
    names, name = np.unique(pairs.first, return_inverse=True)
    cells, row = np.unique(name * num_groups + groups, return_inverse=True)
    return Wanted(names[cells // num_groups], cells % num_groups, row)


def crossing(pairs: PairList, photographs: ArrayLike, synthesized: ArrayLike) -> Crossing:
    """What synthesis does to the cosines of pairs and to the accuracy that rests on them.

    Args:
        pairs: P pairs of a child and an adult.
        photographs: (P,) cosine of the photographs.
        synthesized: (P,) cosine with the child's photograph synthesized; see `Wanted.cosine`.

    Raises:
        ValueError: shapes differ, cosines are not finite, or too few people for ten folds.
    """
    before, after = (np.asarray(each, dtype=np.float64) for each in (photographs, synthesized))
    for name, each in (("photographs", before), ("synthesized", after)):
        require_shape(name, each, (len(pairs),))
    change, same = after - before, pairs.is_same
    closer = (change > 0)[same, None]
    right = judged(before, pairs), judged(after, pairs)
    return Crossing(
        _mean(change, pairs.taken(same), same),
        _mean(change, pairs.taken(~same), ~same),
        shares(closer, pairs.first_identity[same])[0],
        _rule(pairs, right[0].oracle, right[1].oracle),
        _rule(pairs, right[0].folds, right[1].folds),
        counts(pairs),
    )


def _mean(change: NDArray[np.float64], pairs: PairList, chosen: NDArray[np.bool_]) -> Interval:
    people = pairs.first_identity, pairs.second_identity
    mean = clustered_mean(change[chosen][None], pairs.is_same, *people, events=np.array([np.inf]))
    low, high = student_ends(mean)
    return Interval(float(mean.value[0]), float(low[0]), float(high[0]), 0)


def _rule(pairs: PairList, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Rule:
    people = pairs.is_same, pairs.first_identity, pairs.second_identity
    found = share_intervals(np.stack([before, after], axis=1), *people)
    return Rule(*found, paired_difference(after, before, *people))
