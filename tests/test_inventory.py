"""What is found of the sets that bring pairs, templates or galleries of their own."""

import io
import pickle

import numpy as np
import pytest
from PIL import Image

from irlib.data.sets import catalog
from irlib.data.sets.inventory import inventory


def jpeg(size=112):
    file = io.BytesIO()
    Image.new("RGB", (size, size), (200, 150, 100)).save(file, "JPEG")
    return file.getvalue()


def put(path, data=b""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data or jpeg())


def rows(data):
    return {row["set"]: row for row in inventory(data)}


def put_bin(data, key):
    put(data / f"test/bin/{key}.bin", pickle.dumps(([jpeg()] * 6, [True, False, True]), 2))


def put_fgnet(data):
    for name in ("001A02", "001A30", "002A05"):
        put(data / f"test/FGNET-aligned/{name}.JPG")


def put_cacd_vs(data):
    for name in ("0000_0", "0000_1", "0200_0", "0200_1", "0400_0"):
        put(data / f"test/CACD-VS/{name}.jpg")


def put_tinyface(data):
    for name in ("Probe/7_1", "Gallery_Match/7_2", "Gallery_Match/7_3", "Gallery_Distractor/1"):
        put(data / f"test/TinyFace/Testing_Set/{name}.jpg")


def put_ijb(data, key):
    root = data / f"test/{key.upper()}"
    points = "30 40 70 40 50 65 35 85 65 85 0.9"
    tables = {
        "face_tid_mid": "1.jpg 1 10\n2.jpg 1 11\n3.jpg 2 12\n",
        "name_5pts_score": f"1.jpg {points}\n2.jpg {points}\n3.jpg {points}\n",
        "template_pair_label": "1 2 0\n2 1 1\n",
    }
    for table, text in tables.items():
        put(root / f"meta/{key}_{table}.txt", text.encode())
    for number in (1, 2, 3):
        put(root / f"loose_crop/{number}.jpg")


PAIRS = {"images": 6, "pairs": 3, "genuine pairs": 2}
IJB = {"images": 3, "templates": 2, "pairs": 2, "genuine pairs": 1}
FOUND = {
    **{
        key: (lambda data, key=key: put_bin(data, key), PAIRS)
        for key in ("lfw", "cfp_fp", "cplfw", "calfw", "agedb_30")
    },
    # the first 200 of each 400 are genuine: 0 is, 200 is not, and 400 lacks an image
    "cacd_vs": (
        put_cacd_vs,
        {"images": 4, "pairs": 2, "genuine pairs": 1, "rejected": 3998},
    ),
    "fgnet": (put_fgnet, {"images": 3, "probes": 2, "probes without a mate": 1}),
    "tinyface": (put_tinyface, {"probes": 1, "mates": 2, "distractors": 1}),
    "ijbb": (lambda data: put_ijb(data, "ijbb"), IJB),
    "ijbc": (lambda data: put_ijb(data, "ijbc"), IJB),
}


def test_nothing_is_found_in_an_empty_folder(tmp_path):
    assert inventory(tmp_path) == []


@pytest.mark.parametrize("key", FOUND)
def test_a_set_is_counted_beside_what_is_published(tmp_path, key):
    make, expected = FOUND[key]
    make(tmp_path)
    entry = catalog.find(key)
    assert inventory(tmp_path) == [
        {"set": entry.title, "found": expected, "published": dict(entry.counts)}
    ]


def test_every_set_with_a_protocol_of_its_own_is_counted():
    roles = {"pairs", "templates", "identification"}
    assert {key for key, entry in catalog.CATALOG.items() if entry.role in roles} <= FOUND.keys()


def test_a_set_that_cannot_be_used_says_why_and_stops_no_other(tmp_path):
    put_bin(tmp_path, "lfw")
    put(tmp_path / "test/bin/calfw.bin", b"no pickle")
    put(tmp_path / "test/CACD-VS/readme.md", b"words")
    found = {name: row["found"] for name, row in rows(tmp_path).items()}
    assert found["LFW"] == PAIRS
    assert found["CALFW"].startswith(f"cannot be used: {tmp_path}/test/bin/calfw.bin: ")
    assert found["CACD-VS"].startswith(f"cannot be used: {tmp_path}/test/CACD-VS: ")


def test_a_damaged_table_is_told_with_file_and_line(tmp_path):
    put_ijb(tmp_path, "ijbb")
    path = tmp_path / "test/IJBB/meta/ijbb_face_tid_mid.txt"
    path.write_text("1.jpg 1 10\n2.jpg one 11\n3.jpg 2 12\n")
    assert f"{path}, line 2" in rows(tmp_path)["IJB-B"]["found"]


def test_training_sets_are_none_of_these(tmp_path):
    put(tmp_path / "casia/train/1/1.jpg")
    put(tmp_path / "test/AgeDB-aligned/AnnLee/1_AnnLee_8.jpg")
    assert inventory(tmp_path) == []


def test_published_counts_are_numbers(tmp_path):
    put_bin(tmp_path, "lfw")
    published = rows(tmp_path)["LFW"]["published"]
    assert all(isinstance(value, int) for value in published.values())
    assert np.array_equal(sorted(published.values()), [6000, 12000])
