"""Facts about the faces that are made older and younger."""

from pathlib import Path

import numpy as np
import pytest

from irlib.data.sets import crossage
from irlib.evaluation.synthesized.ages import central_ages, groups_of
from irlib.evaluation.synthesized.sources import choose, dated


def faces(ages_of):
    """Test faces of people, each with the ages given."""
    people = [(name, age) for name, ages in ages_of.items() for age in ages]
    identity, age = (np.array(column) for column in zip(*people, strict=True))
    names = np.array([f"{name}/{at}.jpg" for at, name in enumerate(identity)])
    empty = np.full(len(age), "")
    return crossage.TestFaces(Path(), names, identity, age.astype(float), age < 13, empty, ())


AGEDB = faces({"ann": [3, 8, 30, 45, 60], "bob": [20, 41], "cem": [5, 15]})
FGNET = faces({"ann": [4, 50]})


def test_a_person_gives_one_child_and_one_adult_where_there_are():
    chosen = choose({"agedb": AGEDB}, seed=0)
    kinds = sorted(zip(chosen.identity.tolist(), (chosen.age < 13).tolist(), strict=True))
    # cem's second face is neither: 15 years
    assert kinds == [
        ("agedb/ann", False), ("agedb/ann", True), ("agedb/bob", False), ("agedb/cem", True),
    ]  # fmt: skip


def test_people_of_two_sets_are_two_people():
    chosen = choose({"agedb": AGEDB, "fgnet": FGNET}, seed=0)
    assert set(chosen.identity) == {"agedb/ann", "agedb/bob", "agedb/cem", "fgnet/ann"}
    assert chosen.layout.tolist() == ["agedb"] * 4 + ["fgnet"] * 2


def test_every_image_of_a_kind_can_be_drawn():
    drawn = {float(age) for seed in range(40) for age in choose({"agedb": AGEDB}, seed=seed).age}
    assert drawn == {3, 8, 30, 45, 60, 20, 41, 5}


def test_a_seed_draws_the_same_faces():
    once, again = (choose({"agedb": AGEDB}, seed=7).names.tolist() for _ in range(2))
    assert once == again


def test_faces_of_unknown_age_are_left_out():
    part = faces({"ann": [np.nan, 20.0]})
    assert dated({"lag": part}).age.tolist() == [20.0]


def test_a_set_without_ages_is_refused():
    with pytest.raises(ValueError, match="faces of lag: no age is known"):
        choose({"lag": faces({"ann": [np.nan, np.nan]})}, seed=0)


def test_a_set_without_a_child_is_refused():
    with pytest.raises(ValueError, match="2 faces of known age: none below 13 years"):
        choose({"agedb": faces({"ann": [14, 30]})}, seed=0)


def test_who_is_a_child_is_the_callers_choice():
    told = choose({"agedb": faces({"ann": [14, 30]})}, child_below=15, seed=0)
    assert told.age.tolist() == [14, 30]


def test_a_group_is_the_number_of_thresholds_exceeded():
    assert groups_of([0, 10, 10.5, 60, 61], 7).tolist() == [0, 0, 1, 5, 6]


def test_an_unknown_age_has_no_group():
    with pytest.raises(ValueError, match="ages: 1 of 2 are unknown"):
        groups_of([3.0, np.nan], 7)


def test_a_group_stands_for_the_median_of_its_faces():
    ages = [2, 4, 25, 35, 45, 70, 80, 90, np.nan]
    # four groups end at 30, 40 and 50 years
    assert central_ages(ages, 4).tolist() == [4, 35, 45, 80]


def test_a_group_without_faces_is_named():
    with pytest.raises(ValueError, match="no face in group 1 of 4, which end at 30, 40, 50 years"):
        central_ages([20, 45, 60], 4)
