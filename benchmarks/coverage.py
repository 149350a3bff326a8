"""How often the 95 % intervals hold the truth, by simulation of lists whose pairs share people.

Every list has people of unequal size (log-normal shares, the largest with about a tenth of the
genuine pairs), one or ten times as many impostor pairs as genuine ones, and an error rate known
beforehand. "errors" simulates whether each pair is judged wrongly: two genuine pairs of a person
are correlated as told, as are two impostor pairs of the same two people; those that share one of
them are about half as much. "scores" simulates the similarities, so that thresholds are chosen as
in practice; there the correlation is that of the scores. Twenty layouts a row; the two numbers of a
cell are the least and the largest coverage over error rates of 5, 10, 15 and 25 % (of "scores" 5,
15 and 25 %). Rows with "points" tell instead how far the statistic lies above the truth on average.

Run `python -m benchmarks.coverage`; in full it takes hours.
"""

import argparse
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from benchmarks.pair_lists import (
    LAYOUTS,
    Layout,
    Made,
    latent_correlation,
    lists,
    pair_list,
    scores,
)
from irlib.evaluation.bootstrap import VertexDraws, identity_counts
from irlib.evaluation.influence import curve_influence
from irlib.evaluation.intervals import curve_intervals
from irlib.evaluation.paired import student_ends
from irlib.evaluation.sharing import clustered_mean
from irlib.evaluation.verification import grouped_folds
from irlib.evaluation.weighted import rightly_judged
from irlib.evaluation.wilson import mean_ends, wilson_ends

REPEATS, SCORE_REPEATS, DRAWS = 2_000, 2_000, 400
RATES = (0.05, 0.10, 0.15, 0.25)
SCORE_RATES = (0.05, 0.15, 0.25)
CORRELATIONS = (0.0, 0.1, 0.3, 0.5)
FARS = (0.1, 0.01)
TARGET = (0.92, 0.98)

Ends = tuple[NDArray, NDArray]  # (N,) lower and upper of N repeats


def measure() -> list[dict[str, str | int]]:
    """Rows on as many lists as take some minutes; `rows` has more."""
    return list(rows(400, 100))


def rows(repeats: int, score_repeats: int) -> Iterator[dict[str, str | int]]:
    """Rows of interval, people, pairs of both kinds and coverage in percent by correlation.

    Args:
        repeats: lists of errors for each cell and rate.
        score_repeats: lists of similarities.
    """
    for layout in LAYOUTS:
        yield from table(errors_coverage, layout, repeats, RATES)
    for layout in LAYOUTS[1:]:
        yield from table(scores_coverage, layout, score_repeats, SCORE_RATES)


def table(
    coverage: Callable[..., dict[str, float]],
    layout: Layout,
    repeats: int,
    rates: tuple[float, ...],
) -> list[dict[str, str | int]]:
    """Rows of one layout, one an interval.

    Args:
        coverage: `errors_coverage` or `scores_coverage`.
        layout: of the lists.
        repeats: lists simulated for each correlation and rate.
        rates: of errors.
    """
    found: dict[str, dict[float, list[float]]] = {}
    for correlation in CORRELATIONS:
        for rate in rates:
            for name, share in coverage(layout, correlation, rate, repeats).items():
                found.setdefault(name, {}).setdefault(correlation, []).append(100 * share)
    return [
        {"interval": name, **layout._asdict(), "lists": repeats}
        | {f"correlation {c:g}": f"{min(s):.1f} to {max(s):.1f}" for c, s in cells.items()}
        for name, cells in found.items()
    ]


def errors_coverage(
    layout: Layout, correlation: float, rate: float, repeats: int = REPEATS
) -> dict[str, float]:
    """Share of lists whose intervals hold the truth, by interval, at a fixed threshold.

    Args:
        layout: of the lists.
        correlation: of the errors of a person's pairs.
        rate: of errors of both kinds.
        repeats: lists.
    """
    rng = _generator(layout, correlation, rate, 0)
    latent = latent_correlation(correlation, rate)
    held: dict[str, list[float]] = {}
    for made, count in lists(layout, repeats, rng):
        wrong, other = (scores(made, latent, 0.0, count, rng) < ndtri(rate) for _ in range(2))
        for name, (low, high) in _at_fixed_thresholds(made, wrong, other, rng).items():
            truth = 0.0 if name.startswith("difference") else rate
            held.setdefault(name, []).extend((low <= truth) & (truth <= high))
    return {name: float(np.mean(shares)) for name, shares in held.items()}


def scores_coverage(
    layout: Layout, correlation: float, rate: float, repeats: int = SCORE_REPEATS
) -> dict[str, float]:
    """Share of lists whose intervals hold the truth, by interval, where thresholds are chosen.

    The truth is the population's: of the accuracies, that at the threshold which is best where both
    kinds are equally frequent; lists out of balance have none. Names that end in "points" are no
    shares of lists, but how far the statistic lies above the truth on average.

    Args:
        layout: of the lists.
        correlation: of the scores of a person's pairs.
        rate: of errors at the population's best threshold, which is also its equal error rate.
        repeats: lists.
    """
    rng = _generator(layout, correlation, rate, 1)
    apart = -2 * ndtri(rate)
    truth = {
        "area_under_roc": float(ndtr(apart / np.sqrt(2))),
        "equal_error_rate": rate,
        **{f"tar_at_far_{far:g}": float(ndtr(apart + ndtri(far))) for far in FARS},
    }
    held: dict[str, list[float]] = {}
    for made, count in lists(layout, repeats, rng):
        pairs, models = pair_list(made), scores(made, correlation, apart, 2 * count, rng)
        told = [curve_influence(each, made.is_same, FARS) for each in models[:count]]
        for name, true in truth.items():
            found = curve_intervals(name, [each[name] for each in told], pairs)
            held.setdefault(name, []).extend(each.low <= true <= each.high for each in found)
            held.setdefault(f"{name} too high by, points", []).extend(
                each.value - true for each in found
            )
        if layout.genuine == layout.impostor:
            for name, values in _accuracies(made, models, rate).items():
                held.setdefault(name, []).extend(values)
    return {name: float(np.mean(values)) for name, values in held.items()}


def _accuracies(made: Made, models: NDArray, rate: float) -> dict[str, NDArray]:
    split = grouped_folds(made.first, made.second)
    right = np.array([rightly_judged(each, made.is_same, split)[:2] * 1.0 for each in models])
    mine, other = np.split(right, 2)  # (N, 2, P) each
    found = {}
    for place, name in enumerate(("best threshold", "folds of people")):
        low, high = wilson_of(made, mine[:, place])
        found[f"accuracy, {name}"] = (low <= 1 - rate) & (1 - rate <= high)
        above = mine[:, place].mean(axis=1) - (1 - rate)
        found[f"accuracy, {name}, too high by, points"] = above
        low, high = difference_ends(made, mine[:, place] - other[:, place])
        found[f"difference of two models, {name}, Student"] = (low <= 0) & (high >= 0)
    return found


def _generator(layout: Layout, correlation: float, rate: float, kind: int) -> np.random.Generator:
    return np.random.default_rng([*layout, round(1000 * correlation), round(1000 * rate), kind])


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
    kinds = (("FNMR", made.is_same), ("FMR", ~made.is_same), ("accuracy", every))
    for name, chosen in kinds:
        part, errors = made.only(chosen), wrong[:, chosen].astype(np.float64)
        found[f"{name}, Wilson"] = wilson_of(part, errors)
        found[f"{name}, percentiles"] = percentiles_of(part, errors, seed)
    both = [(wrong[:, part].mean(axis=1), *found[f"{name}, Wilson"]) for name, part in kinds[:2]]
    found["balanced accuracy, from both Wilson"] = mean_ends(*both)[1:]
    values = wrong * 1.0 - other
    found["difference of two models, Student"] = difference_ends(made, values)
    found["difference of two models, percentiles"] = percentiles_of(made, values, seed)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--score-repeats", type=int, default=SCORE_REPEATS)
    given = parser.parse_args()
    for row in rows(given.repeats, given.score_repeats):
        print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
