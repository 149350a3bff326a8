from dataclasses import replace

import numpy as np
import pytest

from irlib.data.pairs.rules import PairList
from irlib.data.sets import crossage
from irlib.evaluation.identification import (
    Searches,
    adults_of,
    search,
    summary,
)

# ann and bob as a child and grown up, cem and dan grown up; a pair of two people is no search
NAMES = np.array(["ann5", "ann30", "bob6", "bob40", "cem50", "dan60"])
ORDER = np.argsort(NAMES)
PEOPLE = np.array(["ann", "ann", "bob", "bob", "cem", "dan"])
AGES = np.array([5.0, 30, 6, 40, 50, 60])
DEGREES = {"ann5": 0, "ann30": 20, "bob6": 90, "bob40": 170, "cem50": 100, "dan60": 10}


def embeddings(degrees=DEGREES):
    angle = np.deg2rad([degrees[name] for name in NAMES[ORDER]])
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def pairs():
    return PairList(
        first=np.array(["ann5", "bob6", "ann5"]),
        second=np.array(["ann30", "bob40", "bob40"]),
        is_same=np.array([True, True, False]),
        first_identity=np.array(["ann", "bob", "ann"]),
        second_identity=np.array(["ann", "bob", "bob"]),
        first_age=np.array([5.0, 6, 5]),
        second_age=np.array([30.0, 40, 40]),
    )


def searched(**changes):
    adults, identity = NAMES[[1, 3, 4, 5]], PEOPLE[[1, 3, 4, 5]]
    given = {"adults": adults, "identity": identity, "embeddings": embeddings()} | changes
    return search(pairs(), names=NAMES[ORDER], seed=0, **given)


def test_the_mate_is_ranked_among_one_adult_of_everybody_else():
    # ann5 at 0 degrees: ann30 at 20 comes after dan60 at 5, before cem50 and bob40
    # bob6 at 90: bob40 is 80 away, after cem50 (10) and ann30 (70), before dan60 (85)
    degrees = DEGREES | {"dan60": 5}
    found = searched(embeddings=embeddings(degrees))
    assert found.identity.tolist() == ["ann", "bob"]
    assert found.rank.tolist() == [2, 3]
    assert found.size == 4


def test_a_network_that_gives_everyone_one_embedding_finds_nobody():
    assert searched(embeddings=np.ones((6, 2))).rank.tolist() == [4, 4]


def test_it_finds_nobody_in_many_dimensions_either():
    same = np.random.default_rng(0).normal(size=512).astype(np.float32)
    assert searched(embeddings=np.tile(same, (6, 1))).rank.tolist() == [4, 4]


def test_an_embedding_without_direction_is_refused():
    with pytest.raises(ValueError, match="6 of 6 embeddings are zero"):
        searched(embeddings=np.zeros((6, 2)))


def test_of_a_person_with_many_images_one_is_in_a_gallery():
    # dan stands there three times: in front of ann's mate each time, and yet counted once
    adults = np.array(["ann30", "dan60", "dan60", "dan60"])
    identity = np.array(["ann", "dan", "dan", "dan"])
    found = searched(adults=adults, identity=identity)
    assert found.rank.tolist()[0] == 2
    assert found.size == 3  # for bob, who is in no image: his mate, ann and dan


def test_the_same_seed_draws_the_same_galleries():
    assert np.array_equal(searched().rank, searched().rank)


def test_a_gallery_needs_somebody_else():
    with pytest.raises(ValueError, match="others than the probe"):
        searched(adults=np.array(["ann30"]), identity=np.array(["ann"]))


def test_an_image_without_an_embedding_is_named():
    with pytest.raises(ValueError, match="eve9: no embedding"):
        searched(adults=np.array(["eve9", "dan60"]), identity=np.array(["eve", "dan"]))


def faces():
    return crossage.TestFaces(None, NAMES, PEOPLE, AGES, AGES < 13, np.full(6, ""), ())


def test_adults_are_the_faces_from_eighteen_years_on():
    young = replace(faces(), age=np.array([5.0, 17.9, 6, 18, 50, np.nan]))
    assert adults_of(pairs(), young)[0].tolist() == ["bob40", "cem50"]


def test_without_ages_adults_are_the_second_images_of_the_pairs():
    names, identity = adults_of(pairs())
    assert names.tolist() == ["ann30", "bob40"]
    assert identity.tolist() == ["ann", "bob"]


def test_the_summary_tells_searches_people_and_gallery():
    told = summary(Searches(np.array(["ann", "ann", "bob"]), np.array([1, 1, 9]), 7))
    assert (told["searches"], told["people"], told["gallery"]) == (3, 2, 7)
    assert told["rank_1"] == pytest.approx(2 / 3)
    low, high = told["rank_1_interval"]
    assert low < 0.02 < 0.99 < high  # two people tell next to nothing
