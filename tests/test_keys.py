import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irlib.data.keys import LARGEST, image_keys, numbered_keys


def texts_of(*names):
    keys = image_keys(names)
    return [keys.text(row) for row in range(len(keys))]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("000012/00000735.jpg", "12/735"),
        ("12/735.png", "12/735"),
        ("casia/12/735", "12/735"),
        ("/a b/ü/000012/735.tar.gz", "12/735.tar"),
        ("000000/00000000.jpg", "0/0"),
        ("casia/12/735.", "12/735"),
        ("7/69_25.jpg", "7/69_25"),  # not to be cut: 69_26 is another image
        ("7/69.5.jpg", "7/69.5"),
        ("7/69_.jpg", "7/69_"),
        ("000007/00000069_025.jpg", "7/69_025"),
        ("7/00_01.jpg", "7/0_01"),
        ("2147483647/2147483647.jpg", "2147483647/2147483647"),
        ("0000000000000000000012/0000000000000000000735.jpg", "12/735"),
        ("2147483648/5.jpg", "2147483648/5"),
        ("5/99999999999999999999.jpg", "5/99999999999999999999"),
        ("Ann/00012.jpg", "Ann/12"),
        ("n000012/0001_02.jpg", "n000012/0001_02"),
        ("0Ann/0012a.jpg", "0Ann/0012a"),
        ("Ann Lee/im 1.jpg", "Ann Lee/im 1"),
        ("李/\uff10\uff17.jpg", "李/\uff10\uff17"),  # a wide zero is no padding
        ("12/face_3.v2.jpg", "12/face_3.v2"),
        ("12/.jpg", "12/.jpg"),
        ("-1/+5.jpg", "-1/+5"),
        ("1 2/3.jpg", "1 2/3"),
        ("12/3\n.jpg", "12/3\n"),
        ("735.jpg", ""),
        ("/735.jpg", ""),
        ("12/", ""),
        ("12//735.jpg", ""),
        ("", ""),
    ],
)
def test_the_key_of_a_name(name, key):
    assert texts_of(name) == texts_of("1/1.jpg", name, "2/2.jpg")[1:2] == [key]


def test_two_numbers_make_one_code():
    assert image_keys(["000012/00000735.jpg"]).codes.tolist() == [12 * 2**32 + 735]
    assert image_keys(["Ann/1.jpg", "Bob/1.jpg", "Ann/01.jpg", "1.jpg"]).codes.tolist() == [
        -2, -3, -2, -1,
    ]  # fmt: skip


def test_a_record_has_the_key_of_the_file_it_is_unpacked_to():
    keys = numbered_keys(np.array([0, 12]), np.array([1, 735], dtype=np.uint32))
    files = image_keys(np.array(["000000/00000001.jpg", "000012/00000735.jpg"]))
    assert np.array_equal(keys.codes, files.codes)


@pytest.mark.parametrize(
    ("folder", "image", "reason"),
    [
        ([0, -1], [1, 2], "folder[1] is -1: expected 0 to 2147483647"),
        ([0, 1], [1, LARGEST + 1], "image[1] is 2147483648: expected 0 to 2147483647"),
        ([0, 1], [1], "folder (2,), image (1,): expected two of (N,)"),
        ([[0]], [[1]], "folder (1, 1), image (1, 1): expected two of (N,)"),
    ],
)
def test_numbers_that_are_no_keys_are_named(folder, image, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        numbered_keys(folder, image)


def test_images_of_one_key_are_found():
    keys = image_keys(["1/735.jpg", "1/7.jpg", "1/00735.jpg", "a/1.jpg", "2/7.jpg", "a/01.png"])
    assert keys.repeated().tolist() == [0, 2, 3, 5]


def test_a_variant_does_not_compete_with_its_image():
    keys = image_keys(["8/69.jpg", "8/69_25.jpg", "9/69_1.jpg", "9/7_a.png"])
    assert keys.variants.tolist() == [1, 2, 3]
    assert keys.numbers.tolist() == numbered_keys([8, 9, 9], [69, 69, 7]).codes.tolist()
    assert keys.repeated().tolist() == []


@pytest.mark.parametrize(
    "names",
    [
        ["8/69_25.jpg", "8/69_26.jpg"],
        ["8/69_25.jpg", "000008/00000069_3.jpg", "8/69.jpg"],
        ["8/69_25.jpg", "8/69_25.png"],
        ["8/69_25.jpg", "8/69.jpg", "8/069.jpg"],  # which of the two it is a copy of is not known
        ["8/99999999999_1.jpg", "8/99999999999_2.jpg"],
        ["n8/0069_25.jpg"],
        ["8/a69_25.jpg"],
        ["8/69.1_25.jpg"],
        ["69_25.jpg"],
    ],
)
def test_what_is_not_alone_with_its_number_is_no_variant(names):
    keys = image_keys(names)
    assert keys.variants.tolist() == keys.numbers.tolist() == []


def test_a_number_too_large_for_a_code_has_a_variant_too():
    keys = image_keys(["8/99999999999_1.jpg"])
    assert [keys.texts[-2 - code] for code in keys.numbers] == ["8/99999999999"]


def test_chosen_images_keep_their_keys():
    names = ["8/69.jpg", "a/1.jpg", "8/69_25.jpg", "1/1.jpg", "1/5_1.jpg"]
    keys = image_keys(names).chosen(np.array([4, 2, 1, 0]))
    assert [keys.text(row) for row in range(4)] == ["1/5_1", "8/69_25", "a/1", "8/69"]
    assert keys.variants.tolist() == [0, 1]
    assert keys.numbers.tolist() == numbered_keys([1, 8], [5, 69]).codes.tolist()


def test_an_image_is_no_variant_once_the_others_of_its_number_are_left_out():
    assert image_keys(["8/69_25.jpg", "8/69_26.jpg"]).chosen(np.array([0])).variants.tolist() == []


def test_images_without_a_key_do_not_share_one():
    assert image_keys(["1.jpg", "2.jpg"]).repeated().tolist() == []


def test_keys_in_order_repeat_nothing():
    assert numbered_keys([0, 0, 1], [1, 2, 1]).repeated().tolist() == []


def test_keys_are_found_by_number_and_by_text():
    here = image_keys(["b/1.jpg", "a/1.jpg", "1/1.jpg", "1/9.jpg"])  # codes -2, -3 and so on
    order = np.argsort(here.codes)
    here = type(here)(here.codes[order], here.texts)
    wanted = image_keys(["1/009.jpg", "a/1.jpg", "c/1.jpg", "2/1.jpg", "1.jpg", "b/01.jpg"])
    found = here.find(wanted)
    assert found.tolist()[2:5] == [-1, -1, -1]
    assert [here.text(row) for row in found[[0, 1, 5]]] == ["1/9", "a/1", "b/1"]


def test_nothing_is_found_among_none():
    assert image_keys([]).find(image_keys(["1/1.jpg", "a/1.jpg"])).tolist() == [-1, -1]
    assert image_keys(["1/1.jpg"]).find(image_keys([])).tolist() == []


def key_by_hand(name):
    # the rule once more, in words of its own
    parts = name.split("/")
    if len(parts) < 2 or not parts[-2] or not parts[-1]:
        return ""
    folder, image = parts[-2:]
    digits = "0123456789"
    is_number = not folder.strip(digits)
    stem = image[: image.rindex(".")] if "." in image[1:] else image
    head = stem.split("_")[0] if is_number else stem
    heads = [part if part.strip(digits) else part.lstrip("0") or "0" for part in (folder, head)]
    return "/".join(heads if head else (heads[0], "")) + stem[len(head) :]


NAMES = st.text(alphabet="0012345679ab_./\n é", max_size=14) | st.from_regex(
    r"(x/)?[0-9]{1,12}/[0-9]{1,12}(_[0-9]*)?\.jpg", fullmatch=True
)


@settings(max_examples=500, deadline=None)
@given(st.lists(NAMES, max_size=8))
def test_many_names_at_a_time_have_the_keys_of_single_ones(names):
    assert texts_of(*names) == [key_by_hand(name) for name in names]


def test_more_names_than_a_block_keep_their_order():
    names = np.array([f"{number // 50:06d}/{number:08d}.jpg" for number in range(70_000)])
    number = np.arange(70_000)
    assert np.array_equal(image_keys(names).codes, numbered_keys(number // 50, number).codes)
