import numpy as np
import pytest

from irlib.evaluation.clustered import (
    identity_replicates,
    intervals,
    pair_replicates,
    share_intervals,
)
from irlib.evaluation.wilson import wilson_interval

# two people with two values each, one with one; two means side by side
VALUES = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0], [1.0, 1.0], [0.0, 1.0]])
IDENTITY = np.array(["ann", "ann", "bob", "bob", "cem"])


def test_the_first_replicate_is_the_mean_as_it_is():
    assert identity_replicates(VALUES, IDENTITY, seed=0, repeats=5)[0].tolist() == [3 / 5, 3 / 5]


def test_a_draw_counts_all_values_of_a_person_as_often_as_the_person():
    # every mean under a draw (a, b, c) of three people is (a + 2 b) / (2 a + 2 b + c)
    possible = {
        round((a + 2 * b) / (2 * a + 2 * b + c), 9)
        for a in range(4) for b in range(4) for c in range(4) if a + b + c == 3
    }  # fmt: skip
    drawn = identity_replicates(VALUES, IDENTITY, seed=0, repeats=200)[1:, 0]
    assert {round(value, 9) for value in drawn} <= possible
    assert len(set(drawn)) > 5


def test_means_side_by_side_take_the_same_draws():
    both = identity_replicates(VALUES, IDENTITY, seed=0, repeats=50)
    alone = identity_replicates(VALUES[:, 1:], IDENTITY, seed=0, repeats=50)
    assert np.array_equal(both[:, 1], alone[:, 0])


def test_a_value_that_is_equal_for_everyone_has_no_spread():
    found = intervals(identity_replicates(np.ones((5, 1)), IDENTITY, seed=0, repeats=50))[0]
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


def test_a_pair_of_two_people_counts_as_the_product_of_their_draws():
    # genuine pairs of ann and of bob, one pair of both; drawn (2, 0) or (0, 2) the last weighs 0
    values = np.array([[1.0], [0.0], [0.0]])
    is_same = np.array([True, True, False])
    drawn = pair_replicates(
        values, is_same, ["ann", "bob", "ann"], ["ann", "bob", "bob"], seed=0, repeats=40
    )
    # (1, 1) leaves the mean 1/3 as it is; the others have no impostor pair
    assert drawn[0, 0] == pytest.approx(1 / 3)
    assert {round(float(value), 9) for value in drawn[~np.isnan(drawn)]} == {round(1 / 3, 9)}
    assert np.isnan(drawn).any()


def test_lists_with_the_same_people_have_the_same_draws():
    people = np.array(["ann", "bob", "cem", "dan"])
    first, second = np.array(["ann", "bob", "ann"]), np.array(["ann", "bob", "cem"])
    is_same = first == second
    values = np.array([[1.0], [0.0], [1.0]])
    given = {"seed": 3, "people": people, "repeats": 60}
    part = pair_replicates(values, is_same, first, second, **given)
    order = np.array([2, 0, 1])  # the same pairs in another order
    again = pair_replicates(values[order], is_same[order], first[order], second[order], **given)
    assert part == pytest.approx(again, nan_ok=True)


def test_values_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"expected \(5, M\)"):
        identity_replicates(VALUES[:4], IDENTITY, seed=0)


def test_shares_have_wilsons_intervals():
    person = np.repeat(np.arange(20), 5)
    same = np.ones(100, dtype=bool)
    shares = np.stack([person % 4 == 0, np.arange(100) % 3 == 0], axis=1)
    found = share_intervals(shares, same, person, person)
    for column, interval in zip(shares.T, found, strict=True):
        alone = wilson_interval(column, same, person, person)
        assert (interval.value, interval.low) == pytest.approx((alone.value, alone.low))
        assert (interval.high, interval.repeats) == (pytest.approx(alone.high), 0)
