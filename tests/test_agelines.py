import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irlib.data import agelines
from irlib.data.agelines import Columns, parsed_block, parsed_line, read_lines
from irlib.data.keys import NO_KEY

DIGITS = "0123456789"


def written(folder, data):
    path = folder / "labels.txt"
    path.write_bytes(data)
    return path


def one_by_one(path):
    # the long way alone, as (line number, key, age)
    texts, found = {}, []
    for number, line in enumerate(path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        code, age, reason = parsed_line(line, Columns(), texts)
        if reason is None:
            found.append((number, code, age))
    return found, tuple(texts)


FIELDS = st.one_of(
    st.from_regex(rb"(casia/)?[0-9]{1,11}/[0-9]{1,11}(_[0-9]*)?\.jpg", fullmatch=True),
    st.from_regex(rb"[0-9]{1,3}(\.[0-9]{0,13})?", fullmatch=True),
    st.sampled_from([b"12", b"0", b"a/b.jpg", b"1/2", b"/", b"nan", b"1e1", b"\xc3\xa9/1.jpg"]),
    st.binary(max_size=3),
)
GENDERS = st.sampled_from(
    [b"0", b"1", b"-1", b"m", b"F", b"Male", b"female", b"2", b"01", b"1.0", b"x", b"ma", b"27.4"]
)
LINES = st.tuples(FIELDS, FIELDS, FIELDS, GENDERS).map(b" ".join)  # most have four fields
SPACES = st.sampled_from([b" ", b"\t", b"  ", b" \t ", b"\r", b"\n", b"\r\n", b"\x0b", b""])


@settings(max_examples=600, deadline=None)
@given(st.lists(st.tuples(FIELDS | GENDERS | LINES, SPACES), max_size=30), st.integers(2, 64))
def test_many_lines_at_a_time_are_read_as_single_ones(tmp_path_factory, parts, block):
    data = b"".join(map(b"".join, parts))
    path = written(tmp_path_factory.getbasetemp(), data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agelines, "BLOCK", block)  # lines lie across the blocks
        lines = read_lines(path)
    found = list(
        zip(lines.line_numbers.tolist(), lines.codes.tolist(), lines.ages.tolist(), strict=True)
    )
    assert (found, sorted(lines.texts)) == (one_by_one(path)[0], sorted(one_by_one(path)[1]))


@settings(max_examples=400, deadline=None)
@given(st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,11})?", fullmatch=True))
def test_the_short_way_gives_the_nearest_number(age):
    _, ages, others = parsed_block(f"1 1/1.jpg {age} 1\n".encode(), Columns())
    if float(age) <= 130:
        assert ages.tolist() == [float(age)]
    else:
        assert others.tolist() == [0]


def test_ordinary_lines_take_the_short_way():
    # else a file of millions would take minutes
    block = b"12 casia/000012/00000735.jpg 27.4 1\r\n\n5 ms1m/5/1\t3 F\n"
    codes, ages, others = parsed_block(block, Columns())
    assert others.tolist() == []
    assert codes.tolist() == [12 << 32 | 735, NO_KEY, 5 << 32 | 1]
    assert ages[[0, 2]].tolist() == [27.4, 3.0]
    assert np.isnan(ages[1])


def test_other_lines_are_left_to_the_long_way():
    block = "1 a/1.jpg 3 1\n2 s/é/1/1.jpg 3 1\n3 1/1.jpg 3\n4 1/1.jpg 131 1\n5 1/1.jpg 1e1 1\n"
    block += "5 1/1_2.jpg 3 1\n6 1/1.2.jpg 3 1\n7 1/1.jpg 3 2\n8 1/1.jpg 3 11\n"
    assert parsed_block(block.encode(), Columns())[2].tolist() == list(range(9))


@pytest.mark.parametrize("gender", ["0", "1", "-1", "m", "f", "M", "F", "male", "Female", "MALE"])
def test_a_gender_is_a_number_or_a_word_in_any_case(gender):
    line = f"1 1/1.jpg 27.4 {gender}\n".encode()
    assert parsed_block(line, Columns())[2].tolist() == []  # the short way knows it
    assert parsed_line(line, Columns(), {}) == (1 << 32 | 1, 27.4, None)


@pytest.mark.parametrize("gender", ["2", "-2", "+1", "01", "1.0", "27.4", "?", "mf", "females"])
@pytest.mark.parametrize("header", [False, True])
def test_another_gender_is_malformed(tmp_path, gender, header):
    line = f"1/1.jpg {gender} 1 27.4" if header else f"1 1/1.jpg 27.4 {gender}"
    names = "path Sex id age\n" if header else "\n"
    lines = read_lines(written(tmp_path, f"{names}{line}\n".encode()))
    assert len(lines.ages) == 0
    reason = f"gender '{gender}', expected 1, 0 or -1"
    assert lines.malformed.first == ((2, line, reason),)


def test_a_column_that_is_no_gender_may_hold_anything(tmp_path):
    data = b"id path age race\n1 1/1.jpg 27.4 77\n1 1/2_1.jpg 27.4 ?\n"
    assert read_lines(written(tmp_path, data)).ages.tolist() == [27.4, 27.4]


def test_an_image_whose_line_gives_no_age_is_kept(tmp_path):
    data = b"1 1/1.jpg nan 1\n1 1/2.jpg 5 7\n1 1/3.jpg 5 1\n1 3.jpg nan 1\n1 1/4.jpg 5\n"
    assert read_lines(written(tmp_path, data)).ageless.tolist() == [1 << 32 | 1, 1 << 32 | 2]


@pytest.mark.parametrize("data", [b"", b"\n", b"\xef\xbb\xbf", b"\xef\xbb", b"a", b"\r\n \n"])
def test_next_to_nothing_gives_no_age(tmp_path, data):
    assert len(read_lines(written(tmp_path, data)).codes) == 0


def test_a_file_without_line_ends_is_no_text(tmp_path):
    with pytest.raises(ValueError, match=r"labels\.txt: a line of more than 1048576 bytes"):
        read_lines(written(tmp_path, b"\0" * (agelines.BLOCK + 10)))


def test_many_refused_lines_are_counted_and_the_first_kept(tmp_path):
    lines = read_lines(written(tmp_path, b"nothing\n" * 1500))
    assert lines.malformed.count == 1500
    assert len(lines.malformed.first) == 1000
    assert lines.malformed.first[-1] == (1000, "nothing", "1 fields, expected 4")


def test_a_long_line_is_shown_in_part(tmp_path):
    lines = read_lines(written(tmp_path, b"1 1/1.jpg " + b"x" * 100_000 + b" 1\n"))
    ((_, text, reason),) = lines.malformed.first
    assert len(text) == 200
    assert len(reason) < 300
