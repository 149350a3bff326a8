import numpy as np
import pytest

from irlib.data.pairs.rules import PairList
from irlib.evaluation.errors import ACCEPT, REJECT, confusion, rejected_images, worst, worst_rows

FIRST = np.array(["ann", "ann", "bob", "cem", "ann", "dan", "eve"])
SECOND = np.array(["ann", "ann", "bob", "cem", "bob", "cem", "fay"])
COSINE = np.array([0.1, 0.2, 0.3, 0.9, 0.8, 0.7, 0.4])  # at .5: three rejects, two accepts


def pairs(ages=True):
    count = len(FIRST)
    return PairList(
        first=np.array([f"{who}{row}" for row, who in enumerate(FIRST)]),
        second=np.array([f"{who}{row}old" for row, who in enumerate(SECOND)]),
        is_same=FIRST == SECOND,
        first_identity=FIRST,
        second_identity=SECOND,
        first_age=np.full(count, 5.0 if ages else np.nan),
        second_age=np.full(count, 40.0 if ages else np.nan),
    )


def test_confusion_counts_both_kinds():
    assert confusion(COSINE, pairs(), 0.5) == {
        "threshold": 0.5, "genuine": 4, "false_rejects": 3, "impostor": 3, "false_accepts": 2,
        "fnmr": 3 / 4, "fmr": 2 / 3, "accuracy": pytest.approx(2 / 7),
    }  # fmt: skip


def test_confusion_without_impostors_has_no_rate_of_them():
    same = pairs()
    alone = PairList(**{name: getattr(same, name)[:4] for name in same.__dataclass_fields__})
    assert np.isnan(confusion(COSINE[:4], alone, 0.5)["fmr"])


def test_a_pair_at_the_threshold_is_accepted():
    assert confusion(COSINE, pairs(), 0.4)["false_accepts"] == 3


def test_the_worst_rejects_come_first_and_nobody_comes_twice():
    # ann's second reject (row 1) is left out
    assert worst(COSINE, pairs(), 0.5, kind=REJECT, count=5).tolist() == [0, 2]


def test_the_worst_accepts_are_the_most_alike():
    assert worst(COSINE, pairs(), 0.5, kind=ACCEPT, count=1).tolist() == [4]


def test_no_error_gives_no_row():
    assert worst(COSINE, pairs(), -1.0, kind=REJECT, count=3).tolist() == []


def test_another_kind_is_refused():
    with pytest.raises(ValueError, match="kind 'miss'"):
        worst(COSINE, pairs(), 0.5, kind="miss", count=1)


def rows(**given):
    key = "agedb20_child"
    return worst_rows({key: pairs(**given)}, {key: COSINE}, {key: 0.5}, count=1)


def test_rows_tell_set_kind_cosine_and_ages():
    reject, accept = rows()
    assert reject["title"] == "AgeDB-C20, false reject: +0.10; 5 and 40 years"
    assert (accept["kind"], accept["first"], accept["second"]) == (ACCEPT, "ann4", "bob4old")


def test_rows_carry_ages_and_scores():
    reject, _ = rows()
    fields = ("cosine", "threshold", "first_age", "second_age")
    assert [reject[field] for field in fields] == [0.1, 0.5, 5.0, 40.0]


def test_a_list_of_ones_own_is_called_by_its_key():
    (row,) = worst_rows({"mine": pairs()}, {"mine": COSINE}, {"mine": 0.15}, count=1)[:1]
    assert row["set"] == "mine"


def test_rows_of_a_set_without_ages_say_young():
    assert rows(ages=False)[0]["title"].endswith("young, grown up")


def test_rejected_images_are_those_of_genuine_pairs_below():
    assert rejected_images(COSINE, pairs(), 0.25).tolist() == ["ann0", "ann0old", "ann1", "ann1old"]
