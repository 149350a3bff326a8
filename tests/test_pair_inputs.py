"""Images and pairs as callers give them."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from irlib.data.sources import ImageFiles, crops
from irlib.evaluation.pair_inputs import images_of, rows_of


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), dtype=np.uint8)


@pytest.mark.parametrize("given", [
    lambda pixels: pixels,
    list,
    tuple,
    torch.from_numpy,
    lambda pixels: list(torch.from_numpy(pixels)),
    lambda pixels: [Image.fromarray(crop) for crop in pixels],
    lambda pixels: np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1),
])  # fmt: skip
def test_crops_may_be_given_in_many_ways(pixels, given):
    np.testing.assert_array_equal(crops(images_of(given(pixels)), range(3)), pixels)


def test_gray_pictures_of_pillow_have_three_equal_channels(pixels):
    found = crops(images_of([Image.fromarray(pixels[0, ..., 0])]), [0])
    np.testing.assert_array_equal(found[0], np.repeat(pixels[0, ..., :1], 3, axis=2))


def test_pictures_of_pillow_are_set_upright(pixels):
    image = Image.fromarray(pixels[0])
    image.getexif()[0x0112] = 3  # upside down
    np.testing.assert_array_equal(crops(images_of([image]), [0])[0], pixels[0, ::-1, ::-1])


@pytest.mark.parametrize("kind", [list, tuple, np.array, pd.Series, pd.Index])
@pytest.mark.parametrize("dtype", [str, object])
def test_paths_may_be_given_in_many_ways(kind, dtype):
    images = images_of(kind(np.array(["a.jpg", "b/c.jpg"], dtype=dtype).tolist()))
    assert [images.name(row) for row in range(len(images))] == ["a.jpg", "b/c.jpg"]


CROP = np.zeros((112, 112, 3), dtype=np.uint8)


@pytest.mark.parametrize(("given", "told"), [
    ("faces", r"images: one path, faces; expected a list of paths, or for a folder .*ImageFiles"),
    (CROP[None].transpose(0, 3, 1, 2), r"uint8 \(1, 3, 112, 112\); expected uint8 \(N, 112, 112"),
    (torch.zeros(2, 3, 112, 112).byte(), r"\(2, 3, 112, 112\); expected uint8 \(N, 112, 112, 3\)"),
    (CROP[None].astype(float), r"images: float64 \(1, 112, 112, 3\); expected uint8 \(N, 112"),
    (CROP, r"images: uint8 \(112, 112, 3\); expected uint8 \(N, 112, 112, 3\)"),
    ([CROP, CROP[1:]], r"the one at 1 uint8 \(111, 112, 3\); expected uint8 \(112, 112, 3\)"),
    ([CROP, "a.jpg"], "images: the one at 1 is a str after ndarray; expected paths, crops as"),
    ([b"a.jpg"], "images: the one at 0 is a bytes; expected paths"),
    (["a.jpg", None], "images: the one at 1 is a NoneType after str; expected paths"),
    ([], "images: none given; expected paths"),
    (np.array([["a.jpg", "b.jpg"]]), r"images: a ndarray \(1, 2\); expected paths"),
    ({"a.jpg": 1}, "images: a dict; expected paths"),
    ({"a.jpg", "b.jpg"}, "images: a set; expected paths"),
    (Image.fromarray(CROP), "images: a Image; expected paths"),
    ([Image.new("I;16", (112, 112))], "one of Pillow's in mode I;16; expected 8 bits"),
    (7, "images: a int; expected paths"),
])  # fmt: skip
def test_other_images_are_refused_by_name(given, told):
    with pytest.raises(ValueError, match=told) as error:
        images_of(given)
    assert len(str(error.value)) < 200  # no pixels


def files(root, *names):
    return ImageFiles(root, np.array(names))


def test_a_file_that_stands_twice_has_its_first_row(tmp_path):
    images = files(tmp_path, "a.jpg", "b.jpg", "./a.jpg", "c.jpg", str(tmp_path / "d/../c.jpg"))
    assert rows_of(images, [(0, 1), (2, 4), (3, 1)]).tolist() == [[0, 1], [0, 3], [3, 1]]


def test_a_pair_is_known_again_under_other_rows(tmp_path):
    images = files(tmp_path, "a.jpg", "b.jpg", "a.jpg")
    with pytest.raises(ValueError, match=r"1 pairs stand in the list before.* b\.jpg and a\.jpg"):
        rows_of(images, [(0, 1), (1, 2)])


def test_a_file_is_no_pair_with_itself(tmp_path):
    images = files(tmp_path, "a.jpg", "b.jpg", "./a.jpg")
    with pytest.raises(ValueError, match=r"1 pairs hold one image twice; .* pair 1, a\.jpg"):
        rows_of(images, [(0, 1), (0, 2)])


def test_names_in_pairs_may_be_written_in_other_ways(tmp_path):
    images = images_of([tmp_path / "a.jpg", tmp_path / "b.jpg"])
    assert rows_of(images, [(f"{tmp_path}/b.jpg", tmp_path / "c/../a.jpg")]).tolist() == [[1, 0]]


class Namesakes:
    """Three images, two of which have one name and are no files."""

    def __len__(self):
        return 3

    def name(self, index):
        return ("a", "b", "a")[index]

    def encoded(self, index):
        raise AssertionError


@pytest.mark.parametrize("pairs", [[(0, 1), (1, 2)], [("a", "b")]])
def test_one_name_of_two_images_is_refused(pairs):
    with pytest.raises(ValueError, match="1 names stand for several of them: a; expected a name"):
        rows_of(Namesakes(), pairs)
