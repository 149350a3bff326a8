import numpy as np
import pytest

from irlib.analyses.about_estimates import (
    Estimate,
    identity_mean,
    metrics,
    pair_mean,
    replicates,
)

ONCE = np.array([[1, 1, 1]])


def test_pair_mean_leaves_identities_with_themselves_out():
    total = np.array([[100.0, 2.0, 0.0], [0.0, 100.0, 4.0], [0.0, 0.0, 100.0]])
    pairs = np.array([[1, 1, 0], [0, 1, 2], [0, 0, 1]])
    # one pair of sum 2 and two of sum 4
    assert pair_mean(total, pairs, ONCE).value == pytest.approx(6 / 3)


def test_a_draw_of_every_identity_once_is_the_mean_itself():
    total = np.arange(9.0).reshape(3, 3)
    found = pair_mean(total, np.ones((3, 3)), ONCE)
    assert found.replicates == pytest.approx([found.value])


def test_a_pair_counts_by_the_product_of_its_draws():
    total = np.array([[0.0, 1.0, 5.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    pairs = np.array([[0, 1, 1], [0, 0, 0], [0, 0, 0]])
    # identity 0 twice and 1 once: the pair of 0 and 1 counts twice, that of 0 and 2 not at all
    assert pair_mean(total, pairs, np.array([[2, 1, 0]])).replicates.tolist() == [1.0]
    # 0 once, 1 once and 2 three times: (1 + 3 x 5) / 4
    assert pair_mean(total, pairs, np.array([[1, 1, 3]])).replicates.tolist() == [4.0]


def test_a_draw_without_a_pair_is_no_number():
    found = pair_mean(np.ones((3, 3)), np.ones((3, 3)), np.array([[3, 0, 0]]))
    assert np.isnan(found.replicates[0])


def test_identity_mean_leaves_out_those_without_a_value():
    found = identity_mean(np.array([1.0, np.nan, 4.0]), np.array([[1, 1, 1], [1, 2, 0]]))
    assert found.value == 2.5
    assert found.replicates.tolist() == [2.5, 1.0]


def test_a_mean_of_nothing_is_no_number():
    assert np.isnan(identity_mean(np.full(3, np.nan), ONCE).value)


def test_a_difference_is_paired_draw_by_draw():
    one, two = Estimate(3.0, np.array([4.0, 2.0])), Estimate(1.0, np.array([2.0, 0.0]))
    # both go up and down together, so their difference does not move
    assert metrics({"d": one - two})["d"] == {"value": 2.0, "low": 2.0, "high": 2.0}


def test_replicates_have_a_column_an_estimate_and_a_row_a_draw():
    table = replicates({"a1": {"child": Estimate(1.0, np.array([0.5, 1.5]))}})
    assert table.to_dict("list") == {"a1/child": [0.5, 1.5]}
