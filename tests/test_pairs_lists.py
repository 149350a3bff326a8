import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irlib.data.pairs.lists import read_pairs, write_pairs
from irlib.data.pairs.rules import PairList

# three lines of each released list, from Lee et al.'s repository
RELEASED = """\
1 dataset/test/AgeDB-aligned/JohnnyCash/6472_JohnnyCash_10.jpg dataset/test/AgeDB-aligned/JohnnyCash/6485_JohnnyCash_40.jpg
1 dataset/test/AgeDB-aligned/AlKapone/507_AlKapone_5.jpg dataset/test/AgeDB-aligned/AlKapone/513_AlKapone_26.jpg
0 dataset/test/AgeDB-aligned/MuhammadAli/15972_MuhammadAli_12.jpg dataset/test/AgeDB-aligned/RockHudson/6762_RockHudson_39.jpg
1 dataset/test/AgeDB-aligned/GladysCooper/7096_GladysCooper_9.jpg dataset/test/AgeDB-aligned/GladysCooper/7112_GladysCooper_52.jpg
1 dataset/test/AgeDB-aligned/ZsaZsaGabor/11363_ZsaZsaGabor_6.jpg dataset/test/AgeDB-aligned/ZsaZsaGabor/11396_ZsaZsaGabor_94.jpg
0 dataset/test/AgeDB-aligned/AlbertCamus/1313_AlbertCamus_11.jpg dataset/test/AgeDB-aligned/LiamNeeson/2764_LiamNeeson_54.jpg
1 dataset/test/FGNET-aligned/047A05.JPG dataset/test/FGNET-aligned/047A27.JPG
1 dataset/test/FGNET-aligned/020A04.JPG dataset/test/FGNET-aligned/020A30.JPG
0 dataset/test/FGNET-aligned/073A01.JPG dataset/test/FGNET-aligned/057A23.JPG
1 dataset/test/FGNET-aligned/017A05.JPG dataset/test/FGNET-aligned/017A42.JPG
1 dataset/test/FGNET-aligned/001A05.JPG dataset/test/FGNET-aligned/001A40.JPG
0 dataset/test/FGNET-aligned/069A00.JPG dataset/test/FGNET-aligned/032A35.JPG
1 dataset/test/LAG-aligned/christina_ricci/y/zIYB811_2.png dataset/test/LAG-aligned/christina_ricci/zIYB811_1.png
1 dataset/test/LAG-aligned/sean_astin/y/sean-astin_2.png dataset/test/LAG-aligned/sean_astin/sean-astin_1.png
0 dataset/test/LAG-aligned/jack_black/y/Agosto_01022_2.png dataset/test/LAG-aligned/brad_pitt/Dicembre_00240_2.png
"""  # noqa: E501


def read(tmp_path, content):
    path = tmp_path / "list.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_pairs(path)


def test_lines_of_the_released_lists(tmp_path):
    listed = read(tmp_path, RELEASED)
    assert listed.is_same.tolist() == [True, True, False] * 5
    assert listed.left[6] == "dataset/test/FGNET-aligned/047A05.JPG"
    assert listed.right[6] == "dataset/test/FGNET-aligned/047A27.JPG"
    assert listed.line_numbers.tolist() == list(range(1, 16))
    assert listed.rejected == []


def test_lines_as_mtlface_writes_them(tmp_path):
    listed = read(tmp_path, "00001.jpg 00002.jpg 1\n00003.jpg 00004.jpg -1\n")
    assert listed.left.tolist() == ["00001.jpg", "00003.jpg"]
    assert listed.is_same.tolist() == [True, False]


@pytest.mark.parametrize("line", [
    "1 george clooney/y/a 1.png george clooney/b  2.JPG",
    "1\tgeorge clooney/y/a 1.png\tgeorge clooney/b  2.JPG",
    "1 \t george clooney/y/a 1.png \t george clooney/b  2.JPG  ",
    "george clooney/y/a 1.png george clooney/b  2.JPG 1",
    "george clooney/y/a 1.png\tgeorge clooney/b  2.JPG\t1",
    "1 ./george clooney/y/a 1.png george clooney//b  2.JPG",
])  # fmt: skip
def test_names_may_hold_spaces(tmp_path, line):
    listed = read(tmp_path, line)
    assert listed.left.tolist() == ["george clooney/y/a 1.png"]
    assert listed.right.tolist() == ["george clooney/b  2.JPG"]
    assert listed.is_same.tolist() == [True]


def test_names_may_be_of_any_script(tmp_path):
    listed = read(tmp_path, "0 宮崎 駿/y/写真 1.png Пётр/фото.webp\n")
    assert (listed.left[0], listed.right[0]) == ("宮崎 駿/y/写真 1.png", "Пётр/фото.webp")


def test_byte_order_mark_crlf_and_blank_lines_do_no_harm(tmp_path):
    listed = read(tmp_path, b"\xef\xbb\xbf1 a.jpg b.jpg\r\n\r\n  \r\n0 a.jpg c.jpg")
    assert listed.left.tolist() == ["a.jpg", "a.jpg"]
    assert listed.line_numbers.tolist() == [1, 4]
    assert listed.rejected == []


def test_a_tab_tells_where_a_name_ends(tmp_path):
    listed = read(tmp_path, "1\ta.jpg copy.jpg\tb.jpg\n")
    assert (listed.left[0], listed.right[0]) == ("a.jpg copy.jpg", "b.jpg")


@pytest.mark.parametrize(("line", "reason"), [
    ("1", "no label"),
    ("1 LAG/a/y/1.png", "one image, expected two"),
    ("1 LAG/a/y/1.pngLAG/a/1.png", "one image, expected two"),  # glued
    ("1 LAG/a/y/ LAG/a/1.png", "'LAG/a/y/' is not the name of an image"),
    ("1 LAG/a/y/1.png LAG/a/", "'LAG/a/' is not the name of an image"),
    ("1 LAG/a/y/.DS_Store LAG/a/1.png", "is not the name of an image"),
    ("1 LAG/a/y/._1.png LAG/a/1.png", "is not the name of an image"),
    ("1 LAG/a/y/Thumbs.db LAG/a/1.png", "is not the name of an image"),
    ("1 LAG/a/y/george LAG/a/1.png", "'LAG/a/y/george' is not the name"),  # cut at a space
    ("1 LAG/george clooney/y/a LAG/george clooney/b", "no two image names"),
    ("1 a.png b.png c.png", "3 images, or names that can be parted in several ways"),
    ("1 a.png b.png 0.97", "it does not end in the name of an image"),
    ("1\ta.png\tb.png\tc.png", "3 images"),
    ("2 a.png b.png", "no label"),
    ("-1 a.png b.png", "no label"),
    ("label left.png right.png", "no label"),
    ("a.png b.png 0", "no label"),
    ("a.png b.png", "no label"),
    ("1 a.png b.png -1", "a label on both ends"),
    ("1 a.png a.png", "the same image twice"),
    ("1 a.png ./a.png", "the same image twice"),
    ("1 ../../etc/a.png b.png", "leads out of the folder"),
    ("1 /etc/a.png b.png", "is absolute, expected a path below"),
    ("1 one.png two.png", "it repeats line 1"),
    ("1 two.png one.png", "it repeats line 1"),
    ("0 one.png two.png", "it contradicts line 1"),
    ("1 a\x00.png b.png", "control characters"),
    (b"1 \xff\xfe.png b.png", "not UTF-8"),
    ("1 " + "a" * 1_000 + ".png b.png", "a name of 1,004 characters"),
])  # fmt: skip
def test_a_line_that_is_no_pair_is_rejected_by_number(tmp_path, line, reason):
    line = line if isinstance(line, bytes) else line.encode()
    listed = read(tmp_path, b"1 one.png two.png\n" + line + b"\n0 one.png three.png\n")
    assert listed.line_numbers.tolist() == [1, 3]
    [(number, text, told)] = listed.rejected
    assert number == 2
    assert text == line.decode("utf-8", "backslashreplace")
    assert reason in told


def test_a_file_without_a_pair_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"list\.txt: no line is a pair of images; it is empty"):
        read(tmp_path, "\n \n")
    with pytest.raises(ValueError, match="no line is a pair of images; line 2: the same image"):
        read(tmp_path, "\n1 a.png a.png\nhello\n")
    with pytest.raises(ValueError, match="line 1: not UTF-8"):
        read(tmp_path, "1 a.png b.png".encode("utf-16"))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.txt: no such pair list; expected `<1|0>"):
        read_pairs(tmp_path / "none.txt")
    with pytest.raises(FileNotFoundError, match="no such pair list"):
        read_pairs(tmp_path)


def test_a_path_may_be_a_text(tmp_path):
    read(tmp_path, RELEASED)
    assert len(read_pairs(str(tmp_path / "list.txt"))) == 15


FRAGMENTS = st.sampled_from([
    b"1", b"0", b"-1", b" ", b"\t", b"\n", b"\r", b"a.jpg", b"b .png", b"c/", b"../", b"\x00",
    b"\xff", "å".encode(), b"\xef\xbb\xbf", b".DS_Store", b"/", b"1 a.jpg b.jpg\n",
])  # fmt: skip


@given(st.one_of(st.binary(max_size=200), st.lists(FRAGMENTS, max_size=40).map(b"".join)))
@settings(max_examples=500, deadline=None)
def test_any_bytes_give_pairs_or_a_clear_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzzed.txt"
    path.write_bytes(content)
    try:
        listed = read_pairs(path)
    except ValueError as error:
        assert "fuzzed.txt: no line is a pair of images" in str(error)
        return
    blank = sum(not line.strip(b" \t\r") for line in content.split(b"\n"))
    numbers = [*listed.line_numbers.tolist(), *(number for number, *_ in listed.rejected)]
    assert len(set(numbers)) == len(numbers)
    assert len(numbers) >= content.count(b"\n") + 1 - blank - 1  # a mark alone is no line
    assert (listed.left != listed.right).all()


def pair_list(first, second, is_same):
    unknown = np.full(len(first), np.nan)
    first, second = np.array(first), np.array(second)
    return PairList(first, second, np.array(is_same), first, second, unknown, unknown)


NAMES = st.text("ab 1.å宮/-", min_size=1, max_size=12).map(lambda stem: f"p/{stem}.jpg")


@given(st.lists(NAMES, min_size=3, max_size=6, unique=True))
@settings(max_examples=300, deadline=None)
def test_what_is_written_reads_back_or_is_refused(tmp_path_factory, names):
    path = tmp_path_factory.getbasetemp() / "written.txt"
    pairs = pair_list(names[:-1], names[1:], [True] * (len(names) - 1))
    try:
        write_pairs(path, pairs)
    except ValueError as error:
        assert "could not be read back" in str(error)
        return
    listed = read_pairs(path)
    assert listed.left.tolist() == names[:-1]
    assert listed.right.tolist() == names[1:]
    assert listed.rejected == []


@pytest.mark.parametrize(
    "name", ["a.txt", "../a.jpg", "a\tb.jpg", "a\nb.jpg", " a.jpg", "a\udcff.jpg", "x/.jpg"]
)
def test_a_name_that_cannot_be_read_back_is_not_written(tmp_path, name):
    with pytest.raises(ValueError, match="could not be read back"):
        write_pairs(tmp_path / "list.txt", pair_list([name], ["b.jpg"], [True]))
    assert list(tmp_path.iterdir()) == []
