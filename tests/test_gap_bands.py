import numpy as np
import pytest

from irlib.data.sets import crossage
from irlib.evaluation.gap_bands import (
    ADULT,
    CHILD,
    Judged,
    band_row,
    gap_bands,
    genuine_columns,
    judged,
    pair_columns,
)
from irlib.evaluation.protocols import accuracy

AGES = (4, 9, 20, 24, 35, 47)  # of each person


def faces(people=30, ages=AGES):
    identity = np.repeat([f"p{number:02d}" for number in range(people)], len(ages))
    age = np.tile(np.array(ages, dtype=float), people)
    names = np.array([f"{who}-{year:02.0f}" for who, year in zip(identity, age, strict=True)])
    return crossage.TestFaces(None, names, identity, age, age < 13, np.full(len(age), ""), ())


def bands(**given):
    found, left_out = gap_bands("AgeDB", faces(**given), seed=1)
    return {(band.kind, band.name): band for band in found}, left_out


def test_each_band_holds_its_gaps_only():
    found, _ = bands()
    gaps = {at: band.pairs.second_age - band.pairs.first_age for at, band in found.items()}
    assert len(gaps) > 5
    for (_, name), gap in gaps.items():
        low, high = {
            "10-20": (10, 20), "20-30": (20, 30), "30+": (30, 99), "10+": (10, 99), "20+": (20, 99),
        }[name]  # fmt: skip
        assert (gap >= low).all()
        assert (gap < high).all()


def test_pairs_of_a_child_are_all_that_there_are():
    # of each person, 10 to 20 years apart: 4-20, 9-20 and 9-24; 4-24 is 20 years
    found, _ = bands()
    pairs = found[CHILD, "10-20"].pairs
    assert pairs.is_same.sum() == 3 * 30
    assert (~pairs.is_same).sum() == 3 * 30
    assert (pairs.first_age < 13).all()


def test_the_control_holds_adults_only():
    found, _ = bands()
    assert all(
        (band.pairs.first_age >= 18).all() for (kind, _), band in found.items() if kind == ADULT
    )


def test_a_band_with_too_few_pairs_is_named():
    # of each of 30 people one pair of adults, 20 and 35 years old, and none 30 years apart
    _, left_out = bands(ages=(4, 20, 35))
    assert "no person" in left_out["AgeDB, adults, 30+ years"]
    assert left_out["AgeDB, adults, 10-20 years"] == "30 genuine pairs; expected at least 50"


def test_a_band_of_too_few_people_for_ten_folds_is_named():
    _, left_out = bands(people=8, ages=(1, 2, 3, 4, 5, 6, 7, 30, 31))
    assert "folds 10" in left_out["AgeDB, child-adult, 20+ years"]


@pytest.fixture
def band():
    return bands()[0][CHILD, "20+"]


@pytest.fixture
def cosine(band):
    rng = np.random.default_rng(0)
    return rng.normal(0.3 * band.pairs.is_same, 0.2)


def test_shares_judged_rightly_are_the_accuracies_of_both_rules(band, cosine):
    right = judged(cosine, band.pairs)
    pairs = band.pairs
    assert right.oracle.mean() == accuracy(cosine, pairs.is_same, "oracle").mean
    people = np.stack([pairs.first_identity, pairs.second_identity], axis=1)
    folds = accuracy(cosine, pairs.is_same, "identity_folds", people)
    assert right.folds.mean() == pytest.approx(folds.mean)


def test_a_row_tells_both_accuracies_within_their_intervals(band, cosine):
    right = judged(cosine, band.pairs)
    row = band_row(band, right)
    assert (row["set"], row["kind"], row["band"]) == ("AgeDB", CHILD, "20+")
    assert row["people"] == 30
    for name, share in (("oracle", right.oracle), ("folds", right.folds)):
        assert row[name] == share.mean()
        assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]


def test_genuine_columns_hold_no_pair_of_two_people(band, cosine):
    right = Judged(band.pairs.is_same, band.pairs.is_same)  # the genuine ones are judged rightly
    columns = genuine_columns(band, cosine, right)
    assert len(columns["gap"]) == band.pairs.is_same.sum()
    assert not columns["rejected"].any()
    assert columns["cosine"].tolist() == cosine[band.pairs.is_same].tolist()


def test_pairs_are_stored_below_their_band(band, cosine):
    columns = pair_columns(band, judged(cosine, band.pairs))
    place = "AgeDB/child-adult/20+"
    names = ("right", "is_same", "first_identity", "second_identity")
    assert list(columns) == [f"{place}/{name}" for name in names]
