import numpy as np
import pytest

from irlib.analyses.about_cosines import (
    mean_embeddings,
    pair_cosines,
    rms_cosines,
    shown_cosines,
)
from irlib.analyses.about_sample import Sample

# in the plane: a child at 0 degrees twice, another at 60, adults at 90 and 180
POINTS = np.array([[2, 0], [1, 0], [0.5, np.sqrt(0.75)], [0, 3], [-1, 0]], dtype=float)
OWNER = np.array([0, 0, 1, 2, 0])
IS_CHILD = np.array([True, True, True, False, False])
ONCE = np.ones((1, 3), dtype=int)


def means(counts=ONCE):
    return pair_cosines(POINTS, OWNER, IS_CHILD, counts, rest="adult")


def test_only_different_identities_are_compared():
    found = means()
    # identities 0 (two images) and 1: cos 60 twice
    assert found["child_child"].value == pytest.approx(0.5)
    # identity 2 at 90 degrees and 0 as an adult at 180
    assert found["adult_adult"].value == pytest.approx(0)


def test_a_child_and_an_adult_are_compared_across_identities():
    # child 0 twice with adult 2: 0; child 1 with adult 2: cos 30, with adult 0: cos 120
    assert means()["child_adult"].value == pytest.approx((0 + 0 + np.sqrt(0.75) - 0.5) / 4)


def test_a_draw_weighs_pairs_by_both_identities():
    # identity 0 once, 1 twice, 2 never: only child 1 with adult 0 is left
    found = means(np.array([[1, 2, 0]]))
    assert found["child_adult"].replicates == pytest.approx([-0.5])


def test_points_that_are_no_child_s_are_named_as_told():
    found = pair_cosines(POINTS, OWNER, IS_CHILD, ONCE, rest="other")
    assert list(found) == ["child_child", "other_other", "child_other"]


def test_root_mean_square_is_that_of_every_two():
    points = np.array([[1.0, 0.0], [-0.6, 0.8], [0.0, 1.0]])
    is_child = np.array([True, True, True])
    found = rms_cosines(points, is_child, ONCE, rest="other")
    # cosines -0.6, 0 and 0.8
    assert found["child_rms"].value == pytest.approx(np.sqrt((0.36 + 0.64) / 3))
    assert np.isnan(found["other_rms"].value)


def sample(owner, shows_child):
    return Sample(
        classes=np.arange(3), is_child=np.array([True, True, False]), rows=np.arange(len(owner)),
        owner=np.array(owner), shows_child=np.array(shows_child),
    )  # fmt: skip


def test_mean_embeddings_are_of_equally_many_images_of_a_kind():
    embeddings = np.array([[4, 0], [0, 2], [9, 9], [-1, 0], [0, 1], [0, 5.0]])
    found = mean_embeddings(
        embeddings, sample([0, 0, 0, 0, 2, 2], [True] * 3 + [False] * 3), images=2
    )
    points, owner, is_child = found
    # the first two child images of 0 at 45 degrees; one adult image of 0 is too few; two of 2
    assert points.tolist() == pytest.approx(np.array([[0.5**0.5, 0.5**0.5], [0, 1]]))
    assert owner.tolist() == [0, 2]
    assert is_child.tolist() == [True, False]


def test_shown_cosines_are_of_every_two_of_different_identities_once():
    table = shown_cosines(POINTS, OWNER, IS_CHILD, rest="adult", seed=0)
    shown = {name: sorted(part["value"].round(6)) for name, part in table.groupby("group")}
    assert shown == {
        "child-child": [0.5, 0.5],
        "adult-adult": [0.0],
        "child-adult": [-0.5, 0.0, 0.0, round(np.sqrt(0.75), 6)],
    }


def test_shown_cosines_are_a_fair_draw_of_many():
    # 300 identities: all cosines have the mean that the estimate tells
    rng = np.random.default_rng(0)
    points, owner = rng.normal(size=(300, 4)) + 0.5, np.arange(300)
    is_child = owner < 150
    table = shown_cosines(points, owner, is_child, rest="other", seed=0, shown=2000)
    counts = np.ones((1, 300), dtype=int)
    exact = pair_cosines(points, owner, is_child, counts, rest="other")
    for group, part in table.groupby("group"):
        assert len(part) == 2000
        # 6 standard errors of independent draws, whose deviation is below 0.6
        expected = exact[group.replace("-", "_")].value
        assert part["value"].mean() == pytest.approx(expected, abs=6 * 0.6 / 2000**0.5)
