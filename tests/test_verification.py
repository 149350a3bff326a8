import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from irlib.evaluation.roc import area_under_roc, equal_error_rate, roc, tar_at_far
from irlib.evaluation.verification import (
    best_threshold_accuracy,
    fit_threshold,
    grouped_fold_accuracy,
    grouped_folds,
)

FIXTURES = Path(__file__).parent / "fixtures"

# four genuine and four impostor pairs; .6 occurs on both sides
SIMILARITY = np.array([0.9, 0.8, 0.6, 0.3, 0.7, 0.6, 0.2, 0.1])
IS_SAME = np.array([True] * 4 + [False] * 4)


def random_pairs(seed, num=600, people=40, decimals=2):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, people, num)
    is_same = np.arange(num) < num // 2
    second = np.where(is_same, first, (first + rng.integers(1, people, num)) % people)
    similarity = np.round(rng.normal(0.3 * is_same, 0.25), decimals)  # rounded: with ties
    return similarity, is_same, first, second


def test_paper_rule_gives_the_authors_number():
    official = json.loads((FIXTURES / "verify_official.json").read_text())
    arrays = np.load(FIXTURES / "verify_official.npz")
    similarity = arrays["similarity"].astype(np.float32)  # the precision of the authors' search
    accuracy, threshold = best_threshold_accuracy(similarity, arrays["label"] == 1)
    assert accuracy == official["best_acc"]
    assert threshold == official["best_threshold"]


def test_paper_rule_is_a_scan_of_every_similarity():
    similarity, is_same, *_ = random_pairs(0)
    scanned = [((similarity >= t) == is_same).mean() for t in similarity]
    accuracy, threshold = best_threshold_accuracy(similarity, is_same)
    assert accuracy == max(scanned)
    assert threshold == similarity[int(np.argmax(scanned))]  # the first of several


def test_paper_rule_accepts_at_the_threshold():
    # at .5 both are right; above .5 none would be accepted
    assert best_threshold_accuracy([0.5, 0.4], np.array([True, False])) == (1.0, 0.5)


def test_roc_counts():
    curve = roc(SIMILARITY, IS_SAME)
    assert curve.threshold.tolist() == [np.inf, 0.9, 0.8, 0.7, 0.6, 0.3, 0.2, 0.1]
    assert curve.tar.tolist() == [0, 0.25, 0.5, 0.5, 0.75, 1, 1, 1]
    assert curve.far.tolist() == [0, 0, 0, 0.25, 0.5, 0.5, 0.75, 1]


def test_roc_equals_sklearn():
    similarity, is_same, *_ = random_pairs(1)
    curve = roc(similarity, is_same)
    far, tar, threshold = roc_curve(is_same, similarity, drop_intermediate=False)
    np.testing.assert_array_equal(curve.threshold, threshold)
    np.testing.assert_allclose(curve.far, far, rtol=0, atol=1e-15)
    np.testing.assert_allclose(curve.tar, tar, rtol=0, atol=1e-15)


def test_area_equals_sklearn():
    similarity, is_same, *_ = random_pairs(2)
    expected = roc_auc_score(is_same, similarity)
    assert area_under_roc(roc(similarity, is_same)) == pytest.approx(expected, abs=1e-12)


def test_weights_are_repeated_pairs():
    similarity, is_same, *_ = random_pairs(3)
    weights = np.random.default_rng(0).integers(0, 4, len(similarity))
    weighted = roc(similarity, is_same, weights)
    repeated = roc(np.repeat(similarity, weights), np.repeat(is_same, weights))
    at = np.isin(weighted.threshold, repeated.threshold)  # a weight of 0 leaves thresholds out
    np.testing.assert_array_equal(weighted.accepted_same[at], repeated.accepted_same)
    np.testing.assert_array_equal(weighted.accepted_other[at], repeated.accepted_other)


def test_rows_of_weights_are_curves_of_their_own():
    similarity, is_same, *_ = random_pairs(4)
    weights = np.random.default_rng(0).integers(1, 4, (3, len(similarity)))
    together = equal_error_rate(roc(similarity, is_same, weights))
    alone = [equal_error_rate(roc(similarity, is_same, row)) for row in weights]
    np.testing.assert_array_equal(together, alone)


def test_tar_at_far_takes_the_lowest_threshold_within_the_bound():
    point = tar_at_far(SIMILARITY, IS_SAME, 0.25)  # one of four impostors: .7, then .6 is too low
    assert (point.tar, point.threshold, point.num_other) == (0.5, 0.7, 4)


def test_tar_at_far_between_two_steps_keeps_below():
    assert tar_at_far(SIMILARITY, IS_SAME, 0.49).tar == 0.5


def test_tar_at_far_needs_enough_impostors():
    point = tar_at_far(SIMILARITY, IS_SAME, 0.2)  # four pairs cannot show a rate of one in five
    assert np.isnan(point.tar)
    assert point.num_other == 4


def test_tar_at_one_in_a_thousand_of_a_thousand():
    similarity = np.append(2.0, np.arange(1000) / 1000)
    assert tar_at_far(similarity, np.arange(1001) == 0, 1e-3).threshold == 0.999


def test_tar_at_far_refuses_a_percentage():
    with pytest.raises(ValueError, match=r"far 10: expected a share in \(0, 1\]"):
        tar_at_far(SIMILARITY, IS_SAME, 10)


def test_equal_error_rate_at_a_crossing():
    # at .6 far is 1/2 and frr 1/4; at .7 far is 1/4 and frr 1/2: they meet half-way, at 3/8
    assert equal_error_rate(roc(SIMILARITY, IS_SAME)) == pytest.approx(3 / 8, abs=1e-15)


def test_equal_error_rate_of_separate_pairs_is_zero():
    assert equal_error_rate(roc([0.9, 0.8, 0.1], np.array([True, True, False]))) == 0


def test_a_kind_of_pair_must_not_be_missing():
    with pytest.raises(ValueError, match="2 of 2 pairs are genuine"):
        roc([0.1, 0.2], np.array([True, True]))


def test_non_finite_similarity_is_refused():
    with pytest.raises(ValueError, match="not finite"):
        roc([0.1, np.nan], np.array([True, False]))


def test_every_pair_is_tested_in_one_fold():
    _, _, first, second = random_pairs(5)
    assert (grouped_folds(first, second, 10).tested.sum(axis=0) == 1).all()


def test_thresholds_never_see_the_fold_s_people():
    _, _, first, second = random_pairs(6)
    split = grouped_folds(first, second, 10)
    for tested, fitted in zip(split.tested, split.fitted, strict=True):
        judged = set(first[tested])
        assert judged.isdisjoint(first[fitted])
        assert judged.isdisjoint(second[fitted])


def test_every_other_pair_is_fitted_on():
    first, second = np.array([0, 0, 1, 2, 2]), np.array([0, 1, 1, 2, 3])
    split = grouped_folds(first, second, 3)
    # person 0 is judged on pairs 0 and 1; pairs 2 to 4 touch person 0 on neither side
    fold = int(np.flatnonzero(split.tested[:, 0])[0])
    assert split.fitted[fold].tolist() == [False, False, True, True, True]
    # person 1 is judged on pair 2; pair 1 shows person 1 as its second image
    fold = int(np.flatnonzero(split.tested[:, 2])[0])
    assert split.fitted[fold].tolist() == [True, False, False, True, True]


def test_folds_must_leave_both_kinds_of_pair():
    with pytest.raises(ValueError, match="folds 2: one leaves no pairs of both kinds"):
        grouped_folds([0, 0, 1], [0, 1, 1], 2)  # without person 0 only a genuine pair is left


def test_folds_are_about_equal_in_pairs():
    _, _, first, second = random_pairs(7)
    size = grouped_folds(first, second, 10).tested.sum(axis=1)
    assert size.max() - size.min() <= np.bincount(first).max()


def test_fold_accuracy_by_a_slow_loop():
    similarity, is_same, first, second = random_pairs(8)
    result = grouped_fold_accuracy(similarity, is_same, first, second)
    split = grouped_folds(first, second, 10)
    right = 0
    for tested, fitted in zip(split.tested, split.fitted, strict=True):
        candidates = np.unique(similarity[fitted])[::-1]
        scores = [((similarity[fitted] >= t) == is_same[fitted]).mean() for t in candidates]
        threshold = candidates[int(np.argmax(scores))]
        right += int(((similarity[tested] >= threshold) == is_same[tested]).sum())
    assert result.accuracy == right / len(similarity)


def test_fold_accuracy_pools_the_folds():
    similarity, is_same, first, second = random_pairs(9)
    result = grouped_fold_accuracy(similarity, is_same, first, second)
    pooled = np.average(result.fold_accuracy, weights=result.num_pairs)
    assert result.accuracy == pytest.approx(pooled, abs=1e-12)
    assert result.std == pytest.approx(np.std(result.fold_accuracy, ddof=1), abs=1e-12)


def test_fold_accuracy_is_below_the_optimistic_one_on_noise():
    rng = np.random.default_rng(0)
    _, is_same, first, second = random_pairs(10)
    noise = rng.normal(size=len(is_same))
    folds = grouped_fold_accuracy(noise, is_same, first, second).accuracy
    assert folds < 0.5 + 3 * np.sqrt(0.25 / len(is_same))  # 3 standard errors above chance
    assert folds < best_threshold_accuracy(noise, is_same)[0]


def test_folds_need_as_many_people():
    with pytest.raises(ValueError, match="folds 10: expected 2 to 3"):
        grouped_folds([0, 1, 2], [0, 1, 2], 10)


def test_fitted_threshold_is_the_highest_of_the_best():
    similarity, is_same = np.array([0.9, 0.5, 0.4, 0.1]), np.array([True, False, True, False])
    # .9 and .4 both judge three of four rightly
    assert fit_threshold(similarity, is_same, np.ones(4, dtype=bool)) == 0.9
