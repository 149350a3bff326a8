import os
import pickle
import struct
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from irlib.data.recordio import open_records
from irlib.data.recordio.files import RandomFile
from irlib.data.recordio.framing import content_of, framed, header_of

MAGIC = struct.pack("<I", 0xCED7230A)


def whole(content):
    """A record in the form that needs no splitting."""
    return MAGIC + struct.pack("<I", len(content)) + content + b"\0" * (-len(content) % 4)


def part(kind, content):
    return (
        MAGIC + struct.pack("<I", kind << 29 | len(content)) + content + b"\0" * (-len(content) % 4)
    )


def image(label, content=b"image", key=0):
    return whole(struct.pack("<IfQQ", 0, label, key, 0) + content)


def listed(labels, content=b"image"):
    """A record whose labels follow the header."""
    header = struct.pack("<IfQQ", len(labels), 0.0, 0, 0)
    return whole(header + struct.pack(f"<{len(labels)}f", *labels) + content)


def table(*labels):
    return listed(labels, b"")


def write(folder, records, *, keys=None, index=None, name="train"):
    """The records one after the other, and their index; returns the .rec file."""
    path = folder / f"{name}.rec"
    path.write_bytes(b"".join(records))
    offsets = np.cumsum([0, *map(len, records)])
    keys = range(len(records)) if keys is None else keys
    lines = "".join(f"{k}\t{o}\n" for k, o in zip(keys, offsets, strict=False))
    path.with_suffix(".idx").write_text(lines if index is None else index)
    return path


# three images of 7, none of a person in between, two images of 9
WITH_TABLE = (
    table(6, 9),
    *(image(label, bytes([65 + n]) * (n + 1)) for n, label in enumerate([7, 7, 7, 9, 9])),
    table(1, 4), table(4, 4), table(4, 6),
)  # fmt: skip

IMAGES = [(7, b"A"), (7, b"BB"), (7, b"CCC"), (9, b"DDDD"), (9, b"EEEEE")]


@pytest.fixture
def faces(tmp_path):
    return write(tmp_path, WITH_TABLE)


def test_keys_labels_and_bytes_of_a_set_with_a_table(faces):
    records = open_records(faces)
    assert len(records) == 5
    assert records.keys.tolist() == [1, 2, 3, 4, 5]
    assert records.labels.tolist() == [7, 7, 7, 9, 9]
    assert records.keys.dtype == records.labels.dtype == np.int64
    assert [records.encoded(i) for i in range(5)] == [b"A", b"BB", b"CCC", b"DDDD", b"EEEEE"]
    assert records.name(3) == "000009/00000004.jpg"


def test_an_empty_identity_is_noted(faces):
    assert open_records(faces).notes == ("identity record 7 lists no image",)


def test_a_header_tells_its_numbers(tmp_path):
    content = struct.pack("<IfQQ", 0, 4.0, 11, 12) + b"x"
    header = open_records(write(tmp_path, [whole(content)])).header(0)
    assert header == (0, (4.0,), 11, 12)


def test_labels_by_the_table_are_read_once_an_identity(tmp_path, monkeypatch):
    # 200 images of 100 kB, far apart, of 2 people: the ends of both are looked at, no others
    labels = [0] * 100 + [1] * 100
    images = [image(label, bytes(100_000)) for label in labels]
    path = write(tmp_path, [table(201, 203), *images, table(1, 101), table(101, 201)])
    read = RandomFile.read
    sizes = []

    def counted(self, place, count):
        sizes.append(count)
        return read(self, place, count)

    monkeypatch.setattr(RandomFile, "read", counted)
    assert open_records(path).labels.tolist() == labels
    assert sum(sizes) < 200_000  # of 20 MB


@pytest.mark.parametrize("flag", [1, 2, 5])
def test_the_first_of_several_labels_counts(tmp_path, flag):
    path = write(tmp_path, [listed([3.0, *[8.5] * (flag - 1)])] * 2)
    records = open_records(path)
    assert records.labels.tolist() == [3, 3]
    assert records.encoded(1) == b"image"
    assert records.header(1).labels == (3.0, *[8.5] * (flag - 1))


def test_without_a_table_in_record_0_every_key_is_an_image(tmp_path):
    records = open_records(write(tmp_path, [image(2), image(0)]))
    assert records.keys.tolist() == [0, 1]
    assert records.labels.tolist() == [2, 0]
    assert records.notes == ()


def test_a_set_without_key_0(tmp_path):
    records = open_records(write(tmp_path, [image(2), image(0)], keys=[10, 4]))
    assert records.keys.tolist() == [4, 10]  # ascending, whatever the order of the file
    assert records.labels.tolist() == [0, 2]


def test_record_0_may_come_last(tmp_path):
    # as InsightFace's builder leaves it
    records = [image(5), image(6), table(1, 2), table(2, 3), table(3, 5)]
    found = open_records(write(tmp_path, records, keys=[1, 2, 3, 4, 0]))
    assert found.labels.tolist() == [5, 6]
    assert found.notes == ()


def test_an_image_with_two_labels_in_record_0_is_no_table(tmp_path):
    assert open_records(write(tmp_path, [listed([1.0, 3.0]), image(0)])).labels.tolist() == [1, 0]


def test_more_images_than_a_float_counts(tmp_path):
    # N + 1 = 2**24 + 1 is 2**24 as a float: by the header the last image would be an identity
    count = 2**24
    keys = [0, 1, count - 1, count, count + 1, count + 2]
    records = [table(count + 1, count + 3), image(4), image(5), image(6), table(1, 3), table(3, 9)]
    found = open_records(write(tmp_path, records, keys=keys))
    assert found.keys.tolist() == [1, count - 1, count]
    assert found.labels.tolist() == [4, 5, 6]
    assert "the labels" not in found.notes[0]
    assert "labels are from the images' headers" in found.notes[0]


def test_more_identities_than_a_float_counts_after_fewer_images(tmp_path):
    behind = 2**24 - 1  # exact, but not the end
    keys = [0, *range(1, 4), behind]
    path = write(tmp_path, [table(behind, behind + 5), *[image(1)] * 3, table(1, 4)], keys=keys)
    with pytest.raises(ValueError, match=f"announces {behind - 1} images and 1 .* lists 3 and 1"):
        open_records(path)


@pytest.mark.parametrize(("ranges", "told"), [
    ([(1, 3), (2, 6)], "overlap"),
    ([(1, 3), (4, 6)], "do not list the images"),
    ([(1, 5)], "do not list the images"),
    ([(1, 4), (6, 4)], "ends before it begins"),
    ([(1, 3), (3, 6)], "keys 3 and 5 of one record have two labels"),
    ([(1, float("nan"))], "not a whole number"),
    ([(0, 4), (4, 6)], "do not list the images"),
    ([(1, 1), (6, 6)], "do not list the images"),
])  # fmt: skip
def test_identity_records_that_do_not_hold_give_way_to_the_headers(tmp_path, ranges, told):
    records = [table(6, 6 + len(ranges)), *WITH_TABLE[1:6], *(table(*pair) for pair in ranges)]
    found = open_records(write(tmp_path, records))
    assert found.labels.tolist() == [7, 7, 7, 9, 9]
    assert told in found.notes[-1]
    assert found.encoded(4) == b"EEEEE"


def test_a_label_that_the_identity_records_hide_is_told_when_it_is_read(tmp_path):
    records = [table(4, 5), image(7), image(8), image(7), table(1, 4)]
    found = open_records(write(tmp_path, records))
    with pytest.raises(ValueError, match=r"record 2 at byte 80: label 8 in its header, but 7 by"):
        found.encoded(1)


def test_headers_are_read_in_windows_and_in_any_order(tmp_path, monkeypatch):
    monkeypatch.setattr("irlib.data.recordio.heads._WINDOW", 100)
    labels = [5, 3, 3, 8, 1, 0, 2]
    records = [image(label, bytes(20 * n + 1)) for n, label in enumerate(labels)]
    keys = [6, 2, 4, 0, 1, 5, 3]
    told = []
    write(tmp_path, records, keys=keys)
    found = open_records(tmp_path / "train.rec", progress=lambda *done: told.append(done))
    assert found.labels.tolist() == [label for _, label in sorted(zip(keys, labels, strict=True))]
    assert len(told) > 2
    assert told[-1] == (7, 7)


# records split at the magic word: content and the parts that the format's writer makes of it
SPLITS = {
    "inside": (b"abcd" + MAGIC + b"ef", [b"abcd", b"ef"]),
    "at the start": (MAGIC + b"abc", [b"", b"abc"]),
    "at the end": (b"abcd" + MAGIC, [b"abcd", b""]),
    "twice in a row": (MAGIC * 2 + b"a", [b"", b"", b"a"]),
    "several": (b"abcd" + MAGIC + b"efgh" * 2 + MAGIC + b"i", [b"abcd", b"efgh" * 2, b"i"]),
    "nothing else": (MAGIC, [b"", b""]),
}


def split_record(parts):
    kinds = [1, *[2] * (len(parts) - 2), 3]
    return b"".join(part(kind, content) for kind, content in zip(kinds, parts, strict=True))


@pytest.mark.parametrize("name", SPLITS)
def test_the_writer_splits_as_the_format_says(name):
    content, parts = SPLITS[name]
    assert framed(content) == split_record(parts)


@pytest.mark.parametrize("name", SPLITS)
def test_a_split_image_is_put_together(tmp_path, name):
    content, parts = SPLITS[name]
    header = struct.pack("<IfQQ", 0, 3.0, 0, 0)  # 24 bytes, so that the places stay aligned
    record = split_record([header + parts[0], *parts[1:]])
    found = open_records(write(tmp_path, [record, image(1)]))
    assert found.labels.tolist() == [3, 1]
    assert found.encoded(0) == content


def test_a_header_may_be_split_too(tmp_path):
    number = struct.unpack("<Q", MAGIC + bytes(4))[0]
    header = struct.pack("<IfQQ", 0, 3.0, 0, number)
    found = open_records(write(tmp_path, [split_record([header[:16], header[20:] + b"img"])]))
    assert found.labels.tolist() == [3]
    assert found.encoded(0) == b"img"
    assert found.header(0).id2 == number


@pytest.mark.parametrize("shift", [1, 2, 3])
def test_a_magic_word_elsewhere_is_left_alone(shift):
    content = b"x" * shift + MAGIC + b"yz"
    assert framed(content) == whole(content)


def test_an_image_longer_than_the_first_read(tmp_path):
    content = np.random.default_rng(0).bytes(100_001)
    found = open_records(write(tmp_path, [image(0, content), image(1, content[::-1])]))
    assert found.encoded(0) == content
    assert found.encoded(1) == content[::-1]


def test_padding_may_be_missing_at_the_end_of_the_file(tmp_path):
    path = write(tmp_path, [image(0), image(1, b"image")])  # 5 bytes, 3 of padding
    path.write_bytes(path.read_bytes()[:-3])
    assert open_records(path).encoded(1) == b"image"


@pytest.mark.parametrize("text", [
    "\ufeff0\t0\n1\t40\n", "0\t0\r\n1\t40\r\n", "0\t0\n1\t40", "1 40\n0 0\n\n\n",
    "0  0\n\n1\t40 \n",
])  # fmt: skip
def test_an_index_with_other_white_space(tmp_path, text):
    path = write(tmp_path, [image(3), image(4)])
    path.with_suffix(".idx").write_bytes(text.encode())
    found = open_records(path)
    assert found.keys.tolist() == [0, 1]
    assert found.labels.tolist() == [3, 4]


def test_an_index_is_read_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr("irlib.data.recordio.index._PIECE", 16)
    found = open_records(write(tmp_path, [image(n) for n in range(50)]))
    assert found.labels.tolist() == list(range(50))


BAD_INDEX = {
    "text": ("0\t0\nkey\t40\n", r"train.idx: line 2 is 'key\\t40'; expected `key<TAB>offset`"),
    "one number": ("0\t0\n40\n", "line 2 is '40'"),
    "two lines' numbers on three": ("0\n0\t1\n40\n", "line 1 is '0'"),
    "three numbers": ("0\t0\t1\n", "line 1"),
    "a fraction": ("0\t0.0\n", "line 1"),
    "a negative offset": ("0\t0\n1\t-40\n", r"line 2 is '1\\t-40'"),
    "a number too long": ("0\t" + "1" * 19 + "\n", "line 1"),
    "a key twice": ("0\t0\n1\t40\n0\t40\n", "key 0 stands on more than one line"),
    "an offset twice": ("0\t40\n1\t0\n2\t40\n", "offset 40 stands on more than one line"),
    "past the end": ("0\t0\n1\t80\n", r"key 1 is at byte 80; expected .* within the 80 bytes"),
    "too near the end": ("0\t0\n1\t76\n", "key 1 is at byte 76"),
    "not a multiple of 4": ("0\t0\n1\t41\n", "key 1 is at byte 41; expected a multiple of 4"),
    "within a record": ("0\t0\n1\t48\n", "record 1 at byte 48: magic word 00000000, expected"),
    "nothing": ("", "no record is listed"),
    "empty lines": ("\n\n \n", "no record is listed"),
    "no text at all": ("\0\1\2\xff", "line 1"),
}


@pytest.mark.parametrize("name", BAD_INDEX)
def test_a_wrong_index_is_refused(tmp_path, name):
    text, told = BAD_INDEX[name]
    with pytest.raises(ValueError, match=told):
        open_records(write(tmp_path, [image(0), image(1)], index=text))


def test_a_long_line_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("irlib.data.recordio.index._PIECE", 16)
    with pytest.raises(ValueError, match="a line of more than 16 bytes"):
        open_records(write(tmp_path, [image(0)], index="1" * 100))


HEADER = struct.pack("<IfQQ", 0, 0.0, 0, 0)
NEXT = image(0)
BAD_RECORDS = {
    "another magic word": (b"\0" * 40, "magic word 00000000"),
    "NaN as label": (image(float("nan")), "label nan; expected a whole number"),
    "infinite label": (image(float("inf")), "label inf"),
    "negative label": (image(-1.0), "label -1.0"),
    "fraction as label": (image(1.5), "label 1.5"),
    "label beyond the floats' counting": (image(2.0**25), "label 33554432.0"),
    "shorter than a header": (whole(HEADER[:20]), "20 bytes, expected a header of 24"),
    "no content": (whole(b""), "0 bytes, expected a header of 24"),
    "shorter than its labels": (
        whole(struct.pack("<IfQQ", 9, 0, 0, 0) + bytes(8)), "expected a header of 60 for 9 labels"
    ),
    "an immense number of labels": (
        whole(struct.pack("<IfQQ", 2**32 - 1, 0, 0, 0) + bytes(8)), "for 4294967295 labels"
    ),
    "begins in the middle": (part(2, HEADER + b"abcd"), "continuation flag 2 at its beginning"),
    "begins at the end": (part(3, HEADER + b"abcd"), "continuation flag 3 at its beginning"),
    "no such continuation": (part(4, HEADER + b"abcd"), "continuation flag 4"),
    "not continued": (part(1, HEADER + b"abcd"), "continuation flag 0 within a split record"),
    "begun twice": (part(1, HEADER) + part(1, b""), "continuation flag 1 within a split record"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_RECORDS)
def test_a_damaged_record_is_named(tmp_path, name):
    record, told = BAD_RECORDS[name]
    with pytest.raises(ValueError, match=f"train.rec: record 0 at byte 0: .*{told}"):
        open_records(write(tmp_path, [record, NEXT]))


BAD_LENGTHS = {
    "too long": (1, "41 bytes long, but no record follows"),
    "far too long": (4000, "past the end of the file"),
    "too short": (-4, "but no record follows there"),
}


@pytest.mark.parametrize("name", BAD_LENGTHS)
def test_a_wrong_length_is_noticed(tmp_path, name):
    change, told = BAD_LENGTHS[name]
    path = write(tmp_path, [image(0, b"1234" * 4), NEXT])
    data = bytearray(path.read_bytes())
    data[4:8] = struct.pack("<I", 40 + change)
    path.write_bytes(data)
    with pytest.raises(ValueError, match=told):
        open_records(path).encoded(0)


def test_an_unfinished_split_record_at_the_end(tmp_path):
    path = write(tmp_path, [image(0), part(1, HEADER + b"abcd")])
    with pytest.raises(ValueError, match="record 1 at byte 40: the file ends before it"):
        open_records(path)


def test_a_record_without_an_image(tmp_path):
    found = open_records(write(tmp_path, [image(0), image(1, b"")]))
    with pytest.raises(ValueError, match="record 1 at byte 40: no image behind its header"):
        found.encoded(1)


@pytest.mark.parametrize(("labels", "told"), [
    ((7, 9), "announces 6 images and 2 identity records, but the index lists 5 and 3"),
    ((6, 8), "announces 5 images and 2 identity records, but the index lists 5 and 3"),
    ((6, 10), "announces 5 images and 4 identity records, but the index lists 5 and 3"),
    ((9, 6), "labels 9 and 6; expected the first key after the images"),
    ((float("nan"), 9), "labels nan and 9"),
    ((6, float("inf")), "labels 6 and inf"),
    ((6.5, 9), "labels 6.5 and 9"),
    ((1, 9), "announces 0 images and 8 identity records, but the index lists 0 and 8|no image"),
])  # fmt: skip
def test_record_0_and_the_index_must_agree(tmp_path, labels, told):
    keys = [*range(6), 7, 8, 9]  # 5 images and 3 identity records, behind a gap
    if labels in ((6, 8), (6, 10), (1, 9)):
        keys = range(9)
    path = write(tmp_path, [table(*labels), *WITH_TABLE[1:]], keys=keys)
    with pytest.raises(ValueError, match=told):
        open_records(path)


def test_keys_beyond_the_announced_ones(tmp_path):
    keys = [0, 1, 2, 3, 4, 5, 6, 7, 20]
    path = write(tmp_path, WITH_TABLE, keys=keys)
    with pytest.raises(ValueError, match="announces keys below 9, but the index lists 20"):
        open_records(path)


def test_a_table_alone_holds_no_image(tmp_path):
    path = write(tmp_path, [table(1, 2), table(1, 1)])
    with pytest.raises(ValueError, match="no image is listed in its index"):
        open_records(path)


def test_an_image_where_an_identity_record_is_announced(tmp_path):
    path = write(tmp_path, [table(2, 4), image(0), image(0), table(1, 2)])
    with pytest.raises(ValueError, match="record 2 at byte 80: not an identity record"):
        open_records(path)


def test_an_empty_file(tmp_path):
    with pytest.raises(ValueError, match=r"key 0 is at byte 0; expected .* within the 0 bytes"):
        open_records(write(tmp_path, [], index="0\t0\n"))


def test_a_missing_index_is_explained(faces):
    faces.with_suffix(".idx").unlink()
    with pytest.raises(FileNotFoundError, match=r"train.idx: no such file; it is the index that"):
        open_records(faces)


def test_a_missing_file_is_named(faces):
    faces.unlink()
    with pytest.raises(FileNotFoundError, match=r"train.rec: no such file"):
        open_records(faces)


def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "train.rec")  # opening it would wait for ever
    with pytest.raises(FileNotFoundError, match=r"train.rec: no such file"):
        open_records(tmp_path / "train.rec")


def test_a_link_to_itself_is_no_file(tmp_path):
    (tmp_path / "train.rec").symlink_to("train.rec")
    with pytest.raises(FileNotFoundError, match=r"train.rec: no such file"):
        open_records(tmp_path / "train.rec")


def test_a_file_that_is_cut_after_opening(tmp_path):
    path = write(tmp_path, [image(0, bytes(50_000)), image(1, bytes(50_000))])
    found = open_records(path)
    os.truncate(path, 60_000)
    assert len(found.encoded(0)) == 50_000
    with pytest.raises(ValueError, match=r"record 1 at byte 50032: .*cut within it since"):
        found.encoded(1)
    os.truncate(path, 50_032)
    with pytest.raises(ValueError, match="record 1 at byte 50032: the file ends before it"):
        found.encoded(1)


def test_a_file_that_is_deleted_after_opening(faces):
    found = open_records(faces)
    faces.unlink()
    assert found.encoded(0) == b"A"  # it stays open
    with pytest.raises(FileNotFoundError, match=r"train.rec: no such file"):
        pickle.loads(pickle.dumps(found)).encoded(0)


def test_a_file_that_is_another_when_it_is_opened_again(faces):
    copy = pickle.dumps(open_records(faces))
    faces.write_bytes(faces.read_bytes() + bytes(4))
    with pytest.raises(OSError, match=r"train.rec: \d+ bytes, but it had \d+ when opened"):
        pickle.loads(copy).encoded(0)


def test_records_are_read_in_another_process(faces, tmp_path):
    (tmp_path / "records").write_bytes(pickle.dumps(open_records(faces)))
    code = "import pickle, sys; r = pickle.load(open(sys.argv[1], 'rb')); print(r.encoded(4))"
    command = [sys.executable, "-c", code, str(tmp_path / "records")]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "b'EEEEE'\n"


def test_threads_read_one_file(tmp_path):
    images = [bytes([n]) * (1000 + n) for n in range(200)]
    found = open_records(write(tmp_path, [image(n, data) for n, data in enumerate(images)]))
    copy = pickle.loads(pickle.dumps(found))  # not open yet
    wrong = []

    def read():
        wrong.extend(n for n in range(200) if copy.encoded(n) != images[n])

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files by /proc")  # noqa: PTH112
def test_nothing_stays_open_behind_the_records(faces):
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    found = open_records(faces)
    del found
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_spaces_and_any_script_in_the_path(tmp_path):
    folder = tmp_path / "名前 と 写真 #1"
    folder.mkdir()
    assert len(open_records(write(folder, WITH_TABLE, name="train set"))) == 5


pieces = st.lists(st.one_of(st.just(MAGIC), st.binary(max_size=9)), max_size=8).map(b"".join)
quick = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@quick
@given(st.lists(pieces, min_size=1, max_size=5))
def test_whatever_is_framed_is_read_back(tmp_path, contents):
    records = [framed(content) for content in contents]
    path = tmp_path / "any.rec"
    path.write_bytes(b"".join(records))
    file, offset = RandomFile(path), 0
    for content, record in zip(contents, records, strict=True):
        found, end = content_of(file, offset)
        assert found == content
        assert end == offset + len(record)
        offset = end


@quick
@given(st.binary(max_size=80))
def test_any_header_is_read_or_refused(content):
    try:
        header, image = header_of(content)
    except ValueError:
        return
    assert 24 + 4 * header.flag + len(image) == len(content)


places = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4)


def changed(data, changes, cut):
    data = bytearray(data)
    for place, value in changes:
        data[place % len(data)] = value
    return bytes(data[: len(data) - cut % len(data)])


@quick
@given(places, st.one_of(st.just(0), st.integers(0, 10**6)), st.sampled_from(["rec", "idx"]))
def test_a_damaged_set_is_read_or_refused(tmp_path, changes, cut, which):
    path = write(tmp_path, WITH_TABLE)
    file = path.with_suffix(f".{which}")
    file.write_bytes(changed(file.read_bytes(), changes, cut))
    try:
        found = open_records(path)
    except (ValueError, OSError):
        return
    assert len(found) == len(found.labels) == len(found.keys) == len(found.offsets)
    for index in range(len(found)):
        try:
            data = found.encoded(index)
        except (ValueError, OSError):
            continue
        # never more than lies between its beginning and the end of the file
        assert 0 < len(data) <= path.stat().st_size - found.offsets[index] - 32
        if which == "idx":  # the records are whole: none may be taken for another
            assert (found.labels[index], data) in IMAGES


@quick
@given(st.binary(max_size=60), st.binary(max_size=120))
def test_any_bytes_are_read_or_refused(tmp_path, index, data):
    path = tmp_path / "train.rec"
    path.write_bytes(data)
    path.with_suffix(".idx").write_bytes(index)
    with pytest.raises((ValueError, OSError)):
        open_records(path).encoded(0)
        raise ValueError("read")
