"""The command that packs, unpacks and aligns: its exit status, its words, and what it leaves."""

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import pytest
from pictures import jpeg, put
from PIL import Image

from irlib.data import open_faces
from irlib.data.__main__ import main
from irlib.data.manifests import Manifest, list_hash, read_manifest, write_manifest
from irlib.data.recordio import open_records

MODEL = Path(__file__).parents[2] / "shared/models/yunet_n_640_640.onnx"
FACE = "30 40 70 40 50 65 35 85 65 85"  # five points of an upright face


@pytest.fixture
def folder(tmp_path):
    """Five images of two people, and a file that is none."""
    for index, name in enumerate(["12/1", "12/2", "12/3", "7/1", "7/2"]):
        put(tmp_path / f"faces/{name}.jpg", jpeg(index))
    put(tmp_path / "faces/readme.md", b"words")
    return tmp_path / "faces"


def run(*words):
    return main([str(word) for word in words])


def packed(tmp_path, folder):
    assert run("pack", folder, tmp_path / "set") == 0
    return tmp_path / "set"


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def images(folder):
    """The content of every image, by folder, in the order of the names."""
    return [
        [path.read_bytes() for path in sorted(person.glob("*.*"))]
        for person in sorted((p for p in folder.iterdir() if p.is_dir()), key=lambda p: int(p.name))
    ]


# Pack


def test_pack_says_what_it_wrote_and_what_it_left_out(tmp_path, folder, capsys):
    target = packed(tmp_path, folder)
    told = capsys.readouterr()
    assert told.out.splitlines() == [
        f"{target}: 5 images written, 0 were there",
        "left out: readme.md",
    ]
    assert told.err == ""


def test_pack_leaves_a_set_of_records_in_the_order_of_the_folders(tmp_path, folder):
    records = open_records(packed(tmp_path, folder) / "train.rec")
    # folders are ordered as numbers: 7 before 12
    assert records.labels.tolist() == [0, 0, 1, 1, 1]
    assert [records.encoded(row) for row in range(5)] == [jpeg(seed) for seed in (3, 4, 0, 1, 2)]


def test_pack_leaves_a_manifest_with_counts_and_hashes_of_what_is_in_the_set(tmp_path, folder):
    target = packed(tmp_path, folder)
    manifest, faces = read_manifest(target), open_faces(target)
    names = [faces.images.name(row) for row in range(5)]
    assert (manifest.set, manifest.images, manifest.identities) == ("set", 5, 2)
    assert manifest.list_sha256 == list_hash(names)
    lines = sorted(
        f"{name} {hashlib.sha256(faces.images.encoded(row)).hexdigest()}\n"
        for row, name in enumerate(names)
    )
    assert manifest.content_sha256 == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_packing_again_writes_nothing(tmp_path, folder, capsys):
    target = packed(tmp_path, folder)
    before = files(target)
    capsys.readouterr()
    assert run("pack", folder, target) == 0
    assert f"{target}: 0 images written, 5 were there" in capsys.readouterr().out
    assert files(target) == before


def test_pack_takes_a_list(tmp_path, folder, capsys):
    put(
        tmp_path / "faces.txt",
        b"\xef\xbb\xbffaces/7/1.jpg\t0\r\nfaces/12/1.jpg\t1\r\nfaces/x.jpg 1",
    )
    assert run("pack", tmp_path / "faces.txt", tmp_path / "set") == 0
    assert "left out: faces/x.jpg" in capsys.readouterr().out
    records = open_records(tmp_path / "set/train.rec")
    assert [records.encoded(row) for row in range(2)] == [jpeg(3), jpeg(0)]


def test_pack_keeps_what_the_folders_manifest_tells(tmp_path, folder):
    write_manifest(folder, Manifest(set="old", images=99, color_order="BGR", landmarks="given"))
    manifest = read_manifest(packed(tmp_path, folder))
    assert (manifest.color_order, manifest.landmarks) == ("BGR", "given")
    assert (manifest.set, manifest.images) == ("set", 5)


def test_pack_keeps_what_the_manifest_beside_a_list_tells(tmp_path, folder):
    put(folder / "list.txt", b"7/1.jpg 0\n12/1.jpg 1\n")
    write_manifest(folder, Manifest(set="old", images=99, color_order="BGR"))
    manifest = read_manifest(packed(tmp_path, folder / "list.txt"))
    assert (manifest.color_order, manifest.images) == ("BGR", 2)


def test_pack_names_an_image_that_is_damaged(tmp_path, folder, capsys):
    put(folder / "7/1.jpg", jpeg(3)[:500])
    target = packed(tmp_path, folder)
    damaged = [x for x in capsys.readouterr().out.splitlines() if x.startswith("damaged: ")]
    name = open_faces(target).images.name(0)
    assert len(damaged) == 1
    assert damaged[0].startswith(f"damaged: {name}: not a readable image")
    manifest = read_manifest(target)
    assert [each[0] for each in manifest.quarantined] == [name]
    assert manifest.images == 4


def test_pack_refuses_the_place_of_another_set_and_leaves_it(tmp_path, folder, capsys):
    target = packed(tmp_path, folder)
    before = files(target)
    put(tmp_path / "other/1/1.jpg", jpeg(9))
    capsys.readouterr()
    assert run("pack", tmp_path / "other", target) == 1
    told = capsys.readouterr()
    assert told.err.startswith(f"error: {target / 'train.rec'}: a set of other images")
    assert told.err.count("\n") == 1
    assert files(target) == before


# Unpack


def test_a_folder_comes_back_from_its_records(tmp_path, folder, capsys):
    target = packed(tmp_path, folder)
    capsys.readouterr()
    assert run("unpack", target, tmp_path / "back") == 0
    assert capsys.readouterr().out == f"{tmp_path / 'back'}: 5 images written, 0 were there\n"
    assert images(tmp_path / "back") == [[jpeg(3), jpeg(4)], [jpeg(0), jpeg(1), jpeg(2)]]


def test_unpack_takes_the_record_file_too(tmp_path, folder):
    assert run("unpack", packed(tmp_path, folder) / "train.rec", tmp_path / "back") == 0
    assert len(open_faces(tmp_path / "back")) == 5


def test_unpacking_goes_on_and_leaves_one_manifest(tmp_path, folder, capsys):
    target = packed(tmp_path, folder)
    run("unpack", target, tmp_path / "back")
    first = read_manifest(tmp_path / "back")
    lost = next(path for path in (tmp_path / "back").rglob("*.jpg"))
    lost.unlink()
    capsys.readouterr()
    assert run("unpack", target, tmp_path / "back") == 0
    assert f"{tmp_path / 'back'}: 1 images written, 4 were there" in capsys.readouterr().out
    assert read_manifest(tmp_path / "back") == first
    assert (first.images, first.identities) == (5, 2)


def test_a_manifest_goes_through_both_ways(tmp_path, folder):
    write_manifest(folder, Manifest(set="faces", images=5, color_order="BGR"))
    run("unpack", packed(tmp_path, folder), tmp_path / "back")
    assert read_manifest(tmp_path / "back").color_order == "BGR"


def test_unpack_names_a_record_that_is_damaged_and_writes_the_others(tmp_path, folder, capsys):
    target = packed(tmp_path, folder)
    # the middle one of folder 12; the first and the last of a person tell the labels of all
    offset = int((target / "train.idx").read_text().splitlines()[4].split()[1])
    data = bytearray((target / "train.rec").read_bytes())
    data[offset + 4 : offset + 8] = b"\xff\xff\xff\x1f"  # its length
    (target / "train.rec").write_bytes(bytes(data))
    name = open_records(target / "train.rec").name(3)
    capsys.readouterr()
    assert run("unpack", target, tmp_path / "back") == 0
    told = capsys.readouterr().out
    assert "4 images written" in told
    assert f"damaged: {name}: " in told
    assert "record 4 at byte" in told


# Align


def test_align_by_a_list_of_landmarks(tmp_path, capsys):
    put(tmp_path / "photos/a/1.png", png(100))
    put(tmp_path / "photos/a/2.png", png(100))
    put(tmp_path / "points.txt", f"a/1.png {FACE}\n".encode())
    words = ("align", tmp_path / "photos", tmp_path / "crops", "--workers", 1)
    assert run(*words, "--landmarks", tmp_path / "points.txt", "--set", "mine") == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path / 'crops'}: 1 crops; manifest.json tells the rest",
        "left out: a/2.png: no line for it in points.txt",
    ]
    manifest = read_manifest(tmp_path / "crops")
    assert (manifest.set, manifest.images, manifest.landmarks) == ("mine", 1, "given")
    assert Image.open(tmp_path / "crops/a/1.png").size == (112, 112)


def png(size):
    file = io.BytesIO()
    Image.new("RGB", (size, size), (200, 150, 100)).save(file, "PNG")
    return file.getvalue()


def test_aligning_again_makes_the_same_crops_and_the_same_manifest(tmp_path):
    put(tmp_path / "photos/a/1.png", png(100))
    put(tmp_path / "points.txt", f"a/1.png {FACE}\n".encode())
    words = ("align", tmp_path / "photos", tmp_path / "crops", "--landmarks")
    run(*words, tmp_path / "points.txt")
    first = read_manifest(tmp_path / "crops")
    stamp = (tmp_path / "crops/a/1.png").stat().st_mtime_ns
    run(*words, tmp_path / "points.txt")
    assert replace(read_manifest(tmp_path / "crops")) == first
    assert (tmp_path / "crops/a/1.png").stat().st_mtime_ns == stamp


@pytest.mark.skipif(not MODEL.is_file(), reason=f"needs {MODEL}")
def test_align_by_the_detector_says_so_where_no_picture_shows_a_face(tmp_path, capsys):
    put(tmp_path / "photos/a/1.png", png(200))
    words = ("align", tmp_path / "photos", tmp_path / "crops", "--detector", MODEL)
    assert run(*words) == 1
    told = capsys.readouterr()
    assert "left out: a/1.png: no face found" in told.out
    assert told.err == f"error: {tmp_path / 'photos'}: no picture gave a crop\n"
    assert read_manifest(tmp_path / "crops").images == 0


# Errors


ERRORS = {
    "pack nothing": (("pack", "{home}/gone", "{home}/set"), "gone: no such file or folder"),
    "pack an empty folder": (("pack", "{home}/empty", "{home}/set"), "empty: no image"),
    "unpack nothing": (("unpack", "{home}/gone.rec", "{home}/back"), "gone.rec: no such file"),
    "unpack a folder of images": (("unpack", "{home}/faces", "{home}/back"), "train.rec: no such"),
    "unpack without the index": (("unpack", "{home}/lone.rec", "{home}/back"), "lone.idx: no such"),
    "align without landmarks": (("align", "{home}/faces", "{home}/crops"), "--detector FILE or"),
    "align by nothing": (
        ("align", "{home}/faces", "{home}/crops", "--detector", "{home}/gone.onnx"),
        "gone.onnx: no such face detector",
    ),
    "align by what is no model": (
        ("align", "{home}/faces", "{home}/crops", "--detector", "{home}/lone.rec"),
        "lone.rec: not a YuNet model",
    ),
    "align with no list": (
        ("align", "{home}/faces", "{home}/crops", "--landmarks", "{home}/gone.txt"),
        "gone.txt: no such file of landmarks",
    ),
    "align into itself": (
        ("align", "{home}/faces", "{home}/faces/crops", "--landmarks", "{home}/points.txt"),
        "lies inside the source",
    ),
    "FG-NET without its points": (
        ("align", "{home}/faces", "{home}/crops", "--layout", "fgnet"),
        "points: no such folder",
    ),
    "no thread": (("align", "{home}/faces", "{home}/crops", "--workers", "0"), "--workers 0"),
}


@pytest.mark.parametrize(("words", "message"), ERRORS.values(), ids=ERRORS)
def test_an_error_is_one_line_and_status_1(tmp_path, folder, capsys, words, message):
    (tmp_path / "empty").mkdir()
    put(tmp_path / "lone.rec", b"records")
    put(tmp_path / "points.txt", f"12/1.jpg {FACE}\n".encode())
    assert run(*(word.format(home=tmp_path) for word in words)) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert message in told.err
    assert told.err.count("\n") == 1
    assert not (tmp_path / "set").exists()
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("words", [(), ("pakc",), ("align", "a", "b", "--layout", "mine")])
def test_wrong_words_are_told_with_the_usage(capsys, words):
    with pytest.raises(SystemExit) as error:
        main(list(words))
    assert error.value.code == 2
    assert "usage: python -m irlib.data" in capsys.readouterr().err
