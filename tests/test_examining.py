"""Sets looked through before use: what the manifest keeps, what is counted, what is left out."""

from dataclasses import replace

import numpy as np
import pytest
from pictures import jpeg, put

from irlib.data import open_faces
from irlib.data.examining import examine, left_out, training_counts
from irlib.data.manifests import Manifest, list_hash, read_manifest, write_manifest
from irlib.data.recordio import pack
from irlib.data.sources import ImageFiles


@pytest.fixture
def folder(tmp_path):
    """Four images of two people, of which 1/2.jpg is cut short, and a file that is none."""
    for index, name in enumerate(["1/1", "1/2", "2/1", "2/2"]):
        put(tmp_path / f"faces/{name}.jpg", jpeg(index))
    put(tmp_path / "faces/1/2.jpg", jpeg(1)[:800])
    put(tmp_path / "faces/1/notes.txt", b"words")
    return tmp_path / "faces"


def examined(folder, **how):
    return examine("mine", folder, open_faces(folder).images, **how)


# Examine


def test_a_damaged_image_is_set_aside_by_name_and_is_none_of_the_images(folder):
    manifest = examined(folder, identities=2)
    assert (manifest.set, manifest.images, manifest.identities) == ("mine", 3, 2)
    assert [name for name, _ in manifest.quarantined] == ["1/2.jpg"]
    assert "not a readable image" in manifest.quarantined[0][1]


@pytest.mark.parametrize("size", [96, 250])
def test_an_image_of_another_size_is_set_aside_with_the_command_that_aligns(folder, size):
    put(folder / "2/1.jpg", jpeg(2, size))
    reason = dict(examined(folder).quarantined)["2/1.jpg"]
    assert f"{size}x{size} pixels, expected an aligned 112x112 crop" in reason
    assert "python -m irlib.data align" in reason


def test_pictures_that_are_no_crops_may_have_any_size_and_must_be_sound(folder):
    put(folder / "2/1.jpg", jpeg(2, 250))
    manifest = examined(folder, are_crops=False)
    assert manifest.images == 3
    assert [name for name, _ in manifest.quarantined] == ["1/2.jpg"]


def test_an_image_that_vanishes_after_it_was_listed_is_set_aside(folder):
    faces = open_faces(folder)
    (folder / "2/2.jpg").unlink()
    manifest = examine("mine", folder, faces.images)
    assert dict(manifest.quarantined)["2/2.jpg"] == f"no such image below {folder}"


def test_the_list_hash_is_that_of_all_names_the_damaged_too(folder):
    assert examined(folder).list_sha256 == list_hash(["1/1.jpg", "1/2.jpg", "2/1.jpg", "2/2.jpg"])


def test_another_content_is_another_hash_and_the_same_list(folder):
    first = examined(folder)
    put(folder / "2/1.jpg", jpeg(77))
    second = examined(folder)
    assert first.list_sha256 == second.list_sha256
    assert first.content_sha256 != second.content_sha256


def test_neither_workers_nor_a_second_look_change_anything(folder):
    assert examined(folder) == examined(folder, workers=3)


def test_progress_ends_with_all(folder):
    told = []
    examined(folder, progress=lambda *counts: told.append(counts))
    assert told[-1] == (4, 4)


def test_without_a_manifest_of_its_own_the_crops_are_as_distributed_in_rgb(folder):
    manifest = examined(folder)
    assert (manifest.color_order, manifest.landmarks) == ("RGB", "as distributed")
    assert manifest.notes == ()


def test_what_the_folders_own_manifest_tells_is_kept_and_what_it_counts_is_not(folder):
    detector = {"name": "yunet.onnx", "sha256": "ab", "min_score": "0.6"}
    told = Manifest(
        set="old", images=99, identities=50, color_order="BGR", template="other", size=(96, 112),
        landmarks="detected", detector=detector, list_sha256="x", content_sha256="y",
        quarantined=(("3/9.jpg", "no face found"),), notes=(("1/1.jpg", "2 faces"),),
    )  # fmt: skip
    write_manifest(folder, told)
    manifest = examined(folder, identities=2)
    kept = ("color_order", "template", "size", "landmarks", "detector")
    assert [getattr(manifest, name) for name in kept] == [getattr(told, name) for name in kept]
    assert (manifest.set, manifest.images, manifest.identities) == ("mine", 3, 2)
    assert {"x", "y"}.isdisjoint({manifest.list_sha256, manifest.content_sha256})
    assert [name for name, _ in manifest.quarantined] == ["1/2.jpg"]
    assert manifest.notes == (("1/1.jpg", "2 faces"), ("3/9.jpg", "gave no crop: no face found"))


@pytest.mark.parametrize("linked", [False, True])
def test_the_manifest_beside_records_that_are_named_by_their_file_is_kept(folder, tmp_path, linked):
    faces = open_faces(folder)
    pack(faces.images, faces.labels, tmp_path / "set")
    write_manifest(tmp_path / "set", Manifest(set="old", images=9, color_order="BGR"))
    path = tmp_path / "set/train.rec"
    if linked:  # as the data folder has it
        (tmp_path / "casia").mkdir()
        path = tmp_path / "casia/train"
        path.symlink_to(tmp_path / "set/train.rec")
    manifest = examined(path)
    assert (manifest.color_order, manifest.images) == ("BGR", 3)


def test_the_manifest_beside_a_list_is_kept(folder):
    put(folder / "list.txt", b"1/1.jpg 0\n2/1.jpg 1\n")
    write_manifest(folder, Manifest(set="old", images=9, color_order="BGR"))
    manifest = examined(folder / "list.txt")
    assert (manifest.color_order, manifest.images) == ("BGR", 2)


def test_a_manifest_that_is_none_stops_before_an_image_is_read(folder):
    (folder / "manifest.json").write_text('{"set": "x"}')
    with pytest.raises(ValueError, match=r"faces/manifest\.json: not the manifest"):
        examined(folder, progress=lambda *counts: pytest.fail("an image was read"))


def test_what_was_written_is_read_back(folder, tmp_path):
    manifest = examined(folder)
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest


def test_a_set_of_damaged_images_only_is_refused_with_the_first(folder):
    for name in ("1/1", "2/1", "2/2"):
        put(folder / f"{name}.jpg", b"\xff\xd8\xff")
    with pytest.raises(ValueError, match=r"faces: no sound image among 4; 1/1\.jpg: not a readabl"):
        examined(folder)


def test_an_empty_set_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no sound image among 0; no image: the set is empty"):
        examine("mine", tmp_path, ImageFiles(tmp_path, np.array([], dtype=str)))


def test_a_record_set_is_examined_like_a_folder(folder, tmp_path):
    faces = open_faces(folder)
    pack(faces.images, faces.labels, tmp_path / "set")
    manifest = examined(tmp_path / "set")
    assert manifest.images == 3
    assert [name for name, _ in manifest.quarantined] == [
        open_faces(tmp_path / "set").images.name(1)
    ]


# Counts

# Ann (1) has three images: 4, 12.9 and 30 years. Bob (2) has two, of which one has an age, 13; his
# other age is that of an image that is not there. Cem (3) is in the label file only.
LABELS = """\
id path age gender
1 casia/000001/00000001.jpg 4 0
1 casia/000001/00000002.jpg 12.9 0
1 casia/000001/00000003.jpg 30 0
2 casia/000002/00000001.jpg 13 1
2 casia/000002/00000009.jpg 5 1
3 casia/000003/00000001.jpg 6 1
3 casia/000003/00000002.jpg 7 1
3 casia/000003/00000002.jpg 7 1
3 casia/3/4.jpg old 1
2 casia/000002/00000001.jpg
"""
PUBLISHED = {"images": 490_623, "child identities": 229, "identities of the original": 10_575}


@pytest.fixture
def faces(tmp_path):
    for index, name in enumerate(["1/1", "1/2", "1/3", "2/1", "2/2"]):
        put(tmp_path / f"set/{name}.jpg", jpeg(index))
    put(tmp_path / "set/readme.md", b"words")
    put(tmp_path / "ages.txt", LABELS.encode())
    return open_faces(tmp_path / "set", tmp_path / "ages.txt")


def counts(faces, opened=None, **how):
    least = {"below": 13.0, "at_least": 2, "published": PUBLISHED}
    rows = training_counts(faces, opened or faces, **least | how)
    return {row["count"]: row["found"] for row in rows}


def test_each_count_of_a_set_made_by_hand(faces):
    assert counts(faces) == {
        "images": 5,
        "identities": 2,
        "images with an age": 4,
        "images aged by the number before an underscore": 0,
        "images of children": 2,
        "share of children, of the images with an age": 2 / 4,
        "child identities": 1,  # Ann
        "child identities by the label file alone": 2,  # Ann and Cem
        "stray files": 1,
        "malformed label lines": 2,
        "repeated label lines": 1,
        "labels without an image": 3,  # 2/9, 3/1 and 3/2
        "identities of the original": None,
    }


@pytest.mark.parametrize(
    ("below", "at_least", "present", "listed"),
    [(13.0, 1, 1, 3), (13.0, 2, 1, 2), (13.0, 3, 0, 0), (13.1, 1, 2, 3), (4.0, 1, 0, 0)],
)
def test_child_identities_by_images_and_by_lines(faces, below, at_least, present, listed):
    found = counts(faces, below=below, at_least=at_least)
    assert found["child identities"] == present
    assert found["child identities by the label file alone"] == listed


def test_quarantined_images_are_not_counted_and_their_labels_still_have_an_image(faces):
    found = counts(faces.without({"1/2.jpg"}), faces)
    assert (found["images"], found["images with an age"], found["images of children"]) == (4, 3, 1)
    assert found["child identities"] == 0  # Ann has one image of a child left
    assert found["child identities by the label file alone"] == 2
    assert found["labels without an image"] == 3  # as before: 2/9, 3/1 and 3/2


def test_an_image_aged_by_the_number_before_its_underscore_is_counted_as_such(faces, tmp_path):
    put(tmp_path / "set/2/9_25.jpg", jpeg(9))  # of which the label file has the line 2/9
    found = counts(open_faces(tmp_path / "set", tmp_path / "ages.txt"))
    assert found["images aged by the number before an underscore"] == 1
    assert (found["images with an age"], found["labels without an image"]) == (5, 2)


def test_published_counts_stand_beside_those_that_are_found(faces):
    rows = training_counts(faces, faces, below=13.0, at_least=2, published=PUBLISHED)
    published = {row["count"]: row["published"] for row in rows if row["published"] is not None}
    assert published == PUBLISHED


def test_a_set_of_which_no_age_is_known_has_no_share_of_children(faces):
    nobody = replace(faces, ages=np.full(5, np.nan))
    assert counts(nobody)["share of children, of the images with an age"] == 0


def test_faces_without_a_label_file_cannot_be_counted(faces):
    with pytest.raises(ValueError, match="faces: opened without age labels; expected a label file"):
        counts(replace(faces, age_labels=None))


# Left out


def test_everything_left_out_has_a_reason(faces):
    manifest = Manifest(set="x", images=4, quarantined=(("1/3.jpg", "cut short"),))
    rows = [tuple(row.values()) for row in left_out(faces, manifest)]
    assert rows == [
        ("image", "1/3.jpg", "cut short"),
        ("file", "readme.md", "no image of an identity"),
        ("label line", "10", "age 'old', expected 0 to 130 years: 3 casia/3/4.jpg old 1"),
        ("label line", "11", "2 fields, expected 4: 2 casia/000002/00000001.jpg"),
        ("label line", "9", "repeats another: 3 casia/000003/00000002.jpg 7 1"),
        ("label line", "6", "no image 2/9"),
        ("label line", "7", "no image 3/1"),
        ("label line", "8", "no image 3/2"),
    ]  # fmt: skip


def test_a_label_of_a_quarantined_image_is_not_left_out_twice(faces):
    manifest = Manifest(set="x", images=4, quarantined=(("1/2.jpg", "cut short"),))
    rows = left_out(faces, manifest)
    assert [row["which"] for row in rows if row["what"] == "image"] == ["1/2.jpg"]
    assert [row["why"] for row in rows if "no image " in row["why"] and row["what"] != "file"] == [
        "no image 2/9",
        "no image 3/1",
        "no image 3/2",
    ]


def test_lines_that_contradict_are_told_from_those_that_repeat(faces, tmp_path):
    put(tmp_path / "ages.txt", b"1 x/1/1.jpg 4 0\n1 x/1/1.jpg 5 0\n1 x/1/2.jpg 6 0\n")
    again = open_faces(tmp_path / "set", tmp_path / "ages.txt")
    rows = left_out(again, Manifest(set="x", images=5))
    assert rows[-1]["why"] == "contradicts another: 1 x/1/1.jpg 5 0"
    assert np.isnan(again.ages[0])


def test_without_a_label_file_images_and_files_are_left_out_alone(faces):
    rows = left_out(replace(faces, age_labels=None), Manifest(set="x", images=5))
    assert [row["what"] for row in rows] == ["file"]
