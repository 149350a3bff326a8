import numpy as np
import pytest

from irlib.data.pairs.cards import card
from irlib.data.pairs.rules import PairList


@pytest.fixture
def pairs():
    # three positive pairs of ann, one of bob; four negative ones
    first = ["a5", "a5", "a6", "b10", "a5", "a6", "b10", "b10"]
    second = ["a30", "a45", "a46", "b32", "b32", "b32", "a30", "c40"]
    people = {"a": "ann", "b": "bob", "c": "cid"}
    return PairList(
        first=np.array(first),
        second=np.array(second),
        is_same=np.arange(8) < 4,
        first_identity=np.array([people[name[0]] for name in first]),
        second_identity=np.array([people[name[0]] for name in second]),
        first_age=np.array([float(name[1:]) for name in first]),
        second_age=np.array([float(name[1:]) for name in second]),
    )


def test_counts_and_balance(pairs):
    told = card(pairs)
    assert (told["pairs"], told["positives"], told["balance"]) == (8, 4, 0.5)
    assert (told["identities"], told["identities_with_positives"]) == (3, 2)
    assert told["sha256"] == pairs.sha256


def test_gaps_and_ages_of_the_positive_pairs(pairs):
    told = card(pairs)
    # 30 - 5, 45 - 5, 46 - 6, 32 - 10
    assert (told["gap_min"], told["gap_mean"], told["gap_max"]) == (22.0, 31.75, 40.0)
    assert told["gap_deciles"][4] == (25 + 40) / 2
    assert len(told["gap_deciles"]) == 9
    assert (told["child_age_min"], told["child_age_max"]) == (5.0, 10.0)


def test_shares_of_the_identities(pairs):
    told = card(pairs)
    assert told["identity_shares"] == {"ann": 0.75, "bob": 0.25}
    assert told["largest_share"] == 0.75
    assert told["effective_identities"] == pytest.approx(1 / (0.75**2 + 0.25**2))


def test_gender_of_the_negative_pairs(pairs):
    assert card(pairs)["same_gender_negatives"] is None
    # a-b differ twice, b-a once; b-c is of one gender
    gender = {name: "f" if name[0] == "a" else "m" for name in pairs.images.tolist()}
    assert card(pairs, gender=gender)["same_gender_negatives"] == 0.25
    del gender["b32"]  # the first two negatives are no longer known
    assert card(pairs, gender=gender)["same_gender_negatives"] == 0.5


def test_overlap_with_the_training_set(pairs):
    assert card(pairs)["overlap"] is None
    assert card(pairs)["overlap_identities"] is None
    told = card(pairs, overlap=["cid", "eve"])  # eve is in no pair
    assert told["overlap"] == ["cid"]
    assert (told["overlap_identities"], told["overlap_pairs"]) == (1, 1)
    assert card(pairs, overlap=[])["overlap_pairs"] == 0


def test_a_set_without_ages(pairs):
    unknown = np.full(8, np.nan)
    lag = PairList(
        pairs.first,
        pairs.second,
        pairs.is_same,
        pairs.first_identity,
        pairs.second_identity,
        unknown,
        unknown,
    )
    told = card(lag)
    names = ("gap_min", "gap_mean", "gap_max", "gap_deciles", "child_age_min", "child_age_max")
    assert [told[name] for name in names] == [None] * 6
