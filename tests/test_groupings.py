import numpy as np
import pytest

from irlib.data.pairs.rules import PairList
from irlib.data.sets import crossage
from irlib.evaluation.groupings import (
    QUARTERS,
    by_child_age,
    by_gap,
    by_gender,
    by_quality,
    groupings,
    kind_of,
)


def listed(first_age, second_age, *, is_same=None):
    """A pair of images a0 and b0, a1 and b1, and so on, genuine unless told otherwise."""
    count = len(first_age)
    number = np.arange(count)
    same = np.ones(count, dtype=bool) if is_same is None else np.array(is_same)
    people = np.char.add("p", number.astype(str))
    return PairList(
        first=np.char.add("a", number.astype(str)),
        second=np.char.add("b", number.astype(str)),
        is_same=same,
        first_identity=people,
        second_identity=np.where(same, people, np.roll(people, 1)),
        first_age=np.array(first_age, dtype=float),
        second_age=np.array(second_age, dtype=float),
    )


def members(grouping):
    return {name: np.flatnonzero(at).tolist() for name, at in grouping.bands.items()}


def test_a_child_is_in_a_band_until_its_next_birthday():
    pairs = listed([0.5, 3.9, 4.0, 9.0, 12.9, 13.0], [40.0] * 6)
    assert members(by_child_age(pairs)) == {"0-3": [0, 1], "4-6": [2], "7-9": [3], "10-12": [4]}


def test_a_gap_belongs_to_the_band_that_it_begins():
    assert members(by_gap(listed([5.0, 5, 5], [24.9, 25, 55]))) == {
        "10-20": [0], "20-30": [1], "50+": [2],
    }  # fmt: skip


def test_unknown_ages_are_told_apart_from_the_bands():
    grouping = by_child_age(listed([5.0, np.nan], [40.0, 40.0]))
    assert grouping.unknown.tolist() == [False, True]
    assert grouping.reason == ""


def test_a_list_without_ages_says_so():
    assert by_gap(listed([np.nan] * 3, [np.nan] * 3)).reason == "known of none of the 3 pairs"


def genders(first, second):
    names = [f"{side}{at}" for side in "ab" for at in range(len(first))]
    count = len(names)
    return crossage.TestFaces(
        None, np.array(names), np.array(names), np.ones(count), np.ones(count, bool),
        np.array([*first, *second]), (),
    )  # fmt: skip


def test_gender_tells_pairs_of_one_and_impostors_of_two():
    pairs = listed([5.0] * 4, [40.0] * 4, is_same=[True, False, False, False])
    grouping = by_gender(pairs, genders(["m", "f", "m", "m"], ["m", "f", "f", ""]))
    assert members(grouping) == {
        "both male": [0], "both female": [1], "same gender": [0, 1], "different genders": [2],
    }  # fmt: skip
    assert grouping.unknown.tolist() == [False, False, False, True]


def test_one_person_of_two_genders_counts_as_unknown():
    grouping = by_gender(listed([5.0, 5], [40.0, 40]), genders(["m", "m"], ["f", "m"]))
    assert grouping.unknown.tolist() == [True, False]


def test_an_image_that_the_set_does_not_list_has_no_gender():
    faces = genders(["m"], ["m"])  # of a0 and b0 alone
    assert by_gender(listed([5.0, 5], [40.0, 40]), faces).unknown.tolist() == [False, True]


def names_of(pairs):
    return np.sort(np.concatenate([pairs.first, pairs.second]))


def test_the_weaker_image_decides_the_quarter():
    pairs = listed([5.0] * 4, [40.0] * 4)
    # of a0 to a3, then of b0 to b3: the lower ones are 1, 2, 3 and 4
    norms = np.array([1.0, 9, 3, 9, 9, 2, 9, 4])
    grouping = by_quality(pairs, names_of(pairs), norms)
    assert members(grouping) == {name: [at] for at, name in enumerate(QUARTERS)}


def test_normalized_embeddings_tell_no_quality():
    pairs = listed([5.0] * 4, [40.0] * 4)
    grouping = by_quality(pairs, names_of(pairs), np.ones(8))
    assert grouping.reason == "all norms are 1: the embeddings were normalized before"


def test_a_norm_of_zero_is_refused():
    pairs = listed([5.0] * 4, [40.0] * 4)
    with pytest.raises(ValueError, match="some are not finite or zero"):
        by_quality(pairs, names_of(pairs), np.zeros(8))


def test_a_missing_norm_is_named():
    pairs = listed([5.0] * 4, [40.0] * 4)
    with pytest.raises(ValueError, match="b3: no norm"):
        by_quality(pairs, names_of(pairs)[:-1], np.arange(1.0, 8.0))


def test_pairs_of_adults_are_not_grouped_by_child_age():
    adults = listed([20.0, 30], [50.0, 60])
    assert kind_of(adults) == "adults"
    assert [each.by for each in groupings(adults)] == ["all pairs", "age gap, years"]


def test_groupings_ask_what_is_given():
    pairs = listed([5.0, 6, 7, 8], [40.0] * 4)
    found = groupings(
        pairs, faces=genders("mmmm", "mmmm"), names=names_of(pairs), norms=np.arange(1.0, 9.0)
    )
    assert [each.by for each in found] == [
        "all pairs", "child age, years", "age gap, years", "gender",
        "embedding norm of the weaker image",
    ]  # fmt: skip
