"""Pairs put into bands: by child age, age gap, gender and image quality.

Shapes: P pairs, N images.
Units: ages and gaps in years, the upper end of a band excluded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from irlib.data.ages import CHILD_BELOW
from irlib.data.pairs.rules import PairList
from irlib.data.sets.crossage import TestFaces
from irlib.evaluation.gap_bands import ADULT, CHILD

# Years of whole age, so that 0-3 holds a child until its fourth birthday.
CHILD_AGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"0-3": (0, 4), "4-6": (4, 7), "7-9": (7, 10), "10-12": (10, CHILD_BELOW)}
)
GAPS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "under 10": (0, 10), "10-20": (10, 20), "20-30": (20, 30), "30-40": (30, 40),
        "40-50": (40, 50), "50+": (50, np.inf),
    }
)  # fmt: skip
QUARTERS = ("lowest quarter", "second quarter", "third quarter", "highest quarter")


@dataclass(frozen=True, eq=False)
class Grouping:
    """Pairs of one list put into bands by one property.

    Args:
        by: the property, as figures name it.
        bands: name to members, (P,) bool; a pair may be in several bands or in none.
        unknown: (P,) bool, the pairs of which the property is not known.
        reason: why there are no bands at all, else empty.
    """

    by: str
    bands: Mapping[str, NDArray[np.bool_]]
    unknown: NDArray[np.bool_]
    reason: str = ""


def all_pairs(pairs: PairList) -> Grouping:
    """The list in one band, to compare the others with."""
    everyone = np.ones(len(pairs), dtype=bool)
    return Grouping("all pairs", {"all": everyone}, ~everyone)


def by_child_age(pairs: PairList) -> Grouping:
    """Pairs by the age of the child, who is in the first image; see `CHILD_AGES`."""
    return _by_years("child age, years", pairs.first_age, CHILD_AGES)


def by_gap(pairs: PairList) -> Grouping:
    """Pairs by the difference between the ages in both images, impostor pairs too; see `GAPS`.

    Bands beyond the gaps of the list are not made.
    """
    whole = _by_years("age gap, years", np.abs(pairs.second_age - pairs.first_age), GAPS)
    bands = {name: members for name, members in whole.bands.items() if members.any()}
    return Grouping(whole.by, bands, whole.unknown, whole.reason)


def by_gender(pairs: PairList, faces: TestFaces) -> Grouping:
    """Pairs of two males, of two females, of one gender, and impostor pairs of different genders.

    The published lists do not match impostors by gender, and different genders are easy to tell
    apart: the band `same gender` is the harder and fairer test. Genuine pairs that the set labels
    with two genders count as unknown.

    Args:
        pairs: P pairs.
        faces: of the set, with the gender of each image as far as it is known.
    """
    sides = []
    for images in (pairs.first, pairs.second):
        row = _rows(faces.names, images)
        sides.append(np.where(row >= 0, faces.gender[row], ""))
    first, second = sides
    known = (first != "") & (second != "") & ~(pairs.is_same & (first != second))
    alike = known & (first == second)
    bands = {
        "both male": alike & (first == "m"), "both female": alike & (first == "f"),
        "same gender": alike, "different genders": known & ~alike,
    }  # fmt: skip
    return Grouping("gender", bands, ~known, _none_known(known))


def by_quality(pairs: PairList, names: NDArray[np.str_], norms: NDArray[np.floating]) -> Grouping:
    """Pairs in quarters by the embedding norm of their weaker image, the one of the lower norm.

    AdaFace takes the norm of an embedding for the quality of its image, and its margin rests on
    that. The norm of networks trained with irlib's other heads, or another project's, has no such
    meaning: there a trend says that the norm goes with errors, not that quality does.

    Args:
        pairs: P pairs.
        names: (N,) image of each norm, sorted and without repeats.
        norms: (N,) length of each embedding before any normalization.

    Raises:
        ValueError: an image has no norm, or a norm is not a number above zero.

    Source: Kim, Jain and Liu, "AdaFace", CVPR 2022, section 3.2.
    """
    if not (np.isfinite(norms) & (np.asarray(norms) > 0)).all():
        raise ValueError("norms: some are not finite or zero; expected lengths of embeddings")
    weaker = np.full(len(pairs), np.inf)
    for images in (pairs.first, pairs.second):
        row = _rows(names, images)
        if (row < 0).any():
            raise ValueError(f"{images[row < 0][0]}: no norm; expected one for every listed image")
        weaker = np.minimum(weaker, np.asarray(norms)[row])
    by, unknown = "embedding norm of the weaker image", np.zeros(len(pairs), dtype=bool)
    if np.ptp(weaker) <= 1e-4 * weaker.max():
        reason = f"all norms are {weaker.max():.4g}: the embeddings were normalized before"
        return Grouping(by, {}, unknown, reason)
    quarter = np.searchsorted(np.quantile(weaker, [0.25, 0.5, 0.75]), weaker, side="left")
    bands = {name: quarter == place for place, name in enumerate(QUARTERS)}
    return Grouping(by, bands, unknown)


def groupings(
    pairs: PairList,
    *,
    faces: TestFaces | None = None,
    names: NDArray[np.str_] | None = None,
    norms: NDArray[np.floating] | None = None,
) -> list[Grouping]:
    """All pairs, then by child age (not for pairs of adults), gap, and what else is given.

    Args:
        pairs: P pairs.
        faces: of the set, for `by_gender`.
        names: (N,) image of each norm, for `by_quality`.
        norms: (N,) length of each embedding before any normalization.
    """
    found = [all_pairs(pairs)]
    found += [by_child_age(pairs)] if kind_of(pairs) == CHILD else []
    found.append(by_gap(pairs))
    found += [by_gender(pairs, faces)] if faces is not None else []
    found += [by_quality(pairs, names, norms)] if names is not None and norms is not None else []
    return found


def kind_of(pairs: PairList) -> str:
    """`CHILD`, or `ADULT` where every first image is known to show nobody below 13."""
    return ADULT if (pairs.first_age >= CHILD_BELOW).all() else CHILD


def _by_years(
    by: str, years: NDArray[np.float64], bands: Mapping[str, tuple[float, float]]
) -> Grouping:
    known = ~np.isnan(years)
    members = {name: (years >= low) & (years < high) for name, (low, high) in bands.items()}
    return Grouping(by, members, ~known, _none_known(known))


def _none_known(known: NDArray[np.bool_]) -> str:
    return "" if known.any() else f"known of none of the {len(known)} pairs"


def _rows(names: NDArray[np.str_], wanted: NDArray[np.str_]) -> NDArray[np.int64]:
    # of each wanted image among sorted names, -1 where it is not
    rows = np.minimum(np.searchsorted(names, wanted), len(names) - 1)
    return np.where(names[rows] == wanted, rows, -1)
