import numpy as np
import pytest
from sklearn.metrics import roc_curve

from irlib.evaluation.operating import tar_at_far

# four genuine and four impostor pairs; .6 occurs on both sides
SIMILARITY = np.array([0.9, 0.8, 0.6, 0.3, 0.7, 0.6, 0.2, 0.1])
IS_SAME = np.array([True] * 4 + [False] * 4)
FARS = (1.0, 0.5, 1e-1, 3e-2, 1e-2, 1e-3)


def test_a_single_rate_is_a_number():
    # one of four impostors may be accepted: .7, and with it .9 and .8 of the genuine pairs
    found = tar_at_far(SIMILARITY, IS_SAME, 0.25)
    assert (float(found), found.shape) == (0.5, ())
    assert tar_at_far(SIMILARITY, IS_SAME, [0.25, 0.5]).shape == (2,)


def test_several_rates_are_no_number():
    with pytest.raises(ValueError, match="size 1"):
        float(tar_at_far(SIMILARITY, IS_SAME, [0.25, 0.5]))


def random_pairs(seed, num=20_000, share=0.01, decimals=9, dtype=np.float64):
    rng = np.random.default_rng(seed)
    is_same = rng.random(num) < share
    return rng.normal(0.4 * is_same, 0.15).round(decimals).astype(dtype), is_same


@pytest.mark.parametrize(
    "drawn",
    [
        {},
        {"decimals": 2},  # nearly all are equal to others
        {"decimals": 1},
        {"share": 0.99},  # few impostors
        {"dtype": np.float32, "decimals": 4},
    ],
)
def test_at_most_is_the_last_point_of_sklearns_curve_within_the_bound(drawn):
    scores, is_same = random_pairs(0, **drawn)
    fars = [far for far in FARS if far * (~is_same).sum() >= 1]
    found = tar_at_far(scores, is_same, fars)
    far, tar, threshold = roc_curve(is_same, scores, drop_intermediate=False)
    last = [np.flatnonzero(far <= bound)[-1] for bound in fars]
    np.testing.assert_array_equal(found.tar, tar[last])
    np.testing.assert_array_equal(found.far, far[last])
    np.testing.assert_array_equal(found.threshold, threshold[last])


@pytest.mark.parametrize(
    "drawn",
    [
        {},
        {"decimals": 2},
        {"decimals": 1},
        {"share": 0.001},  # long runs of impostors, most of which are no corner
        {"share": 0.99},
        {"dtype": np.float32, "decimals": 4},
    ],
)
def test_nearest_is_the_point_of_sklearns_curve_that_the_field_takes(drawn):
    scores, is_same = random_pairs(1, **drawn)
    fars = [far for far in FARS if far * (~is_same).sum() >= 1]
    found = tar_at_far(scores, is_same, fars, rule="nearest")
    far, tar, threshold = (values[::-1] for values in roc_curve(is_same, scores))
    nearest = [min(range(len(far)), key=lambda i: abs(far[i] - aim)) for aim in fars]
    np.testing.assert_array_equal(found.tar, tar[nearest])
    np.testing.assert_array_equal(found.far, far[nearest])
    np.testing.assert_array_equal(found.threshold, threshold[nearest])


def test_the_lowest_threshold_within_the_bound_is_taken():
    points = tar_at_far(SIMILARITY, IS_SAME, [0.25])  # one of four: .7, then .6 is too low
    assert (points.tar, points.far, points.threshold) == (0.5, 0.25, 0.7)
    assert points.num_other == 4


def test_between_two_steps_the_lower_rate_is_kept():
    assert tar_at_far(SIMILARITY, IS_SAME, [0.49]).tar == [0.5]


def test_nearest_may_exceed_the_rate():
    # .49 lies nearer to two of four, at .6, than to one; there three genuine pairs are accepted,
    # and at .3, with the same impostors, all four
    points = tar_at_far(SIMILARITY, IS_SAME, [0.49], rule="nearest")
    assert (points.tar, points.far, points.threshold) == (1.0, 0.5, 0.3)


def test_nearest_of_two_takes_the_one_that_accepts_more():
    # corners of the curve at rates 1/4 and 1/2; .375 lies between
    assert tar_at_far(SIMILARITY, IS_SAME, 0.375, rule="nearest").far == 0.5


def test_nearest_where_the_best_impostors_are_all_equal():
    # nothing, or all eight impostors and no genuine pair: 0 is nearer to .3 than 1
    scores, is_same = np.append(0.1, np.full(8, 0.5)), np.arange(9) == 0
    points = tar_at_far(scores, is_same, 0.3, rule="nearest")
    assert (points.tar, points.far, points.threshold) == (0, 0, np.inf)


def test_one_rate_gives_one_number():
    assert tar_at_far(SIMILARITY, IS_SAME, 0.25).tar == 0.5


def test_points_read_as_an_array_of_the_tars():
    points = tar_at_far(SIMILARITY, IS_SAME, [0.25, 0.5])
    assert np.asarray(points).tolist() == [0.5, 1.0]
    assert (len(points), points[1], list(points)) == (2, 1.0, [0.5, 1.0])


def test_a_rate_of_one_accepts_all():
    points = tar_at_far(SIMILARITY, IS_SAME, 1)
    assert (points.tar, points.far, points.threshold) == (1.0, 1.0, 0.1)


def test_where_the_best_is_an_impostor_nothing_may_be_accepted():
    with pytest.warns(UserWarning, match="too few"):
        points = tar_at_far([0.9, 0.8, 0.1], np.array([False, True, False]), 0.2)
    assert (points.tar, points.far, points.threshold) == (0, 0, np.inf)


def test_too_few_impostors_are_told_and_counted_all_the_same():
    told = "4 impostor pairs are too few to tell a false accept rate of 0.2, 0.1;"
    with pytest.warns(UserWarning, match=told):
        points = tar_at_far(SIMILARITY, IS_SAME, [0.25, 0.2, 0.1])
    assert points.resolved.tolist() == [True, False, False]
    assert points.tar.tolist() == [0.5, 0.5, 0.5]  # above .7 no impostor, but two genuine pairs
    assert points.threshold.tolist() == [0.7, 0.8, 0.8]


def test_one_in_a_thousand_of_a_thousand():
    similarity = np.append(2.0, np.arange(1000) / 1000)
    points = tar_at_far(similarity, np.arange(1001) == 0, 1e-3)
    assert (points.threshold, points.resolved) == (0.999, True)


def test_the_scores_stay_as_they_are():
    scores, is_same = random_pairs(2)
    before = scores.copy()
    tar_at_far(scores, is_same, [0.1])
    np.testing.assert_array_equal(scores, before)


@pytest.mark.parametrize("far", [10, 0, -0.1, np.nan])
def test_a_rate_outside_its_range_is_refused(far):
    with pytest.raises(ValueError, match=r"expected a share in \(0, 1\]"):
        tar_at_far(SIMILARITY, IS_SAME, [0.1, far])


def test_no_rate_is_refused():
    with pytest.raises(ValueError, match="fars: none given"):
        tar_at_far(SIMILARITY, IS_SAME, [])


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match="rule 'closest': expected one of at_most, nearest"):
        tar_at_far(SIMILARITY, IS_SAME, 0.25, rule="closest")


def test_a_score_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="1 of 2 are not finite"):
        tar_at_far([0.1, np.nan], np.array([True, False]), 0.1)
