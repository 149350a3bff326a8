import pandas as pd
import pytest

from irlib.data.sets import columns
from irlib.data.sets.columns import pieces, refuse_row

FIELDS = {"name": "str", "id": "int64"}


def read(path, fields=FIELDS):
    return pd.concat(pieces(path, fields)).to_numpy().tolist()


def write(tmp_path, content):
    (tmp_path / "a.txt").write_bytes(content)
    return tmp_path / "a.txt"


@pytest.mark.parametrize(
    "content",
    [
        b"NA 1\nb.jpg -2\n",
        b"\xef\xbb\xbfNA 1\r\nb.jpg -2\r\n",  # byte order mark, Windows' line ends
        b"\n  NA\t1  \n\n  \nb.jpg   -2",  # empty lines, tabs, no end of the last line
    ],
)
def test_columns_of_a_text_in_any_shape(tmp_path, content):
    assert read(write(tmp_path, content)) == [["NA", 1], ["b.jpg", -2]]


def test_columns_come_in_pieces_with_the_rows_counted_on(tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "ROWS", 2)
    path = write(tmp_path, b"a 1\nb 2\nc 3\n")
    assert [list(piece.index) for piece in pieces(path, FIELDS)] == [[0, 1], [2]]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a 1\nb\n", "line 2: .*'b'"),
        (b"a 1\n\nb 2 3\n", "line 3: .*'b 2 3'"),
        (b"a 1 1\nb 2 2\n", "line 1: .*'a 1 1'"),
        (b"a 1\nb 2 3 4 5\n", "line 2: "),
        (b"a 1\nb x\n", "line 2: .*'b x'"),
        (b"a 1\nb nan\n", "line 2: "),
        (b"a 1\nb 99999999999999999999\n", "a.txt: "),
        (b"a 1\n\xff 2\n", "line 2: "),
        (b"\n\n", "no line"),
        (b"", "no line"),
    ],
)
def test_a_bad_line_is_named(tmp_path, content, told):
    with pytest.raises(ValueError, match=rf"a\.txt.*{told}|{told}"):
        read(write(tmp_path, content))


def test_a_row_is_refused_by_the_number_of_its_line(tmp_path):
    path = write(tmp_path, b"a 1\n\nb 2\n")  # row 1 stands on line 3
    with pytest.raises(ValueError, match=r"a\.txt, line 3: too old: 'b 2'"):
        refuse_row(path, 1, "too old")


def test_a_missing_file_is_told_with_its_form(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected lines `name id`"):
        read(tmp_path / "none.txt")
