import numpy as np
import pytest

from irlib.analyses.about_angles import image_angles, other_angles, own_angles
from irlib.analyses.about_sample import Sample


def direction(degrees):
    angle = np.radians(np.asarray(degrees, dtype=float))
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def sample(owner, shows_child, num_child, num_classes):
    return Sample(
        classes=10 + np.arange(num_classes),
        is_child=np.arange(num_classes) < num_child,
        rows=np.arange(len(owner)),
        owner=np.array(owner),
        shows_child=np.array(shows_child),
    )


# in the plane: child prototypes at 0, 30 and 90 degrees, one other at 180; each child identity but
# the last has a child image on its prototype, the other an adult image
PROTOTYPES = 3.0 * direction([0, 30, 90, 180])
SAMPLE = sample([0, 1, 3], [True, True, False], 3, 4)
IMAGES = 2.0 * direction([0, 30, 180])
ONCE = np.ones((1, 4), dtype=int)


def test_angles_of_each_child_image_leave_its_own_prototype_out():
    table = image_angles(IMAGES, PROTOTYPES, SAMPLE)
    assert table["class"].tolist() == [10, 11]
    assert table["child"].tolist() == pytest.approx([(30 + 90) / 2, (30 + 60) / 2])
    assert table["other"].tolist() == pytest.approx([180, 150])


def test_mean_angles_are_those_of_the_images():
    found = other_angles(IMAGES, PROTOTYPES, SAMPLE, ONCE)
    assert found["child"].value == pytest.approx((30 + 90 + 30 + 60) / 4)
    assert found["other"].value == pytest.approx((180 + 150) / 2)
    assert found["difference"].value == pytest.approx(52.5 - 165)


def test_a_draw_weighs_images_and_prototypes():
    # identity 0 twice, 1 once, no other child: its image to 1 and 1's to it, 30 degrees each
    found = other_angles(IMAGES, PROTOTYPES, SAMPLE, np.array([[2, 1, 0, 1]]))
    assert found["child"].replicates == pytest.approx([30])
    assert found["other"].replicates == pytest.approx([(2 * 180 + 150) / 3])


def own(images_of_each, seed=0):
    # identities at 0, 30, 60 .. degrees; child images 10 degrees off, adult images 25 degrees
    num = len(images_of_each)
    owner = np.concatenate([np.repeat(i, 2 * n) for i, n in enumerate(images_of_each)])
    young = np.concatenate([np.arange(2 * n) < n for n in images_of_each])
    base = 3.0 * np.arange(num)
    points = direction(base[owner] + np.where(young, 10, 25))
    counts = np.ones((1, num), dtype=int)
    return own_angles(points, direction(base), sample(owner, young, num, num), counts)


def test_angles_to_the_own_prototype():
    found = own([10] * 20)
    assert found.estimates["child"].value == pytest.approx(10)
    assert found.estimates["adult"].value == pytest.approx(25)
    assert found.estimates["difference"].value == pytest.approx(-15)


def test_ten_images_of_either_kind_are_asked_for_where_twenty_identities_have_them():
    found = own([10] * 20 + [9] * 20)
    assert (found.images, len(found.table)) == (10, 20)


def test_fewer_images_are_asked_for_where_fewer_identities_have_ten():
    found = own([10] * 19 + [7] + [3] * 20)
    assert (found.images, len(found.table)) == (7, 20)


def test_one_image_is_enough_in_a_small_study():
    found = own([4, 4, 1])
    assert (found.images, len(found.table)) == (1, 3)


def test_an_identity_without_one_of_the_kinds_does_not_count():
    found = own_angles(IMAGES, PROTOTYPES, SAMPLE, ONCE)
    assert len(found.table) == 0
    assert np.isnan(found.estimates["difference"].value)
