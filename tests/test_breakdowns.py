import numpy as np
import pytest

from irlib.data.pairs.rules import PairList
from irlib.evaluation.breakdowns import COLUMNS, breakdown
from irlib.evaluation.groupings import Grouping, all_pairs, by_child_age

PEOPLE = 30


def made(first_age):
    """Of 30 people two genuine pairs each, then two pairs each with the next person."""
    people = np.repeat([f"p{number:02d}" for number in range(PEOPLE)], 2)
    count = 4 * PEOPLE
    first = np.concatenate([people, people])
    return PairList(
        first=np.array([f"a{row}" for row in range(count)]),
        second=np.array([f"b{row}" for row in range(count)]),
        is_same=np.arange(count) < 2 * PEOPLE,
        first_identity=first,
        second_identity=np.concatenate([people, np.roll(people, 2)]),
        first_age=np.broadcast_to(np.asarray(first_age, dtype=float), count).copy(),
        second_age=np.full(count, 40.0),
    )


def told(pairs, wrong, groups):
    right = np.ones(len(pairs), dtype=bool)
    right[wrong] = False
    return breakdown("AgeDB-C20", pairs, right, groups)


def test_both_errors_and_the_accuracy_that_weighs_them_alike():
    pairs = made(5.0)
    # 6 of 60 genuine pairs and 12 of 60 impostor pairs: 1 - (0.1 + 0.2) / 2
    table, left_out = told(pairs, [*range(0, 12, 2), *range(60, 84, 2)], [all_pairs(pairs)])
    row = table.iloc[0]
    assert (row["fnmr"], row["fmr"]) == (pytest.approx(0.1), pytest.approx(0.2))
    assert row["accuracy"] == pytest.approx(0.85)
    assert (row["pairs"], row["genuine"], row["impostor"], row["people"]) == (120, 60, 60, 30)
    assert left_out == {}


def test_columns_are_those_documented():
    pairs = made(5.0)
    table, _ = told(pairs, [0, 60], [all_pairs(pairs)])
    assert tuple(table.columns) == COLUMNS
    assert table[["set", "by", "band", "kind"]].iloc[0].tolist() == [
        "AgeDB-C20", "all pairs", "all", "child-adult",
    ]  # fmt: skip


def test_intervals_hold_their_rates():
    pairs = made(5.0)
    row = told(pairs, [*range(10), *range(60, 75)], [all_pairs(pairs)])[0].iloc[0]
    assert row["low"] < row["accuracy"] < row["high"]
    assert row["fnmr_low"] < row["fnmr"] < row["fnmr_high"]
    assert row["fmr_low"] < row["fmr"] < row["fmr_high"]


def test_errors_of_few_people_have_a_wider_interval():
    pairs = made(5.0)
    spread = told(pairs, list(range(0, 20, 2)), [all_pairs(pairs)])[0].iloc[0]  # of ten people
    few = told(pairs, list(range(10)), [all_pairs(pairs)])[0].iloc[0]  # of five people
    assert few["fnmr"] == spread["fnmr"]
    assert few["fnmr_high"] - few["fnmr_low"] > spread["fnmr_high"] - spread["fnmr_low"]


def test_a_rate_of_zero_has_an_upper_end():
    pairs = made(5.0)
    row = told(pairs, [], [all_pairs(pairs)])[0].iloc[0]
    # 30 people tell less than 60 pairs, of which Wilson's upper end would be z^2 / (60 + z^2)
    assert row["fnmr_low"] == 0.0
    assert 1.96**2 / (60 + 1.96**2) < row["fnmr_high"] < 0.3
    assert row["low"] < row["accuracy"] == row["high"] == 1.0


def test_the_interval_of_an_accuracy_is_made_of_both_errors():
    # each end: half the hypotenuse of what the two intervals reach to that side
    pairs = made(5.0)
    row = told(pairs, [*range(0, 12, 2), *range(60, 75)], [all_pairs(pairs)])[0].iloc[0]
    up = np.hypot(row["fnmr_high"] - row["fnmr"], row["fmr_high"] - row["fmr"]) / 2
    down = np.hypot(row["fnmr"] - row["fnmr_low"], row["fmr"] - row["fmr_low"]) / 2
    ends = row["accuracy"] - up, row["accuracy"] + down
    assert (row["low"], row["high"]) == pytest.approx(ends)


def test_a_kind_without_errors_leaves_the_accuracy_in_doubt():
    # no false match: that rate may still be anything up to its upper end
    pairs = made(5.0)
    row = told(pairs, list(range(0, 12, 2)), [all_pairs(pairs)])[0].iloc[0]
    assert row["fmr"] == 0
    assert row["accuracy"] - row["low"] > (row["fnmr_high"] - row["fnmr"]) / 2 + 0.01


def test_the_accuracy_of_a_band_does_not_rest_on_its_balance():
    pairs = made(5.0)
    most = np.arange(120) < 100  # all genuine pairs and 40 of the impostor pairs
    wrong = [*range(6), *range(60, 68)]  # 6 of 60 and 8 of 40
    table, _ = told(pairs, wrong, [Grouping("x", {"most": most}, ~most & most)])
    assert table["accuracy"].iloc[0] == pytest.approx(1 - (0.1 + 0.2) / 2)


def test_a_band_with_too_few_pairs_is_named():
    pairs = made(np.where(np.arange(120) % 60 < 20, 2.0, 5.0))  # 20 of each kind are two years old
    table, left_out = told(pairs, [0], [by_child_age(pairs)])
    assert table["band"].tolist() == ["4-6"]
    reason = left_out["AgeDB-C20, child age, years, 0-3: genuine pairs"]
    assert reason == "20 of 10 people; expected at least 30 of 10"


def test_a_band_of_too_few_people_is_named():
    pairs = made(5.0)
    few = np.isin(pairs.first_identity, ["p00", "p01"])
    pairs = PairList(**{n: np.tile(getattr(pairs, n)[few], 10) for n in pairs.__dataclass_fields__})
    _, left_out = told(pairs, [0], [all_pairs(pairs)])
    reason = left_out["AgeDB-C20, all pairs, all: genuine pairs"]
    assert reason == "40 of 2 people; expected at least 30 of 10"


def test_a_band_of_impostors_alone_has_no_other_rate():
    pairs = made(5.0)
    group = Grouping("gender", {"different genders": ~pairs.is_same}, np.zeros(120, bool))
    table, left_out = told(pairs, [60, 61, 62], [group])
    row = table.iloc[0]
    assert row["fmr"] == pytest.approx(3 / 60)
    assert np.isnan(row[["fnmr", "accuracy"]].astype(float)).all()
    assert left_out == {}


def test_pairs_of_unknown_age_have_a_row_of_their_own():
    pairs = made(np.where(np.arange(120) % 2, 5.0, np.nan))  # one pair of each two
    table, _ = told(pairs, [0, 2, 4], [by_child_age(pairs)])
    assert table["band"].tolist() == ["4-6", "unknown"]
    assert table["fnmr"].tolist() == pytest.approx([0.0, 0.1])


def test_a_list_without_ages_is_named_once():
    pairs = made(np.nan)
    table, left_out = told(pairs, [0], [by_child_age(pairs)])
    assert len(table) == 0
    assert left_out == {"AgeDB-C20, child age, years": "known of none of the 120 pairs"}


def test_right_has_to_fit_the_pairs():
    pairs = made(5.0)
    with pytest.raises(ValueError, match=r"right \(3,\) bool: expected \(120,\) bool"):
        breakdown("AgeDB-C20", pairs, np.ones(3, dtype=bool), [all_pairs(pairs)])
