import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from irlib.data.checking import check_images
from irlib.data.decoding import batches, decode, decode_all


def pixels(seed=0, size=(112, 112)):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.fixture
def root(tmp_path):
    for index in range(3):
        Image.fromarray(pixels(index)).save(tmp_path / f"{index}.png")
    return tmp_path


NAMES = ["0.png", "1.png", "2.png"]


def test_a_crop_is_decoded_as_it_was_saved(root):
    assert np.array_equal(decode(root / "0.png"), pixels(0))


def test_a_gray_crop_gets_three_equal_channels(tmp_path):
    Image.fromarray(pixels()[..., 0]).save(tmp_path / "a.png")
    decoded = decode(tmp_path / "a.png")
    assert decoded.shape == (112, 112, 3)
    assert (decoded == decoded[..., :1]).all()


def test_several_crops_come_in_the_order_of_their_paths(root):
    decoded = decode_all([root / "2.png", root / "0.png"])
    assert np.array_equal(decoded, np.stack([pixels(2), pixels(0)]))


def test_batches_hold_all_crops_in_order(root):
    found = list(batches([root / name for name in NAMES], batch_size=2))
    assert [len(each) for each in found] == [2, 1]
    assert np.array_equal(np.concatenate(found), np.stack([pixels(i) for i in range(3)]))


def cut(path):
    path.write_bytes(path.read_bytes()[:3000])


def flip_a_byte(path):
    content = bytearray(path.read_bytes())
    content[200] ^= 255
    path.write_bytes(content)


def say_it_is_huge(path):
    # a header that claims 60,000 x 60,000 pixels: decoding it would take 10 GB
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + path.read_bytes()[33:])


DAMAGES = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not found"),
    "cut": cut,
    "flipped": flip_a_byte,
    "huge": say_it_is_huge,
    "small": lambda path: Image.fromarray(pixels(size=(112, 96))).save(path),
    "folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_image_is_refused_by_name(root, damage):
    DAMAGES[damage](root / "1.png")
    with pytest.raises(ValueError, match=r"1\.png: "):
        decode(root / "1.png")


def test_a_wrong_size_is_told_with_the_right_one(tmp_path):
    Image.fromarray(pixels(size=(100, 96))).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="96x100 pixels, expected an aligned 112x112 crop"):
        decode(tmp_path / "a.png")


def test_sound_images_pass(root):
    found = check_images(root, NAMES)
    assert (found.images, found.broken) == (3, ())
    assert found.require_sound() is found


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_image_is_found_and_the_others_are_read_on(root, damage):
    DAMAGES[damage](root / "1.png")
    found = check_images(root, NAMES)
    assert found.images == 3
    assert [message.split(": ")[0] for message in found.broken] == [str(root / "1.png")]


def test_damaged_images_stop_with_their_names_and_count(root):
    DAMAGES["cut"](root / "0.png")
    DAMAGES["text"](root / "2.png")
    with pytest.raises(ValueError, match=r"^2 of 3 images:\n  .*0\.png.*\n  .*2\.png"):
        check_images(root, NAMES).require_sound()


def test_only_the_first_ten_of_many_are_named(tmp_path):
    with pytest.raises(ValueError, match="and 2 more") as error:
        check_images(tmp_path, [f"{index}.png" for index in range(12)]).require_sound()
    assert len(str(error.value).splitlines()) == 12  # the count, ten names, the rest


def test_the_fingerprint_does_not_depend_on_order_or_threads(root):
    first = check_images(root, NAMES).fingerprint
    assert check_images(root, NAMES[::-1], workers=2).fingerprint == first


def test_the_fingerprint_changes_with_one_pixel(root):
    before = check_images(root, NAMES).fingerprint
    changed = pixels(1)
    changed[0, 0, 0] ^= 1
    Image.fromarray(changed).save(root / "1.png")
    assert check_images(root, NAMES).fingerprint != before


def test_the_fingerprint_changes_with_a_name(root):
    before = check_images(root, NAMES).fingerprint
    (root / "1.png").rename(root / "3.png")
    assert check_images(root, ["0.png", "2.png", "3.png"]).fingerprint != before


def test_progress_counts_to_the_end(root):
    told = []
    check_images(root, NAMES, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (3, 3)
