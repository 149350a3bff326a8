import io
import pickle

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from irlib.data.sets.bins import read_bin
from irlib.data.sources import crops

PICTURES = np.stack([
    np.full((112, 112, 3), color, dtype=np.uint8)
    for color in [(250, 0, 0), (0, 250, 0), (0, 0, 250), (90, 60, 30), (10, 20, 30), (7, 7, 7)]
])  # fmt: skip
FILES = [simplejpeg.encode_jpeg(picture, quality=100) for picture in PICTURES]
DECODED = np.stack([simplejpeg.decode_jpeg(file) for file in FILES])
IS_SAME = [True, False, True]


def written(tmp_path, held, protocol=2):
    path = tmp_path / "lfw.bin"
    path.write_bytes(held if isinstance(held, bytes) else pickle.dumps(held, protocol))
    return path


def python_2(files, is_same):
    # as its pickle.dump wrote the pair of lists, protocol 2
    strings = b"".join(b"T" + len(file).to_bytes(4, "little") + file for file in files)
    truths = b"".join(b"\x88" if value else b"\x89" for value in is_same)
    return b"\x80\x02](" + strings + b"e](" + truths + b"e\x86."


def python_2_text(files, is_same):
    # the same, protocol 0: a byte string as its repr
    strings = b"".join(b"S" + repr(file)[1:].encode() + b"\na" for file in files)
    truths = b"".join(b"I01\na" if value else b"I00\na" for value in is_same)
    return b"((l" + strings + b"(l" + truths + b"t."


FORMS = {
    "Python 2, protocol 2": python_2(FILES, IS_SAME),
    "Python 2, protocol 0": python_2_text(FILES, IS_SAME),
    **{f"Python 3, protocol {p}": pickle.dumps((FILES, IS_SAME), p) for p in range(6)},
    "list of lists": pickle.dumps([FILES, IS_SAME], 4),
    "tuples": pickle.dumps((tuple(FILES), tuple(IS_SAME)), 4),
    "uint8 arrays": pickle.dumps(([np.frombuffer(f, np.uint8) for f in FILES], IS_SAME), 4),
    "array of booleans": pickle.dumps((FILES, np.array(IS_SAME)), 4),
    "NumPy's booleans": pickle.dumps((FILES, list(np.array(IS_SAME))), 2),
    "0 and 1": pickle.dumps((FILES, [1, 0, 1]), 2),
}


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS)
def test_every_form_gives_the_same_pairs(tmp_path, data):
    pairs = read_bin(written(tmp_path, data))
    assert pairs.images.shape == (6, 112, 112, 3)
    assert np.array_equal(pairs.images[:], DECODED)
    assert pairs.is_same.dtype == bool
    assert pairs.is_same.tolist() == IS_SAME
    assert (len(pairs), len(pairs.images)) == (3, 6)


@pytest.mark.parametrize("protocol", [0, 2])
def test_python_reads_the_hand_made_files_of_python_2_alike(protocol):
    data = {0: python_2_text, 2: python_2}[protocol](FILES, IS_SAME)
    files, is_same = pickle.loads(data, encoding="bytes")
    assert (files, is_same) == (FILES, IS_SAME)


def test_the_first_picture_is_red(tmp_path):
    # the first channel is red: swapped channels would show it blue
    pairs = read_bin(written(tmp_path, (FILES, IS_SAME)))
    red, green, blue = pairs.images[0].mean(axis=(0, 1))
    assert (red > 240, green < 10, blue < 10) == (True, True, True)


@pytest.mark.parametrize(
    "which",
    [
        slice(None), slice(1, 3), slice(None, None, 2), slice(4, 100), slice(2, 2), slice(-1, None),
        [4, 0, 0], [], np.array([5, -6]), np.array([True, False, False, True, False, False]),
        0, 5, -1, -6, np.int64(3), ...,
    ],
    ids=str,
)  # fmt: skip
def test_images_are_had_as_from_an_array(tmp_path, which):
    images = read_bin(str(written(tmp_path, (FILES, IS_SAME)))).images
    expected = DECODED[which]
    assert images[which].shape == expected.shape
    assert images[which].dtype == images.dtype == np.uint8
    assert np.array_equal(images[which], expected)


@pytest.mark.parametrize("which", [6, -7, [0, 6], (0, 1), True, None, 1.0, "a", [[0, 1]]], ids=str)
def test_what_is_no_index_of_an_image_is_an_index_error(tmp_path, which):
    images = read_bin(written(tmp_path, (FILES, IS_SAME))).images
    with pytest.raises(IndexError):
        images[which]


def test_all_images_as_an_array(tmp_path):
    images = read_bin(written(tmp_path, (FILES, IS_SAME))).images
    assert np.array_equal(np.asarray(images), DECODED)
    assert np.asarray(images, dtype=np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="cannot be had without a copy"):
        np.array(images, copy=False)


def test_images_end_where_they_end(tmp_path):
    images = read_bin(written(tmp_path, (FILES, IS_SAME))).images
    assert np.array_equal(np.stack(list(images)), DECODED)


def test_the_images_can_be_loaded_as_any_others(tmp_path):
    images = pickle.loads(pickle.dumps(read_bin(written(tmp_path, (FILES, IS_SAME))).images))
    assert images.name(4) == "lfw.bin/00004"
    assert images.encoded(4) == FILES[4]
    assert np.array_equal(crops(images, [4, 1]), DECODED[[4, 1]])


def test_images_that_are_no_jpeg(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(PICTURES[3]).save(buffer, "PNG")
    pairs = read_bin(written(tmp_path, ([buffer.getvalue(), FILES[1]], [True])))
    assert np.array_equal(pairs.images[0], PICTURES[3])


BAD = {
    "no pair of lists": (FILES, r"found list of 6, expected \(list of 2P"),
    "one list": ((FILES,), "found tuple of 1"),
    "three lists": ((FILES, IS_SAME, []), "found tuple of 3"),
    "a number": (5, "found 5, expected"),
    "odd number of images": ((FILES[:5], [True, False]), "5 images and 2 booleans"),
    "too few booleans": ((FILES, [True, False]), "6 images and 2 booleans"),
    "too many booleans": ((FILES, [*IS_SAME, True]), "6 images and 4 booleans"),
    "nothing": (([], []), "0 images and 0 booleans"),
    "images in bytes": ((b"".join(FILES), IS_SAME), r"the images are bytes of \d+"),
    "an image is text": (([*FILES[:5], "x"], IS_SAME), "image 5 is str of 1, expected an encoded"),
    "an image is empty": (([*FILES[:5], b""], IS_SAME), "image 5 is bytes of 0"),
    "an image is None": (([None, *FILES[1:]], IS_SAME), "image 0 is NoneType"),
    "an image is decoded": (([PICTURES[0], *FILES[1:]], IS_SAME), "image 0 is ndarray"),
    "an image is of int64": (([np.arange(3), *FILES[1:]], IS_SAME), "image 0 is ndarray"),
    "a truth is 2": ((FILES, [True, 2, True]), "pair 1 is 2, expected a boolean"),
    "a truth is -1": ((FILES, [True, -1, True]), "pair 1 is -1, expected a boolean"),
    "a truth is None": ((FILES, [True, None, True]), "pair 1 is NoneType, expected a boolean"),
    "a truth is text": ((FILES, [True, False, "True"]), "pair 2 is str of 4, expected a boolean"),
    "truths in bytes": ((FILES, b"\1\0\1"), "the booleans are bytes of 3"),
    "truths in a table": ((FILES, np.ones((3, 1), bool)), "the booleans are ndarray"),
    "a dictionary": ({"bins": FILES}, "found the operation EMPTY_DICT"),
}


@pytest.mark.parametrize(("held", "reason"), BAD.values(), ids=BAD)
def test_what_is_no_set_of_pairs_is_refused(tmp_path, held, reason):
    with pytest.raises(ValueError, match=rf"lfw\.bin: {reason}"):
        read_bin(written(tmp_path, held, 4))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"lfw\.bin: no such file"):
        read_bin(tmp_path / "lfw.bin")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_bin(tmp_path)


def test_a_link_to_itself_is_no_file(tmp_path):
    (tmp_path / "lfw.bin").symlink_to(tmp_path / "lfw.bin")
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_bin(tmp_path / "lfw.bin")


def test_a_damaged_image_is_named_and_the_others_are_read(tmp_path):
    files = [*FILES[:3], FILES[3][:200], b"no image", FILES[5]]
    images = read_bin(written(tmp_path, (files, IS_SAME))).images
    assert np.array_equal(images[:3], DECODED[:3])
    with pytest.raises(ValueError, match=r"lfw\.bin: image 3: not a readable image"):
        images[3]
    with pytest.raises(ValueError, match=r"lfw\.bin: image 4: not a readable image"):
        images[-2:]


def test_an_image_of_another_size_is_named(tmp_path):
    files = [FILES[0], simplejpeg.encode_jpeg(np.zeros((100, 112, 3), np.uint8))]
    images = read_bin(written(tmp_path, (files, [True]))).images
    with pytest.raises(ValueError, match=r"image 1: 112x100 pixels, expected an aligned 112x112"):
        images[:]


def test_an_array_that_stands_in_many_places_is_held_once(tmp_path):
    array = np.frombuffer(FILES[0], np.uint8)
    images = read_bin(written(tmp_path, ([array] * 100, [True] * 50), 4)).images
    assert len(set(map(id, images.files))) == 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("bins")


@settings(max_examples=700, deadline=None)
@given(
    st.sampled_from(list(FORMS.values())),
    st.lists(st.tuples(st.integers(0), st.binary(max_size=3)), max_size=4),
)
def test_any_change_of_a_file_gives_pairs_or_says_why(folder, data, changes):
    for at, new in changes:
        at %= len(data)
        data = data[:at] + new + data[at + 1 :]
    path = written(folder, data)
    try:
        pairs = read_bin(path)
        pairs.images[:]
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert len(pairs.images) == 2 * len(pairs.is_same) == 2 * len(pairs)
