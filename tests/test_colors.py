import numpy as np
import pytest
from skimage import data

from irlib.data.colors import looks_swapped, red_share
from irlib.data.synthetic.nuisance import draw_nuisance
from irlib.data.synthetic.render import render
from irlib.data.synthetic.traits import draw_identities


@pytest.fixture(scope="module")
def painted():
    index = np.arange(24)
    nuisance = draw_nuisance(1, index, index, difficulty=1.0)
    return render(draw_identities(1, index), np.linspace(2.0, 70.0, 24), nuisance)


def test_faces_are_redder_than_blue(painted):
    assert red_share(painted) > 0.9
    assert not looks_swapped(red_share(painted))


def test_swapped_channels_are_noticed(painted):
    assert red_share(painted[..., ::-1]) < 0.1
    assert looks_swapped(red_share(painted[..., ::-1]))


def test_a_photograph_is_told_as_well():
    portrait = data.astronaut()[40:240, 130:330][None]  # her face
    assert not looks_swapped(red_share(portrait))
    assert looks_swapped(red_share(portrait[..., ::-1]))


def test_gray_crops_tell_nothing(painted):
    gray = np.repeat(painted[..., :1], 3, axis=3)
    assert np.isnan(red_share(gray))
    assert not looks_swapped(red_share(gray))
    assert red_share(np.concatenate([gray, painted])) == red_share(painted)


def test_the_frame_around_the_face_does_not_count():
    crop = np.zeros((1, 112, 112, 3), dtype=np.uint8)
    crop[..., 2] = 200  # a blue wall
    crop[:, 28:84, 28:84] = (180, 130, 110)
    assert red_share(crop) == 1.0


def test_a_single_image_is_no_batch(painted):
    with pytest.raises(ValueError, match=r"expected \(B, H, W, 3\)"):
        red_share(painted[0])
