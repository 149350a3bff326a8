import numpy as np
import pytest

from irlib.evaluation.verification import fit_threshold, fit_thresholds, grouped_folds


def random_pairs(seed, num=600, people=40, decimals=2):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, people, num)
    is_same = np.arange(num) < num // 2
    second = np.where(is_same, first, (first + rng.integers(1, people, num)) % people)
    similarity = np.round(rng.normal(0.3 * is_same, 0.25), decimals)  # rounded: with ties
    return similarity, is_same, first, second


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


def test_folds_need_as_many_people():
    with pytest.raises(ValueError, match="folds 10: expected 2 to 3"):
        grouped_folds([0, 1, 2], [0, 1, 2], 10)


def test_fitted_threshold_is_the_highest_of_the_best():
    similarity, is_same = np.array([0.9, 0.5, 0.4, 0.1]), np.array([True, False, True, False])
    # .9 and .4 both judge three of four rightly
    assert fit_threshold(similarity, is_same, np.ones(4, dtype=bool)) == 0.9


def test_weights_are_pairs_that_count_so_often():
    similarity, is_same = np.array([0.9, 0.5, 0.4, 0.1]), np.array([True, False, True, False])
    # with the pair at .4 counted twice, four of five are right there
    weights = np.array([1.0, 1.0, 2.0, 1.0])
    assert fit_threshold(similarity, is_same, np.ones(4, dtype=bool), weights) == 0.4


def test_folds_fit_as_each_would_alone():
    similarity, is_same, first, second = random_pairs(0)
    fitted = grouped_folds(first, second).fitted
    alone = [fit_threshold(similarity, is_same, own) for own in fitted]
    assert fit_thresholds(similarity, is_same, fitted).tolist() == alone
