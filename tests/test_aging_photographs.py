"""Photographs to aligned crops: what is taken, and what is refused by name."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from embedding_models import noise, png
from pictures import put
from test_detection import MODEL, needs_model

from irlib.aging import open_photographs, photographs
from irlib.aging.photographs import FURTHEST
from irlib.data.alignment.detection import Detector, Face
from irlib.data.alignment.similarity import TEMPLATE

FILE = Path("finder.onnx")


class Space:
    """Stands for a face space: it takes what is brighter than a limit."""

    def __init__(self, limit):
        self.limit = limit

    def accepts(self, images):
        return images.mean(axis=(1, 2, 3)) > self.limit


ANY, NONE = Space(-1), Space(256)


def finder(monkeypatch, *, faces=1, shift=(0.0, 0.0)):
    """Put a detector in place that finds so many faces, shifted against the crop."""
    found = tuple(Face(np.zeros(4), TEMPLATE + shift, 0.9) for _ in range(faces))

    class Fake:
        def __init__(self, path):
            assert path == FILE

        def detect(self, image):
            return found

    monkeypatch.setattr(photographs, "Detector", Fake)


def test_crops_stay_as_they_are_and_in_order(tmp_path):
    crops = [noise(0), noise(1)]
    paths = [put(tmp_path / f"{at}.png", png(crop)) for at, crop in enumerate(crops)]
    np.testing.assert_array_equal(open_photographs(paths[::-1], space=ANY), crops[::-1])


def test_a_face_is_cut_where_it_is_found(tmp_path, monkeypatch):
    finder(monkeypatch, shift=(20.0, 10.0))
    pixels = noise(0, 150, 160)
    path = put(tmp_path / "a.png", png(pixels))
    (crop,) = open_photographs([path], detector=FILE)
    # the face is where a crop has it, 20 to the right and 10 down, so nothing is resampled
    np.testing.assert_array_equal(crop, pixels[10:122, 20:132])


def test_a_face_that_was_found_is_not_held_against_the_space(tmp_path, monkeypatch):
    finder(monkeypatch)
    path = put(tmp_path / "a.png", png(noise(0, 150, 160)))
    assert open_photographs([path], detector=FILE, space=NONE).shape == (1, 112, 112, 3)


@pytest.mark.parametrize(("data", "reason"), [
    (b"no image", r"a\.png: not a readable image \(no format that is known\)"),
    (png(noise(0, 150, 160)), r"a\.png: 160x150 pixels, expected an aligned 112x112 crop; a dete"),
    (png(noise(0)), r"a\.png: does not look like the aligned crops that the network was trained"),
])  # fmt: skip
def test_without_a_detector_it_is_refused_by_name(tmp_path, data, reason):
    path = put(tmp_path / "a.png", data)
    with pytest.raises(ValueError, match=reason):
        open_photographs([path], space=NONE)


@pytest.mark.parametrize(("faces", "shift", "size", "reason"), [
    (0, 0.0, 150, r"a\.png: no face found; expected one"),
    (3, 0.0, 150, r"a\.png: 3 faces found, expected one; cut the picture to one person"),
    (2, 0.0, 112, r"a\.png: 2 faces found"),
    # all points are 11 pixels to the right of their places
    (1, 11.0, 112, r"a\.png: not aligned: its landmarks lie 11\.0 pixels from their places"),
])  # fmt: skip
def test_with_a_detector_it_is_refused_by_name(tmp_path, monkeypatch, faces, shift, size, reason):
    finder(monkeypatch, faces=faces, shift=(shift, 0.0))
    path = put(tmp_path / "a.png", png(noise(0, size, size)))
    with pytest.raises(ValueError, match=reason):
        open_photographs([path], detector=FILE, space=ANY)


def test_a_crop_whose_landmarks_are_in_place_must_fit_the_space_too(tmp_path, monkeypatch):
    finder(monkeypatch, shift=(FURTHEST - 1, 0.0))
    path = put(tmp_path / "a.png", png(noise(0)))
    assert len(open_photographs([path], detector=FILE)) == 1
    with pytest.raises(ValueError, match="does not look like the aligned crops"):
        open_photographs([path], detector=FILE, space=NONE)


def test_all_that_are_refused_are_told_at_once(tmp_path):
    good, bad = put(tmp_path / "good.png", png(noise(0))), put(tmp_path / "bad.png", "words")
    with pytest.raises(ValueError, match="bad") as caught:
        open_photographs([good, bad, tmp_path / "none.png", good], space=ANY)
    told = str(caught.value).split("; ", 1)
    assert told[0] == f"{bad}: not a readable image (no format that is known)"
    assert told[1] == (
        f"{tmp_path / 'none.png'}: cannot be read (No such file or directory); "
        f"{good}: given twice; expected each photograph once"
    )


def test_a_photograph_spelled_in_two_ways_is_given_twice(tmp_path, monkeypatch):
    path = put(tmp_path / "a.png", png(noise(0)))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"^a\.png: given twice"):
        open_photographs([path, Path("a.png")], space=ANY)


def test_no_photograph_is_refused():
    with pytest.raises(ValueError, match="no photograph given"):
        open_photographs([], space=ANY)


def test_nothing_to_check_by_is_refused(tmp_path):
    path = put(tmp_path / "a.png", png(noise(0)))
    with pytest.raises(ValueError, match=r"expected a detector, or facespace\.npz in the folder"):
        open_photographs([path])


def test_a_detector_that_is_not_there_is_named(tmp_path):
    path = put(tmp_path / "a.png", png(noise(0)))
    with pytest.raises(FileNotFoundError, match=r"none\.onnx: no such face detector"):
        open_photographs([path], detector=tmp_path / "none.onnx")


# With a real detector and a photograph


@needs_model
def test_the_crop_of_a_photograph_passes_as_a_crop_and_shifted_does_not(tmp_path):
    path = put(tmp_path / "a.png", png(skimage.data.astronaut()))
    (crop,) = open_photographs([path], detector=MODEL)
    cut = put(tmp_path / "crop.png", png(crop))
    np.testing.assert_array_equal(open_photographs([cut], detector=MODEL)[0], crop)
    shifted = put(tmp_path / "shifted.png", png(np.roll(crop, 16, axis=1)))
    with pytest.raises(ValueError, match=r"not aligned: its landmarks lie 1[4-8]"):
        open_photographs([shifted], detector=MODEL)


@needs_model
def test_two_people_on_a_photograph_are_counted(tmp_path):
    portrait = skimage.data.astronaut()[:300, 100:400]
    path = put(tmp_path / "a.png", png(np.hstack([portrait, portrait])))
    with pytest.raises(ValueError, match="2 faces found, expected one"):
        open_photographs([path], detector=MODEL)


@needs_model
def test_a_photograph_of_something_else_has_no_face():
    with pytest.raises(ValueError, match="no face found"):
        photographs.only_face(skimage.data.coffee(), Detector(MODEL))
