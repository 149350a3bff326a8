"""Facts about the kernel distance."""

from itertools import product

import numpy as np
import pytest

from irlib.evaluation.synthesized.kernels import Sample, distance, kernel_sums, split_distances
from irlib.evaluation.synthesized.kid import kid, well_shown

D = 8


def drawn(rng, people, images, shift=0.0, middles=None):
    """Embeddings of people with several images each, and who is in each."""
    middles = rng.normal(size=(people, D)) if middles is None else middles
    person = np.repeat(np.arange(people), images)
    rows = middles[person] + 0.5 * rng.normal(size=(len(person), D))
    rows[:, 0] += shift
    return rows, person


def value(first, second, people):
    one, two = Sample(*first), Sample(*second)
    sums = [kernel_sums(a, b, people) for a, b in ((one, one), (two, two), (one, two))]
    return float(distance(*sums, np.ones((1, people)))[0])


def test_the_distance_is_what_the_formula_says():
    rng = np.random.default_rng(0)
    (x, who), (y, whose) = drawn(rng, 4, 2), drawn(rng, 4, 3)

    def mean(a, b, of_a, of_b):
        pairs = [(p, q) for p, q in product(range(len(a)), range(len(b))) if of_a[p] != of_b[q]]
        cosine = [a[p] @ b[q] / np.linalg.norm(a[p]) / np.linalg.norm(b[q]) for p, q in pairs]
        return np.mean((np.array(cosine) + 1) ** 3)

    expected = mean(x, x, who, who) + mean(y, y, whose, whose) - 2 * mean(x, y, who, whose)
    assert value((x, who), (y, whose), 4) == pytest.approx(expected)


def test_it_is_unbiased_where_the_same_people_are_in_both_samples():
    rng = np.random.default_rng(0)
    values = []
    for _ in range(300):
        middles = rng.normal(size=(20, D))
        both = (drawn(rng, 20, images, middles=middles) for images in (2, 5))
        values.append(value(*both, 20))
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values)) < 3 * error
    assert min(values) < 0 < max(values)


def test_it_grows_with_the_distance():
    found = []
    for shift in (0.0, 1.0, 2.0):
        rng = np.random.default_rng(0)
        found.append(value(drawn(rng, 30, 2), drawn(rng, 30, 2, shift), 30))
    assert found[0] < found[1] < found[2]
    assert found[2] > 0.5


def test_half_of_the_people_are_at_no_distance_from_the_rest_on_average():
    rng = np.random.default_rng(0)
    sample = Sample(*drawn(rng, 20, 1))
    halves = np.array([rng.permutation(20) < 10 for _ in range(2_000)])
    found = split_distances(kernel_sums(sample, sample, 20), halves)
    assert abs(found.mean()) < 3 * found.std() / np.sqrt(2_000)


def case(**changes):
    rng = np.random.default_rng(3)
    sources, who = drawn(rng, 15, 2, shift=2.0)
    real, whose = drawn(rng, 15, 4)
    made = np.stack([drawn(rng, 15, 2)[0], sources])
    given = {"sources": sources, "results": made, "identity": who, "real": real}
    given |= {"real_identity": whose, "real_group": np.tile([0, 1], len(real) // 2)}
    return kid(**(given | changes), seed=0, repeats=100)


def test_a_group_made_as_real_faces_is_nearer_than_one_left_as_it_was():
    near, far = case().groups
    assert near.made.value < 0.1 < far.made.value
    assert far.made == far.copy


def test_the_floor_lies_about_0_however_far_the_results_are():
    near, far = case().groups
    for group in (near, far):
        assert group.floor[0] < 0 < group.floor[1]
        assert abs(sum(group.floor)) < np.diff(group.floor)[0] / 2


def test_the_mean_of_the_groups_and_its_difference_from_a_copy():
    told = case()
    assert told.made.value == pytest.approx(np.mean([each.made.value for each in told.groups]))
    assert told.difference.value == pytest.approx(told.made.value - told.copy.value)
    assert told.difference.high < 0


def test_sample_sizes_are_told():
    told = case().metrics
    assert (told["results"], told["people"]) == (30, 15)
    assert [each["real_faces"] for each in told["groups"]] == [30, 30]
    assert [each["real_people"] for each in told["groups"]] == [15, 15]


def test_a_group_with_few_real_people_is_left_out():
    group = np.tile([0, 1], 30)
    group[20:] = 0  # group 1 is left with five people
    told = case(real_group=group)
    assert (told.left_out, len(told.groups)) == ((1,), 1)


def test_groups_of_at_least_ten_people_are_told_beforehand():
    # group 0: ten people; group 2: nine, of whom one has two faces
    people, group = [*range(10), *range(9), 0], [0] * 10 + [2] * 10
    assert well_shown(people, group) == [0]


def test_no_group_with_enough_people_is_refused():
    with pytest.raises(ValueError, match="real: no group shows 10 people"):
        case(real_group=np.full(60, 5))
