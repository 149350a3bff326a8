import numpy as np
import pytest
from scipy import stats

from irlib.data.pairs.rules import PairList
from irlib.evaluation.influence import area_influence, curve_influence, slope
from irlib.evaluation.intervals import verification_intervals
from irlib.evaluation.operating import tar_at_far
from irlib.evaluation.protocols import accuracy
from irlib.evaluation.roc import area_under_roc, equal_error_rate, roc
from irlib.evaluation.wilson import wilson_interval


def pair_list(first, second):
    names, unknown = (first.astype(str), second.astype(str)), np.full(len(first), np.nan)
    return PairList(*names, first == second, first, second, unknown, unknown)


def random_pairs(seed, genuine=200, impostor=200, people=40):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, people, genuine + impostor)
    other = (first + rng.integers(1, people, len(first))) % people
    pairs = pair_list(first, np.where(np.arange(len(first)) < genuine, first, other))
    return pairs, np.round(rng.normal(0.5 * pairs.is_same, 0.25), 2)  # rounded: with ties


def alone(seed, genuine, impostor):
    """Pairs that share nobody."""
    first = np.arange(genuine + impostor)
    second = np.where(first < genuine, first, first + len(first))
    pairs = pair_list(first, second)
    return pairs, np.random.default_rng(seed).normal(1.5 * pairs.is_same, 1.0)


def test_values_are_those_of_the_statistics():
    pairs, similarity = random_pairs(1)
    told = verification_intervals(similarity, pairs, fars=(0.1, 1e-3))
    curve = roc(similarity, pairs.is_same)
    people = np.stack([pairs.first_identity, pairs.second_identity], axis=1)
    assert {name: interval.value for name, interval in told.items()} == pytest.approx(
        {
            "best_threshold_accuracy": accuracy(similarity, pairs.is_same).mean,
            "fold_accuracy": accuracy(similarity, pairs.is_same, "identity_folds", people).mean,
            "area_under_roc": area_under_roc(curve),
            "equal_error_rate": float(equal_error_rate(curve)),
            "tar_at_far_0.1": tar_at_far(similarity, pairs.is_same, 0.1).tar,
            "tar_at_far_0.001": np.nan,  # 200 impostor pairs cannot show it
        },
        abs=1e-12,
        nan_ok=True,
    )


def test_intervals_hold_their_value():
    pairs, similarity = random_pairs(4)
    for name, told in verification_intervals(similarity, pairs, fars=(0.1, 0.01)).items():
        assert 0 <= told.low < told.value < told.high <= 1, name


def test_the_area_is_the_mean_placement_of_either_kind():
    pairs, similarity = random_pairs(2)
    same = pairs.is_same
    told = area_influence(similarity, same)
    above = (similarity[same][:, None] > similarity[~same]) * 1.0
    above += 0.5 * (similarity[same][:, None] == similarity[~same])
    assert told.value == pytest.approx(above.mean())
    # each kind is weighed by 400 / 200
    assert told.values[same] / 2 == pytest.approx(above.mean(axis=1))
    assert told.values[~same] / 2 == pytest.approx(above.mean(axis=0))


@pytest.mark.parametrize(("genuine", "impostor"), [(200, 200), (100, 1_000), (1_000, 100)])
def test_the_variance_is_that_of_new_lists(genuine, impostor):
    # pairs that share nobody: 300 lists give each deviation to 1 / sqrt(600), 4 %; the slope of so
    # short a curve is found by differences, which make it up to a tenth too steep
    values, variances = [], []
    for seed in range(300):
        pairs, similarity = alone(seed, genuine, impostor)
        told = curve_influence(similarity, pairs.is_same, (0.2,)).values()
        values.append([each.value for each in told])
        variances.append([
            sum((each.values[kind] * kind.mean()).var() / kind.sum() for kind in kinds)
            for kinds in [(pairs.is_same, ~pairs.is_same)]
            for each in told
        ])  # fmt: skip
    found = np.sqrt(np.mean(variances, axis=0))  # area, equal error rate, tar
    assert found == pytest.approx(np.std(values, axis=0), rel=0.2)


def test_a_slope_is_that_of_the_curve():
    # tar = sqrt(far): from 0.05 to 0.15
    curve = roc(
        np.concatenate([np.linspace(0, 1, 10_001) ** 2, np.linspace(0, 1, 10_001)]),
        np.arange(20_002) >= 10_001,
    )
    # a genuine pair is above t with 1 - t, an impostor with 1 - sqrt t: tar = 1 - (1 - far)^2
    assert slope(curve, 0.1) == pytest.approx(2 - 2 * 0.1, abs=0.01)


def test_an_accuracy_has_wilsons_interval_at_its_threshold():
    pairs, similarity = random_pairs(5)
    found = verification_intervals(similarity, pairs)["best_threshold_accuracy"]
    right = (similarity >= accuracy(similarity, pairs.is_same).threshold) == pairs.is_same
    expected = wilson_interval(right, pairs.is_same, pairs.first_identity, pairs.second_identity)
    assert (found.low, found.high, found.repeats) == (expected.low, expected.high, 0)


def test_interval_of_people_is_wider_than_of_pairs():
    # Twenty people, each recognised in all of their 20 pairs or in none: twenty facts, not 400.
    person = np.repeat(np.arange(20), 20)
    pairs = pair_list(np.tile(person, 2), np.concatenate([person, (person + 1) % 20]))
    similarity = np.concatenate([np.where(person % 2 == 0, 0.9, 0.1), np.full(400, 0.5)])
    found = verification_intervals(similarity, pairs, fars=(0.1,))["tar_at_far_0.1"]
    # ten of twenty: Wilson's half width is t / sqrt(20 + t^2) / 2
    t = stats.t.ppf(0.975, 19)
    assert (found.high - found.low) / 2 == pytest.approx(t / np.sqrt(20 + t**2) / 2, rel=0.05)


def test_runs_are_averaged():
    pairs, similarity = random_pairs(7)
    _, second = random_pairs(8)
    values = [verification_intervals(s, pairs) for s in (similarity, second)]
    both = verification_intervals(np.stack([similarity, second]), pairs)
    expected = np.mean([value["equal_error_rate"].value for value in values])
    assert both["equal_error_rate"].value == pytest.approx(expected, abs=1e-12)


def test_a_perfect_curve_is_not_certain():
    pairs, _ = random_pairs(6)
    found = verification_intervals(pairs.is_same * 1.0, pairs)["area_under_roc"]
    assert found.value == found.high == 1
    assert 0.5 < found.low < 0.99


def test_at_the_end_of_the_scale_impostors_tell_nothing_of_the_genuine_pairs():
    # all 60 genuine pairs accepted: the interval is the same with 60 and with 6,000 impostors
    told = []
    for impostor in (60, 6_000):
        pairs, _ = random_pairs(9, genuine=60, impostor=impostor, people=20)
        told.append(verification_intervals(pairs.is_same * 1.0, pairs, fars=(0.1,)))
    few, many = (each["tar_at_far_0.1"] for each in told)
    same = pairs.is_same
    people = pairs.first_identity[same], pairs.second_identity[same]
    assert many.low == pytest.approx(wilson_interval(np.ones(60), same[same], *people).low, abs=0.1)
    assert abs(few.low - many.low) < 0.1
    assert told[1]["area_under_roc"].low < 0.95
    assert told[1]["equal_error_rate"].high > 0.05


def test_a_model_that_knows_nothing_has_a_wide_interval():
    pairs, _ = random_pairs(6)
    found = verification_intervals(np.zeros(400), pairs, fars=())["area_under_roc"]
    assert found.value == 0.5
    assert found.high - found.low > 0.1
