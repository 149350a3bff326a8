"""What is found of the sets that bring pairs, templates or galleries of their own."""

import io
import pickle

import numpy as np
import pytest
from PIL import Image

from irlib.data.manifests import Manifest, write_manifest
from irlib.data.sets import catalog
from irlib.data.sets.inventory import inventory


def jpeg(*size):
    file = io.BytesIO()
    Image.new("RGB", size or (112, 112), (200, 150, 100)).save(file, "JPEG")
    return file.getvalue()


def put(path, data=b""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data or jpeg())


def rows(data):
    return {row["set"]: row for row in inventory(data)[0]}


def put_bin(data, key, *first):
    files = [*first, *[jpeg()] * (6 - len(first))]
    put(data / f"test/bin/{key}.bin", pickle.dumps((files, [True, False, True]), 2))


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
    for number in (1, 2, 3):  # of any size, as the release has them
        put(root / f"loose_crop/{number}.jpg", jpeg(90 + number, 130))


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
        {"images": 4, "pairs": 2, "genuine pairs": 1, "rejected pairs": 3998},
    ),
    "fgnet": (put_fgnet, {"images": 3, "probes": 2, "probes without a mate": 1}),
    "tinyface": (put_tinyface, {"probes": 1, "mates": 2, "distractors": 1}),
    "ijbb": (lambda data: put_ijb(data, "ijbb"), IJB),
    "ijbc": (lambda data: put_ijb(data, "ijbc"), IJB),
}


# What each leaves a manifest of: the keys, and how many images
EXAMINED = {
    **{key: {"": 6} for key in ("lfw", "cfp_fp", "cplfw", "calfw", "agedb_30")},
    "cacd_vs": {"": 4},
    "fgnet": {},  # it is examined where its pairs are made
    "tinyface": {"-probes": 1, "-gallery": 3},
    "ijbb": {"": 3},
    "ijbc": {"": 3},
}


def test_nothing_is_found_in_an_empty_folder(tmp_path):
    assert inventory(tmp_path) == ([], {})


@pytest.mark.parametrize("key", FOUND)
def test_a_set_is_counted_beside_what_is_published(tmp_path, key):
    make, expected = FOUND[key]
    make(tmp_path)
    entry, aside = catalog.find(key), 0 if EXAMINED[key] else None
    assert inventory(tmp_path)[0] == [
        {
            "set": entry.title,
            "published": dict(entry.counts),
            "set aside": aside,
            "found": expected,
        }
    ]


@pytest.mark.parametrize("key", FOUND)
def test_every_image_of_a_set_is_examined(tmp_path, key):
    FOUND[key][0](tmp_path)
    made = inventory(tmp_path, workers=2)[1]
    assert {name: each.images for name, each in made.items()} == {
        key + part: count for part, count in EXAMINED[key].items()
    }
    assert all(each.set == name and each.quarantined == () for name, each in made.items())


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


def test_junk_in_a_bin_is_set_aside_by_name(tmp_path):
    put_bin(tmp_path, "lfw", jpeg(), b"junk", jpeg(96, 112))
    [row], made = inventory(tmp_path)
    assert (row["found"], row["set aside"]) == (PAIRS, 2)
    assert made["lfw"].images == 4
    reasons = dict(made["lfw"].quarantined)
    assert list(reasons) == ["lfw.bin/00001", "lfw.bin/00002"]
    assert reasons["lfw.bin/00001"].startswith("not a readable image")
    assert reasons["lfw.bin/00002"].startswith("96x112 pixels, expected an aligned 112x112 crop")


def test_a_bin_of_junk_cannot_be_used_and_leaves_no_manifest(tmp_path):
    put_bin(tmp_path, "lfw", *[b"junk"] * 6)
    put_bin(tmp_path, "calfw")
    found, made = inventory(tmp_path)
    told = {row["set"]: row for row in found}
    assert told["LFW"]["found"].startswith(
        f"cannot be used: {tmp_path}/test/bin/lfw.bin: no sound image among 6; lfw.bin/00000: not"
    )
    assert told["LFW"]["set aside"] is None
    assert list(made) == ["calfw"]


def test_a_damaged_image_of_any_size_is_set_aside(tmp_path):
    put_ijb(tmp_path, "ijbb")
    put(tmp_path / "test/IJBB/loose_crop/2.jpg", jpeg(92, 130)[:400])
    [row], made = inventory(tmp_path)
    assert (row["found"], row["set aside"]) == (IJB, 1)
    assert [name for name, _ in made["ijbb"].quarantined] == ["2.jpg"]


def test_faces_of_tinyface_that_are_no_crops_are_told_the_command(tmp_path):
    put_tinyface(tmp_path)
    for path in (tmp_path / "test/TinyFace").rglob("*.jpg"):
        put(path, jpeg(20, 20))
    [row], made = inventory(tmp_path)
    assert "no sound image among 1; Probe/7_1.jpg: 20x20 pixels" in row["found"]
    assert "python -m irlib.data align" in row["found"]
    assert made == {}


def test_the_manifest_of_a_set_of_crops_is_taken_over(tmp_path):
    put_cacd_vs(tmp_path)
    told = Manifest(set="cacd_vs", images=5, landmarks="detected", color_order="BGR")
    write_manifest(tmp_path / "test/CACD-VS", told)
    made = inventory(tmp_path)[1]["cacd_vs"]
    assert (made.landmarks, made.color_order, made.images) == ("detected", "BGR", 4)


def test_progress_goes_through_set_by_set(tmp_path):
    put_bin(tmp_path, "lfw")
    put_cacd_vs(tmp_path)
    told = []
    inventory(tmp_path, progress=lambda *counts: told.append(counts))
    assert told == [(6, 6), (4, 4)]


def test_a_damaged_table_is_told_with_file_and_line(tmp_path):
    put_ijb(tmp_path, "ijbb")
    path = tmp_path / "test/IJBB/meta/ijbb_face_tid_mid.txt"
    path.write_text("1.jpg 1 10\n2.jpg one 11\n3.jpg 2 12\n")
    assert f"{path}, line 2" in rows(tmp_path)["IJB-B"]["found"]


def test_training_sets_are_none_of_these(tmp_path):
    put(tmp_path / "casia/train/1/1.jpg")
    put(tmp_path / "test/AgeDB-aligned/AnnLee/1_AnnLee_8.jpg")
    assert inventory(tmp_path) == ([], {})


def test_published_counts_are_numbers(tmp_path):
    put_bin(tmp_path, "lfw")
    published = rows(tmp_path)["LFW"]["published"]
    assert all(isinstance(value, int) for value in published.values())
    assert np.array_equal(sorted(published.values()), [6000, 12000])
