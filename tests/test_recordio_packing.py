import errno
import hashlib
import os
import pickle
import shutil
import signal
import struct
import subprocess
import sys
from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irlib.data.recordio import Packed, open_records, pack, unpack
from irlib.data.recordio.plan import Plan
from irlib.data.recordio.unpacking import suffix
from irlib.data.sources import ImageFiles

MAGIC = struct.pack("<I", 0xCED7230A)
JPEG = b"\xff\xd8\xff\xe0"
FILES = ["property", "train.idx", "train.names", "train.rec"]


class Stopped(Exception):
    pass


@dataclass(frozen=True)
class Pictures:
    contents: tuple[bytes, ...]
    names: tuple[str, ...] = ()

    def __len__(self):
        return len(self.contents)

    def name(self, index):
        return self.names[index] if self.names else f"image {index}.jpg"

    def encoded(self, index):
        return self.contents[index]


LABELS = [2, 0, 2, 5, 0]
PICTURES = Pictures(tuple(JPEG + bytes([65 + n]) * (n + 1) for n in range(5)))
MANY = Pictures(tuple(JPEG + bytes([n]) * (n % 30) + MAGIC * (n % 3) for n in range(120)))
MANY_LABELS = [n // 7 for n in range(120)]


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def record(flag, label, key, rest, mark=b""):
    content = struct.pack("<IfQ8s", flag, label, key, mark) + rest
    return MAGIC + struct.pack("<I", len(content)) + content + b"\0" * (-len(content) % 4)


def test_a_packed_set_byte_by_byte(tmp_path):
    # by class: images 1 and 4 of class 0, then 0 and 2 of class 2, then 3 of class 5
    assert pack(PICTURES, LABELS, tmp_path) == Packed(written=5, skipped=0)
    order, labels = [1, 4, 0, 2, 3], [0, 0, 2, 2, 5]
    expected = [
        record(2, 0, 0, struct.pack("<2f", 6, 9), b"irlb"),
        *(record(0, labels[n], n + 1, PICTURES.contents[order[n]]) for n in range(5)),
        *(
            record(2, 0, 6 + n, struct.pack("<2f", *ends))
            for n, ends in enumerate([(1, 3), (3, 5), (5, 6)])
        ),
    ]
    offsets = np.cumsum([0, *map(len, expected)])[:-1]
    assert contents(tmp_path) == {
        "property": b"3,112,112",
        "train.rec": b"".join(expected),
        "train.idx": "".join(f"{key}\t{at}\n" for key, at in enumerate(offsets)).encode(),
        "train.names": b"1\t0\timage 1.jpg\n2\t0\timage 4.jpg\n3\t2\timage 0.jpg\n"
        b"4\t2\timage 2.jpg\n5\t5\timage 3.jpg\n",
    }


def test_a_packed_set_is_read_without_remarks(tmp_path):
    pack(MANY, MANY_LABELS, tmp_path)
    found = open_records(tmp_path / "train.rec")
    assert found.notes == ()
    assert found.labels.tolist() == MANY_LABELS
    assert tuple(found.encoded(n) for n in range(120)) == MANY.contents


def test_packing_again_what_is_packed_returns_at_once(tmp_path):
    pack(PICTURES, LABELS, tmp_path)
    before = contents(tmp_path)
    no_bytes = Pictures((b"",) * 5)  # the names alone are looked at
    assert pack(no_bytes, LABELS, tmp_path) == Packed(written=0, skipped=5)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(("pictures", "labels"), [
    (PICTURES, [2, 0, 2, 5, 1]),
    (Pictures(PICTURES.contents, ("a", "b", "c", "d", "e")), LABELS),
    (Pictures(PICTURES.contents[:4]), LABELS[:4]),
])  # fmt: skip
def test_a_folder_with_another_set_is_refused(tmp_path, pictures, labels):
    pack(PICTURES, LABELS, tmp_path)
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match=r"train.rec: a set of other images"):
        pack(pictures, labels, tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["train.idx", "train.names", "property"])
def test_a_part_of_another_set_is_refused(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(FileExistsError, match=f"{name}: of another set"):
        pack(PICTURES, LABELS, tmp_path)
    assert contents(tmp_path) == {name: b"mine"}


def stop_at(count):
    def progress(done, total):
        if done == count:
            raise Stopped

    return progress


@pytest.fixture
def undisturbed(tmp_path):
    pack(MANY, MANY_LABELS, tmp_path / "undisturbed")
    return contents(tmp_path / "undisturbed")


@pytest.mark.parametrize("count", [1, 50, 120])
def test_a_pack_that_was_stopped_goes_on(tmp_path, undisturbed, count):
    folder = tmp_path / "set"
    with pytest.raises(Stopped):
        pack(MANY, MANY_LABELS, folder, progress=stop_at(count))
    assert "train.rec" not in contents(folder)
    told = []
    packed = pack(MANY, MANY_LABELS, folder, progress=lambda *done: told.append(done))
    assert packed == Packed(written=120 - count, skipped=count)
    assert told == [(done, 120) for done in range(count + 1, 121)]
    assert contents(folder) == undisturbed


@pytest.mark.parametrize(("file", "cut"), [
    ("rec", 1), ("rec", 40), ("rec", 200), ("rec", 10**6), ("idx", 1), ("idx", 5), ("idx", 30),
    ("idx", 10**6),
])  # fmt: skip
def test_a_pack_goes_on_from_files_cut_anywhere(tmp_path, undisturbed, file, cut):
    folder = tmp_path / "set"
    with pytest.raises(Stopped):
        pack(MANY, MANY_LABELS, folder, progress=stop_at(60))
    partial = folder / f"train.{file}.partial"
    os.truncate(partial, max(partial.stat().st_size - cut, 0))
    assert pack(MANY, MANY_LABELS, folder).skipped < 60
    assert contents(folder) == undisturbed


def test_a_pack_that_was_killed_goes_on(tmp_path, undisturbed):
    (tmp_path / "pictures").write_bytes(pickle.dumps((MANY.contents, MANY_LABELS)))
    code = (
        "import os, pickle, signal, sys; sys.path[:0] = sys.argv[3:]\n"
        "import irlib.data.recordio.packing as packing\n"
        "from test_recordio_packing import Pictures\n"
        "from pathlib import Path\n"
        "packing._STEP = 500\n"
        "contents, labels = pickle.loads(Path(sys.argv[1]).read_bytes())\n"
        "kill = lambda done, _: done == 90 and os.kill(os.getpid(), signal.SIGKILL)\n"
        "packing.pack(Pictures(contents), labels, Path(sys.argv[2]), progress=kill)\n"
    )
    folder = tmp_path / "set"
    command = [sys.executable, "-c", code, tmp_path / "pictures", folder, Path(__file__).parent]
    ended = subprocess.run([*map(str, command)], cwd=Path(__file__).parents[1], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert 60 < pack(MANY, MANY_LABELS, folder).skipped <= 90
    assert contents(folder) == undisturbed


@pytest.mark.parametrize("name", ["train.idx", "train.names", "property", "train.rec"])
def test_a_pack_that_was_stopped_at_its_last_step_goes_on(tmp_path, undisturbed, name, monkeypatch):
    folder = tmp_path / "set"
    replace = Path.replace

    def stopped(self, target):
        if Path(target).name == name:
            raise Stopped
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", stopped)
    with pytest.raises(Stopped):
        pack(MANY, MANY_LABELS, folder)
    monkeypatch.undo()
    assert pack(MANY, MANY_LABELS, folder) == Packed(written=0, skipped=120)
    assert contents(folder) == undisturbed


def test_what_is_left_behind_the_last_step_is_removed(tmp_path, undisturbed):
    folder = tmp_path / "set"
    pack(MANY, MANY_LABELS, folder)
    shutil.copyfile(folder / "train.names", folder / "train.names.partial")
    pack(MANY, MANY_LABELS, folder)
    assert contents(folder) == undisturbed


def test_an_unfinished_set_of_other_images_is_refused(tmp_path):
    with pytest.raises(Stopped):
        pack(MANY, MANY_LABELS, tmp_path, progress=stop_at(50))
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match=r"train.rec.partial: of an unfinished set"):
        pack(MANY, MANY_LABELS[::-1], tmp_path)
    assert contents(tmp_path) == before


def test_an_index_that_packing_did_not_leave_is_refused(tmp_path):
    with pytest.raises(Stopped):
        pack(MANY, MANY_LABELS, tmp_path, progress=stop_at(50))
    (tmp_path / "train.idx.partial").write_text("0\t0\n2\t40\n")
    with pytest.raises(ValueError, match=r"train.idx.partial: not what packing leaves"):
        pack(MANY, MANY_LABELS, tmp_path)


def test_an_image_that_cannot_be_read_stops_and_keeps_the_rest(tmp_path):
    root = tmp_path / "files"
    root.mkdir()
    names = [f"{n}.jpg" for n in range(600)]  # more than are looked at before
    for name in names:
        (root / name).write_bytes(JPEG + name.encode())
    files = ImageFiles(root, np.array(names))
    (root / "301.jpg").unlink()
    folder = tmp_path / "set"
    with pytest.raises(ValueError, match=r"301.jpg: no such image"):
        pack(files, np.arange(600) // 10, folder)
    (root / "301.jpg").write_bytes(JPEG + b"301.jpg")
    assert pack(files, np.arange(600) // 10, folder).skipped == 301
    assert open_records(folder / "train.rec").encoded(301) == JPEG + b"301.jpg"


def test_an_empty_image_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"image 1.jpg: an empty file"):
        pack(Pictures((b"x", b"")), [0, 1], tmp_path)


def test_an_image_that_is_too_long_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("irlib.data.recordio.framing.LIMIT", 100)
    with pytest.raises(ValueError, match=r"image 1.jpg: 104 bytes; a record holds fewer than 100"):
        pack(Pictures((b"x", b"x" * 80)), [0, 1], tmp_path)


@pytest.mark.parametrize("labels", [
    [0, 1], [0, 1, 2, 3, -1], [0.0, 1.0, 2.0, 3.0, 4.0], [0, 1, 2, 3, 2**24], [[0, 1, 2, 3, 4]],
])  # fmt: skip
def test_wrong_labels_are_refused(tmp_path, labels):
    with pytest.raises(ValueError, match="labels"):
        pack(PICTURES, labels, tmp_path)
    assert contents(tmp_path) == {}


def test_nothing_to_pack(tmp_path):
    with pytest.raises(ValueError, match="0 images"):
        pack(Pictures(()), [], tmp_path)


Usage = namedtuple("Usage", "total used free")


def test_a_disk_that_is_too_small_is_noticed_before_the_work(tmp_path, monkeypatch):
    # records of 8 + 24 + at least 4 bytes: 120 of them need more than 4,000
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(0, 0, 4000))
    with pytest.raises(OSError, match="GB needed") as error:
        pack(MANY, MANY_LABELS, tmp_path / "set")
    assert error.value.errno == errno.ENOSPC
    assert "train.rec.partial" in contents(tmp_path / "set")


def test_a_disk_that_is_too_small_for_the_unpacked_images(tmp_path, monkeypatch):
    pack(MANY, MANY_LABELS, tmp_path / "set")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(0, 0, 4000))
    with pytest.raises(OSError, match="GB needed"):
        unpack(tmp_path / "set/train.rec", tmp_path / "images")
    assert contents(tmp_path / "images") == {}


def test_a_disk_that_fills_up_is_told_and_the_rest_kept(tmp_path, undisturbed, monkeypatch):
    def full(self, key):
        if key == 70:
            raise OSError(errno.ENOSPC, "No space left on device")
        return record(self, key)

    record = Plan.record
    monkeypatch.setattr(Plan, "expected_bytes", lambda _: 0)  # it looks at records too
    monkeypatch.setattr(Plan, "record", full)
    with pytest.raises(OSError, match="free some space and start again: it goes on from here"):
        pack(MANY, MANY_LABELS, tmp_path / "set")
    monkeypatch.undo()
    assert pack(MANY, MANY_LABELS, tmp_path / "set").skipped == 69
    assert contents(tmp_path / "set") == undisturbed


def test_unpacked_images_have_their_bytes_and_names(tmp_path):
    pack(PICTURES, LABELS, tmp_path / "set")
    result = unpack(tmp_path / "set/train.rec", tmp_path / "images")
    assert (result.written, result.skipped, result.damaged) == (5, 0, ())
    assert contents(tmp_path / "images") == {
        "000000/00000001.jpg": PICTURES.contents[1],
        "000000/00000002.jpg": PICTURES.contents[4],
        "000002/00000003.jpg": PICTURES.contents[0],
        "000002/00000004.jpg": PICTURES.contents[2],
        "000005/00000005.jpg": PICTURES.contents[3],
    }


def test_an_unpacked_set_packs_into_the_same_bytes(tmp_path):
    pack(MANY, MANY_LABELS, tmp_path / "set")
    unpack(tmp_path / "set/train.rec", tmp_path / "images")
    names = sorted(contents(tmp_path / "images"))
    labels = [int(name.split("/")[0]) for name in names]
    pack(ImageFiles(tmp_path / "images", np.array(names)), labels, tmp_path / "again")
    for name in ("train.rec", "train.idx", "property"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "set" / name).read_bytes()


def test_unpacking_goes_on(tmp_path):
    pack(MANY, MANY_LABELS, tmp_path / "set")
    with pytest.raises(Stopped):
        unpack(tmp_path / "set/train.rec", tmp_path / "images", progress=stop_at(50))
    cut = tmp_path / "images/000000/00000003.jpg"
    os.truncate(cut, 3)
    told = []
    result = unpack(
        tmp_path / "set/train.rec", tmp_path / "images", progress=lambda *done: told.append(done)
    )
    assert (result.written, result.skipped) == (71, 49)
    assert told[-1] == (120, 120)
    assert cut.read_bytes() == MANY.contents[2]
    assert sorted(contents(tmp_path / "images")) == [
        f"{n // 7:06d}/{n + 1:08d}.jpg" for n in range(120)
    ]


def test_damaged_records_are_listed_and_the_rest_unpacked(tmp_path):
    pack(PICTURES, [0, 0, 0, 0, 0], tmp_path / "set")
    path = tmp_path / "set/train.rec"
    data = bytearray(path.read_bytes())
    offset = int((tmp_path / "set/train.idx").read_text().splitlines()[3].split()[1])
    data[offset] ^= 1
    path.write_bytes(data)
    result = unpack(path, tmp_path / "images")
    assert [name for name, _ in result.damaged] == ["image 1.jpg", "image 2.jpg"]
    assert "record 2" in result.damaged[0][1]  # no record follows where it ends
    assert "record 3 at byte" in result.damaged[1][1]
    assert result.written == 3
    assert len(contents(tmp_path / "images")) == 3


def test_the_suffix_is_that_of_the_content():
    starts = {
        ".jpg": b"\xff\xd8\xff\xe1", ".png": b"\x89PNG\r\n\x1a\n", ".bmp": b"BM123",
        ".webp": b"RIFF\0\0\0\0WEBPVP8 ",
    }  # fmt: skip
    assert [suffix(start) for start in starts.values()] == list(starts)
    assert suffix(b"RIFF\0\0\0\0WAVE") == ".jpg"


pieces = st.lists(st.one_of(st.just(MAGIC), st.binary(max_size=9)), max_size=8).map(b"".join)
pictures = st.lists(
    st.tuples(st.integers(0, 3), pieces.filter(bool)), min_size=1, max_size=6
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(pictures)
def test_whatever_is_packed_is_read_back_by_class(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("set")
    labels = [label for label, _ in content]
    pack(Pictures(tuple(data for _, data in content)), labels, folder)
    found = open_records(folder / "train.rec")
    expected = sorted(content, key=lambda entry: entry[0])  # stable
    read = [(int(found.labels[n]), found.encoded(n)) for n in range(len(found))]
    assert read == expected
    assert found.notes == ()
    digest = hashlib.sha256((folder / "train.rec").read_bytes()).hexdigest()
    shutil.rmtree(folder)
    pack(Pictures(tuple(data for _, data in expected)), sorted(labels), folder)
    assert hashlib.sha256((folder / "train.rec").read_bytes()).hexdigest() == digest
