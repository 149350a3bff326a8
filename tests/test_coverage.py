"""The intervals hold the truth as often as they say, on simulated lists of 30 to 100 people."""

import sys
from pathlib import Path

import numpy as np
import pytest

import irlib
from irlib.evaluation.reliability import (
    reliable,
    reliable_auc,
    reliable_percentiles,
    reliable_tar,
)

sys.path.insert(0, str(Path(irlib.__file__).parents[1]))
from benchmarks import coverage, pair_lists

JUDGED = (
    "FNMR, Wilson", "FMR, Wilson", "accuracy, Wilson", "balanced accuracy, from both Wilson",
    "difference of two models, Student",
)  # fmt: skip
CURVE = ("area_under_roc", "equal_error_rate", "tar_at_far_0.1")
BALANCED = {layout.people: layout for layout in pair_lists.LAYOUTS if layout[1] == layout[2]}
UNBALANCED = {layout.people: layout for layout in pair_lists.LAYOUTS if layout[1] != layout[2]}
LOW, HIGH = coverage.TARGET


def three_deviations(repeats, share):
    """Of a share that was found in so many repeats."""
    return 3 * np.sqrt(share * (1 - share) / repeats)


@pytest.mark.parametrize("people", [30, 50, 100])
def test_intervals_hold_the_truth_at_a_middling_correlation(people):
    found = coverage.errors_coverage(BALANCED[people], 0.3, 0.15, 400)
    low, high = LOW - three_deviations(400, LOW), HIGH + three_deviations(400, HIGH)
    assert {n: found[n] for n in JUDGED if not low <= found[n] <= high} == {}


def test_the_simulation_finds_intervals_out_that_forget_the_people():
    # 30 people, errors of a person correlated by 1/2: as if 200 pairs were independent
    rng = np.random.default_rng(0)
    held = []
    latent = pair_lists.latent_correlation(0.5, 0.15)
    for made, count in pair_lists.lists(BALANCED[30], 200, rng):
        genuine = made.only(made.is_same)
        wrong = pair_lists.scores(genuine, latent, 0.0, count, rng) < -1.0364  # rate .15
        share = wrong.mean(axis=1)
        reach = 1.96 * np.sqrt(share * (1 - share) / wrong.shape[1])
        held.append(np.mean(np.abs(share - 0.15) <= reach))
    assert np.mean(held) < 0.75


def test_simulated_errors_are_as_frequent_and_as_correlated_as_told():
    rng = np.random.default_rng(1)
    pair = pair_lists.Made(np.array([0, 0]), np.array([0, 0]), np.array([True, True]))
    latent = pair_lists.latent_correlation(0.3, 0.1)
    wrong = pair_lists.scores(pair, latent, 0.0, 100_000, rng) < -1.28155
    # deviations of a rate: sqrt(.09 / 100,000) = .001; of the correlation about .005
    assert wrong.mean() == pytest.approx(0.1, abs=0.004)
    assert np.corrcoef(wrong.T)[0, 1] == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("layout", [BALANCED[30], UNBALANCED[30]])
def test_chosen_thresholds_leave_the_coverage(layout):
    # two deviations of 100 lists: below 87 %
    found = coverage.scores_coverage(layout, 0.1, 0.15, 100)
    low = LOW - 2 * np.sqrt(LOW * (1 - LOW) / 100)
    assert {name: found[name] for name in CURVE if found[name] < low} == {}


def test_a_threshold_that_few_impostors_decide_raises_tar():
    # 2 of 200 impostor pairs may be accepted at FAR 0.01
    found = coverage.scores_coverage(BALANCED[30], 0.1, 0.25, 60)
    assert 0.02 < found["tar_at_far_0.01 too high by, points"] < 0.12
    assert abs(found["tar_at_far_0.1 too high by, points"]) < 0.04


@pytest.mark.slow
@pytest.mark.parametrize("people", [30, 100])
@pytest.mark.parametrize("correlation", [0.0, 0.3])
@pytest.mark.parametrize("places", [BALANCED, UNBALANCED])
def test_statistics_of_the_curve_hold_the_truth(people, correlation, places):
    found = coverage.scores_coverage(places[people], correlation, 0.15, 500)
    low, high = LOW - three_deviations(500, LOW), 0.99 + three_deviations(500, 0.99)
    assert {name: found[name] for name in CURVE if not low <= found[name] <= high} == {}


@pytest.mark.slow
@pytest.mark.parametrize("people", [30, 50, 100])
@pytest.mark.parametrize("correlation", [0.0, 0.1, 0.3, 0.5])
@pytest.mark.parametrize("rate", [0.05, 0.1, 0.15, 0.25])
def test_coverage_is_on_target_or_the_report_says_so(people, correlation, rate):
    found = coverage.errors_coverage(BALANCED[people], correlation, rate, 2_000)
    low, high = LOW - three_deviations(2_000, LOW), HIGH + three_deviations(2_000, HIGH)
    off = {name for name in JUDGED if not low <= found[name] <= high}
    expected = rate * BALANCED[people].genuine  # of one kind; an accuracy has twice as many
    silent = {
        name for name in off if not reliable(people, expected * (1 if name.startswith("F") else 2))
    }
    assert silent == set()


@pytest.mark.parametrize(("people", "errors", "said"), [
    (12, 100, "12 people"),
    (60, 3, "3 errors"),
    (60, 100, ""),
    (40, 120, "120 errors of 40 people"),
    (40, 90, ""),
    (60, 900, ""),
])  # fmt: skip
def test_what_the_report_says_of_an_interval(people, errors, said):
    told = reliable(people, errors)
    assert said in told
    assert bool(told) == bool(said)


@pytest.mark.parametrize(("people", "errors", "said"), [
    (20, 50, "20 people"), (30, 10, "10 errors"), (30, 20, ""),
])  # fmt: skip
def test_what_is_said_of_an_area(people, errors, said):
    told = reliable_auc(people, errors)
    assert said in told
    assert bool(told) == bool(said)


def test_what_the_report_says_of_a_tar():
    assert reliable_tar(1_000, 0.01) == ""
    assert "2 of 200 impostor pairs" in reliable_tar(200, 0.01)


@pytest.mark.parametrize(("people", "lowest"), [(12, "70 %"), (30, "76 to"), (99, "80 to")])
def test_what_the_report_says_of_percentiles(people, lowest):
    assert lowest in reliable_percentiles(people)
