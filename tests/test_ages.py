import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irlib.data.ages import child_ids, read_age_labels
from irlib.data.keys import image_keys, numbered_keys

FIXTURES = Path(__file__).parent / "fixtures"
EXPECTED = json.loads((FIXTURES / "age_labels_expected.json").read_text())


def labels_of(tmp_path, text):
    path = tmp_path / "labels.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_age_labels(path)


def age_of(labels, *names):
    return labels.ages_of(image_keys(names)).tolist()


@pytest.fixture(params=["as listed", "padded"])
def sample(request):
    # the 75 images of the fixture, one of them (3/99999) without a line in the label file
    names = [tuple(name.split("/")) for name in EXPECTED["items_unpadded"]]
    folders = [int(folder) for folder, _ in names]
    if request.param == "padded":
        names = [(folder.zfill(6), image.rjust(12, "0")) for folder, image in names]
    keys = image_keys(["/".join(name) for name in names])
    return keys, np.array(folders), read_age_labels(FIXTURES / "age_labels_sample.txt")


def test_sample_is_read_whole():
    labels = read_age_labels(FIXTURES / "age_labels_sample.txt")
    assert len(labels.ages) == len(labels.keys) == EXPECTED["n_age_entries"]
    assert labels.malformed.count == labels.duplicates.count == 0


def test_sample_ages_are_the_listed_ones(sample):
    keys, _, labels = sample
    listed = [
        np.nan if name.startswith("3/99999") else age  # the authors' loader makes it 30
        for name, (_, age) in EXPECTED["items_unpadded"].items()
    ]
    assert labels.ages_of(keys).tolist() == pytest.approx(listed, abs=0, nan_ok=True)
    assert labels.unmatched(keys).count == 0


@pytest.mark.parametrize("at_least", [1, 2, 5, 10, 11])
def test_sample_child_ids(sample, at_least):
    keys, folders, labels = sample
    found = child_ids(folders, labels.ages_of(keys), at_least=at_least)
    assert found.tolist() == sorted(EXPECTED[f"child_identity_filter{at_least}"])


@pytest.mark.parametrize("at_least", [1, 2, 5, 10, 11])
def test_sample_child_ids_by_the_label_file_alone(at_least):
    labels = read_age_labels(FIXTURES / "age_labels_sample.txt")
    expected = sorted(EXPECTED[f"child_identity_filter{at_least}"])
    assert labels.listed_child_ids(at_least=at_least) == tuple(map(str, expected))


def test_records_have_the_ages_of_the_files_they_are_unpacked_to():
    labels = read_age_labels(FIXTURES / "age_labels_sample.txt")
    ages = labels.ages_of(numbered_keys([4, 4, 1, 9], [33, 34, 8, 9]))
    assert ages.tolist() == pytest.approx([1.5, 1.5, 12.99, np.nan], abs=0, nan_ok=True)


def test_thirteen_is_no_child():
    assert child_ids([0, 1], [12.999, 13.0], at_least=1).tolist() == [0]


def test_the_limit_can_be_moved():
    assert child_ids([0, 1], [12.999, 13.0], below=13.5, at_least=1).tolist() == [0, 1]


def test_an_unknown_age_is_no_child():
    assert child_ids([0, 0], [5.0, np.nan], at_least=2).tolist() == []


TEN = "".join(f"0 s/000003/{number:08d}.jpg 5.0 1\n" for number in range(10))


def test_only_present_images_count(tmp_path):
    labels = labels_of(tmp_path, TEN)
    ages = labels.ages_of(numbered_keys([3] * 9, range(9)))  # nine of ten are there
    assert child_ids([0] * 9, ages).tolist() == []
    assert labels.listed_child_ids() == ("3",)


def test_children_in_the_file_are_counted_by_folder_under_any_name(tmp_path):
    lines = "".join(f"0 Ann Lee/im {number}.jpg 5.0 1\n" for number in range(10))
    labels = labels_of(tmp_path, lines + TEN + "0 Bob/1.jpg 5 1\n0 10/1.jpg 5 1\n")
    assert labels.listed_child_ids() == ("3", "Ann Lee")
    assert labels.listed_child_ids(at_least=1) == ("3", "10", "Ann Lee", "Bob")
    assert labels.listed_child_ids(below=5.0, at_least=1) == ()


BAD_LINES = {
    "header": ("id path age gender", "age 'age', expected 0 to 130 years"),
    "no gender": ("1 s/000001/00000002.jpg 30.0", "3 fields, expected 4"),
    "five fields": ("1 s/000001/00000002.jpg 30.0 1 extra", "5 fields, expected 4"),
    "two ages": ("1 s/000001/00000002.jpg 30.0 40.0 1", "5 fields, expected 4"),
    "words": ("1 s/000001/00000002.jpg old 1", "age 'old', expected 0 to 130 years"),
    "nan": ("1 s/000001/00000002.jpg nan 1", "age 'nan', expected"),
    "inf": ("1 s/000001/00000002.jpg inf 1", "age 'inf', expected"),
    "overflow": ("1 s/000001/00000002.jpg 1e999 1", "age '1e999', expected"),
    "negative": ("1 s/000001/00000002.jpg -3 1", "age '-3', expected"),
    "too old": ("1 s/000001/00000002.jpg 130.1 1", "age '130.1', expected"),
    "line joined to the next": ("1 0/8.jpg 30 1 1 0/9.jpg 40 1", "8 fields, expected 4"),
    "old line ends": ("1 0/8.jpg 30 1\r1 0/9.jpg 40 1", "8 fields, expected 4"),
    "a tab in a name": ("1 Ann\tLee/9.jpg 40 1", "5 fields, expected 4"),
    "gender": ("1 s/000001/00000002.jpg 1 27.4", "gender '27.4', expected 1, 0 or -1"),
    "comma": ("1 s/000001/00000002.jpg 27,4 1", "age '27,4', expected"),
    "underscore": ("1 s/000001/00000002.jpg 2_5 1", "age '2_5', expected"),
    "other digits": ("1 s/000001/00000002.jpg \u0662\u0665 1", "age '\u0662\u0665', expected"),
    "no folder": ("1 00000002.jpg 30.0 1", "path '00000002.jpg', expected one that ends in"),
    "no image": ("1 s/000001/ 30.0 1", "path 's/000001/', expected one that ends in"),
    "empty folder": ("1 s//2.jpg 30.0 1", "path 's//2.jpg', expected one that ends in"),
    "csv": ("1,s/000001/00000002.jpg,30.0,1", "1 fields, expected 4"),
}


@pytest.mark.parametrize(("line", "reason"), BAD_LINES.values(), ids=BAD_LINES)
def test_malformed_lines_are_kept_with_their_number_and_reason(tmp_path, line, reason):
    labels = labels_of(tmp_path, f"0 s/000000/00000001.jpg 20.0 1\n{line}\n")
    assert labels.malformed.count == 1
    ((number, text, why),) = labels.malformed.first
    assert (number, text) == (2, line)
    assert why.startswith(reason)
    assert age_of(labels, "0/1.jpg", "1/2.jpg", "0/9.jpg") == pytest.approx(
        [20.0, np.nan, np.nan], nan_ok=True
    )


def test_a_line_of_another_encoding_is_malformed(tmp_path):
    labels = labels_of(tmp_path, b"0 0/1.jpg 20 1\n1 J\xfcrgen/1.jpg 20 1\n")
    assert labels.malformed.first == ((2, "1 J\ufffdrgen/1.jpg 20 1", "not UTF-8"),)


HEADERS = {
    "standard": ("id path age gender", "{id} {path} {age} {gender}"),
    "other order": ("age gender path id", "{age} {gender} {path} {id}"),
    "other names": ("Identity Filename Age Sex", "{id} {path} {age} {gender}"),
    "two columns": ("age file", "{age} {path}"),
    "more columns": ("id path blur age gender race", "{id} {path} 77 {age} {gender} 3"),
    "tabs": ("#id\tpath\tage\tgender", "{id}\t{path}\t{age}\t{gender}"),
    "none": (None, "{id} {path} {age} {gender}"),
}


@pytest.mark.parametrize(("header", "line"), HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", " \n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
def test_columns_are_found_by_their_names(tmp_path, header, line, end, mark):
    rows = [(12, "casia/000012/00000735.jpg", 27.4, 1), (7, "casia/Ann/x.jpg", 8, 0)]
    lines = [line.format(id=i, path=p, age=a, gender=g) for i, p, a, g in rows]
    text = end.join([header, *lines] if header else lines)
    labels = labels_of(tmp_path, mark + end.encode() + text.encode())
    assert age_of(labels, "12/735.jpg", "Ann/x.png") == [27.4, 8.0]
    assert labels.malformed.count == 0


def test_a_line_of_a_file_with_header_needs_its_columns(tmp_path):
    labels = labels_of(tmp_path, "age path\n5 1/1.jpg\n1 1/2.jpg 6 1\n")
    assert labels.malformed.first == ((3, "1 1/2.jpg 6 1", "4 fields, expected 2"),)
    assert age_of(labels, "1/1.jpg") == [5.0]


def test_names_may_hold_spaces_and_any_script(tmp_path):
    lines = "1 s/Ann Lee/my  photo.JPG 5 1\n2 s/李\u00a0娜/照片 1.png 6 0\n"
    labels = labels_of(tmp_path, lines)
    assert labels.malformed.count == 0
    assert age_of(labels, "Ann Lee/my  photo.JPG", "李\u00a0娜/照片 1.png") == [5.0, 6.0]


def test_a_repeated_line_is_counted_and_its_age_kept(tmp_path):
    labels = labels_of(tmp_path, "0 s/0/1.jpg 20.0 1\n0 s/0/01.jpg 20.0 1\n")
    assert labels.duplicates.count == 1
    assert labels.duplicates.first == ((2, "0 s/0/01.jpg 20.0 1", False),)
    assert age_of(labels, "0/1.jpg") == [20.0]


def test_contradicting_lines_give_no_age(tmp_path):
    lines = ["0 s/0/1.jpg 20 1", "0 s/0/1.jpg 8 1", "0 s/0/2.jpg 9 1", "0 s/0/1.jpg 20 1"]
    labels = labels_of(tmp_path, "\n".join(lines))
    assert age_of(labels, "0/1.jpg", "0/2.jpg") == pytest.approx([np.nan, 9.0], nan_ok=True)
    assert labels.duplicates.count == 2
    assert labels.duplicates.first == ((2, lines[1], True), (4, lines[3], False))


def test_many_duplicates_are_counted_and_the_first_kept(tmp_path):
    labels = labels_of(tmp_path, "0 s/a/1.jpg 20 1\n" * 1500)
    assert labels.duplicates.count == 1499
    assert [line[0] for line in labels.duplicates.first] == list(range(2, 1002))


def test_unmatched_lines_are_named_in_the_order_of_the_file(tmp_path):
    lines = "0 s/9/1.jpg 20 1\n0 s/0/1.jpg 20 1\n\n4 s/000004/00000007.jpg 9 0\n1 s/Ann/1.jpg 3 1\n"
    labels = labels_of(tmp_path, lines)
    unmatched = labels.unmatched(image_keys(["0/1.jpg", "5/5.jpg"]))
    assert unmatched.first == ((1, "9/1"), (4, "4/7"), (5, "Ann/1"))
    assert unmatched.count == 3


def test_many_unmatched_lines_are_counted_and_the_first_kept(tmp_path):
    labels = labels_of(tmp_path, "".join(f"0 0/{n}.jpg 20 1\n" for n in range(1500)))
    unmatched = labels.unmatched(numbered_keys([0], [0]))
    assert unmatched.count == 1499
    assert unmatched.first[-1] == (1001, "0/1000")
    assert len(unmatched.first) == 1000


def test_two_images_of_one_key_have_no_age(tmp_path):
    # 735.jpg and 00000735.jpg: which of them the line is about cannot be known
    labels = labels_of(tmp_path, "0 s/0/735.jpg 20 1\n0 s/0/736.jpg 30 1\n")
    keys = image_keys(["0/735.jpg", "0/736.jpg", "0/00000735.jpg"])
    assert labels.ages_of(keys).tolist() == pytest.approx([np.nan, 30.0, np.nan], nan_ok=True)
    assert keys.repeated().tolist() == [0, 2]
    assert labels.unmatched(keys).count == 0


def aged(labels, *names):
    # age by image, how many of them by the cut, and the keys without an image
    keys = image_keys(names)
    ages = dict(zip(names, labels.ages_of(keys).tolist(), strict=True))
    known = {name: age for name, age in ages.items() if not np.isnan(age)}
    return known, labels.aged_by_cut(keys), [key for _, key in labels.unmatched(keys).first]


def test_swapped_columns_are_no_ages(tmp_path):
    lines = "7 casia/000007/00000001.jpg 1 27.4\n7 casia/000007/00000002.jpg 0 8.1\n"
    with pytest.raises(ValueError, match=r"; line 1: gender '27\.4', expected 1, 0 or -1$"):
        labels_of(tmp_path, lines)


def test_a_line_is_about_the_image_of_its_whole_name(tmp_path):
    labels = labels_of(tmp_path, "12 12/1_a.jpg 5 1\n")
    assert aged(labels, "12/1_a.jpg", "12/1_b.jpg") == ({"12/1_a.jpg": 5.0}, 0, [])
    assert aged(labels, "12/1_b.jpg") == ({}, 0, ["12/1_a"])
    assert aged(labels, "12/1.jpg") == ({}, 0, ["12/1_a"])


def test_images_that_share_a_number_do_not_share_its_age(tmp_path):
    labels = labels_of(tmp_path, "7 7/1.jpg 5 1\n")
    ten = [f"7/1_{number}.jpg" for number in range(10)]
    assert aged(labels, *ten) == ({}, 0, ["7/1"])
    assert aged(labels, "7/1.jpg", *ten) == ({"7/1.jpg": 5.0}, 0, [])
    assert aged(labels, "7/1_0.jpg") == ({"7/1_0.jpg": 5.0}, 1, [])


def test_images_that_share_a_number_have_each_the_age_of_their_line(tmp_path):
    labels = labels_of(tmp_path, "7 7/7_0.jpg 5 1\n7 7/7_1.jpg 30 1\n7 7/7_2.jpg 60 1\n")
    assert labels.duplicates.count == 0
    known = {"7/7_0.jpg": 5.0, "7/7_1.jpg": 30.0, "7/7_2.jpg": 60.0}
    assert aged(labels, *known) == (known, 0, [])
    assert aged(labels, *known, "7/7_3.jpg") == (known, 0, [])


@pytest.mark.parametrize("line", ["9 8/000069_25.jpg 9 0", "8 8/69_25.jpg 9 0"])
def test_a_line_of_its_own_comes_before_that_of_the_number(tmp_path, line):
    labels = labels_of(tmp_path, f"8 8/00000069.jpg 25 1\n{line}\n")
    both = {"000008/00000069.jpg": 25.0, "000008/00000069_25.jpg": 9.0}
    assert aged(labels, *both) == (both, 0, [])


@pytest.mark.parametrize("lines", ["9 8/69_25.jpg 9 0\n9 8/69_25.jpg 8 0", "9 8/69_25.jpg -1 0"])
def test_a_line_without_an_age_keeps_that_of_the_number_away(tmp_path, lines):
    labels = labels_of(tmp_path, f"8 8/69.jpg 25 1\n{lines}\n")
    assert aged(labels, "8/69_25.jpg") == ({}, 0, ["8/69"])


def test_a_number_that_two_images_have_gives_its_variant_no_age(tmp_path):
    labels = labels_of(tmp_path, "8 8/69.jpg 25 1\n")
    assert aged(labels, "8/69.jpg", "8/069.jpg", "8/69_25.jpg") == ({}, 0, [])


def test_sample_has_one_image_aged_by_the_cut(sample):
    keys, _, labels = sample
    assert labels.aged_by_cut(keys) == 1  # 8/69_25.jpg


def test_names_of_both_kinds_count_for_one_folder(tmp_path):
    lines = [f"7 7/{number}.jpg 5 1\n7 7/{number}_1.jpg 5 1\n" for number in range(5)]
    labels = labels_of(tmp_path, "".join(lines) + "1 12/1_0.jpg 5 1\n1 9/1.jpg 5 1\n")
    assert labels.listed_child_ids() == ("7",)
    assert labels.listed_child_ids(at_least=1) == ("7", "9", "12")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"ages\.txt: no such file; expected lines `id"):
        read_age_labels(tmp_path / "ages.txt")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", ""),
        (b"id path age gender\n", ""),
        (b"nothing here\n", "; line 1: 2 fields, expected 4"),
        ("0 0/1.jpg 20 1\n".encode("utf-16"), "; line 1: not UTF-8"),
        (b"0 0/1.jpg 20 1\r0 0/2.jpg 30 1\r", "; line 1: 8 fields, expected 4"),
        (b"0 0/1.jpg 20 1\n0 0/1.jpg 30 1\n", "; all contradict each other"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "; line 1: not UTF-8"),
    ],
)
def test_a_file_without_ages_is_named_with_its_first_fault(tmp_path, data, reason):
    with pytest.raises(ValueError, match=rf"labels\.txt: no line gives an age; .* 1`{reason}$"):
        labels_of(tmp_path, data)


def test_a_folder_is_no_label_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_age_labels(tmp_path)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet="0123456789 \t\r\n/.-_eaé", max_size=200))
def test_any_file_gives_ages_or_says_why_not(tmp_path_factory, data):
    try:
        labels = labels_of(tmp_path_factory.getbasetemp(), data)
    except ValueError as error:
        assert "labels.txt: no line gives an age" in str(error)
    else:
        assert ((labels.ages >= 0) & (labels.ages <= 130)).all()


ROWS = st.dictionaries(
    st.tuples(st.sampled_from([0, 1, 12, 85_741, "Ann", "李 娜"]), st.integers(0, 2**31 - 1)),
    st.integers(0, 1300).map(lambda tenths: tenths / 10),
    min_size=1,
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_order_and_padding_change_no_age(tmp_path_factory, rows, random):
    lines = [
        f"{random.randrange(9)} set/{str(folder).zfill(random.choice([0, 6, 14]))}"
        f"/{str(image).zfill(random.choice([0, 8, 12]))}.jpg {age} {random.randrange(2)}"
        if isinstance(folder, int)
        else f"0 set/{folder}/{image:012d}.jpg {age} 1"
        for (folder, image), age in rows.items()
    ]
    random.shuffle(lines)
    end = random.choice(["\n", "\r\n", "\n \n", "\t\n"])
    labels = labels_of(tmp_path_factory.getbasetemp(), end.join(lines))
    assert age_of(labels, *(f"{f}/{i}.png" for f, i in rows)) == list(rows.values())
    assert labels.duplicates.count == labels.malformed.count == 0
