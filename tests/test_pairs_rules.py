import hashlib
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irlib.data.pairs.rules import (
    PairList,
    adult_pairs,
    child_adult_pairs,
    distinct_images,
    young_adult_pairs,
)

AGES = (1, 6, 12, 13, 20, 32, 33, 45)

# four people with an image at each of the eight ages
PEOPLE = np.repeat(["ann", "bob", "cid", "dan"], len(AGES))
YEARS = np.tile(np.array(AGES, dtype=float), 4)

# person i has i young and 2 adult images
LAG_PEOPLE = np.array([i for i in range(5) for _ in range(i + 2)])
LAG_YOUNG = np.array([j < i for i in range(5) for j in range(i + 2)])


def as_set(pairs):
    return {(int(first), int(second)) for first, second in pairs}


def by_double_loop(identities, ages, fits, same):
    """Every ordered pair of images that fits, of one person or of two."""
    count = range(len(ages))
    return {
        (i, j)
        for i in count
        for j in count
        if i != j and fits(ages[i], ages[j]) and (identities[i] == identities[j]) == same
    }


@st.composite
def small_sets(draw):
    size = draw(st.integers(2, 30))
    people = draw(st.lists(st.integers(0, 4), min_size=size, max_size=size))
    years = st.one_of(st.integers(0, 60).map(float), st.floats(0, 60), st.just(float("nan")))
    ages = draw(st.lists(years, min_size=size, max_size=size))
    return np.array(people), np.array(ages)


@given(small_sets(), st.integers(1, 40), st.one_of(st.none(), st.integers(1, 20)))
@settings(max_examples=300, deadline=None)
def test_the_rule_against_a_double_loop(drawn, min_gap, width):
    people, ages = drawn
    max_gap = None if width is None else min_gap + width

    def fits(younger, older):
        gap = older - younger
        return younger < 13 and gap >= min_gap and (max_gap is None or gap < max_gap)

    positive = by_double_loop(people, ages, fits, same=True)
    negative = by_double_loop(people, ages, fits, same=False)
    if not positive or not negative:
        with pytest.raises(ValueError, match=r"no person has an image|no pair of two people"):
            child_adult_pairs(people, ages, min_gap, max_gap=max_gap)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = child_adult_pairs(people, ages, min_gap, max_gap=max_gap)
    half = min(len(positive), len(negative))
    assert found.pairs.dtype == np.int64
    assert found.is_same.tolist() == [True] * half + [False] * half
    assert found.dropped == len(positive) - half
    assert len(as_set(found.pairs)) == 2 * half
    assert as_set(found.pairs[:half]) <= positive
    assert as_set(found.pairs[half:]) <= negative


@pytest.mark.parametrize(("gap", "max_gap", "each"), [
    (20, None, 9),  # 1, 6 and 12 with 32, 33 and 45
    (30, None, 5),  # 1 with 32, 33, 45; 6 with 45; 12 with 45
    (20, 30, 4),  # 6 and 12 with 32 and 33: 26, 27, 20, 21
    (19, 20, 1),  # 1 with 20; 20 years are outside the band
    (32, 33, 1),  # 1 with 33
])  # fmt: skip
def test_positive_pairs_are_all_that_the_gap_allows(gap, max_gap, each):
    found = child_adult_pairs(PEOPLE, YEARS, gap, max_gap=max_gap)
    assert found.is_same.sum() == 4 * each
    assert len(found) == 8 * each


def test_positive_pairs_stand_in_the_order_of_the_images():
    pairs = child_adult_pairs(PEOPLE, YEARS, 20).pairs[:36].tolist()
    assert pairs == sorted(pairs)


def test_a_band_is_open_at_its_end():
    people, ages = ["a", "a", "a", "b"], [10.0, 20.0, 30.0, 25.0]
    found = child_adult_pairs(people, ages, 10, max_gap=20)
    assert found.pairs.tolist() == [[0, 1], [0, 3]]  # 30 is 20 years older: no longer in the band


def test_bands_part_the_whole_range():
    whole = child_adult_pairs(PEOPLE, YEARS, 10)
    parts = [(10, 20), (20, 30), (30, 99)]
    parts = [child_adult_pairs(PEOPLE, YEARS, low, max_gap=high) for low, high in parts]
    united = [pair for part in parts for pair in as_set(part.pairs[part.is_same])]
    assert len(united) == len(set(united))
    assert set(united) == as_set(whole.pairs[whole.is_same])


def test_a_gap_of_zero_lists_two_images_of_one_age_once():
    found = child_adult_pairs(["a", "a", "b"], [5.0, 5.0, 5.0], 0)
    assert found.pairs[found.is_same].tolist() == [[0, 1]]


def test_a_difference_is_compared_as_it_is_computed():
    # 2.3 + 30 rounds to 32.3, but 32.3 - 2.3 to a little less than 30
    assert 2.3 + 30 <= 32.3
    assert 32.3 - 2.3 < 30
    found = child_adult_pairs(["a", "a", "a", "b"], [2.3, 32.3, 40.0, 40.0], 30)
    assert found.pairs.tolist() == [[0, 2], [0, 3]]


def test_an_image_without_age_is_in_no_pair():
    ages = YEARS.copy()
    ages[::8] = np.nan  # the first image of everybody, at age 1
    found = child_adult_pairs(PEOPLE, ages, 20)
    assert found.is_same.sum() == 4 * 6
    assert not np.isin(found.pairs, np.arange(0, 32, 8)).any()


def test_the_age_of_a_child_can_be_set():
    # 1, 6, 12 and 13 with 32, 33 and 45; but 13 and 32 are 19 years apart
    assert child_adult_pairs(PEOPLE, YEARS, 20, child_below=14).is_same.sum() == 4 * 11


def test_identities_may_be_numbers_or_texts_of_any_array():
    numbered = np.unique(PEOPLE, return_inverse=True)[1]
    texts = child_adult_pairs(PEOPLE, YEARS, 20).pairs
    for same in (numbered, numbered.tolist(), PEOPLE.tolist(), PEOPLE.astype(object)):
        np.testing.assert_array_equal(child_adult_pairs(same, YEARS, 20).pairs, texts)


def chi_square_of_negatives(draw, eligible, per_draw, repeats):
    counts = dict.fromkeys(eligible, 0)
    for seed in range(repeats):
        for pair in draw(seed):
            counts[pair] += 1
    expected = repeats * per_draw / len(eligible)
    # drawn without replacement: each count varies by (1 - per_draw / len) less than a Poisson one
    shrink = 1 - per_draw / len(eligible)
    return sum((count - expected) ** 2 / (expected * shrink) for count in counts.values())


@pytest.mark.parametrize("max_gap", [None, 30])
def test_negative_pairs_are_uniform_over_the_eligible(max_gap):
    def fits(younger, older):
        return younger < 13 and 20 <= older - younger < (max_gap or 99)

    eligible = by_double_loop(PEOPLE, YEARS, fits, same=False)

    def draw(seed):
        found = child_adult_pairs(PEOPLE, YEARS, 20, max_gap=max_gap, seed=seed)
        return as_set(found.pairs[~found.is_same])

    degrees = len(eligible) - 1
    value = chi_square_of_negatives(draw, eligible, len(eligible) // 3, 600)
    assert abs(value - degrees) < 5 * np.sqrt(2 * degrees)  # the mean and deviation of chi-square


def test_a_seed_repeats_and_another_differs():
    first, again, other = (child_adult_pairs(PEOPLE, YEARS, 20, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.pairs, again.pairs)
    assert (first.pairs != other.pairs).any()


def test_a_band_draws_apart_from_the_open_range():
    open_end, band = (child_adult_pairs(PEOPLE, YEARS, 20, max_gap=end) for end in (None, 99))
    assert (open_end.pairs[~open_end.is_same] != band.pairs[~band.is_same]).any()


def test_the_draws_of_published_studies_stay():
    # pair lists that were made with an earlier version of the library must be made again
    found = child_adult_pairs(PEOPLE, YEARS, 20, seed=4885).pairs
    assert hashlib.sha256(found.tobytes()).hexdigest().startswith("6e125232669d")
    found = adult_pairs(PEOPLE, YEARS, 10, limit=5, seed=4885).pairs
    assert hashlib.sha256(found.tobytes()).hexdigest().startswith("4c8fdb8fd99c")
    found = young_adult_pairs(LAG_PEOPLE, LAG_YOUNG, seed=4885).pairs
    assert hashlib.sha256(found.tobytes()).hexdigest().startswith("7a571f969319")


def test_too_few_negative_pairs_cost_positive_ones_and_it_is_said():
    # a has 1 x 3 pairs, b's only image is one negative partner
    people, ages = ["a"] * 4 + ["b"], [5.0, 30.0, 40.0, 50.0, 33.0]
    with pytest.warns(UserWarning, match="2 of 3 positive pairs are given up: only 1 negative"):
        found = child_adult_pairs(people, ages, 20)
    assert found.dropped == 2
    assert found.is_same.tolist() == [True, False]
    assert found.pairs[1].tolist() == [0, 4]


def test_the_positive_pairs_given_up_are_drawn_uniformly():
    people, ages = ["a"] * 4 + ["b"], [5.0, 30.0, 40.0, 50.0, 33.0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept = [child_adult_pairs(people, ages, 20, seed=s).pairs[0, 1] for s in range(300)]
    # each of three images stays in 100 of 300 +- 8.2
    assert np.abs(np.bincount(kept, minlength=4)[1:] - 100).max() < 5 * 8.2


def test_nothing_is_said_where_nothing_is_dropped():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert child_adult_pairs(PEOPLE, YEARS, 20).dropped == 0
        assert adult_pairs(PEOPLE, YEARS, 10, limit=5).dropped == 0  # the limit drops none
        assert young_adult_pairs(LAG_PEOPLE, LAG_YOUNG).dropped == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"min_gap": 60}, "no person has an image younger than 13 and another one at least 60"),
        ({"min_gap": 50, "max_gap": 60}, "at least 50 and less than 60 years older"),
        ({"identities": ["ann"] * 32}, "no pair of two people fits the rule"),
        ({"min_gap": -1}, "min_gap -1: expected years, 0 or more"),
        ({"min_gap": float("nan")}, "min_gap nan"),
        ({"max_gap": 20}, "max_gap 20: expected more than min_gap, 20 years"),
        ({"max_gap": float("inf")}, "max_gap inf"),
        ({"child_below": 0}, "child_below 0: expected years above 0"),
        ({"child_below": float("nan")}, "child_below nan"),
        ({"seed": -1}, "seed -1: expected a whole number from 0"),
        ({"seed": 1.5}, "seed 1.5"),
        ({"ages": YEARS[1:]}, r"identities: shape \(32,\); expected one an image, 31"),
        ({"ages": YEARS.reshape(4, 8)}, r"ages: shape \(4, 8\)"),
        ({"ages": [], "identities": []}, r"ages: shape \(0,\); expected one number an image"),
        ({"ages": [*YEARS[:-1], np.inf]}, r"ages\[31\]: inf; expected years from 0"),
        ({"ages": [-1.0, *YEARS[1:]]}, r"ages\[0\]: -1"),
        ({"ages": ["old"] * 32}, "ages: expected one number an image"),
        ({"ages": np.full(32, np.nan)}, "no person has an image"),
        ({"identities": np.arange(32) / 2}, "identities: float64; expected all texts or all whole"),
        ({"identities": [1, "1"] * 16}, "expected all texts or all whole"),
        ({"min_gap": "20"}, "min_gap '20': expected years"),
        ({"child_below": None}, "child_below None: expected years"),
        ({"identities": [None] * 32}, "identities: object; expected all texts or all whole"),
    ],
)
def test_arguments_out_of_range_are_refused(change, told):
    arguments = {"identities": PEOPLE, "ages": YEARS, "min_gap": 20} | change
    with pytest.raises(ValueError, match=told):
        child_adult_pairs(**arguments)


def test_adult_pairs_hold_adults_only():
    found = adult_pairs(PEOPLE, YEARS, 20, limit=100)
    assert YEARS[found.pairs].min() >= 18
    assert (np.diff(YEARS[found.pairs], axis=1) >= 20).all()
    assert found.is_same.sum() == 4  # 20 and 45, for each of four people


def test_adult_pairs_keep_to_the_limit():
    found = adult_pairs(PEOPLE, YEARS, 10, limit=5)
    assert (found.is_same.sum(), len(found)) == (5, 10)


@pytest.mark.parametrize(
    ("change", "told"),
    [({"limit": 0}, "limit 0: expected at least 1"), ({"adult_from": -1}, "adult_from -1")],
)
def test_adult_pairs_refuse_what_makes_no_sense(change, told):
    with pytest.raises(ValueError, match=told):
        adult_pairs(PEOPLE, YEARS, 20, **change)


def test_lag_matches_each_image_once():
    found = young_adult_pairs(LAG_PEOPLE, LAG_YOUNG, seed=1)
    pairs = found.pairs[found.is_same]
    # min(young, adult) of 0..4 young and 2 adult images: 0 + 1 + 2 + 2 + 2
    assert len(pairs) == 7
    assert (LAG_PEOPLE[pairs[:, 0]] == LAG_PEOPLE[pairs[:, 1]]).all()
    assert len(np.unique(pairs)) == 14


def test_lag_negatives_use_a_young_image_once():
    found = young_adult_pairs(LAG_PEOPLE, LAG_YOUNG, seed=1)
    pairs = found.pairs[~found.is_same]
    assert len(pairs) == len(np.unique(pairs[:, 0])) == 7
    assert (LAG_PEOPLE[pairs[:, 0]] != LAG_PEOPLE[pairs[:, 1]]).all()
    assert LAG_YOUNG[found.pairs[:, 0]].all()
    assert not LAG_YOUNG[found.pairs[:, 1]].any()


@pytest.mark.parametrize("person", [1, 2, 4])
def test_lag_negatives_reach_every_adult_of_others(person):
    # each of the eight adult images of the other four, and no other
    met = set()
    for seed in range(200):
        found = young_adult_pairs(LAG_PEOPLE, LAG_YOUNG, seed=seed)
        theirs = (LAG_PEOPLE[found.pairs[:, 0]] == person) & ~found.is_same
        met.update(found.pairs[theirs, 1].tolist())
    assert met == set(np.flatnonzero(~LAG_YOUNG & ~np.isin(LAG_PEOPLE, person)).tolist())


def test_lag_gives_up_positives_where_too_few_young_images_meet_others():
    # only b's young image can stand beside an adult of another person
    people, young = ["a", "a", "a", "a", "b"], np.array([True, True, False, False, True])
    with pytest.warns(UserWarning, match="1 of 2 positive pairs are given up: only 1"):
        found = young_adult_pairs(people, young)
    assert found.is_same.tolist() == [True, False]
    assert found.pairs[1, 0] == 4


@pytest.mark.parametrize(
    ("people", "young", "told"),
    [
        (["a", "b"], [True, False], "no person has both a young and an adult image"),
        (["a", "a"], [True, False], "no pair of two people fits"),
        (["a", "a"], [1, 0], r"young: int64 \(2,\); expected bool"),
        (["a"], [True, False], r"identities: shape \(1,\); expected one an image, 2"),
    ],
)
def test_lag_s_rule_refuses_what_it_cannot_use(people, young, told):
    with pytest.raises(ValueError, match=told):
        young_adult_pairs(people, young)


def pair_list(first, second, is_same):
    unknown = np.full(len(first), np.nan)
    first, second = np.array(first), np.array(second)
    return PairList(first, second, np.array(is_same), first, second, unknown, unknown)


def test_cosine_of_pairs():
    pairs = pair_list(["a", "b"], ["b", "c"], [True, False])
    embeddings = np.array([[3.0, 0.0], [1.0, 1.0], [1.0, 0.0]])
    cosine = pairs.cosine(pairs.images, embeddings)
    assert cosine == pytest.approx([np.sqrt(0.5), np.sqrt(0.5)])


def test_cosine_needs_every_image():
    pairs = pair_list(["a", "b"], ["b", "c"], [True, False])
    with pytest.raises(ValueError, match="c: no embedding"):
        pairs.cosine(["a", "b"], np.ones((2, 2)))
    with pytest.raises(ValueError, match="not finite"):
        pairs.cosine(["a", "b", "c"], np.full((3, 2), np.nan))


def by_letter():
    columns = [np.array(list(text)) for text in ("abc", "xyz", "ABC", "XYZ")]
    first, second, first_identity, second_identity = columns
    is_same, ages = np.array([True, False, True]), np.array([1.0, 2.0, 3.0])
    return PairList(first, second, is_same, first_identity, second_identity, ages, ages + 30)


@pytest.mark.parametrize(
    ("rows", "letters", "ages"), [([2, 0], "ca", [3, 1]), ([True, False, True], "ac", [1, 3])]
)
def test_pairs_that_are_taken_keep_all_that_is_known_of_them(rows, letters, ages):
    found = by_letter().taken(np.array(rows))
    other = letters.translate(str.maketrans("ac", "xz"))
    assert (found.first.tolist(), found.second.tolist()) == ([*letters], [*other])
    assert found.first_identity.tolist() == [*letters.upper()]
    assert found.second_identity.tolist() == [*other.upper()]
    assert (found.first_age.tolist(), (found.second_age - 30).tolist()) == (ages, ages)
    assert found.is_same.tolist() == [True, True]


def test_pairs_among_names_are_those_with_both_images_there():
    # b stands without y, and z without c
    found = by_letter().among(["a", "b", "x", "z"])
    assert (found.first.tolist(), found.second.tolist()) == (["a"], ["x"])
    assert len(by_letter().among(["a"])) == 0


def test_distinct_images_are_sorted_and_once():
    lists = [pair_list(["b"], ["a"], [True]), pair_list(["b"], ["c"], [True])]
    assert distinct_images(lists).tolist() == ["a", "b", "c"]


def test_the_hash_is_that_of_the_pairs_in_their_order():
    pairs = pair_list(["a"], ["b"], [True])
    assert pairs.sha256 == hashlib.sha256(b"1\ta\tb\n").hexdigest()


def test_a_masked_age_is_unknown():
    years = np.ma.masked_array([5.0, 40.0, 6.0, 50.0], mask=[True, False, False, False])
    # of 1 only the adult is known, so 2's pair is the one positive, and 2's child beside 1's adult
    found = child_adult_pairs([1, 1, 2, 2], years, 20)
    assert found.pairs.tolist() == [[2, 3], [2, 1]]


def test_whole_numbers_in_an_object_array_are_identities():
    people = np.array([1, 1, 2, 2], dtype=object)
    pairs, is_same = child_adult_pairs(people, [5, 40, 6, 50], 20)
    assert (pairs[is_same].tolist(), int(is_same.sum())) == ([[0, 1], [2, 3]], 2)
