"""Facts about synthesis in recognition."""

import numpy as np
import pytest

from irlib.data.pairs.rules import PairList
from irlib.evaluation.synthesized.crossing import crossable, crossing, wanted


def pair_list(people=20):
    """A genuine pair of each person, and as many of neighbors; adults are 25 and 45 by turns."""
    own = np.array([f"p{i:02d}" for i in range(people)])
    second = np.concatenate([own, np.roll(own, 1)])
    age = np.where(np.arange(people) % 2, 45.0, 25.0)
    names = [np.char.add(np.concatenate([own, own]), "/child.jpg"), np.char.add(second, "/adult")]
    ages = np.full(2 * people, 6.0), np.concatenate([age, np.roll(age, 1)])
    return PairList(*names, np.arange(2 * people) < people, np.tile(own, 2), second, *ages)


PAIRS = pair_list()
SAME = PAIRS.is_same
RNG = np.random.default_rng(0)
BEFORE = np.where(SAME, 0.3, 0.2) + 0.15 * RNG.normal(size=len(PAIRS))


def test_each_child_is_made_once_in_a_group():
    # of every child one genuine and one impostor adult, one in group 2 and one in group 4
    found = wanted(PAIRS, 7)
    assert len(found.names) == len(set(zip(found.names, found.groups, strict=True))) == 40
    assert set(found.groups.tolist()) == {2, 4}
    assert np.array_equal(found.names[found.row], PAIRS.first)


def test_a_child_beside_two_adults_of_an_age_is_made_once():
    both = PairList(*(getattr(PAIRS, name)[[0, 0]] for name in vars(PAIRS)))
    assert len(wanted(both, 7).names) == 1


def test_the_cosine_is_that_of_the_synthesized_child_and_the_adult():
    found = wanted(PAIRS, 7)
    results = RNG.normal(size=(40, 3))
    adults = 5 * results[found.row]
    adults[0] *= -1
    assert found.cosine(results, adults).tolist() == pytest.approx([-1] + [1] * 39)


def test_a_set_without_ages_is_refused():
    unknown = PAIRS.taken(slice(None))
    unknown.second_age[3] = np.nan
    with pytest.raises(ValueError, match="ages: 1 of 40 are unknown"):
        wanted(unknown, 7)


def test_nothing_changes_where_results_are_the_sources():
    told = crossing(PAIRS, BEFORE, BEFORE)
    assert (told.genuine.value, told.impostor.value, told.closer.value) == (0, 0, 0)
    assert told.oracle.difference.value == told.folds.difference.value == 0
    assert told.oracle.difference.p == 1


def test_the_change_is_told_of_each_kind():
    change = np.where(SAME, 0.1, -0.05)
    told = crossing(PAIRS, BEFORE, BEFORE + change)
    assert told.genuine.value == pytest.approx(0.1)
    assert told.impostor.value == pytest.approx(-0.05)
    assert told.closer.value == 1


def test_pairs_all_told_apart_gain_what_was_wrong_before():
    told = crossing(PAIRS, BEFORE, np.where(SAME, 0.9, 0.1))
    assert told.folds.synthesized.value == told.oracle.synthesized.value == 1
    assert told.folds.difference.value == pytest.approx(1 - told.folds.photographs.value)
    assert told.folds.difference.low > 0


def test_a_rise_of_all_cosines_alike_gains_nothing():
    # thresholds are chosen anew by the same rule
    told = crossing(PAIRS, BEFORE, BEFORE + 0.25)
    assert told.oracle.difference.value == told.folds.difference.value == 0
    assert told.genuine.value == pytest.approx(0.25)


def test_counts_and_metrics_are_plain_numbers():
    told = crossing(PAIRS, BEFORE, BEFORE).metrics
    assert (told["pairs"], told["positives"], told["identities"]) == (40, 20, 20)
    assert told["folds"]["difference_interval"] == [0, 0]


def test_pairs_of_people_left_out_are_in_no_list():
    # p03 is in a genuine pair, first in one impostor pair and second in another
    found, left_out = crossable({"agedb20_child": PAIRS}, ["p03"])
    pairs = found["agedb20_child"]
    assert (len(pairs), left_out) == (37, {})
    assert "p03" not in {*pairs.first_identity.tolist(), *pairs.second_identity.tolist()}


def test_a_list_of_too_few_people_for_ten_folds_is_told():
    found, left_out = crossable({"all": PAIRS, "few": pair_list(9)}, [])
    assert list(found) == ["all"]
    assert left_out == {"few": "folds 10: expected 2 to 9, the number of identities they group"}


def test_a_list_of_nobody_else_is_told():
    found, left_out = crossable({"all": PAIRS}, np.unique(PAIRS.first_identity))
    assert (found, list(left_out)) == ({}, ["all"])


def test_cosines_of_other_pairs_are_refused():
    with pytest.raises(ValueError, match=r"synthesized \(39,\): expected \(40\)"):
        crossing(PAIRS, BEFORE, BEFORE[:-1])
