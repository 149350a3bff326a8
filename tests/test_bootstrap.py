import numpy as np
import pytest

from irlib.data.pairs.rules import PairList
from irlib.evaluation.bootstrap import (
    VertexDraws,
    percentile_interval,
    replicates,
    vertex_draws,
    weighted_statistics,
)
from irlib.evaluation.impostors import impostor_cosines
from irlib.evaluation.operating import tar_at_far
from irlib.evaluation.protocols import accuracy
from irlib.evaluation.verification import fit_threshold, grouped_folds


def pair_list(first, second):
    first, second = np.asarray(first), np.asarray(second)
    unknown = np.full(len(first), np.nan)
    return PairList(
        first=np.array([f"{i}/y/a.png" for i in first]),
        second=np.array([f"{i}/b.png" for i in second]),
        is_same=first == second,
        first_identity=first,
        second_identity=second,
        first_age=unknown,
        second_age=unknown,
    )


def random_pairs(seed, num=400, people=40):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, people, num)
    other = (first + rng.integers(1, people, num)) % people
    pairs = pair_list(first, np.where(np.arange(num) < num // 2, first, other))
    return pairs, np.round(rng.normal(0.5 * pairs.is_same, 0.25), 2)  # rounded: with ties


def test_weights_are_counts_and_products():
    # person 0 drawn three times, 1 twice, 2 not at all; kinds scaled back to 2 and 3 pairs
    pairs = pair_list([0, 1, 0, 1, 0], [0, 1, 1, 0, 2])
    draws = VertexDraws(
        np.array([[3, 2, 0]]), pairs.first_identity, pairs.second_identity, pairs.is_same
    )
    expected = [3 * 2 / 5, 2 * 2 / 5, 6 * 3 / 12, 6 * 3 / 12, 0]
    assert draws.weights(slice(0, 1))[0] == pytest.approx(expected, abs=1e-12)


def test_a_replicate_without_a_kind_of_pair_is_nan():
    pairs = pair_list([0, 1, 0], [0, 1, 1])  # only person 0 drawn: no impostor pair
    draws = VertexDraws(
        np.array([[2, 0]]), pairs.first_identity, pairs.second_identity, pairs.is_same
    )
    assert np.isnan(draws.weights(slice(0, 1))[0, 2])


def test_draws_draw_as_many_people_as_there_are():
    pairs, _ = random_pairs(0)
    counts = vertex_draws(pairs, repeats=50, seed=1).counts
    assert (counts.sum(axis=1) == 40).all()


def test_weighted_statistics_are_those_of_repeated_pairs():
    pairs, similarity = random_pairs(2)
    weights = np.random.default_rng(0).integers(1, 4, len(pairs))
    split = grouped_folds(pairs.first_identity, pairs.second_identity)
    weighted = weighted_statistics(
        similarity, pairs.is_same, weights[None], split=split, fars=(0.1,)
    )
    similarity, is_same = np.repeat(similarity, weights), np.repeat(pairs.is_same, weights)
    assert weighted["best_threshold_accuracy"][0] == accuracy(similarity, is_same).mean
    assert weighted["tar_at_far_0.1"][0] == tar_at_far(similarity, is_same, 0.1).tar
    right = 0
    for tested, fitted in zip(split.tested, split.fitted, strict=True):
        tested, fitted = np.repeat(tested, weights), np.repeat(fitted, weights)
        threshold = fit_threshold(similarity, is_same, fitted)
        right += ((similarity >= threshold) == is_same)[tested].sum()
    assert weighted["fold_accuracy"][0] == right / len(similarity)


def test_a_seed_repeats_and_another_differs():
    pairs, _ = random_pairs(3)
    first, again, other = (vertex_draws(pairs, repeats=5, seed=seed).counts for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_percentiles_leave_out_nan():
    replicates = np.append(np.arange(101.0), np.nan)
    interval = percentile_interval(50.0, replicates, level=0.9)
    assert (interval.low, interval.high) == pytest.approx((5, 95))
    assert interval.repeats == 101


def test_level_is_a_share():
    with pytest.raises(ValueError, match=r"level 95: expected a share in \(0, 1\)"):
        percentile_interval(0.0, np.zeros(3), level=95)


def test_impostor_means_by_a_slow_loop():
    rng = np.random.default_rng(0)
    embeddings = rng.normal(size=(60, 8))
    identity, age = rng.integers(0, 12, 60), rng.choice([5.0, 15.0, 40.0, np.nan], 60)
    found = impostor_cosines(embeddings, identity, age, seed=0, repeats=20)
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    for group, members in ((found.child, age < 13), (found.adult, age >= 18)):
        index = np.flatnonzero(members)
        cosines = [
            unit[i] @ unit[j] for i in index for j in index if i < j and identity[i] != identity[j]
        ]
        assert group.mean.value == pytest.approx(np.mean(cosines), abs=1e-12)
        np.testing.assert_allclose(group.cosines, cosines, atol=1e-6)
        assert group.num_images == len(index)


def test_impostor_difference_sees_a_clump_of_children():
    rng = np.random.default_rng(1)
    identity, age = np.repeat(np.arange(30), 4), np.tile([3.0, 9.0, 30.0, 50.0], 30)
    embeddings = rng.normal(size=(120, 16)) + 1.0 * (age < 13)[:, None]
    found = impostor_cosines(embeddings, identity, age, seed=0)
    assert found.difference.low > 0.3
    assert found.child.mean.value - found.adult.mean.value == found.difference.value
    # children lie around a common direction of squared length 16 beside noise of 16
    assert found.child.quantiles[2] == pytest.approx(0.5, abs=0.1)


def test_impostors_need_two_people():
    with pytest.raises(ValueError, match="child images show 1 people; expected at least two"):
        impostor_cosines(np.eye(3), [0, 1, 2], [5.0, 30.0, 40.0], seed=0)


def test_draws_count_the_noise_of_impostor_pairs_three_times():
    # a product of two draws has a variance of 2 * 2 - 1 = 3 a pair, less a little for the scaling
    first = np.repeat(np.arange(60), 10)
    rng = np.random.default_rng(0)
    pairs = pair_list(first, (first + rng.integers(1, 60, 600)) % 60)
    noise = rng.normal(size=(600, 40))
    draws = vertex_draws(pairs, repeats=1_000, seed=0)
    means = replicates(lambda weights: weights @ noise / 600, draws)
    assert means.var(axis=0).mean() == pytest.approx(3 / 600, rel=0.1)
