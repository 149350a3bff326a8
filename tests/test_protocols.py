import json
from pathlib import Path

import numpy as np
import pytest

from irlib.evaluation.protocols import accuracy
from irlib.evaluation.verification import grouped_folds

FIXTURES = Path(__file__).parent / "fixtures"


def random_pairs(seed, num=600, people=40, decimals=2):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, people, num)
    is_same = np.arange(num) < num // 2
    second = np.where(is_same, first, (first + rng.integers(1, people, num)) % people)
    similarity = np.round(rng.normal(0.3 * is_same, 0.25), decimals)  # rounded: with ties
    return similarity, is_same, np.stack([first, second], axis=1)


def alternating(pairs):
    return np.arange(pairs) % 2 == 0


def cosines(seed, pairs=600):
    return np.clip(np.random.default_rng(seed).normal(0.3 * alternating(pairs), 0.25), -1, 1)


def test_oracle_gives_the_authors_number():
    official = json.loads((FIXTURES / "verify_official.json").read_text())
    arrays = np.load(FIXTURES / "verify_official.npz")
    similarity = arrays["similarity"].astype(np.float32)  # the precision of the authors' search
    found = accuracy(similarity, arrays["label"] == 1)
    assert found.mean == official["best_acc"] == pytest.approx(0.972222, abs=1e-6)
    assert found.threshold == official["best_threshold"] == pytest.approx(0.3418878, abs=1e-7)


def test_oracle_is_a_scan_of_every_similarity():
    similarity, is_same, _ = random_pairs(0)
    scanned = [((similarity >= t) == is_same).mean() for t in similarity]
    found = accuracy(similarity, is_same, "oracle")
    assert found.mean == max(scanned)
    assert found.threshold == similarity[int(np.argmax(scanned))]  # the first of several


def test_oracle_accepts_at_the_threshold():
    # at .5 both are right; above .5 none would be accepted
    found = accuracy([0.5, 0.4], np.array([True, False]), "oracle")
    assert (found.mean, found.threshold) == (1.0, 0.5)


def test_without_folds_there_is_one_of_everything():
    found = accuracy([0.5, 0.4, 0.3], np.array([True, False, True]), "oracle")
    assert found.per_fold.tolist() == [found.mean] == [2 / 3]
    assert (found.num_pairs.tolist(), found.protocol) == ([3], "oracle")
    assert np.isnan(found.deviation)


def test_a_threshold_is_carried_over():
    # accepted: .5 and .3, of which one is genuine; rejected: .2, rightly
    found = accuracy([0.5, 0.3, 0.2], np.array([True, False, False]), threshold=0.3)
    assert found.mean == pytest.approx(2 / 3)
    assert (found.protocol, found.threshold) == ("threshold", 0.3)


def test_a_carried_threshold_is_not_rounded_to_single_precision():
    # the largest single below .7 is rejected at .7, although .7 itself would round down to it
    below = np.float32(0.7)
    assert float(below) < 0.7
    similarity = np.array([0.9, below], dtype=np.float32)
    assert accuracy(similarity, np.array([True, False]), threshold=0.7).mean == 1


def test_perfect_scores_are_right_in_every_fold():
    is_same = alternating(40)
    assert accuracy(is_same * 1.0, is_same, "folds").per_fold.tolist() == [1.0] * 10


def test_each_fold_takes_the_threshold_of_the_others():
    # two folds of four; the first is separated at .8, the second at .3
    similarity = [0.9, 0.8, 0.5, 0.4, 0.4, 0.3, 0.2, 0.1]
    is_same = np.array([True, True, False, False] * 2)
    found = accuracy(similarity, is_same, "folds", folds=2)
    assert found.thresholds.tolist() == [0.3, 0.8]
    assert found.threshold == pytest.approx(0.55)
    # at .3 the first fold accepts all four; at .8 the second accepts none
    assert found.per_fold.tolist() == [0.5, 0.5]


def test_of_several_best_thresholds_the_highest_is_taken():
    # on the other fold, .9 (one right, one genuine lost) and .2 (one impostor more) are equal
    similarity = [0.9, 0.5, 0.2, 0.6, 0.4]
    is_same = np.array([True, False, True, True, False])
    assert accuracy(similarity, is_same, "folds", folds=2).thresholds[1] == 0.9


def test_the_mean_of_folds_is_over_folds_and_not_over_pairs():
    # folds of three and two. The first takes .1 and accepts all three, 2/3 right; the second takes
    # .5 and judges both wrongly. By pairs it would be 2/5
    similarity = [0.9, 0.5, 0.2, 0.1, 0.8]
    is_same = np.array([True, True, False, True, False])
    found = accuracy(similarity, is_same, "folds", folds=2)
    assert found.mean == pytest.approx(1 / 3)
    assert found.num_pairs.tolist() == [3, 2]


def test_the_deviation_is_over_one_fold_less():
    # ten folds of two pairs, one of them half wrong: mean .95, squares 9 * .05^2 + .45^2 = .225
    is_same = alternating(20)
    similarity = is_same * 1.0
    similarity[1] = 1.0
    found = accuracy(similarity, is_same, "folds")
    assert found.deviation == pytest.approx(np.sqrt(0.225 / 9))


def test_the_grid_is_the_field_s_loop():
    similarity, is_same = cosines(0, 605), alternating(605)  # folds of two sizes
    distance = 2 - 2 * similarity
    each, chosen = [], []
    for tested in np.array_split(np.arange(605), 10):
        others = np.setdiff1d(np.arange(605), tested)
        best, right = 0.0, -1
        for step in np.arange(0, 4, 0.01):
            now = ((distance[others] < step) == is_same[others]).sum()
            if now > right:
                best, right = step, now
        each.append(((distance[tested] < best) == is_same[tested]).mean())
        chosen.append(1 - best / 2)
    found = accuracy(similarity, is_same, "folds", grid=True)
    assert found.per_fold.tolist() == each
    assert found.thresholds.tolist() == chosen
    assert found.mean == np.mean(each)
    assert found.grid


def test_the_grid_accepts_below_its_distance_only():
    # squared distances 0, 2 and 4: a distance of 2 is accepted from 2.01 on, 4 never
    similarity, is_same = np.array([1.0, 0.0, 1.0, -1.0] * 2), alternating(8)
    is_same[1::4] = True
    found = accuracy(similarity, is_same, "folds", folds=2, grid=True)
    assert found.thresholds == pytest.approx([1 - 2.01 / 2] * 2)


def test_the_grid_needs_cosines():
    with pytest.raises(ValueError, match=r"grid: a similarity of size 7\.5; expected cosines"):
        accuracy([7.5, 1.0], np.array([True, False]), "folds", grid=True)


@pytest.mark.parametrize("grid", [False, True])
def test_a_list_sorted_by_kind_is_sent_to_folds_by_identity(grid):
    is_same = np.arange(40) < 20
    told = "fold 1 of 10: 4 of its 4 pairs show one person.*'identity_folds'"
    with pytest.raises(ValueError, match=told):
        accuracy(np.linspace(1, 0, 40), is_same, "folds", grid=grid)


@pytest.mark.parametrize("folds", [-1, 0, 1, 5])
def test_too_few_or_too_many_folds_are_refused(folds):
    with pytest.raises(ValueError, match=f"folds {folds}: expected 2 to 4"):
        accuracy([0.9, 0.1, 0.8, 0.2], alternating(4), "folds", folds=folds)


def test_folds_by_identity_by_a_slow_loop():
    similarity, is_same, identities = random_pairs(8)
    found = accuracy(similarity, is_same, "identity_folds", identities)
    split = grouped_folds(*identities.T, 10)
    right = 0
    for tested, fitted in zip(split.tested, split.fitted, strict=True):
        candidates = np.unique(similarity[fitted])[::-1]
        scores = [((similarity[fitted] >= t) == is_same[fitted]).mean() for t in candidates]
        threshold = candidates[int(np.argmax(scores))]
        right += int(((similarity[tested] >= threshold) == is_same[tested]).sum())
    assert found.mean == right / len(similarity)


def test_folds_by_identity_are_pooled():
    similarity, is_same, identities = random_pairs(9)
    found = accuracy(similarity, is_same, "identity_folds", identities)
    pooled = np.average(found.per_fold, weights=found.num_pairs)
    assert found.mean == pytest.approx(pooled, abs=1e-12)
    assert found.deviation == pytest.approx(np.std(found.per_fold, ddof=1), abs=1e-12)


def test_folds_by_identity_are_below_the_oracle_on_noise():
    _, is_same, identities = random_pairs(10)
    noise = np.random.default_rng(0).normal(size=len(is_same))
    folds = accuracy(noise, is_same, "identity_folds", identities).mean
    assert folds < 0.5 + 3 * np.sqrt(0.25 / len(is_same))  # 3 standard errors above chance
    assert folds < accuracy(noise, is_same, "oracle").mean


def test_the_child_s_identity_decides_the_fold():
    # three children against adults of the other two: a fold holds the two pairs of one child
    identities = np.array([[0, 0], [1, 1], [2, 2], [0, 1], [1, 2], [2, 0]])
    similarity, is_same = [0.9, 0.8, 0.7, 0.3, 0.2, 0.1], identities[:, 0] == identities[:, 1]
    with pytest.raises(ValueError, match="leaves no pairs of both kinds"):
        # without a child nothing but one genuine pair and one impostor that shows the child is left
        accuracy(similarity, is_same, "identity_folds", identities, folds=2)
    found = accuracy(similarity, is_same, "identity_folds", identities, folds=3)
    assert found.num_pairs.tolist() == [2, 2, 2]


def test_folds_by_identity_need_identities():
    with pytest.raises(ValueError, match=r"identities: not given; expected \(P, 2\)"):
        accuracy([0.5, 0.4], np.array([True, False]), "identity_folds")


@pytest.mark.parametrize("protocol", ["identity_folds", "oracle"])
def test_identities_that_contradict_the_pairs_are_refused(protocol):
    # the second is said to be genuine and names two, the fourth to be an impostor and names one
    identities = [["ann", "ann"], ["ann", "bob"], ["bob", "cid"], ["cid", "cid"]]
    told = r"2 of 4 pairs contradict is_same, .* pair 1: is_same is True of ann and bob"
    with pytest.raises(ValueError, match=told):
        accuracy([0.9, 0.8, 0.2, 0.1], [1, 1, 0, 0], protocol, identities, folds=2)


@pytest.mark.parametrize("given", [0.3, np.float32(0.3)])
def test_a_number_in_the_protocols_place_is_told_to_be_a_threshold(given):
    with pytest.raises(ValueError, match=r"expected one of oracle, .* as threshold=0\.3"):
        accuracy([0.5, 0.4], [1, 0], given)


def test_identities_in_the_protocols_place_are_refused():
    with pytest.raises(ValueError, match="protocol of type ndarray: expected one of oracle"):
        accuracy([0.5, 0.4], [1, 0], np.zeros((2, 2)))


def test_identities_are_two_a_pair():
    with pytest.raises(ValueError, match=r"identities \(2,\): expected \(2, 2\)"):
        accuracy([0.5, 0.4], np.array([True, False]), "identity_folds", ["ann", "bob"])


def test_an_unknown_protocol_is_refused_with_the_known_ones():
    known = "'kfold': expected one of oracle, folds, identity_folds, threshold"
    with pytest.raises(ValueError, match=known):
        accuracy([0.5, 0.4], np.array([True, False]), "kfold")


@pytest.mark.parametrize(("protocol", "threshold"), [("oracle", 0.3), ("threshold", None)])
def test_a_protocol_and_a_threshold_must_fit(protocol, threshold):
    with pytest.raises(ValueError, match=f"protocol '{protocol}' with threshold {threshold}"):
        accuracy([0.5, 0.4], np.array([True, False]), protocol, threshold=threshold)


def test_a_threshold_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="threshold nan: expected a finite similarity"):
        accuracy([0.5, 0.4], np.array([True, False]), threshold=np.nan)


def test_the_grid_goes_with_folds():
    with pytest.raises(ValueError, match="grid: expected protocol 'folds', not 'oracle'"):
        accuracy([0.5, 0.4], np.array([True, False]), grid=True)


@pytest.mark.parametrize("protocol", ["oracle", "folds"])
def test_pairs_of_one_kind_are_refused(protocol):
    with pytest.raises(ValueError, match="3 of 3 pairs are genuine: no impostor pair"):
        accuracy([0.5, 0.4, 0.3], np.ones(3, dtype=bool), protocol)
