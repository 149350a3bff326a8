import os
import pickle
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from irlib.data.folders import read_folder
from irlib.data.lists import read_list
from irlib.data.recordio import open_records, pack, unpack
from irlib.data.recordio.names import line, read_names
from irlib.data.sources import ImageFiles

JPEG, PNG = b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n"

# zero-padded and not dense, as the folders of CASIA; one image is no JPEG, another not what it says
TREE = {
    "0000045/001.jpg": JPEG + b"a",
    "0000045/010.jpg": JPEG + b"bb",
    "0000045/9.PNG": PNG + b"c",
    "0000099/001.jpg": JPEG + b"d",
    "0000099/002.jpeg": PNG + b"e",
    "0001234/69_25.jpg": JPEG + b"f",
}
SCRIPTS = {
    "Ann Smith/first day.jpg": JPEG + b"a",
    "Ann Smith/10\t.jpg": JPEG + b"b",
    "Ánna/写真 1.webp": b"RIFF\0\0\0\0WEBP",
    "山田 花子/顔.jpg": JPEG + b"c",
    "山田 花子/\u2028\x85.jpg": JPEG + b"d",  # line breaks of Unicode are none here
    "عمر/٣.bmp": b"BM",
}


@dataclass(frozen=True)
class Pictures:
    names: tuple[str, ...]

    def __len__(self):
        return len(self.names)

    def name(self, index):
        return self.names[index]

    def encoded(self, index):
        return JPEG + b"%d" % index


def write(root, files):
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def packed(folder, target):
    faces = read_folder(folder)
    pack(ImageFiles(faces.root, faces.names), faces.labels, target)
    return target / "train.rec"


@pytest.fixture
def three(tmp_path):
    """Three images of two people, whose names file is "1 0 7/a", "2 0 7/b", "3 1 30/a"."""
    pack(Pictures(("7/a.jpg", "7/b.jpg", "30/a.jpg")), [0, 0, 1], tmp_path)
    return tmp_path / "train.rec"


LINES = b"1\t0\t7/a.jpg\n2\t0\t7/b.jpg\n3\t1\t30/a.jpg\n"


@pytest.mark.parametrize("tree", [TREE, SCRIPTS])
def test_a_folder_is_the_same_after_packing_and_unpacking(tmp_path, tree):
    source = write(tmp_path / "source", tree)
    result = unpack(packed(source, tmp_path / "set"), tmp_path / "images")
    assert (result.written, result.damaged, result.notes) == (len(tree), (), ())
    assert contents(tmp_path / "images") == tree


def test_names_are_those_of_the_folder_in_the_order_of_the_keys(tmp_path):
    records = open_records(packed(write(tmp_path / "source", TREE), tmp_path / "set"))
    assert records.keys.tolist() == [1, 2, 3, 4, 5, 6]
    assert records.labels.tolist() == [0, 0, 0, 1, 1, 2]  # dense: they alone tell no folder
    assert records.names.tolist() == list(TREE)
    assert records.name(5) == "0001234/69_25.jpg"
    assert records.number(5) == "000002/00000006.jpg"
    assert pickle.loads(pickle.dumps(records)).names.tolist() == list(TREE)


def test_names_follow_the_images_where_packing_orders_them(tmp_path):
    pack(Pictures(("b/1.jpg", "a/1.jpg", "b/0.jpg")), [5, 2, 5], tmp_path)
    records = open_records(tmp_path / "train.rec")
    assert records.names.tolist() == ["a/1.jpg", "b/1.jpg", "b/0.jpg"]
    assert [records.encoded(n)[4:] for n in range(3)] == [b"1", b"0", b"2"]


def test_the_names_file_and_nothing_else(three):
    assert three.with_suffix(".names").read_bytes() == LINES
    assert sorted(contents(three.parent)) == ["property", "train.idx", "train.names", "train.rec"]


def test_records_without_a_names_file(three):
    three.with_suffix(".names").unlink()
    records = open_records(three)
    assert records.names is None
    assert [records.name(n) for n in (0, 2)] == ["000000/00000001.jpg", "000001/00000003.jpg"]


def test_a_list_of_mxnet_is_not_taken_for_the_names(three):
    three.with_suffix(".names").rename(three.with_suffix(".lst"))
    assert open_records(three).names is None


def test_a_list_of_mxnet_does_not_stand_in_the_way(tmp_path):
    (tmp_path / "train.lst").write_text("0\t1\ta.jpg\n")
    pack(Pictures(("7/a.jpg",)), [0], tmp_path)
    assert open_records(tmp_path / "train.rec").names.tolist() == ["7/a.jpg"]
    assert (tmp_path / "train.lst").read_text() == "0\t1\ta.jpg\n"


def test_the_names_belong_to_the_file_of_the_same_stem(three):
    for suffix in (".rec", ".idx", ".names"):
        shutil.copyfile(three.with_suffix(suffix), three.with_name(f"my faces.v2{suffix}"))
    three.with_suffix(".names").unlink()
    assert open_records(three.with_name("my faces.v2.rec")).name(2) == "30/a.jpg"
    assert open_records(three).names is None


def test_names_survive_packing_twice(tmp_path):
    first = open_records(packed(write(tmp_path / "source", TREE), tmp_path / "set"))
    pack(first, first.labels, tmp_path / "again")
    unpack(tmp_path / "again/train.rec", tmp_path / "images")
    assert contents(tmp_path / "images") == TREE


def test_records_of_others_keep_label_and_key_when_they_are_packed(three, tmp_path):
    three.with_suffix(".names").unlink()
    found = open_records(three)
    pack(found, [1, 0, 2], tmp_path / "again")
    names = open_records(tmp_path / "again/train.rec").names.tolist()
    assert names == ["000000/00000002.jpg", "000000/00000001.jpg", "000001/00000003.jpg"]


@pytest.mark.parametrize("text", [
    b"\xef\xbb\xbf" + LINES, LINES.replace(b"\n", b"\r\n"), LINES.removesuffix(b"\n"),
    b"\xef\xbb\xbf" + LINES.replace(b"\n", b"\r\n").removesuffix(b"\r\n"),
])  # fmt: skip
def test_names_that_an_editor_saved(three, text):
    three.with_suffix(".names").write_bytes(text)
    assert open_records(three).names.tolist() == ["7/a.jpg", "7/b.jpg", "30/a.jpg"]


BAD = {
    "first line missing": (LINES[12:], r"line 1 is '2\\t0\\t7/b.jpg'; expected `1<TAB>0<TAB>name`"),
    "middle line missing": (LINES[:12] + LINES[24:], r"line 2 is '3\\t1\\t30/a.jpg'; expected `2"),
    "last line missing": (LINES[:24], "ends after line 2, but the records hold 3 images; .* `3<"),
    "nothing": (b"", "ends after line 0, but the records hold 3 images"),
    "two lines swapped": (LINES[12:24] + LINES[:12] + LINES[24:], "line 1 is '2"),
    "a line twice": (LINES[:12] + LINES, r"line 2 is '1\\t0\\t7/a.jpg'; expected `2<TAB>0<TAB>"),
    "wrong label": (LINES.replace(b"3\t1", b"3\t0"), r"line 3 is '3\\t0\\t30.*expected `3<TAB>1<"),
    "longer label": (LINES.replace(b"3\t1", b"3\t11"), "line 3 is .*expected `3<TAB>1<TAB>name`"),
    "wrong key": (LINES.replace(b"2\t0", b"4\t0"), r"line 2 is '4\\t0\\t7/b.jpg'; expected `2<"),
    "padded key": (LINES.replace(b"2\t0", b"02\t0"), "line 2 is '02"),
    "extra line": (LINES + b"4\t1\t30/b.jpg\n", r"line 4 is '4.*no more, as the records hold 3"),
    "empty line at the end": (LINES + b"\n", "line 4 is ''; expected no more"),
    "empty line within": (LINES[:12] + b"\n" + LINES[12:], "line 2 is ''; expected `2<TAB>0"),
    "not UTF-8": (LINES.replace(b"b.jpg", b"\xff.jpg"), "line 2 is not UTF-8"),
    "cut within a letter": (LINES[:-5] + b"\xe9\xa1", "line 3 is not UTF-8"),
    "UTF-16": (LINES.decode().encode("utf-16"), "line 1 is not UTF-8"),
    "no name": (LINES.replace(b"7/b.jpg", b""), "line 2 has no name"),
    "name cut off": (LINES[:14], "line 2 is '2"),
    "spaces for tabs": (LINES.replace(b"\t", b" "), "line 1 is '1 0 7/a.jpg'"),
    "a list of MXNet": (b"0\t0.000000\t7/a.jpg\n", "line 1 is '0"),
}


@pytest.mark.parametrize("name", BAD)
def test_names_that_are_not_those_of_the_records_are_refused(three, tmp_path, name):
    text, told = BAD[name]
    three.with_suffix(".names").write_bytes(text)
    with pytest.raises(ValueError, match=rf"train\.names: (it )?{told}"):
        open_records(three)
    with pytest.raises(ValueError, match=r"train\.names"):
        unpack(three, tmp_path / "images")
    assert not (tmp_path / "images").exists()


@pytest.mark.parametrize("piece", [1, 5, 12, 13, 1 << 20])
def test_lines_have_their_number_wherever_the_file_is_cut(three, monkeypatch, piece):
    monkeypatch.setattr("irlib.data.recordio.names._PIECE", piece)
    assert open_records(three).names.tolist() == ["7/a.jpg", "7/b.jpg", "30/a.jpg"]
    for text, told in BAD.values():
        three.with_suffix(".names").write_bytes(text)
        with pytest.raises(ValueError, match=told):
            open_records(three)


def test_a_line_without_an_end_is_not_read_whole(three, monkeypatch):
    monkeypatch.setattr("irlib.data.recordio.names._PIECE", 16)
    monkeypatch.setattr("irlib.data.recordio.names._LONGEST", 16)
    three.with_suffix(".names").write_bytes(LINES[:12] + b"2\t0\t" + b"x" * 1000)
    with pytest.raises(ValueError, match=r"train.names: line 2 has more than 16 bytes"):
        open_records(three)


def test_a_link_that_leads_nowhere_is_not_taken_for_no_names(three):
    three.with_suffix(".names").unlink()
    three.with_suffix(".names").symlink_to("gone")
    with pytest.raises(FileNotFoundError, match=r"train.names: not a file"):
        open_records(three)


def test_a_pipe_is_not_waited_for(three):
    three.with_suffix(".names").unlink()
    os.mkfifo(three.with_suffix(".names"))
    with pytest.raises(FileNotFoundError, match=r"train.names: not a file"):
        open_records(three)


@pytest.mark.parametrize(("name", "told"), [
    ("7/a\n2\t0\tb.jpg", "without a line break"), ("7/a\r.jpg", "without a line break"),
    ("", "without a line break"), (os.fsdecode(b"7/\xff.jpg"), r"'7/\\udcff.jpg': .* in UTF-8"),
])  # fmt: skip
def test_a_name_that_no_line_holds_is_refused_before_the_work(tmp_path, name, told):
    with pytest.raises(ValueError, match=told):
        pack(Pictures(("7/a.jpg", name)), [0, 1], tmp_path / "set")
    assert not (tmp_path / "set").exists()


def unpacked(tmp_path, names, labels):
    pack(Pictures(tuple(names)), labels, tmp_path / "set")
    result = unpack(tmp_path / "set/train.rec", tmp_path / "inner/images")
    return result, sorted(contents(tmp_path))[: -len(["property", "idx", "names", "rec"])]


def test_the_last_two_parts_of_a_name_count(tmp_path):
    names = ["./train/000045/1.jpg", "train/000045/2.png", "val/000007/1.jpg"]
    result, files = unpacked(tmp_path, names, [3, 3, 8])
    assert result.notes == ()
    assert files == [
        "inner/images/000007/1.jpg", "inner/images/000045/1.jpg", "inner/images/000045/2.png",
    ]  # fmt: skip


# names and labels that no folder of identities has, and what is told
NO_TREE = {
    "one name twice": (["7/a.jpg", "7/a.jpg"], [0, 0], "two images have one name .* '7/a.jpg'"),
    "the same but for case": (["7/a.jpg", "7/A.jpg"], [0, 0], "two images have one name"),
    "case of other scripts": (["7/Ж.jpg", "7/ж.jpg"], [0, 0], "two images have one name"),
    "two spellings of an accent": (["7/\xe9.jpg", "7/e\u0301.jpg"], [0, 0], "have one name"),
    "folders that differ in case": (["Ann/1.jpg", "ann/2.jpg"], [0, 1], "more than one label"),
    "a folder of two labels": (["7/a.jpg", "7/b.jpg"], [0, 1], "'7/b.jpg' has images of more than"),
    "two sets with one folder": (["x/7/a.jpg", "y/7/b.jpg"], [0, 1], "more than one label"),
    "a label of two folders": (["7/a.jpg", "8/b.jpg"], [4, 4], "label 4 has images of more than"),
    "no folder": (["7/a.jpg", "b.jpg"], [0, 1], "'b.jpg' is not the `folder/image`"),
    "climbs out": (["7/a.jpg", "../b.jpg"], [0, 1], r"'\.\./b.jpg' is not"),
    "climbs out farther": (["7/a.jpg", "../../8/b.jpg"], [0, 1], "is not"),
    "climbs within": (["7/a.jpg", "8/../9/b.jpg"], [0, 1], "is not"),
    "absolute": (["7/a.jpg", "/8/b.jpg"], [0, 1], "'/8/b.jpg' is not"),
    "absolute and short": (["7/a.jpg", "/b.jpg"], [0, 1], "'/b.jpg' is not"),
    "the folder itself": (["7/a.jpg", "8/./b.jpg"], [0, 1], "is not"),
    "a folder without a name": (["7/a.jpg", "8//b.jpg"], [0, 1], "is not"),
    "a hidden folder": (["7/a.jpg", ".8/b.jpg"], [0, 1], "is not"),
    "a hidden image": (["7/a.jpg", "8/.jpg"], [0, 1], "is not"),
    "no image by its suffix": (["7/a.jpg", "8/b.sh"], [0, 1], "'8/b.sh' is not"),
    "a folder at the end": (["7/a.jpg", "8/b.jpg/"], [0, 1], "is not"),
    "no character of a path": (["7/a.jpg", "8/b\0.jpg"], [0, 1], "is not"),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_TREE)
def test_names_that_cannot_be_kept_give_way_to_numbers_and_it_is_told(tmp_path, name):
    names, labels, told = NO_TREE[name]
    result, files = unpacked(tmp_path, names, labels)
    assert files == [f"inner/images/{label:06d}/{n:08d}.jpg" for n, label in enumerate(labels, 1)]
    assert (result.written, len(result.notes)) == (2, 1)
    assert result.notes[0].startswith("the images have new names, <label>/<key>, as ")
    assert result.notes[0].endswith("; an age file of the old names does not fit them any more")
    assert re.search(told, result.notes[0])


def test_the_suffix_of_a_new_name_is_that_of_the_content(tmp_path):
    source = write(tmp_path / "source", {"a/1.jpg": PNG, "b/1.jpg": JPEG})
    (tmp_path / "source/faces.txt").write_text("a/1.jpg 4\nb/1.jpg 4\n")
    listed = read_list(source / "faces.txt")
    pack(ImageFiles(listed.root, listed.names), listed.labels, tmp_path / "set")
    unpack(tmp_path / "set/train.rec", tmp_path / "images")
    expected = {"000000/00000001.png": PNG, "000000/00000002.jpg": JPEG}
    assert contents(tmp_path / "images") == expected


def test_names_are_kept_where_the_labels_are_in_no_order(tmp_path):
    # records of others may have any order: here the labels 4, 1, 4 under the keys 1, 2, 3
    names, labels = ["b/1.jpg", "a/1.jpg", "b/2.jpg"], np.array([4, 1, 4])
    pack(Pictures(tuple(names)), [0, 1, 2], tmp_path / "set")
    rec = tmp_path / "set/train.rec"
    data = bytearray(rec.read_bytes())
    offsets = [int(row.split()[1]) for row in rec.with_suffix(".idx").read_text().splitlines()]
    for offset, label in zip(offsets[1:4], labels, strict=True):
        data[offset + 12 : offset + 16] = np.float32(label).tobytes()
    rec.write_bytes(data)
    lines = map(line, [1, 2, 3], labels, names)
    rec.with_suffix(".names").write_bytes(b"".join(lines))
    assert unpack(rec, tmp_path / "images").notes == ()
    assert sorted(contents(tmp_path / "images")) == ["a/1.jpg", "b/1.jpg", "b/2.jpg"]


def test_unpacking_under_the_old_names_goes_on(tmp_path):
    path = packed(write(tmp_path / "source", TREE), tmp_path / "set")
    unpack(path, tmp_path / "images")
    os.truncate(tmp_path / "images/0000099/001.jpg", 3)
    (tmp_path / "images/0000045/9.PNG").unlink()
    result = unpack(path, tmp_path / "images")
    assert (result.written, result.skipped) == (2, 4)
    assert contents(tmp_path / "images") == TREE


quick = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@quick
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), min_size=1)))
def test_any_name_is_read_as_it_was_written(tmp_path, names):
    keys, labels = np.arange(1, len(names) + 1), np.arange(len(names)) // 2
    path = tmp_path / "any.names"
    lines = map(line, keys.tolist(), labels.tolist(), names)
    path.write_bytes(b"".join(lines))
    assert read_names(path, keys, labels).tolist() == names


@quick
@given(st.integers(0, len(LINES) - 1), st.binary(max_size=4), st.integers(0, 12))
def test_changed_names_are_read_or_refused(tmp_path, place, put, removed):
    path = tmp_path / "any.names"
    path.write_bytes(LINES[:place] + put + LINES[place + removed :])
    try:
        names = read_names(path, np.array([1, 2, 3]), np.array([0, 0, 1]))
    except ValueError as error:
        assert str(error).startswith(str(path))
    else:
        assert len(names) == 3
        assert all(names)


@quick
@given(st.lists(st.tuples(
    st.text("aA./é\\ \0", max_size=9), st.sampled_from(["", ".jpg", "/a.jpg", "/../a.jpg"]),
), min_size=1, max_size=4))  # fmt: skip
def test_nothing_is_ever_written_outside(tmp_path_factory, parts):
    root = tmp_path_factory.mktemp("root")
    names = [start + end for start, end in parts if start + end] or ["a"]
    pack(Pictures(tuple(names)), [0] * len(names), root / "set")
    folder = root / "1/2/3/images"
    folder.mkdir(parents=True)
    result = unpack(root / "set/train.rec", folder)
    written = [Path(name).relative_to("1/2/3/images") for name in contents(root) if name[0] == "1"]
    assert result.written == len(written) == len(names)
    assert all(len(path.parts) == 2 for path in written)
