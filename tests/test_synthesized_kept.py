"""Facts about identity kept."""

import numpy as np
import pytest

from irlib.evaluation.synthesized.kept import kept

AXES = np.eye(8)  # eight people who look at right angles to each other
PEOPLE = np.array([f"p{i}" for i in range(8)])
HALF = np.full(8, 0.5)  # threshold


def test_a_generator_that_returns_the_source_keeps_everything():
    told = kept(AXES, np.stack([AXES, AXES]), PEOPLE, HALF)
    assert (told.cosine.value, told.verified.value, told.strangers) == (1, 1, 0)


def test_a_generator_that_makes_everyone_the_same_face_keeps_that_one_person():
    everyone = np.broadcast_to(AXES[0], (1, 8, 8))
    told = kept(AXES, everyone, PEOPLE, HALF)
    assert (told.cosine.value, told.verified.value) == (1 / 8, 1 / 8)


def test_a_result_that_matches_everyone_matches_strangers():
    everyone = np.ones((1, 8, 8))  # cosine 1 / sqrt(8) = 0.354 to each source
    told = kept(AXES, everyone, PEOPLE, np.full(8, 0.3))
    assert (told.verified.value, told.strangers) == (1, 1)


def test_lengths_of_embeddings_do_not_count():
    told = kept(3 * AXES, 7 * AXES[None], PEOPLE, HALF)
    assert told.cosine.value == pytest.approx(1)


def test_each_group_has_its_own_numbers():
    # 60 degrees away: cosine one half
    turned = 0.5 * AXES + np.sqrt(0.75) * np.roll(AXES, 1, axis=1)
    told = kept(AXES, np.stack([AXES, turned]), PEOPLE, np.full(8, 0.6))
    assert [each.cosine.value for each in told.groups] == pytest.approx([1, 0.5])
    assert [each.verified.value for each in told.groups] == [1, 0]
    assert told.verified.value == 0.5


def test_each_source_has_the_threshold_of_its_set():
    turned = 0.5 * AXES + np.sqrt(0.75) * np.roll(AXES, 1, axis=1)
    cut = np.array([0.4] * 6 + [0.6] * 2)
    assert kept(AXES, turned[None], PEOPLE, cut).verified.value == 6 / 8


def test_a_share_of_all_still_has_an_interval():
    told = kept(AXES, AXES[None], PEOPLE, HALF)
    assert told.verified.high == 1 and 0.3 < told.verified.low < 0.9


def test_two_sources_of_a_person_are_no_strangers():
    told = kept(AXES[[0, 0]], AXES[None, [0, 0]], ["a", "a"], [0.5, 0.5])
    assert np.isnan(told.strangers)


def test_an_embedding_of_nothing_is_refused():
    with pytest.raises(ValueError, match="embeddings: 1 of 8 are zero or not finite"):
        kept(AXES, np.where(np.arange(8)[:, None] == 2, 0, AXES)[None], PEOPLE, HALF)


def test_metrics_are_plain_numbers():
    told = kept(AXES, AXES[None], PEOPLE, HALF).metrics
    assert (told["verified"], told["sources"], told["people"]) == (1, 8, 8)
    assert told["groups"][0]["group"] == 0
