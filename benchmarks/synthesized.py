"""How often the 95 % intervals of measures of synthesized faces hold the truth, by simulation.

"ages": people with two sources each, every source in seven groups; estimated ages follow the asked
ones by a slope, with deviations of the person, the source and the face. "kid": people with two
results and some real faces each, in 32 dimensions, apart by a shift of one of them. The truth is
that of a sample of many people.

Run `python -m benchmarks.synthesized`; it takes minutes.
"""

import argparse
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from irlib.evaluation.bootstrap import Interval, identity_counts, percentile_interval
from irlib.evaluation.synthesized.kernels import Sample, distance, kernel_sums
from irlib.evaluation.synthesized.means import means
from irlib.evaluation.synthesized.ranks import rank_correlation, rank_replicates

REPEATS, DRAWS = 400, 300
MANY, MANY_KID, TIMES = 20_000, 2_500, 8  # people behind a truth; samples that one is the mean of
PEOPLE = (15, 30, 60, 130)
CENTRAL = np.array([6.0, 15, 25, 35, 45, 55, 66])
FOLLOWING = ((0.3, 8.0, 5.0), (0.7, 6.0, 4.0), (0.95, 3.0, 3.0))  # slope, deviations in years
SHIFTS = (0.0, 0.05, 0.15, 0.4)
DIMENSIONS, IMAGES = 32, (2, 4)  # of a person among the results, and the real faces


def rows(repeats: int) -> Iterator[dict[str, str | int | float]]:
    """Rows of measure, people, case and coverage in percent.

    Args:
        repeats: samples simulated for each row.
    """
    for people in PEOPLE:
        for following in FOLLOWING:
            rng = _generator(people, following[0])
            for name, share in ages_coverage(people, following, repeats, rng).items():
                yield _row(name, people, f"slope {following[0]:g}", share)
        for shift in SHIFTS:
            held = kid_coverage(people, shift, repeats, _generator(people, shift))
            yield _row("kid, percentiles", people, f"shift {shift:g}", held)


def ages_coverage(
    people: int, following: tuple[float, float, float], repeats: int, rng: np.random.Generator
) -> dict[str, float]:
    """Share of samples whose intervals hold the truth, by measure.

    Args:
        people: of two sources each.
        following: slope of estimated over asked age; deviations of people and of faces, years.
        repeats: samples.
        rng: draws them.
    """
    truth = _ages_told(MANY, following, rng, draws=1)
    held: dict[str, list[bool]] = {}
    for _ in range(repeats):
        for name, each in _ages_told(people, following, rng, draws=DRAWS).items():
            held.setdefault(name, []).append(each.low <= truth[name].value <= each.high)
    return {name: float(np.mean(each)) for name, each in held.items()}


def kid_coverage(people: int, shift: float, repeats: int, rng: np.random.Generator) -> float:
    """Share of samples whose interval holds the truth.

    Args:
        people: in both the results and the real faces.
        shift: of the results, in deviations of all dimensions together.
        repeats: samples.
        rng: draws them.
    """
    once = np.ones((1, MANY_KID))
    truth = np.mean([_kid(MANY_KID, (1, 1), shift, once, rng) for _ in range(TIMES)])
    truth = float(truth) if shift else 0.0
    held = []
    for _ in range(repeats):
        counts = identity_counts(people, repeats=DRAWS, seed=int(rng.integers(2**31)))
        weights = np.concatenate([np.ones((1, people)), counts])
        found = _kid(people, IMAGES, shift, weights, rng)
        each = percentile_interval(found[0], found[1:])
        held.append(each.low <= truth <= each.high)
    return float(np.mean(held))


def _ages_told(
    people: int, following: tuple[float, float, float], rng: np.random.Generator, *, draws: int
) -> dict[str, Interval]:
    slope, of_person, of_face = following
    who = np.repeat(np.arange(people), 2)
    own = rng.normal(0, of_person, people)[who] + rng.normal(0, of_person, len(who))
    noise = rng.normal(0, of_face, (len(CENTRAL), len(who)))
    years = 35 + slope * (CENTRAL[:, None] - 35) + own + noise
    asked = np.repeat(np.arange(len(CENTRAL)), len(who))
    error = np.abs(years - CENTRAL[:, None]).mean(axis=0)[:, None]
    given = {"seed": int(rng.integers(2**31)), "repeats": draws}
    series = asked, years.ravel(), np.tile(who, len(CENTRAL))
    drawn = rank_replicates(*series, **given)
    return {
        "spearman, Student": rank_correlation(*series, **given),
        "spearman, percentiles": percentile_interval(float(drawn[0]), drawn[1:]),
        "error, Student": means(error, who)[0],
    }


def _kid(
    people: int, images: tuple[int, int], shift: float, weights: NDArray, rng: np.random.Generator
) -> NDArray[np.float64]:
    middles = rng.normal(size=(people, DIMENSIONS))
    samples = []
    for count, moved in zip(images, (shift * np.sqrt(DIMENSIONS), 0.0), strict=True):
        who = np.repeat(np.arange(people), count)
        rows = middles[who] + 0.6 * rng.normal(size=(len(who), DIMENSIONS))
        rows[:, 0] += moved
        samples.append(Sample(rows, who))
    x, y = samples
    return distance(*(kernel_sums(a, b, people) for a, b in ((x, x), (y, y), (x, y))), weights)


def _generator(people: int, case: float) -> np.random.Generator:
    return np.random.default_rng([people, round(1000 * case)])


def _row(name: str, people: int, case: str, share: float) -> dict[str, str | int | float]:
    return {"measure": name, "people": people, "case": case, "held": round(100 * share, 1)}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    for row in rows(parser.parse_args().repeats):
        print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
