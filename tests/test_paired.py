import numpy as np
import pytest
from scipy import stats

from irlib.data.pairs.rules import PairList
from irlib.evaluation.flattery import chosen_elsewhere, flattery
from irlib.evaluation.paired import compare, paired_difference, paired_tar
from irlib.evaluation.protocols import accuracy
from irlib.evaluation.verification import grouped_folds


def pair_list(first, second):
    names, unknown = (first.astype(str), second.astype(str)), np.full(len(first), np.nan)
    return PairList(*names, first == second, first, second, unknown, unknown)


def made(seed, people=30, pairs=400):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, people, pairs)
    other = (first + rng.integers(1, people, pairs)) % people
    listed = pair_list(first, np.where(np.arange(pairs) < pairs // 2, first, other))
    return listed, rng.normal(1.5 * listed.is_same, 1.0, (3, pairs))


def sides(pairs):
    return pairs.is_same, pairs.first_identity, pairs.second_identity


def test_with_a_pair_a_person_it_is_students_paired_test():
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 40)) < [[0.9], [0.7]]
    found = paired_difference(first, second, np.ones(40, bool), np.arange(40), np.arange(40))
    expected = stats.ttest_rel(first * 1.0, second * 1.0)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))


def test_only_pairs_that_differ_are_counted():
    right = np.array([[True, True, False, True], [True, False, True, False]])
    found = paired_difference(*right, np.ones(4, bool), [0, 1, 2, 3], [0, 1, 2, 3])
    assert (found.first_only, found.second_only, found.value) == (2, 1, 0.25)


def test_a_model_equals_itself():
    pairs, scores = made(1)
    right = scores[0] > 0.7
    found = paired_difference(right, right, *sides(pairs))
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_the_order_of_the_models_turns_the_sign():
    pairs, scores = made(2)
    right = scores[:2] > 0.7
    there, back = (paired_difference(*order, *sides(pairs)) for order in (right, right[::-1]))
    assert (there.value, there.low, there.high) == pytest.approx(
        (-back.value, -back.high, -back.low)
    )
    assert there.p == pytest.approx(back.p)


def test_a_difference_that_one_person_makes_is_doubtful():
    # 20 of 400 pairs: spread over people it is told from zero, all of one person it is not
    person = np.repeat(np.arange(40), 10)
    same = np.ones(400, dtype=bool)
    spread = np.arange(400) % 20 != 0
    single = person != 0
    found = [paired_difference(same, right, same, person, person) for right in (spread, single)]
    assert found[0].p < 0.001
    assert found[1].p > 0.2


def test_the_table_has_every_two_models_and_corrects_for_them():
    pairs, scores = made(3)
    right = dict(zip("abc", (scores > 0.7) == pairs.is_same, strict=True))
    table = compare(right, *sides(pairs))
    assert list(zip(table["first"], table["second"], strict=True)) == [
        ("a", "b"), ("a", "c"), ("b", "c"),
    ]  # fmt: skip
    smallest = table["p"].idxmin()
    assert table["p_holm"][smallest] == pytest.approx(min(3 * table["p"][smallest], 1))
    alone = paired_difference(right["a"], right["c"], *sides(pairs))
    assert (table["value"][1], table["low"][1]) == (alone.value, alone.low)


def test_one_model_has_no_row():
    pairs, scores = made(3)
    assert compare({"a": scores[0] > 0.7}, *sides(pairs)).empty


def test_tars_are_those_at_the_same_false_accept_rate():
    # tenth of ten impostors: thresholds .8 and .3 accept one; of four genuine pairs two and four
    first = np.arange(14)
    second = np.concatenate([np.arange(4), (np.arange(10) + 5) % 14])
    pairs = pair_list(first, second)
    one = np.concatenate([[0.9, 0.85, 0.7, 0.6], [0.8, *[0.75] * 9]])
    two = np.concatenate([[0.9, 0.85, 0.7, 0.6], [0.3, *[0.1] * 9]])
    found = paired_tar(one, two, pairs, far=0.1)
    assert found.value == pytest.approx(2 / 4 - 4 / 4)
    assert (found.first_only, found.second_only) == (0, 2)


def test_tars_of_equal_models_do_not_differ():
    pairs, scores = made(4)
    found = paired_tar(scores[0], 2 * scores[0], pairs, far=0.1)
    assert (found.value, found.p) == (0, 1)


def test_a_rate_that_the_impostors_cannot_show_is_refused():
    pairs, scores = made(4)
    with pytest.raises(ValueError, match=r"far 0\.001: 200 impostor pairs; expected at least 1000"):
        paired_tar(scores[0], scores[1], pairs, far=1e-3)


def test_a_share_above_one_is_refused():
    with pytest.raises(ValueError, match=r"right \(2,\): expected one bool, or number in \[0, 1\]"):
        paired_difference([1, 2], [1, 1], np.ones(2, bool), [0, 1], [0, 1])


def test_flattery_adds_up():
    pairs, scores = made(5)
    found = flattery(scores, pairs)
    oracle = [accuracy(run, pairs.is_same, "oracle").mean for run in scores]
    people = np.stack([pairs.first_identity, pairs.second_identity], axis=1)
    folds = accuracy(scores[-1], pairs.is_same, "identity_folds", people).mean
    assert found["threshold"].value == pytest.approx(oracle[-1] - folds)
    assert found["checkpoint"].value == pytest.approx(max(oracle) - oracle[-1])
    assert found["both"].value == pytest.approx(max(oracle) - folds)


def test_one_checkpoint_is_no_choice():
    pairs, scores = made(6)
    found = flattery(scores[:1], pairs)
    assert found["checkpoint"].value == 0
    assert found["luck"] == found["threshold"] == found["both"]


def test_a_checkpoint_that_is_best_everywhere_is_chosen_by_every_fold():
    pairs, scores = made(7)
    perfect = np.stack([pairs.is_same * 1.0, scores[0]])
    split = grouped_folds(pairs.first_identity, pairs.second_identity)
    assert chosen_elsewhere(perfect, pairs.is_same, split).all()


def test_similarities_that_do_not_fit_are_refused():
    pairs, scores = made(7)
    with pytest.raises(ValueError, match=r"similarity \(3, 399\): expected \(E, 400\)"):
        flattery(scores[:, 1:], pairs)
