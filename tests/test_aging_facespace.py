"""The face space: aligned crops pass, others do not."""

import numpy as np
import pytest
import skimage.data
from aging_runs import held_out, space
from embedding_models import noise

from benchmarks.facespace import cuts, moved
from irlib.aging.disturbing import disturbed
from irlib.aging.facespace import LEAST_CROPS, FaceSpace
from irlib.aging.gaussians import Gaussian
from irlib.embeddings.cutting import Crops


def test_aligned_crops_of_other_people_pass():
    # the limits let 99.5 % of the training crops pass, as far as 700 of them tell
    assert space().accepts(held_out()).mean() >= 0.97


@pytest.mark.parametrize("how", [
    {"shift": (15, 0)}, {"shift": (-11, 11)}, {"shift": (0, -15)}, {"turn": 25}, {"turn": -25},
    {"turn": 90}, {"turn": 180}, {"zoom": 1.5}, {"zoom": 0.65},
], ids=str)  # fmt: skip
def test_crops_out_of_alignment_are_refused(how):
    assert space().accepts(moved(held_out(), **how)).mean() <= 0.05


def test_crops_upside_down_in_mirror_image_are_refused():
    assert space().accepts(held_out()[:, ::-1]).mean() <= 0.05


@pytest.mark.parametrize("pictures", [
    cuts(skimage.data.coffee()),
    cuts(skimage.data.chelsea()),
    np.stack([noise(seed) for seed in range(20)]),
    np.full((1, 112, 112, 3), 90, dtype=np.uint8),
    np.broadcast_to(np.arange(0, 224, 2, dtype=np.uint8)[:, None, None], (1, 112, 112, 3)),
], ids=["coffee", "a cat", "noise", "one color", "from dark to light"])  # fmt: skip
def test_pictures_of_something_else_are_refused(pictures):
    assert space().accepts(pictures).mean() <= 0.03


def test_light_and_contrast_do_not_matter():
    crops = held_out()[:50]
    darker = (crops.astype(np.float64) / 2 + 20).round().astype(np.uint8)
    # rounding to half as many levels moves a score; the limit and most scores are tens apart
    np.testing.assert_allclose(space().scores(darker), space().scores(crops), atol=5)


def test_a_space_that_was_kept_says_the_same(tmp_path):
    space().save(tmp_path / "space.npz")
    again = FaceSpace.load(tmp_path / "space.npz")
    np.testing.assert_array_equal(again.scores(held_out()), space().scores(held_out()))
    assert (again.greatest_score, again.distances) == (space().greatest_score, space().distances)


def test_equal_crops_and_seed_give_an_equal_space():
    crops = Crops(tuple(map(str, range(120))), tuple(held_out()[:120]))
    first, second = (FaceSpace.of(crops, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.scores(held_out()), second.scores(held_out()))


def test_too_few_crops_are_refused():
    crops = Crops(("a",), (noise(0),))
    with pytest.raises(ValueError, match=f"1 training crops, expected at least {LEAST_CROPS}"):
        FaceSpace.of(crops, seed=0)


def test_pictures_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"images: uint8 \(1, 64, 64, 3\), expected uint8"):
        space().accepts(noise(0, 64, 64)[None])


def test_a_file_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "space.npz", mean=np.zeros(3))
    with pytest.raises(ValueError, match=r"space\.npz: not a face space"):
        FaceSpace.load(tmp_path / "space.npz")


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "space.npz").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"space\.npz: not a face space"):
        FaceSpace.load(tmp_path / "space.npz")


# What it is made of


def test_the_log_density_falls_with_the_square_of_the_deviation():
    # standard deviation 1/2 on two axes: density grows by log 4, and 1/2 away is one deviation
    known = Gaussian(np.zeros(2), 2 * np.eye(2))
    found = known.log_density(np.array([[0.0, 0.0], [0.5, 0.0]]))
    np.testing.assert_allclose(found, [np.log(4), np.log(4) - 0.5])


def test_a_gaussian_of_points_whitens_them():
    points = np.random.default_rng(0).normal(size=(5000, 2)) @ np.array([[2.0, 0.0], [1.0, 0.5]])
    found = Gaussian.of(points)
    white = (points - found.mean) @ found.whitening.T
    # the ridge of a thousandth of the mean variance, 2.6, tells on the narrow axis
    np.testing.assert_allclose(np.cov(white, rowvar=False), np.eye(2), atol=0.02)


def test_a_disturbed_picture_keeps_its_middle_or_is_shifted_by_at_least_twelve_of_112():
    dot = np.zeros((900, 56, 56), dtype=np.float32)
    dot[:, 26:30, 26:30] = 1  # about the middle, 27.5
    made = disturbed(dot, np.random.default_rng(0))[::3]  # those with nothing outside
    mass = made.sum(axis=(1, 2))
    rows, columns = np.mgrid[:56, :56] - 27.5
    away = np.hypot(*((made * at).sum(axis=(1, 2)) / mass for at in (rows, columns)))
    # 12 to 35 of 112 are 6 to 17.5 of 56; a dot of a few pixels tells its place to about a half
    assert ((away < 0.5) | ((away > 5.5) & (away < 18))).all()
    assert 0.3 < (away > 5.5).mean() < 0.5  # two of the five ways shift


def test_a_disturbed_picture_of_one_color_has_no_other_but_black():
    made = disturbed(np.ones((60, 56, 56), dtype=np.float32), np.random.default_rng(0))
    assert np.isclose(made.max(axis=(1, 2)), 1).all()
    plain = np.isclose(made, 1).all(axis=(1, 2))
    assert plain[1::3].all()  # the edge goes on outside
    assert plain[2::3].all()  # or is mirrored
    assert not plain[::3].all()
