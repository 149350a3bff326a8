import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

import irlib
from irlib.data.alignment import align
from irlib.data.alignment.detection import Detector, Face, central_face, known_models
from irlib.data.alignment.similarity import TEMPLATE, similarity

ROOT = Path(irlib.__file__).parents[1]
MODEL = ROOT.parent / "shared/models/yunet_n_640_640.onnx"
needs_model = pytest.mark.skipif(not MODEL.is_file(), reason="no model of the face detector here")

# Marked by hand in scikit-image's portrait (512x512): pupils, tip of the nose, corners of the mouth
ASTRONAUT = np.array([[203.5, 101], [247, 103.5], [223, 127], [203, 140], [244.5, 141]])


@pytest.fixture(scope="module")
def detector():
    return Detector(MODEL)


@pytest.fixture(scope="module")
def astronaut():
    return skimage.data.astronaut()


def resized(image, width, height):
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def face(left, top, side, score=0.9):
    return Face(np.array([left, top, side, side], dtype=float), TEMPLATE, score)


@needs_model
def test_the_astronaut_is_found_alone(detector, astronaut):
    (found,) = detector.detect(astronaut)
    assert found.score > 0.9
    left, top, width, height = found.box
    assert left < 204 < 247 < left + width
    assert top < 103 < 143 < top + height


@needs_model
def test_the_landmarks_are_in_our_order(detector, astronaut):
    (found,) = detector.detect(astronaut)
    assert found.landmarks.shape == (5, 2)
    np.testing.assert_allclose(found.landmarks, ASTRONAUT, atol=4)


@needs_model
def test_the_aligned_astronaut_lies_where_marks_by_hand_would_put_it(detector, astronaut):
    (found,) = detector.detect(astronaut)
    marks = np.c_[ASTRONAUT, np.ones(5)]
    placed, expected = marks @ similarity(found.landmarks).T, marks @ similarity(ASTRONAUT).T
    assert np.linalg.norm(placed - expected, axis=1).max() < 3
    # her smile is wider than the template's mouth, so the eyes cannot lie on the template too
    assert np.linalg.norm(placed - TEMPLATE, axis=1)[:2].max() < 4


@needs_model
def test_the_aligned_astronaut_is_found_again_where_the_template_says(detector, astronaut):
    (found,) = detector.detect(astronaut)
    (again,) = detector.detect(align(astronaut, found.landmarks))
    assert np.linalg.norm(again.landmarks[:2] - TEMPLATE[:2], axis=1).max() < 4


@needs_model
@pytest.mark.parametrize("factor", [0.2, 0.5, 2.0, 5.0])
def test_landmarks_scale_with_the_picture(detector, astronaut, factor):
    side = round(512 * factor)
    (found,) = detector.detect(resized(astronaut, side, side))
    # 3 pixels of the portrait as it is; the smallest has 5 pixels for one of it
    np.testing.assert_allclose(found.landmarks / factor, ASTRONAUT, atol=max(6, 1 / factor))


@needs_model
def test_a_picture_of_another_shape_is_not_distorted(detector, astronaut):
    wide = np.zeros((600, 1999, 3), dtype=np.uint8)
    wide[50:562, 1400:1912] = astronaut
    (found,) = detector.detect(wide)
    np.testing.assert_allclose(found.landmarks, np.add(ASTRONAUT, [1400, 50]), atol=6)


@needs_model
@pytest.mark.parametrize("enlarged", [1, 4, 12])
def test_a_face_that_fills_the_picture_is_found(detector, astronaut, enlarged):
    tight = astronaut[75:165, 180:268]
    tight = cv2.resize(tight, None, fx=enlarged, fy=enlarged)
    found = central_face(detector.detect(tight), tight.shape[:2])
    expected = (ASTRONAUT - [180, 75]) * enlarged
    np.testing.assert_allclose(found.landmarks, expected, atol=6 * enlarged)


@needs_model
def test_a_small_face_in_a_large_picture_is_found(detector, astronaut):
    large = np.zeros((3000, 3000, 3), dtype=np.uint8)
    large[1800:1928, 1300:1428] = resized(astronaut, 128, 128)  # 23 pixels of face, 5 at first
    found = central_face(detector.detect(large), (3000, 3000))
    np.testing.assert_allclose(found.landmarks, ASTRONAUT / 4 + [1300, 1800], atol=4)


@needs_model
def test_a_grey_face_is_found(detector, astronaut):
    grey = np.repeat(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    (found,) = detector.detect(grey)
    np.testing.assert_allclose(found.landmarks, ASTRONAUT, atol=5)


@needs_model
@pytest.mark.parametrize("size", [(112, 112), (1, 1), (1, 900), (3, 5), (700, 2)])
def test_a_picture_without_a_face_gives_none(detector, size):
    assert detector.detect(np.zeros((*size, 3), dtype=np.uint8)) == ()
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert detector.detect(noise) == ()


@needs_model
def test_two_faces_come_with_the_best_score_first(detector, astronaut):
    two = np.hstack([astronaut, resized(astronaut, 256, 512)])
    found = detector.detect(two)
    assert len(found) == 2
    assert found[0].score >= found[1].score


@needs_model
def test_two_threads_find_what_one_finds(detector, astronaut):
    pictures = [np.ascontiguousarray(resized(astronaut, side, side)) for side in range(200, 280, 5)]
    alone = [detector.detect(picture)[0].landmarks for picture in pictures]
    started = threading.Barrier(2)

    def detect(picture):
        return detector.detect(picture)[0].landmarks

    with ThreadPoolExecutor(2, initializer=started.wait) as pool:
        together = list(pool.map(detect, pictures))
    assert np.array_equal(alone, together)


@needs_model
def test_the_model_of_the_tests_is_known_by_its_hash(detector):
    assert detector.is_known
    assert detector.sha256 == hashlib.sha256(MODEL.read_bytes()).hexdigest()
    assert known_models[0].size == MODEL.stat().st_size


@needs_model
def test_a_higher_bar_lets_fewer_faces_through(astronaut):
    assert Detector(MODEL, min_score=0.999).detect(astronaut) == ()


@needs_model
@pytest.mark.parametrize(
    "image",
    [
        np.zeros((100, 100), dtype=np.uint8),
        np.zeros((100, 100, 4), dtype=np.uint8),
        np.zeros((100, 100, 3), dtype=np.float32),
        np.zeros((0, 100, 3), dtype=np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(detector, image):
    with pytest.raises(ValueError, match=r"expected uint8 \(H, W, 3\)"):
        detector.detect(image)


def test_a_missing_model_tells_what_to_download_and_where_to_put_it(tmp_path):
    told = r"(?s)yunet\.onnx: no such face detector; .*yunet_n_640_640\.onnx.*data/models"
    with pytest.raises(FileNotFoundError, match=told):
        Detector(tmp_path / "yunet.onnx")


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", bytes(range(256)) * 100])
def test_a_file_that_is_no_model_is_refused(tmp_path, content):
    (tmp_path / "yunet.onnx").write_bytes(content)
    with pytest.raises(ValueError, match=r"yunet\.onnx: not a YuNet model.*download one of"):
        Detector(tmp_path / "yunet.onnx")


@needs_model
def test_a_model_cut_short_is_refused(tmp_path):
    (tmp_path / "yunet.onnx").write_bytes(MODEL.read_bytes()[:200_000])
    with pytest.raises(ValueError, match=r"yunet\.onnx: not a YuNet model"):
        Detector(tmp_path / "yunet.onnx")


@pytest.mark.parametrize("min_score", [0, 1, -0.5, float("nan")])
def test_a_score_that_no_face_or_every_face_has_is_refused(min_score):
    with pytest.raises(ValueError, match="expected a number between 0 and 1"):
        Detector(MODEL, min_score=min_score)


def test_the_central_face_is_the_one_whose_box_is_nearest_to_the_center():
    aside, middle = face(0, 0, 20), face(90, 40, 20)
    assert central_face((aside, middle), (100, 200)) is middle  # center at (100, 50)


def test_of_two_faces_as_near_the_better_score_is_central():
    left, right = face(0, 40, 20, 0.7), face(180, 40, 20, 0.8)
    assert central_face((left, right), (100, 200)) is right


def test_no_face_is_central_among_none():
    with pytest.raises(ValueError, match="no face"):
        central_face((), (100, 100))
