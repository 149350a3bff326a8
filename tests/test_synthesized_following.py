"""Facts about how closely estimated ages follow the groups asked for."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from irlib.evaluation.synthesized.following import Estimates, agreement, following
from irlib.evaluation.synthesized.means import means
from irlib.evaluation.synthesized.ranks import rank_correlation

CENTRAL = np.array([6.0, 15, 25, 35, 45, 55, 70])  # of seven groups
PEOPLE = np.repeat([f"p{i:02d}" for i in range(20)], 2)  # two sources each
REAL = Estimates(np.array([5.0, 30, 70]), np.array([8.0, 30, 61]), np.array(["x", "y", "z"]))


def found(estimated):
    return following(estimated, PEOPLE, CENTRAL, REAL, seed=0, repeats=50)


def test_a_perfect_follower():
    told = found(np.repeat(CENTRAL[:, None], len(PEOPLE), axis=1)).made
    assert told.spearman.value == pytest.approx(1)
    assert (told.error.value, told.right_group.value) == (0, 1)


def test_sources_that_stay_as_they_are_do_not_follow():
    ages = np.linspace(3, 80, len(PEOPLE))
    assert found(np.tile(ages, (7, 1))).made.spearman.value == pytest.approx(0, abs=1e-12)


def test_the_error_is_from_the_central_age_of_the_group():
    # all look 35: off by 29, 20, 10, 0, 10, 20 and 35 years, 124 in all
    told = found(np.full((7, len(PEOPLE)), 35.0))
    assert told.made.error.value == pytest.approx(124 / 7)
    assert [each.error.value for each in told.groups] == [29, 20, 10, 0, 10, 20, 35]
    assert told.made.right_group.value == pytest.approx(1 / 7)


def test_the_confusion_counts_asked_groups_by_estimated_ones():
    confusion = found(np.full((7, len(PEOPLE)), 35.0)).confusion
    expected = np.zeros((7, 7), dtype=int)
    expected[:, 3] = 40  # 35 years are in group 3
    assert np.array_equal(confusion, expected)


def test_the_estimators_own_error_on_real_faces_stands_beside():
    real = found(np.full((7, len(PEOPLE)), 35.0)).real
    assert real.error.value == pytest.approx((3 + 0 + 9) / 3)
    assert real.spearman.value == pytest.approx(1)
    assert (real.right_group.value, real.faces, real.people) == (1, 3, 3)


def test_the_agreement_of_other_faces_of_the_groups_is_by_the_same_rule():
    years = np.random.default_rng(0).uniform(0, 80, (7, len(PEOPLE)))
    assert agreement(years, PEOPLE, CENTRAL, seed=0, repeats=50) == found(years).made


def test_a_group_without_real_faces_says_so():
    groups = found(np.full((7, len(PEOPLE)), 35.0)).groups
    assert [each.real_faces for each in groups] == [1, 0, 1, 0, 0, 0, 1]
    assert groups[0].real_estimated == 8 and np.isnan(groups[1].real_estimated)


def test_metrics_are_plain_numbers():
    told = found(np.full((7, len(PEOPLE)), 35.0)).metrics
    assert told["sources"] == 40 and told["people"] == 20 and told["faces"] == 280
    assert told["groups"][2]["error_interval"] == [10.0, 10.0]
    assert told["confusion"][6][3] == 40


def test_estimates_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"estimated \(7, 3\): expected \(7, 40\)"):
        found(np.zeros((7, 3)))


def test_the_rank_correlation_is_scipys_with_ties():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 5, 60), rng.normal(size=60).round(1)
    ours = rank_correlation(first, second, np.arange(60), seed=0, repeats=5).value
    assert ours == pytest.approx(spearmanr(first, second).statistic)


def test_people_are_drawn_for_the_interval_of_the_rank_correlation():
    # each value ten times by the same person: no more is known than from one each
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 30))
    once = rank_correlation(first, second, np.arange(30), seed=0, repeats=200)
    tenfold = [np.tile(each, 10) for each in (first, second, np.arange(30))]
    again = rank_correlation(*tenfold, seed=0, repeats=200)
    assert (again.low, again.high) == pytest.approx((once.low, once.high))


def test_the_interval_of_the_rank_correlation_of_one_person_is_unknown():
    told = rank_correlation([1, 2, 3], [1, 2, 3], ["a"] * 3, seed=0)
    assert told.value == pytest.approx(1) and np.isnan(told.low)


def test_a_series_that_does_not_vary_has_no_rank_correlation():
    assert np.isnan(rank_correlation([1, 1], [1, 2], ["a", "b"], seed=0).value)


def test_the_interval_of_a_mean_is_students_over_people():
    # one value each: mean 2, deviation 1.58, t of 4 degrees 2.776: 2.776 * 1.58 / sqrt(5) = 1.963
    told = means(np.arange(5.0)[:, None], np.arange(5))[0]
    assert (told.low, told.high) == pytest.approx((2 - 1.963, 2 + 1.963), abs=1e-3)


def test_the_interval_of_a_mean_of_one_person_is_unknown():
    told = means(np.arange(5.0)[:, None], np.zeros(5))[0]
    assert told.value == 2 and np.isnan(told.low) and np.isnan(told.high)
