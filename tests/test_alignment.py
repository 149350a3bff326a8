import numpy as np
import pytest
from skimage.transform import SimilarityTransform

from irlib.data.alignment import align
from irlib.data.alignment.similarity import TEMPLATE, similarity


def mapped(matrix, points):
    return points @ matrix[:, :2].T + matrix[:, 2]


def turned(points, *, degrees=0.0, scale=1.0, shift=(0.0, 0.0)):
    angle = np.deg2rad(degrees)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return scale * points @ rotation.T + shift


def test_the_template_stays_where_it_is():
    np.testing.assert_allclose(similarity(TEMPLATE), [[1, 0, 0], [0, 1, 0]], atol=1e-12)


@pytest.mark.parametrize(
    ("degrees", "scale", "shift"), [(0, 1, (30, -7)), (25, 1, (0, 0)), (-170, 3.7, (200, 90))]
)
def test_a_turn_a_scale_and_a_shift_are_undone(degrees, scale, shift):
    source = turned(TEMPLATE, degrees=degrees, scale=scale, shift=shift)
    matrix = similarity(source)
    np.testing.assert_allclose(mapped(matrix, source), TEMPLATE, atol=1e-10)
    assert np.linalg.det(matrix[:, :2]) == pytest.approx(1 / scale**2)


def test_the_published_template():
    # Deng et al.: eyes 35 pixels apart, as the crop has them since 2018
    assert TEMPLATE[1, 0] - TEMPLATE[0, 0] == pytest.approx(35.2372)
    assert TEMPLATE[2].tolist() == [56.0252, 71.7366]


@pytest.mark.parametrize("seed", range(20))
def test_random_points_give_scikit_images_estimate(seed):
    source = np.random.default_rng(seed).uniform(0, 500, (5, 2))
    expected = SimilarityTransform.from_estimate(source, TEMPLATE)
    assert expected
    np.testing.assert_allclose(similarity(source), expected.params[:2], atol=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_similarity_is_nearer(seed):
    generator = np.random.default_rng(seed)
    source = TEMPLATE + generator.normal(0, 3, (5, 2))
    best = similarity(source)
    error = np.square(mapped(best, source) - TEMPLATE).sum()
    for step in generator.normal(0, 1e-3, (50, 4)):
        a, b, x, y = best[0, 0] + step[0], best[1, 0] + step[1], *(best[:, 2] + step[2:])
        other = np.array([[a, -b, x], [b, a, y]])
        assert np.square(mapped(other, source) - TEMPLATE).sum() > error


def test_points_in_mirror_image_are_not_mirrored():
    source = TEMPLATE * [-1, 1] + [112, 0]
    matrix = similarity(source)
    assert np.linalg.det(matrix[:, :2]) > 0
    expected = SimilarityTransform.from_estimate(source, TEMPLATE)
    np.testing.assert_allclose(matrix, expected.params[:2], atol=1e-9)


def test_two_points_are_enough():
    matrix = similarity(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[5.0, 5.0], [5.0, 7.0]]))
    np.testing.assert_allclose(matrix, [[0, -2, 5], [2, 0, 5]], atol=1e-12)


def test_a_face_on_the_template_is_cut_out_unchanged():
    image = np.random.default_rng(0).integers(0, 256, (150, 140, 3), dtype=np.uint8)
    crop = align(image, np.add(TEMPLATE, [20, 10]))
    assert crop.dtype == np.uint8
    assert np.array_equal(crop, image[10:122, 20:132])


def test_channels_keep_their_order():
    image = np.zeros((112, 112, 3), dtype=np.uint8)
    image[..., 0] = 200
    assert align(image, TEMPLATE)[56, 56].tolist() == [200, 0, 0]


def test_what_lies_outside_the_picture_is_black():
    crop = align(np.full((60, 112, 3), 255, dtype=np.uint8), TEMPLATE)
    assert (crop[:60] == 255).all()
    assert (crop[60:] == 0).all()


def test_a_turned_picture_gives_the_upright_crop():
    # a quarter turn: pixel (x, y) of the crop lies at (150 - y, x)
    crop = np.random.default_rng(1).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    image = np.zeros((160, 160, 3), dtype=np.uint8)
    image[:112, 39:151] = np.rot90(crop, -1)
    landmarks = np.column_stack([150 - TEMPLATE[:, 1], TEMPLATE[:, 0]])
    assert np.abs(align(image, landmarks).astype(int) - crop).max() <= 1


def test_integer_landmarks_and_a_view_of_an_image_do():
    image = np.random.default_rng(2).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    landmarks = np.rint(TEMPLATE).astype(int) + 50
    flipped = align(image[:, ::-1], landmarks)
    assert np.array_equal(flipped, align(image[:, ::-1].copy(), landmarks.astype(float)))


IMAGE = np.zeros((200, 200, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("landmarks", "message"),
    [
        (TEMPLATE[:4], r"shape \(4, 2\), expected \(5, 2\)"),
        (TEMPLATE.T, r"shape \(2, 5\), expected \(5, 2\)"),
        (TEMPLATE.ravel(), r"shape \(10,\), expected \(5, 2\)"),
        (np.where(TEMPLATE > 90, np.nan, TEMPLATE), "not finite"),
        (np.where(TEMPLATE > 90, np.inf, TEMPLATE), "not finite"),
        (np.full((5, 2), 50.0), "all within 0 pixels"),
        (50 + 1e-3 * TEMPLATE, r"all within 0\.0\d+ pixels"),
        (np.add(TEMPLATE, [1000, 0]), "far outside the image of 200x200"),
        (TEMPLATE - [0, 1000], "far outside"),
        (TEMPLATE * 1e6, "far outside"),
        ([["a", "b"]] * 5, r"not numbers, expected \(5, 2\)"),
    ],
)
def test_landmarks_that_are_no_face_are_refused(landmarks, message):
    with pytest.raises(ValueError, match=message):
        align(IMAGE, landmarks)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (IMAGE.astype(np.float32), "float32, expected uint8"),
        (IMAGE[..., 0], r"shape \(200, 200\), expected \(H, W, 3\)"),
        (np.zeros((200, 200, 4), dtype=np.uint8), r"shape \(200, 200, 4\)"),
        (np.zeros((0, 200, 3), dtype=np.uint8), r"shape \(0, 200, 3\)"),
        ("face.jpg", "str, expected uint8"),
    ],
)
def test_what_is_no_picture_is_refused(image, message):
    with pytest.raises(ValueError, match=message):
        align(image, TEMPLATE)


def test_points_without_a_best_turn_are_refused():
    # a square and its mirror image: every turn fits as badly
    square = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]])
    with pytest.raises(ValueError, match="no turn fits better"):
        similarity(square * [-1, 1], square)


def test_sides_of_different_numbers_are_refused():
    with pytest.raises(ValueError, match="source has 4 points and target 5"):
        similarity(TEMPLATE[:4])
