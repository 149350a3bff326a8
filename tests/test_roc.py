import numpy as np
import pytest
from sklearn.metrics import det_curve, roc_auc_score, roc_curve

from irlib.evaluation.roc import (
    area_under_roc,
    corners,
    det,
    equal_error_rate,
    equal_error_threshold,
    resolves,
    roc,
)

# four genuine and four impostor pairs; .6 occurs on both sides
SIMILARITY = np.array([0.9, 0.8, 0.6, 0.3, 0.7, 0.6, 0.2, 0.1])
IS_SAME = np.array([True] * 4 + [False] * 4)


def random_pairs(seed, num=600):
    rng = np.random.default_rng(seed)
    is_same = np.arange(num) < num // 2
    return np.round(rng.normal(0.3 * is_same, 0.25), 2), is_same  # rounded: with ties


def test_roc_counts():
    curve = roc(SIMILARITY, IS_SAME)
    assert curve.threshold.tolist() == [np.inf, 0.9, 0.8, 0.7, 0.6, 0.3, 0.2, 0.1]
    assert curve.tar.tolist() == [0, 0.25, 0.5, 0.5, 0.75, 1, 1, 1]
    assert curve.far.tolist() == [0, 0, 0, 0.25, 0.5, 0.5, 0.75, 1]


def test_roc_equals_sklearn():
    similarity, is_same = random_pairs(1)
    curve = roc(similarity, is_same)
    far, tar, threshold = roc_curve(is_same, similarity, drop_intermediate=False)
    np.testing.assert_array_equal(curve.threshold, threshold)
    np.testing.assert_allclose(curve.far, far, rtol=0, atol=1e-15)
    np.testing.assert_allclose(curve.tar, tar, rtol=0, atol=1e-15)


def test_area_equals_sklearn():
    similarity, is_same = random_pairs(2)
    expected = roc_auc_score(is_same, similarity)
    assert area_under_roc(roc(similarity, is_same)) == pytest.approx(expected, abs=1e-12)


def test_weights_are_repeated_pairs():
    similarity, is_same = random_pairs(3)
    weights = np.random.default_rng(0).integers(0, 4, len(similarity))
    weighted = roc(similarity, is_same, weights)
    repeated = roc(np.repeat(similarity, weights), np.repeat(is_same, weights))
    at = np.isin(weighted.threshold, repeated.threshold)  # a weight of 0 leaves thresholds out
    np.testing.assert_array_equal(weighted.accepted_same[at], repeated.accepted_same)
    np.testing.assert_array_equal(weighted.accepted_other[at], repeated.accepted_other)


def test_rows_of_weights_are_curves_of_their_own():
    similarity, is_same = random_pairs(4)
    weights = np.random.default_rng(0).integers(1, 4, (3, len(similarity)))
    together = equal_error_rate(roc(similarity, is_same, weights))
    alone = [equal_error_rate(roc(similarity, is_same, row)) for row in weights]
    np.testing.assert_array_equal(together, alone)


def test_equal_error_rate_at_a_crossing():
    # at .6 far is 1/2 and frr 1/4; at .7 far is 1/4 and frr 1/2: they meet half-way, at 3/8
    assert equal_error_rate(roc(SIMILARITY, IS_SAME)) == pytest.approx(3 / 8, abs=1e-15)


def test_equal_error_rate_of_separate_pairs_is_zero():
    assert equal_error_rate(roc([0.9, 0.8, 0.1], np.array([True, True, False]))) == 0


def test_weights_of_one_are_counts():
    similarity, is_same = random_pairs(5)
    weighted, counts = roc(similarity, is_same, np.ones(600)), roc(similarity, is_same)
    np.testing.assert_array_equal(weighted.threshold, counts.threshold)
    np.testing.assert_array_equal(weighted.accepted_same, counts.accepted_same)
    np.testing.assert_array_equal(weighted.accepted_other, counts.accepted_other)


def test_single_precision_is_kept():
    assert roc(SIMILARITY.astype(np.float32), IS_SAME).threshold.dtype == np.float32


def test_rejected_genuine_pairs():
    assert roc(SIMILARITY, IS_SAME).fnmr.tolist() == [1, 0.75, 0.5, 0.5, 0.25, 0, 0, 0]


@pytest.mark.parametrize("decimals", [1, 2, 9])
def test_corners_are_what_sklearn_keeps(decimals):
    rng = np.random.default_rng(6)
    similarity, is_same = rng.normal(size=600).round(decimals), rng.random(600) < 0.1
    kept = corners(roc(similarity, is_same))
    far, tar, threshold = roc_curve(is_same, similarity)
    np.testing.assert_array_equal(kept.threshold, threshold)
    np.testing.assert_allclose(kept.far, far, rtol=0, atol=1e-15)
    np.testing.assert_allclose(kept.tar, tar, rtol=0, atol=1e-15)


def test_two_points_are_both_corners():
    assert corners(roc([0.9, 0.1], np.array([True, False]))).threshold.tolist() == [
        np.inf,
        0.9,
        0.1,
    ]


def test_detection_errors_equal_sklearns():
    similarity, is_same = random_pairs(8)
    found = det(roc(similarity, is_same))
    far, fnmr, threshold = det_curve(is_same, similarity)
    theirs = {t: pair for t, *pair in zip(threshold, far, fnmr, strict=True)}
    common = [i for i, t in enumerate(found["threshold"]) if t in theirs]
    assert len(common) > 50
    for i in common:
        rates = found["far"][i], found["fnmr"][i]
        assert rates == pytest.approx(theirs[found["threshold"][i]], abs=1e-15)


def test_equal_error_threshold_is_where_false_accepts_catch_up():
    # at .7 one of four impostors and two of four genuine pairs are wrong; at .6 two and one
    assert equal_error_threshold(roc(SIMILARITY, IS_SAME)) == 0.6


def test_a_thousand_impostors_show_one_in_a_thousand():
    assert resolves(1000, 1e-3)
    assert not resolves(999, 1e-3)


def test_no_impostor_pair_is_refused():
    with pytest.raises(ValueError, match="2 of 2 pairs are genuine: no impostor pair"):
        roc([0.1, 0.2], np.array([True, True]))


def test_no_genuine_pair_is_refused():
    with pytest.raises(ValueError, match="0 of 2 pairs are genuine: no genuine pair"):
        roc([0.1, 0.2], np.array([False, False]))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_similarities_are_counted(bad):
    with pytest.raises(ValueError, match=f"2 of 3 are not finite, the first of them {bad} at 1"):
        roc([0.1, bad, np.inf], np.array([True, False, True]))


def test_large_similarities_whose_sum_overflows_are_finite():
    assert roc([1e308, 1.5e308, 1.7e308], np.array([True, False, True])).threshold[1] == 1.7e308


def test_arrays_of_two_lengths_are_refused():
    with pytest.raises(ValueError, match=r"similarity \(3,\) and is_same \(2,\) bool"):
        roc([0.1, 0.2, 0.3], np.array([True, False]))


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.float64])
def test_labels_may_be_zeros_and_ones(kind):
    # both accepted at .2, one of each kind right: the area is 1
    curve = roc([0.1, 0.2], np.array([0, 1], dtype=kind))
    assert curve.accepted_same.tolist() == [0, 1, 1]
    assert curve.accepted_other.tolist() == [0, 0, 1]


@pytest.mark.parametrize(("labels", "told"), [
    ([1, -1, -1, 0], "2 of 4 are neither 0 nor 1, the first of them -1 at 1"),
    ([1, 0, 2, 0], "1 of 4 are neither 0 nor 1, the first of them 2 at 2"),
    ([1.0, 0.0, np.nan, 0.5], "2 of 4 are neither 0 nor 1, the first of them nan at 2"),
])  # fmt: skip
def test_other_labels_are_refused_by_value(labels, told):
    with pytest.raises(ValueError, match=f"is_same: {told}; expected True or 1 where"):
        roc([0.1, 0.2, 0.3, 0.4], labels)


def test_labels_are_no_texts():
    with pytest.raises(ValueError, match=r"is_same \(2,\) <U1: expected .* one bool a pair"):
        roc([0.1, 0.2], np.array(["0", "1"]))
