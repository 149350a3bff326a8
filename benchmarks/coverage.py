"""How often the 95 % intervals hold the truth, by simulation of lists whose pairs share people.

Every list has people of unequal size (log-normal shares, the largest with about a tenth of the
genuine pairs), as many impostor pairs as genuine ones, and an error rate known beforehand. "errors"
simulates whether each pair is judged wrongly: two genuine pairs of a person are correlated as told,
as are two impostor pairs of the same two people; those that share one of them are about half as
much. "scores" simulates the similarities, so that thresholds are chosen as in practice; there the
correlation is that of the scores. Twenty lists a row; the two numbers of a cell are the least and
the largest coverage over error rates of 5, 10, 15 and 25 % (of "scores" 5, 15 and 25 %).

Run as `python -m benchmarks.coverage --repeats 2000`.
"""

import argparse
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from scipy.stats import multivariate_normal

from irlib.data.pairs.rules import PairList
from irlib.evaluation.bootstrap import VertexDraws, identity_counts, vertex_intervals
from irlib.evaluation.paired import student_ends
from irlib.evaluation.sharing import clustered_mean
from irlib.evaluation.verification import grouped_folds
from irlib.evaluation.weighted import rightly_judged
from irlib.evaluation.wilson import wilson_ends

REPEATS, LISTS, DRAWS = 2_000, 20, 400
LISTS_OF = {15: 200, 30: 400, 50: 1_000, 100: 2_000}  # people to pairs
RATES = (0.05, 0.10, 0.15, 0.25)
SCORE_RATES = (0.05, 0.15, 0.25)
CORRELATIONS = (0.0, 0.1, 0.3, 0.5)
TARGET = (0.92, 0.98)

Ends = tuple[NDArray, NDArray]  # (N,) lower and upper of N repeats


class Made(NamedTuple):
    """A pair list: (P,) people of both images, and whether they are one."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    is_same: NDArray[np.bool_]

    def only(self, chosen: NDArray[np.bool_]) -> "Made":
        """Some of its pairs."""
        return Made(*(part[chosen] for part in self))


def measure(repeats: int = REPEATS, score_repeats: int = 200) -> list[dict[str, str | int]]:
    """Rows of interval, people and coverage in percent by correlation."""
    rows = []
    for people in LISTS_OF:
        rows += table(errors_coverage, people, repeats, RATES)
    for people in LISTS_OF:
        rows += table(scores_coverage, people, score_repeats, SCORE_RATES)
    return rows


def table(
    coverage: Callable[..., dict[str, float]],
    people: int,
    repeats: int,
    rates: tuple[float, ...],
) -> list[dict[str, str | int]]:
    """Rows of one number of people, one an interval.

    Args:
        coverage: `errors_coverage` or `scores_coverage`.
        people: a key of `LISTS_OF`.
        repeats: lists simulated for each correlation and rate.
        rates: of errors.
    """
    found: dict[str, dict[float, list[float]]] = {}
    for correlation in CORRELATIONS:
        for rate in rates:
            for name, share in coverage(people, correlation, rate, repeats).items():
                found.setdefault(name, {}).setdefault(correlation, []).append(share)
    return [
        {"interval": name, "people": people, "lists": repeats}
        | {f"correlation {c:g}": f"{min(s):.1%} to {max(s):.1%}" for c, s in cells.items()}
        for name, cells in found.items()
    ]


def errors_coverage(
    people: int, correlation: float, rate: float, repeats: int = REPEATS
) -> dict[str, float]:
    """Share of lists whose intervals hold the truth, by interval, at a fixed threshold.

    Args:
        people: a key of `LISTS_OF`.
        correlation: of the errors of a person's pairs.
        rate: of errors of both kinds.
        repeats: lists.
    """
    rng = np.random.default_rng([people, round(1000 * correlation), round(1000 * rate)])
    latent = latent_correlation(correlation, rate)
    held: dict[str, list[float]] = {}
    for made, count in lists(people, repeats, rng):
        wrong, other = (scores(made, latent, 0.0, count, rng) < ndtri(rate) for _ in range(2))
        for name, (low, high) in _at_fixed_thresholds(made, wrong, other, rng).items():
            truth = 0.0 if name.startswith("difference") else rate
            held.setdefault(name, []).append(np.mean((low <= truth) & (truth <= high)))
    return {name: float(np.mean(shares)) for name, shares in held.items()}


def scores_coverage(
    people: int, correlation: float, rate: float, repeats: int = 200, draws: int = 100
) -> dict[str, float]:
    """Share of lists whose intervals hold the truth, by interval, where thresholds are chosen.

    The truth is the population's: of the accuracies, that at its best threshold.

    Args:
        people: a key of `LISTS_OF`.
        correlation: of the scores of a person's pairs.
        rate: of errors at the population's best threshold, which is also its equal error rate.
        repeats: lists.
        draws: of the vertex bootstrap.
    """
    rng = np.random.default_rng([people, round(1000 * correlation), round(1000 * rate), 1])
    apart = -2 * ndtri(rate)
    truth = {
        "best_threshold_accuracy": 1 - rate,
        "fold_accuracy": 1 - rate,
        "area_under_roc": ndtr(apart / np.sqrt(2)),
        "equal_error_rate": rate,
        "tar_at_far_0.1": ndtr(apart + ndtri(0.1)),
    }
    held: dict[str, list[float]] = {}
    for made, count in lists(people, repeats, rng):
        pairs, models = pair_list(made), scores(made, correlation, apart, 2 * count, rng)
        for similarity in models[:count]:
            found = vertex_intervals(similarity, pairs, seed=0, fars=(0.1,), repeats=draws)
            for name, true in truth.items():
                held.setdefault(name, []).append(found[name].low <= true <= found[name].high)
        split = grouped_folds(made.first, made.second)
        right = [rightly_judged(each, made.is_same, split)[:2] * 1.0 for each in models]
        apiece = np.array(right[:count]) - np.array(right[count:])  # (N, 2, P)
        for place, name in enumerate(("best thresholds", "folds")):
            low, high = difference_ends(made, apiece[:, place])
            share = np.mean((low <= 0) & (high >= 0))
            held.setdefault(f"difference of two models, {name}, Student", []).extend(
                [share] * count
            )
    return {name: float(np.mean(shares)) for name, shares in held.items()}


def lists(people: int, repeats: int, rng: np.random.Generator) -> Iterator[tuple[Made, int]]:
    """Lists of people of unequal size, and how often to simulate each."""
    number = min(LISTS, repeats)
    genuine = LISTS_OF[people] // 2
    for part in np.array_split(np.arange(repeats), number):
        share = rng.lognormal(0.0, 0.9, people)
        of_person = 1 + rng.multinomial(genuine - people, share / share.sum())
        person = np.repeat(np.arange(people), of_person)
        child = rng.permutation(person)
        other = (child + rng.integers(1, people, genuine)) % people
        is_same = np.arange(2 * genuine) < genuine
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


def wilson_of(made: Made, wrong: NDArray) -> Ends:
    """Wilson's intervals of (N, P) errors."""
    events = np.minimum(wrong.sum(axis=1), (1 - wrong).sum(axis=1))
    return wilson_ends(clustered_mean(wrong, made.is_same, made.first, made.second, events=events))


def difference_ends(made: Made, values: NDArray) -> Ends:
    """Intervals of (N, P) differences, many at once, as `paired.paired_difference` gives."""
    events = np.abs(values).sum(axis=1)
    mean = clustered_mean(values, made.is_same, made.first, made.second, events=events)
    return student_ends(mean)


def percentiles_of(made: Made, values: NDArray, seed: int) -> Ends:
    """Percentile intervals of the means of (N, P) values under draws of people."""
    people = int(np.max(made[:2])) + 1
    draws = VertexDraws(identity_counts(people, repeats=DRAWS, seed=seed), *made)
    means = draws.weights(slice(None)) @ values.T / len(made.is_same)
    return tuple(np.nanquantile(means, [0.025, 0.975], axis=0))


def _at_fixed_thresholds(
    made: Made, wrong: NDArray[np.bool_], other: NDArray[np.bool_], rng: np.random.Generator
) -> dict[str, Ends]:
    found, seed = {}, int(rng.integers(2**31))
    every = np.ones(len(made.is_same), dtype=bool)
    for name, chosen in (("FNMR", made.is_same), ("FMR", ~made.is_same), ("accuracy", every)):
        part, errors = made.only(chosen), wrong[:, chosen].astype(np.float64)
        found[f"{name}, Wilson"] = wilson_of(part, errors)
        found[f"{name}, percentiles"] = percentiles_of(part, errors, seed)
    values = wrong * 1.0 - other
    found["difference of two models, Student"] = difference_ends(made, values)
    found["difference of two models, percentiles"] = percentiles_of(made, values, seed)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--score-repeats", type=int, default=200)
    given = parser.parse_args()
    for row in measure(given.repeats, given.score_repeats):
        print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
