import numpy as np
import pytest

from irlib.analyses.about_sample import draw
from irlib.class_groups import Labelled

# ages of the images of each of five identities; 0 and 1 are child identities
AGES = [[2, 5, 9, 30, 40], [3, 4, 12.9, 15, 50], [20, 30, 8], [18, 17.9], [60, np.nan]]
LABELS = np.repeat(np.arange(5), [len(own) for own in AGES])
FLAT = np.concatenate([np.asarray(own, dtype=float) for own in AGES])


def faces(child=(0, 1), ages=FLAT):
    return Labelled(LABELS, ages, 5, np.array(child))


def drawn(**options):
    return draw(faces(), seed=0, child_below=13.0, **options)


def ages_of(sample, kind):
    return sorted(FLAT[sample.rows[kind]].tolist())


def test_child_images_are_those_of_child_identities():
    # the eight-year-old of identity 2 is left out: that identity is no child one
    sample = drawn()
    assert ages_of(sample, sample.shows_child) == [2, 3, 4, 5, 9, 12.9]


def test_adults_are_18_and_older_of_any_identity():
    sample = drawn()
    assert ages_of(sample, ~sample.shows_child) == [18, 20, 30, 30, 40, 50, 60]


def test_owner_and_kind_go_with_each_image():
    sample = drawn()
    assert sample.classes[sample.owner].tolist() == LABELS[sample.rows].tolist()
    assert sample.is_child.tolist() == [True, True, False, False, False]


def test_no_identity_has_more_images_of_a_kind_than_asked_for():
    sample = drawn(images=2)
    kinds = sample.owner * 2 + sample.shows_child
    # identities 0 and 1 have three child images each, 0 and 2 two adult ones
    assert np.bincount(kinds, minlength=10).tolist() == [2, 2, 1, 2, 2, 0, 1, 0, 1, 0]


def test_no_more_identities_of_a_kind_than_asked_for():
    sample = drawn(classes=2)
    assert sample.counts() == {
        "child_identities": 2, "other_identities": 2,
        "child_images": 6, "adult_images": int((~sample.shows_child).sum()),
    }  # fmt: skip


def test_the_same_seed_gives_the_same_images_and_another_gives_others():
    rows = [draw(faces(), seed=seed, child_below=13.0, images=1).rows for seed in (0, 0, 1, 2, 3)]
    assert rows[0].tolist() == rows[1].tolist()
    assert any(other.tolist() != rows[0].tolist() for other in rows[2:])


def test_with_a_higher_age_of_children_adults_begin_there():
    sample = draw(faces(), seed=0, child_below=25.0)
    assert ages_of(sample, ~sample.shows_child) == [30, 30, 40, 50, 60]


def test_a_set_without_child_images_is_refused():
    with pytest.raises(ValueError, match="no child image among 5 identities"):
        draw(faces(ages=np.full(len(FLAT), 40.0)), seed=0, child_below=13.0)


def test_a_set_without_adults_is_refused():
    with pytest.raises(ValueError, match="no adult image among 5 identities"):
        draw(faces(ages=np.full(len(FLAT), 4.0)), seed=0, child_below=13.0)
