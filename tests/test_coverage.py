"""The intervals hold the truth as often as they say, on simulated lists of 30 to 100 people."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import irlib
from irlib.evaluation.reliability import reliable, reliable_percentiles, reliable_tar

_PATH = Path(irlib.__file__).parents[1] / "benchmarks" / "coverage.py"
_SPEC = importlib.util.spec_from_file_location("coverage_benchmark", _PATH)
coverage = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(coverage)

JUDGED = ("FNMR, Wilson", "FMR, Wilson", "accuracy, Wilson", "difference of two models, Student")
LOW, HIGH = coverage.TARGET


def three_deviations(repeats, share):
    """Of a share that was found in so many repeats."""
    return 3 * np.sqrt(share * (1 - share) / repeats)


@pytest.mark.parametrize("people", [30, 50, 100])
def test_intervals_hold_the_truth_at_a_middling_correlation(people):
    found = coverage.errors_coverage(people, 0.3, 0.15, 400)
    low, high = LOW - three_deviations(400, LOW), HIGH + three_deviations(400, HIGH)
    assert {n: found[n] for n in JUDGED if not low <= found[n] <= high} == {}


def test_the_simulation_finds_intervals_out_that_forget_the_people():
    # 30 people, errors of a person correlated by 1/2: as if 200 pairs were independent
    rng = np.random.default_rng(0)
    held = []
    latent = coverage.latent_correlation(0.5, 0.15)
    for made, count in coverage.lists(30, 200, rng):
        genuine = made.only(made.is_same)
        wrong = coverage.scores(genuine, latent, 0.0, count, rng) < -1.0364  # rate .15
        share = wrong.mean(axis=1)
        reach = 1.96 * np.sqrt(share * (1 - share) / wrong.shape[1])
        held.append(np.mean(np.abs(share - 0.15) <= reach))
    assert np.mean(held) < 0.75


def test_simulated_errors_are_as_frequent_and_as_correlated_as_told():
    rng = np.random.default_rng(1)
    pair = coverage.Made(np.array([0, 0]), np.array([0, 0]), np.array([True, True]))
    latent = coverage.latent_correlation(0.3, 0.1)
    wrong = coverage.scores(pair, latent, 0.0, 100_000, rng) < -1.28155
    # deviations of a rate: sqrt(.09 / 100,000) = .001; of the correlation about .005
    assert wrong.mean() == pytest.approx(0.1, abs=0.004)
    assert np.corrcoef(wrong.T)[0, 1] == pytest.approx(0.3, abs=0.02)


def test_chosen_thresholds_leave_the_coverage():
    found = coverage.scores_coverage(30, 0.3, 0.15, 60, draws=60)
    low = LOW - three_deviations(60, LOW)
    assert {name: share for name, share in found.items() if share < low} == {}


@pytest.mark.slow
@pytest.mark.parametrize("people", [30, 50, 100])
@pytest.mark.parametrize("correlation", [0.0, 0.1, 0.3, 0.5])
@pytest.mark.parametrize("rate", [0.05, 0.1, 0.15, 0.25])
def test_coverage_is_on_target_or_the_report_says_so(people, correlation, rate):
    found = coverage.errors_coverage(people, correlation, rate, 2_000)
    low, high = LOW - three_deviations(2_000, LOW), HIGH + three_deviations(2_000, HIGH)
    off = {name for name in JUDGED if not low <= found[name] <= high}
    errors = {"FNMR": 0.5, "FMR": 0.5, "accuracy": 1, "difference of two models": 1}
    expected = rate * coverage.LISTS_OF[people]
    silent = {
        name for name in off if not reliable(people, expected * errors[name.partition(",")[0]])
    }
    assert silent == set()


@pytest.mark.parametrize(("people", "errors", "said"), [
    (12, 100, "12 people"),
    (60, 3, "3 errors"),
    (60, 100, ""),
])  # fmt: skip
def test_what_the_report_says_of_an_interval(people, errors, said):
    told = reliable(people, errors)
    assert said in told
    assert bool(told) == bool(said)


def test_what_the_report_says_of_a_tar():
    assert reliable_tar(1_000, 0.01) == ""
    assert "2 of 200 impostor pairs" in reliable_tar(200, 0.01)


@pytest.mark.parametrize(("people", "lowest"), [(12, "70 %"), (30, "76 to"), (99, "80 to")])
def test_what_the_report_says_of_percentiles(people, lowest):
    assert lowest in reliable_percentiles(people)
