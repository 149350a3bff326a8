import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from irlib.data import folders
from irlib.data.lists import read_list


@pytest.fixture
def write(tmp_path):
    """A function that writes a list, and the images named, and returns the list's path."""

    def write(text, images=()):
        for name in images:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        path = tmp_path / "list.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_images_come_by_label_then_by_name(write):
    path = write("b.jpg 10\nz.jpg 9\na.jpg 10\n", ["a.jpg", "b.jpg", "z.jpg"])
    faces = read_list(path)
    assert faces.names.tolist() == ["z.jpg", "a.jpg", "b.jpg"]
    assert faces.labels.tolist() == [0, 1, 1]
    assert faces.class_names == ("9", "10")
    assert (faces.root, faces.num_classes, faces.absent) == (path.parent, 2, ())


@pytest.mark.parametrize(
    "text",
    [
        "x/a b.jpg 0\n李/第 1.png 1\n",
        "x/a b.jpg\t0\n李/第 1.png\t1",
        "\ufeffx/a b.jpg 0\r\n李/第 1.png 1\r\n",
        "\n  x/a b.jpg   0  \n\n李/第 1.png \t 01\n\n",
        "./x//a b.jpg 0\n李/./第 1.png 1\n",
    ],
    ids=["spaces", "tabs", "BOM and CRLF", "blanks", "spellings"],
)
def test_one_list_in_many_forms(write, text):
    names = ["x/a b.jpg", "李/第 1.png"]
    faces = read_list(write(text, names))
    assert faces.names.tolist() == names
    assert faces.labels.tolist() == [0, 1]


def test_an_absolute_path_below_the_list_is_relative_to_it(write, tmp_path):
    faces = read_list(write(f"{tmp_path}/x/a.jpg 0\n", ["x/a.jpg"]))
    assert faces.names.tolist() == ["x/a.jpg"]


def test_absent_images_are_named_and_left_out(write):
    path = write("x/a.jpg 0\nx/b.jpg 1\ny/c.jpg 1\nx 2\n", ["x/a.jpg"])
    faces = read_list(path)
    assert faces.names.tolist() == ["x/a.jpg"]
    assert faces.class_names == ("0",)
    assert faces.absent == ("x", "x/b.jpg", "y/c.jpg")


def test_each_folder_is_listed_once(write, monkeypatch):
    names = [f"{folder}/{image}.jpg" for folder in range(3) for image in range(20)]
    path = write("".join(f"{name} {i % 7}\n" for i, name in enumerate(names)), names)
    listed, entries = [], folders._entries
    monkeypatch.setattr(folders, "_entries", lambda f: (listed.append(f.name), entries(f))[1])
    assert len(read_list(path)) == 60
    assert sorted(listed) == ["0", "1", "2"]


BAD = {
    "no label": ("a.jpg\n", "line 1: 'a.jpg' does not end in a label"),
    "negative": ("a.jpg -1\n", "line 1: 'a.jpg -1' does not end in a label"),
    "fraction": ("a.jpg 1.0\n", "does not end in a label"),
    "name": ("a.jpg Ann\n", "does not end in a label"),
    "too large": ("a.jpg 99999999999999999999\n", "does not end in a label"),
    "label alone": ("7\n", "line 1: '7' does not end in a label"),
    "second line": ("a.jpg 0\nb.jpg x\n", "1 bad lines; .*\n  line 2: "),
    "climbs": ("../a.jpg 0\n", r"line 1: '../a.jpg' leads out of the list's folder"),
    "climbs inside": ("x/../../a.jpg 0\n", "leads out of the list's folder"),
    "absolute": ("/etc/passwd 0\n", "'/etc/passwd' leads out of the list's folder"),
    "NUL": ("a\0.jpg 0\n", "leads out of the list's folder"),
    "not UTF-8": (b"caf\xe9.jpg 0\n", "line 1: .* is not UTF-8"),
    "UTF-16": ("a.jpg 0\n".encode("utf-16"), "line 1: .* is not UTF-8"),
    "twice": ("a.jpg 0\nb.jpg 1\na.jpg 0\n", "line 3: 'a.jpg' stands on line 1 already"),
    "twice in two spellings": ("a.jpg 0\n./a.jpg 1\n", "line 2: 'a.jpg' stands on line 1"),
    "empty": ("", "no line; expected lines"),
    "blank": ("\n \r\n", "no line; expected lines"),
    "nothing there": ("x.jpg 0\ny.jpg 1\n", "none of its 2 images is there, not 'x.jpg'"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_list_is_refused_by_line(write, case):
    text, message = BAD[case]
    with pytest.raises(ValueError, match=rf"list\.txt: (?s:.)*{message}"):
        read_list(write(text, ["a.jpg", "b.jpg"]))


def test_all_bad_lines_are_counted_and_ten_are_shown(write):
    with pytest.raises(ValueError, match="12 bad lines") as error:
        read_list(write("".join(f"{i}.jpg ?\n" for i in range(12))))
    assert re.findall(r"line (\d+):", str(error.value)) == [str(i) for i in range(1, 11)]
    assert str(error.value).endswith("and 2 more")


def test_duplicates_are_told_in_the_order_of_the_lines(write):
    with pytest.raises(ValueError, match="2 bad lines") as error:
        read_list(write("b.jpg 0\na.jpg 1\nb.jpg 1\na.jpg 1\n", ["a.jpg", "b.jpg"]))
    assert re.findall(r"line (\d+):", str(error.value)) == ["3", "4"]


def test_a_missing_list_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"list\.txt: no such file; expected lines"):
        read_list(tmp_path / "list.txt")


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_bytes_are_read_or_refused(write, content):
    try:
        faces = read_list(write(content, ["a.jpg"]))
    except ValueError as error:
        assert "list.txt: " in str(error)
    else:
        assert len(faces) == len(faces.labels) > 0
