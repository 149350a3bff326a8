"""Made pair lists whose pairs share people, with errors or similarities of known correlation."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import multivariate_normal

from irlib.data.pairs.rules import PairList

LISTS = 20  # layouts that the repeats are spread over
LISTS_OF = {15: 200, 30: 400, 50: 1_000, 100: 2_000}  # people to pairs, half of them genuine
UNBALANCED_OF = {30: 2_200, 50: 2_200, 100: 5_500}  # people to pairs, one of eleven genuine


class Layout(NamedTuple):
    """How lists are made.

    Args:
        people: their number.
        genuine: pairs.
        impostor: pairs.
    """

    people: int
    genuine: int
    impostor: int


LAYOUTS = (
    *(Layout(people, pairs // 2, pairs // 2) for people, pairs in LISTS_OF.items()),
    *(Layout(people, pairs // 11, 10 * pairs // 11) for people, pairs in UNBALANCED_OF.items()),
)


class Made(NamedTuple):
    """A pair list: (P,) people of both images, and whether they are one."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    is_same: NDArray[np.bool_]

    def only(self, chosen: NDArray[np.bool_]) -> "Made":
        """Some of its pairs."""
        return Made(*(part[chosen] for part in self))


def lists(layout: Layout, repeats: int, rng: np.random.Generator) -> Iterator[tuple[Made, int]]:
    """Lists of people of unequal size, and how often to simulate each."""
    number = min(LISTS, repeats)
    people, genuine, impostor = layout
    for part in np.array_split(np.arange(repeats), number):
        share = rng.lognormal(0.0, 0.9, people)
        of_person = 1 + rng.multinomial(genuine - people, share / share.sum())
        person = np.repeat(np.arange(people), of_person)
        child = rng.permutation(np.resize(person, impostor))
        other = (child + rng.integers(1, people, impostor)) % people
        is_same = np.arange(genuine + impostor) < genuine
        yield Made(np.append(person, child), np.append(person, other), is_same), len(part)


def scores(
    made: Made, correlation: float, apart: float, count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """(N, P) standard normal similarities, those of genuine pairs raised by `apart`."""
    effects = rng.normal(size=(2, count, int(made.second.max()) + 1))
    genuine, impostor = np.sqrt(correlation) * effects[0], np.sqrt(correlation / 2) * effects[1]
    shared = np.where(
        made.is_same,
        genuine[:, made.first] + apart,
        impostor[:, made.first] + impostor[:, made.second],
    )
    return shared + np.sqrt(1 - correlation) * rng.normal(size=shared.shape)


def latent_correlation(correlation: float, rate: float) -> float:
    """Correlation of two normal scores whose falling below a threshold is so correlated."""
    if correlation == 0:
        return 0.0
    cut, both = ndtri(rate), rate**2 + correlation * rate * (1 - rate)
    cdf = multivariate_normal.cdf
    return brentq(lambda r: cdf([cut, cut], cov=[[1, r], [r, 1]]) - both, 1e-6, 0.9999)


def pair_list(made: Made) -> PairList:
    """The list as the evaluation takes it."""
    unknown = np.full(len(made.first), np.nan)
    names = made.first.astype(str), made.second.astype(str)
    return PairList(*names, made.is_same, made.first, made.second, unknown, unknown)
