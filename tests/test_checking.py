import hashlib
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from irlib.data.checking import check_images
from irlib.data.manifests import content_hash, list_hash
from irlib.data.sources import ImageFiles


def pixels(seed=0, size=(112, 112)):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.fixture
def root(tmp_path):
    for index in range(3):
        Image.fromarray(pixels(index)).save(tmp_path / f"{index}.png")
    return tmp_path


NAMES = ["0.png", "1.png", "2.png"]


def check(root, names=NAMES, **options):
    return check_images(ImageFiles(root, np.array(names)), **options)


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


def test_sound_images_pass(root):
    found = check(root)
    assert (found.images, found.broken) == (3, ())


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_image_is_found_and_the_others_are_read_on(root, damage):
    DAMAGES[damage](root / "1.png")
    found = check(root)
    assert found.images == 3
    assert [name for name, _ in found.broken] == ["1.png"]


def test_a_reason_does_not_repeat_the_name(root):
    DAMAGES["small"](root / "1.png")
    ((_, reason),) = check(root).broken
    assert reason.startswith("96x112 pixels, expected an aligned 112x112 crop")


def test_photographs_may_have_any_size_and_are_hashed_alike(root):
    DAMAGES["small"](root / "1.png")
    DAMAGES["cut"](root / "2.png")
    found = check(root, are_crops=False)
    assert [name for name, _ in found.broken] == ["2.png"]
    assert found.content_sha256 == check(root).content_sha256


def test_reasons_are_the_same_in_every_run(root):
    # what Pillow says has the address of its buffer in it
    DAMAGES["text"](root / "1.png")
    told = [check(root).broken for _ in range(2)]
    assert told[0] == told[1] == (("1.png", "not a readable image (no format that is known)"),)


def test_the_damaged_are_told_in_order_whatever_the_threads(tmp_path):
    names = [f"{index:03d}.png" for index in range(300)]
    assert [name for name, _ in check(tmp_path, names, workers=4).broken] == names


def test_the_list_is_hashed_as_manifests_do(root):
    assert check(root, NAMES[::-1]).list_sha256 == list_hash(NAMES)


def test_the_hash_of_contents_is_that_of_names_and_files(root):
    # sha256sum 0.png 1.png 2.png, with the columns exchanged, sorted: what a shell can repeat
    lines = [f"{n} {hashlib.sha256((root / n).read_bytes()).hexdigest()}\n" for n in NAMES]
    expected = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert check(root).content_sha256 == expected


def test_a_name_that_begins_another_comes_first(tmp_path):
    # by their lines, a space and a hash behind each, "1" would come behind "1 b" or before it
    for name in ("1", "1 b", "1!"):
        Image.fromarray(pixels()).save(tmp_path / name, "PNG")
    names = ["1", "1 b", "1!"]
    files = [(name, hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()) for name in names]
    assert check(tmp_path, names[::-1]).content_sha256 == content_hash(files)


def test_the_hash_does_not_depend_on_order_or_threads(root):
    first = check(root).content_sha256
    assert check(root, NAMES[::-1], workers=2).content_sha256 == first


def test_the_hash_changes_with_one_pixel(root):
    before = check(root)
    changed = pixels(1)
    changed[0, 0, 0] ^= 1
    Image.fromarray(changed).save(root / "1.png")
    after = check(root)
    assert after.content_sha256 != before.content_sha256
    assert after.list_sha256 == before.list_sha256


def test_the_hash_changes_with_a_name(root):
    before = check(root)
    (root / "1.png").rename(root / "3.png")
    after = check(root, ["0.png", "2.png", "3.png"])
    assert after.content_sha256 != before.content_sha256
    assert after.list_sha256 != before.list_sha256


def test_progress_counts_to_the_end(root):
    told = []
    check(root, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (3, 3)
