import numpy as np
import pytest

from irlib.evaluation import false_matches as module
from irlib.evaluation.false_matches import false_matches

PEOPLE = 12


def made(seed=0):
    """Of 12 people two child, one unlabelled and three adult images each, in no order."""
    rng = np.random.default_rng(seed)
    identity = np.repeat([f"p{number:02d}" for number in range(PEOPLE)], 6)
    age = np.tile([4.0, 12.9, np.nan, 18.0, 40.0, 70.0], PEOPLE)
    mixed = rng.permutation(len(age))
    embeddings = rng.normal(0.2, 1.0, (len(age), 8))
    return embeddings, identity[mixed], age[mixed]


def by_hand(embeddings, identity, age, threshold, band):
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    child, adult = age < 13, age >= 18
    first, second = {
        "child-child": (child, child), "child-adult": (child, adult), "adult-adult": (adult, adult),
    }[band]  # fmt: skip
    hits = pairs = 0
    for a in range(len(age)):
        for b in range(len(age)):
            if first[a] and second[b] and identity[a] != identity[b]:
                hits += unit[a] @ unit[b] >= threshold
                pairs += 1
    return hits / pairs, pairs // (1 if band == "child-adult" else 2)


@pytest.mark.parametrize("band", ["child-child", "child-adult", "adult-adult"])
@pytest.mark.parametrize("block", [5, 512])
def test_rates_are_those_of_all_pairs_of_strangers(band, block, monkeypatch):
    monkeypatch.setattr(module, "_ROWS", block)
    data = made()
    table, _ = false_matches("AgeDB", *data, {"A": 0.1, "B": 0.5}, seed=0, repeats=10)
    for at, threshold in (("A", 0.1), ("B", 0.5)):
        found = table[(table["by"] == f"strangers, threshold of {at}") & (table["band"] == band)]
        fmr, pairs = by_hand(*data, threshold, band)
        assert found["fmr"].iloc[0] == pytest.approx(fmr)
        assert found["pairs"].iloc[0] == pairs


def test_intervals_hold_their_rates():
    table, left_out = false_matches("AgeDB", *made(), {"A": 0.2}, seed=0, repeats=200)
    assert len(table) == 3
    assert (table["fmr_low"] < table["fmr"]).all()
    assert (table["fmr"] < table["fmr_high"]).all()
    assert left_out == {}


def test_no_false_match_among_few_people_leaves_room_for_some():
    table, _ = false_matches("AgeDB", *made(), {"A": 1.1}, seed=0, repeats=10)
    # Wilson's upper end at 0 of 12, t = 2.201 with 11 degrees: t^2 / (12 + t^2)
    assert table["fmr"].tolist() == [0.0] * 3
    assert table["fmr_high"].tolist() == pytest.approx([0.2876] * 3, abs=1e-4)


def test_people_are_counted_on_both_sides():
    table, _ = false_matches("AgeDB", *made(), {"A": 0.2}, seed=0, repeats=10)
    assert table["people"].tolist() == [PEOPLE] * 3


def test_a_group_of_few_people_is_named():
    embeddings, identity, age = made()
    age[(age < 13) & (identity > "p07")] = np.nan  # eight people keep child images
    table, left_out = false_matches("AgeDB", embeddings, identity, age, {"A": 0.2}, seed=0)
    assert table["band"].tolist() == ["adult-adult"]
    assert left_out["AgeDB, strangers, child-child"] == "8 people; expected at least 10"


def test_lengths_have_to_agree():
    embeddings, identity, age = made()
    with pytest.raises(ValueError, match="72 embeddings, 72 identities and 71 ages"):
        false_matches("AgeDB", embeddings, identity, age[1:], {"A": 0.2}, seed=0)


def test_embeddings_have_to_be_finite():
    embeddings, identity, age = made()
    embeddings[3, 1] = np.nan
    with pytest.raises(ValueError, match="some are not finite"):
        false_matches("AgeDB", embeddings, identity, age, {"A": 0.2}, seed=0)
