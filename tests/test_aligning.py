import csv
import json
import os
import shutil

import cv2
import numpy as np
import pytest
import skimage.data
from test_detection import MODEL, needs_model

from irlib.data.alignment import align
from irlib.data.alignment.cutting import encode
from irlib.data.alignment.detection import Detector
from irlib.data.alignment.finders import Detected, FgnetPoints, Given
from irlib.data.alignment.folder import align_folder
from irlib.data.alignment.journal import FOLDER
from irlib.data.alignment.landmarks import read_landmarks
from irlib.data.alignment.plans import plan_folder
from irlib.data.alignment.similarity import TEMPLATE
from irlib.data.decoding import decode
from irlib.data.manifests import content_hash, list_hash, read_manifest

SHIFT = np.array([20.0, 10.0])


def picture(seed=0, size=(150, 160)):
    small = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    return cv2.resize(small, size[::-1], interpolation=cv2.INTER_CUBIC)


def put(root, *names, size=(150, 160)):
    for seed, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(picture(seed, size), path.suffix))
    return root


class Known:
    """Landmarks 20 to the right of the template and 10 below, for every picture but some."""

    kind = "given"

    def __init__(self, settings="a", none_for=()):
        self.settings = {"list_sha256": settings}
        self.none_for = none_for
        self.asked = []

    def find(self, name, image):
        self.asked.append(name)
        if name in self.none_for:
            raise ValueError("no face found")
        return TEMPLATE + SHIFT, "a remark" if name.startswith("remarked") else ""

    def remarks(self, names):
        return []


def given(path, *names):
    numbers = " ".join(str(value) for value in (TEMPLATE + SHIFT).ravel())
    path.write_text("".join(f"{name} {numbers}\n" for name in names), encoding="utf-8")
    return Given(read_landmarks(path))


def cut(tmp_path, landmarks=None, **options):
    values = {"landmarks": landmarks or Known(), "set_name": "test"} | options
    return align_folder(tmp_path / "raw", tmp_path / "out", **values)


def crops(tmp_path):
    found = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")}
    return sorted(n for n in found if not n.startswith(FOLDER) and n not in ("manifest.json",))


def notes(manifest):
    return dict(manifest.notes)


# Names


def test_agedbs_raw_names_become_those_of_the_authors_lists(tmp_path):
    put(tmp_path / "raw", "16488_WillSmith _35_m.jpg", "7_AnnLee_8_f.jpg")
    manifest = cut(tmp_path, layout="agedb")
    expected = ["AnnLee/7_AnnLee_8.jpg", "WillSmith/16488_WillSmith_35.jpg", "faces.csv"]
    assert crops(tmp_path) == expected
    assert (manifest.images, manifest.identities) == (2, 2)


def test_agedbs_genders_and_sources_are_kept(tmp_path):
    put(tmp_path / "raw", "16488_WillSmith _35_m.jpg", "7_AnnLee_8_f.jpg")
    cut(tmp_path, layout="agedb")
    with (tmp_path / "out/faces.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == [
            {"name": "AnnLee/7_AnnLee_8.jpg", "gender": "f", "source": "7_AnnLee_8_f.jpg"},
            {
                "name": "WillSmith/16488_WillSmith_35.jpg", "gender": "m",
                "source": "16488_WillSmith _35_m.jpg",
            },
        ]  # fmt: skip


def test_an_image_of_agedb_with_another_name_is_quarantined(tmp_path):
    put(tmp_path / "raw", "7_AnnLee_8_f.jpg", "portrait.jpg")
    manifest = cut(tmp_path, layout="agedb")
    assert manifest.images == 1
    assert manifest.quarantined == (
        ("portrait.jpg", "not named as the layout wants, or not in UTF-8"),
    )


def test_a_name_may_not_lead_out_of_the_target(tmp_path):
    put(tmp_path / "raw", "1_.._8_f.jpg", "2_Ann_8_F.jpg")
    manifest = cut(tmp_path, layout="agedb")
    assert [name for name, _ in manifest.quarantined] == ["1_.._8_f.jpg"]
    assert crops(tmp_path) == ["Ann/2_Ann_8.jpg", "faces.csv"]
    assert not (tmp_path / "1_.._8.jpg").exists()


def test_fgnets_images_keep_their_names(tmp_path):
    put(tmp_path / "raw", "images/001A02.JPG", "images/001A43a.JPG", "images/047A05.JPG")
    manifest = cut(tmp_path, layout="fgnet")
    assert crops(tmp_path) == ["001A02.JPG", "001A43a.JPG", "047A05.JPG"]
    assert manifest.identities == 2


def test_lags_paths_stay(tmp_path):
    put(tmp_path / "raw", "jack_black/y/a b.png", "jack_black/1.png", "ann lee/張.png")
    manifest = cut(tmp_path, layout="lag")
    assert crops(tmp_path) == ["ann lee/張.png", "jack_black/1.png", "jack_black/y/a b.png"]
    assert manifest.identities == 2


def test_other_trees_keep_their_paths_and_tell_no_identities(tmp_path):
    put(tmp_path / "raw", "a/b/c/1.jpg", "2.png", "3.bmp", "4.webp")
    assert cut(tmp_path).identities is None
    assert crops(tmp_path) == ["2.png", "3.bmp", "4.webp", "a/b/c/1.jpg"]


def test_two_images_of_one_name_are_refused_before_any_work(tmp_path):
    put(tmp_path / "raw", "a/001A02.JPG", "b/001a02.jpg")
    with pytest.raises(ValueError, match=r"a/001A02\.JPG and b/001a02\.jpg would both become"):
        cut(tmp_path, layout="fgnet")
    assert not (tmp_path / "out").exists()


def test_a_trailing_space_may_not_merge_two_images(tmp_path):
    put(tmp_path / "raw", "1_Ann_8_f.jpg", "1_Ann _8_f.jpg")
    with pytest.raises(ValueError, match=r"would both become Ann/1_Ann_8\.jpg"):
        cut(tmp_path, layout="agedb")


def test_an_unknown_layout_is_refused(tmp_path):
    put(tmp_path / "raw", "1.jpg")
    with pytest.raises(ValueError, match=r"layout 'agdb': expected one of \['agedb'"):
        cut(tmp_path, layout="agdb")


def test_a_folder_of_another_layout_is_refused(tmp_path):
    put(tmp_path / "raw", "1.jpg")
    with pytest.raises(ValueError, match=r"no image of this layout; expected 16488_WillSmith"):
        cut(tmp_path, layout="agedb")


def test_a_missing_source_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="raw: no such folder"):
        cut(tmp_path)


def test_stray_files_and_links_in_a_circle_are_told(tmp_path):
    root = put(tmp_path / "raw", "a/1.jpg", ".cache/1.jpg")
    (root / "readme.txt").touch()
    (root / "._1.jpg").touch()
    (root / "a/circle").symlink_to(root)
    (root / "a/loop").symlink_to("loop")
    manifest = cut(tmp_path)
    assert manifest.images == 1
    told = notes(manifest)
    assert {told[name] for name in ("readme.txt", "._1.jpg", "a/loop")} == {"no image: left out"}
    assert {told[name] for name in ("a/circle/", ".cache/")} == {
        "hidden, or a link that leads in a circle: left out"
    }


def test_a_linked_folder_is_followed(tmp_path):
    put(tmp_path / "elsewhere", "1.jpg")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/person").symlink_to(tmp_path / "elsewhere")
    assert [image.source for image in plan_folder(tmp_path / "raw", "any").images] == [
        "person/1.jpg"
    ]


# Crops


def test_the_crop_is_that_of_align(tmp_path):
    put(tmp_path / "raw", "1.png")
    cut(tmp_path)
    found = decode((tmp_path / "out/1.png").read_bytes(), "1.png")
    assert np.array_equal(found, align(picture(0), TEMPLATE + SHIFT))


@pytest.mark.parametrize(
    ("suffix", "largest"), [(".png", 0), (".bmp", 0), (".webp", 0), (".jpg", 4), (".JPEG", 4)]
)
def test_writing_a_crop_loses_little_or_nothing(suffix, largest):
    crop = picture(3, (112, 112))
    loss = decode(encode(crop, suffix), "crop").astype(int) - crop
    assert np.abs(loss).max() <= largest
    assert np.abs(loss).mean() < 0.7


def test_the_writing_of_jpeg_is_said_once(tmp_path):
    put(tmp_path / "raw", "1.jpg", "2.jpg", "3.png")
    told = [remark for _, remark in cut(tmp_path).notes if "4:4:4" in remark]
    assert len(told) == 1


def test_crops_pass_untouched(tmp_path):
    put(tmp_path / "raw", "a/1.jpg", "a/2.png", size=(112, 112))
    landmarks = Known()
    manifest = cut(tmp_path, landmarks)
    for name in ("a/1.jpg", "a/2.png"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "raw" / name).read_bytes()
    assert landmarks.asked == []
    assert manifest.landmarks == "as distributed"
    assert notes(manifest)["*"] == "2 pictures were 112x112 already and were copied as they are"


def test_several_workers_cut_what_one_cuts(tmp_path):
    names = [f"{index}.jpg" for index in range(150)]
    put(tmp_path / "raw", *names)
    one = cut(tmp_path)
    two = align_folder(
        tmp_path / "raw", tmp_path / "two", landmarks=Known(), set_name="test", workers=4
    )
    assert one == two


def test_progress_is_told(tmp_path):
    put(tmp_path / "raw", *(f"{index}.jpg" for index in range(70)))
    told = []
    cut(tmp_path, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 70), (64, 70), (70, 70)]


# What cannot be used


def test_images_without_a_face_are_quarantined_with_the_reason(tmp_path):
    put(tmp_path / "raw", "1.jpg", "2.jpg")
    manifest = cut(tmp_path, Known(none_for=["2.jpg"]))
    assert manifest.images == 1
    assert manifest.quarantined == (("2.jpg", "no face found"),)
    assert crops(tmp_path) == ["1.jpg"]


def test_damaged_empty_and_unreadable_images_are_quarantined(tmp_path):
    root = put(tmp_path / "raw", "1.jpg", "2.jpg", "3.png")
    (root / "2.jpg").write_bytes((root / "2.jpg").read_bytes()[:-400])
    (root / "3.png").write_bytes((root / "3.png").read_bytes()[:300])
    (root / "4.jpg").touch()
    (root / "5.jpg").write_text("<html>")
    (root / "6.jpg").symlink_to(root / "6.jpg")
    manifest = cut(tmp_path)
    assert [name for name, _ in manifest.quarantined] == ["2.jpg", "3.png", "4.jpg", "5.jpg"]
    assert all(reason.startswith("not a readable") for _, reason in manifest.quarantined)
    assert ("6.jpg", "no image: left out") in manifest.notes  # a link to itself is no file
    assert manifest.images == 1


def test_an_image_that_vanishes_is_quarantined(tmp_path):
    root = put(tmp_path / "raw", *(f"{index:03}.jpg" for index in range(70)))

    def vanish(done, total):
        if done == 64:
            (root / "069.jpg").unlink()

    manifest = cut(tmp_path, progress=vanish)
    ((name, reason),) = manifest.quarantined
    assert name == "069.jpg"
    assert reason.startswith("no such image")


def test_landmarks_far_outside_are_quarantined(tmp_path):
    put(tmp_path / "raw", "1.jpg")

    class Outside(Known):
        def find(self, name, image):
            return TEMPLATE + 5000, ""

    ((name, reason),) = cut(tmp_path, Outside()).quarantined
    assert (name, "far outside the image" in reason) == ("1.jpg", True)


# Where the landmarks come from


def test_given_landmarks_are_taken_from_the_list(tmp_path):
    put(tmp_path / "raw", "a/1.png", "a/2.png")
    manifest = cut(tmp_path, given(tmp_path / "list.txt", "a/1.png", "a/3.png"))
    found = decode((tmp_path / "out/a/1.png").read_bytes(), "1.png")
    assert np.array_equal(found, align(picture(0), TEMPLATE + SHIFT))
    assert manifest.landmarks == "given"
    assert manifest.quarantined == (("a/2.png", "no line for it in list.txt"),)
    assert notes(manifest)["a/3.png"] == "in list.txt, but there is no such image"


def test_lines_that_are_no_landmarks_are_noted(tmp_path):
    put(tmp_path / "raw", "1.png")
    given(tmp_path / "list.txt", "1.png")
    with (tmp_path / "list.txt").open("a") as file:
        file.write("2.png 1 2 3\n")
    manifest = cut(tmp_path, Given(read_landmarks(tmp_path / "list.txt")))
    assert notes(manifest)["list.txt:2"].startswith("expected name x1 y1")


def pts(points):
    lines = "\n".join(f"{x} {y}" for x, y in points)
    return f"version: 1\nn_points: 68\n{{\n{lines}\n}}\n"


def fgnet(tmp_path):
    root = put(tmp_path / "raw", "images/001A02.JPG", "images/002A03.JPG", "images/003A04.JPG")
    points = np.full((68, 2), 60.0)
    points[[31, 36, 67, 48, 54]] = TEMPLATE + SHIFT
    (root / "points").mkdir()
    (root / "points/001a02.pts").write_text(pts(points))
    (root / "points/002a03.pts").write_text(pts(points[::-1]))
    (root / "points/009a09.pts").write_text(pts(points))
    return root / "points"


def test_fgnets_points_are_found_whatever_the_case(tmp_path):
    manifest = cut(tmp_path, FgnetPoints(fgnet(tmp_path)), layout="fgnet")
    assert crops(tmp_path) == ["001A02.JPG"]
    assert manifest.landmarks == "fgnet-68"
    (mirrored, reason), missing = manifest.quarantined
    assert mirrored == "images/002A03.JPG"
    assert "002a03.pts: points 31, 36" in reason
    assert missing == ("images/003A04.JPG", "no 003a04.pts in points")
    assert notes(manifest)["009a09.pts"] == "there is no such image"


def test_a_missing_or_empty_folder_of_points_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"points: no such folder; expected 001a02\.pts"):
        FgnetPoints(tmp_path / "points")
    with pytest.raises(ValueError, match=r"no \.pts file"):
        FgnetPoints(tmp_path)


def test_points_whose_names_differ_by_case_alone_are_refused(tmp_path):
    (tmp_path / "001a02.pts").touch()
    (tmp_path / "001A02.PTS").touch()
    with pytest.raises(ValueError, match="differ by case alone"):
        FgnetPoints(tmp_path)


@needs_model
def test_a_detector_finds_the_face_and_says_of_several_which(tmp_path):
    (tmp_path / "raw").mkdir()
    astronaut = skimage.data.astronaut()
    two = np.hstack([astronaut[:, 100:350], astronaut[:, 100:350]])
    for name, image in {"1.png": astronaut, "2.png": two, "3.png": np.zeros_like(two)}.items():
        (tmp_path / "raw" / name).write_bytes(encode(image, ".png"))
    detector = Detector(MODEL)
    manifest = cut(tmp_path, Detected(detector), workers=2)
    assert crops(tmp_path) == ["1.png", "2.png"]
    assert manifest.quarantined == (("3.png", "no face found"),)
    assert notes(manifest)["2.png"] == "2 faces: the one nearest to the center was taken"
    assert manifest.detector == {
        "name": MODEL.name, "sha256": detector.sha256, "min_score": "0.6",
    }  # fmt: skip
    found = decode((tmp_path / "out/1.png").read_bytes(), "1.png")
    assert np.array_equal(found, align(astronaut, detector.detect(astronaut)[0].landmarks))


@needs_model
def test_opencvs_threads_are_as_before(tmp_path):
    put(tmp_path / "raw", "1.jpg")
    before = cv2.getNumThreads()
    cut(tmp_path)
    assert cv2.getNumThreads() == before


# The manifest


def test_the_manifest_lies_in_the_folder_and_holds_the_hashes(tmp_path):
    put(tmp_path / "raw", "b.jpg", "a/c.png")
    manifest = cut(tmp_path)
    assert read_manifest(tmp_path / "out") == manifest
    assert manifest.list_sha256 == list_hash(["a/c.png", "b.jpg"])
    assert manifest.content_sha256 != content_hash([("a/c.png", ""), ("b.jpg", "")])
    assert (manifest.set, manifest.landmarks, manifest.detector) == ("test", "given", None)


def test_other_pixels_are_another_content_of_the_same_list(tmp_path):
    put(tmp_path / "raw", "1.jpg")
    before = cut(tmp_path)
    (tmp_path / "raw/1.jpg").write_bytes(encode(picture(9), ".jpg"))
    after = cut(tmp_path)
    assert before.list_sha256 == after.list_sha256
    assert before.content_sha256 != after.content_sha256


# Going on


class Stopped(Exception):
    pass


def stop_at(count):
    def progress(done, total):
        if done >= count:
            raise Stopped

    return progress


def test_work_that_stopped_goes_on_and_ends_as_if_it_had_not(tmp_path):
    names = [f"remarked{index:03}.jpg" for index in range(150)]
    put(tmp_path / "raw", *names)
    with pytest.raises(Stopped):
        cut(tmp_path, progress=stop_at(64))
    assert not (tmp_path / "out/manifest.json").exists()
    rest = Known()
    manifest = cut(tmp_path, rest)
    assert sorted(rest.asked) == names[64:]
    whole = align_folder(tmp_path / "raw", tmp_path / "whole", landmarks=Known(), set_name="test")
    assert manifest == whole
    assert notes(manifest)["remarked000.jpg"] == "a remark"


def test_a_second_run_cuts_nothing(tmp_path):
    put(tmp_path / "raw", "1.jpg")
    first = cut(tmp_path)
    again = Known()
    assert cut(tmp_path, again) == first
    assert again.asked == []


def test_a_journal_cut_short_costs_one_image(tmp_path):
    put(tmp_path / "raw", "1.jpg", "2.jpg")
    first = cut(tmp_path)
    journal = tmp_path / "out" / FOLDER / "done.jsonl"
    journal.write_bytes(journal.read_bytes()[:-10])
    again = Known()
    assert cut(tmp_path, again) == first
    assert again.asked == ["2.jpg"]
    third = Known()
    cut(tmp_path, third)
    assert third.asked == []  # the torn line took no other with it


def test_an_image_left_out_is_tried_again(tmp_path):
    put(tmp_path / "raw", "1.jpg", "2.jpg")
    cut(tmp_path, Known(none_for=["2.jpg"]))
    manifest = cut(tmp_path)
    assert (manifest.images, manifest.quarantined) == (2, ())


def test_an_image_exchanged_for_a_bad_one_leaves_no_old_crop(tmp_path):
    root = put(tmp_path / "raw", "1.jpg", "2.jpg")
    cut(tmp_path)
    (root / "2.jpg").write_bytes(b"")
    manifest = cut(tmp_path)
    assert [name for name, _ in manifest.quarantined] == ["2.jpg"]
    assert crops(tmp_path) == ["1.jpg"]


def test_a_lost_crop_is_made_again(tmp_path):
    put(tmp_path / "raw", "1.jpg")
    first = cut(tmp_path)
    (tmp_path / "out/1.jpg").unlink()
    assert cut(tmp_path) == first


def test_other_landmarks_into_the_same_folder_are_refused(tmp_path):
    put(tmp_path / "raw", "1.jpg")
    cut(tmp_path)
    with pytest.raises(ValueError, match="begun with list_sha256 'a', now 'b'; name another"):
        cut(tmp_path, Known(settings="b"))
    assert read_manifest(tmp_path / "out").images == 1  # as it was


def test_another_layout_into_the_same_folder_is_refused(tmp_path):
    put(tmp_path / "raw", "001A02.JPG")
    cut(tmp_path, layout="fgnet")
    with pytest.raises(ValueError, match="begun with layout 'fgnet', now 'any'"):
        cut(tmp_path)


def test_damaged_settings_are_named(tmp_path):
    put(tmp_path / "raw", "1.jpg")
    cut(tmp_path)
    (tmp_path / "out" / FOLDER / "settings.json").write_text("[")
    with pytest.raises(ValueError, match=r"settings\.json: not valid JSON"):
        cut(tmp_path)


# Where it goes


@pytest.mark.parametrize("target", ["raw", "raw/out", "."])
def test_a_target_that_meets_the_source_is_refused(tmp_path, target):
    put(tmp_path / "raw", "1.jpg")
    with pytest.raises(ValueError, match="expected a folder apart"):
        align_folder(tmp_path / "raw", tmp_path / target, landmarks=Known(), set_name="test")


def test_a_target_that_is_the_source_by_a_link_is_refused(tmp_path):
    put(tmp_path / "raw", "1.jpg")
    (tmp_path / "out").symlink_to(tmp_path / "raw")
    with pytest.raises(ValueError, match="expected a folder apart"):
        cut(tmp_path)


def test_a_target_with_other_files_is_refused_and_left_alone(tmp_path):
    put(tmp_path / "raw", "1.jpg")
    put(tmp_path / "out", "holiday.jpg")
    with pytest.raises(ValueError, match=r"holds holiday\.jpg, which was not made from this"):
        cut(tmp_path)
    assert crops(tmp_path) == ["holiday.jpg"]


def test_crops_of_another_making_are_not_taken_for_ours(tmp_path):
    put(tmp_path / "raw", "1.jpg")
    put(tmp_path / "out", "1.jpg")
    with pytest.raises(ValueError, match=r"holds 1\.jpg, which was not made"):
        cut(tmp_path)


def test_a_crop_whose_picture_is_gone_is_not_passed_over(tmp_path):
    put(tmp_path / "raw", "1.jpg", "2.jpg")
    cut(tmp_path)
    (tmp_path / "raw/2.jpg").unlink()
    with pytest.raises(ValueError, match=r"holds 2\.jpg, which was not made from this source"):
        cut(tmp_path)


def test_what_a_killed_run_was_writing_is_cleared_away(tmp_path):
    put(tmp_path / "raw", "1.jpg")
    cut(tmp_path)
    (tmp_path / "out/.tmp-x1.jpg").write_bytes(b"half")
    cut(tmp_path)
    assert not (tmp_path / "out/.tmp-x1.jpg").exists()


def test_a_target_that_is_a_file_is_refused(tmp_path):
    put(tmp_path / "raw", "1.jpg")
    (tmp_path / "out").touch()
    with pytest.raises(ValueError, match="out: is no folder, expected one or nothing"):
        cut(tmp_path)


def test_a_target_that_is_a_link_to_itself_is_refused(tmp_path):
    put(tmp_path / "raw", "1.jpg")
    (tmp_path / "out").symlink_to("out")
    with pytest.raises(ValueError, match="out: is no folder, expected one or nothing"):
        cut(tmp_path)


def test_the_source_is_only_read(tmp_path):
    root = put(tmp_path / "raw", "1.jpg", "2.jpg")
    before = {path: path.read_bytes() for path in root.rglob("*.jpg")}
    cut(tmp_path, Known(none_for=["2.jpg"]))
    assert {path: path.read_bytes() for path in root.rglob("*")} == before


def test_a_full_disk_stops_the_work_and_keeps_what_was_made(tmp_path, monkeypatch):
    put(tmp_path / "raw", *(f"{index:03}.jpg" for index in range(70)))
    whole = os.fsync
    made = []

    def full(handle):
        made.append(handle)
        if len(made) > 67:  # settings, 64 crops, and a few
            raise OSError(28, "No space left on device")
        whole(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="the disk is full"):
        cut(tmp_path)
    monkeypatch.setattr(os, "fsync", whole)
    rest = Known()
    assert cut(tmp_path, rest).images == 70
    assert len(rest.asked) == 6


def test_the_journal_holds_a_line_for_each_image(tmp_path):
    put(tmp_path / "raw", "1.jpg", "張 2.jpg")
    cut(tmp_path)
    text = (tmp_path / "out" / FOLDER / "done.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines() if line]
    assert {line["source"]: line["outcome"] for line in lines} == {
        "1.jpg": "aligned", "張 2.jpg": "aligned",
    }  # fmt: skip


def test_a_moved_target_goes_on(tmp_path):
    put(tmp_path / "raw", "1.jpg")
    first = cut(tmp_path)
    shutil.move(tmp_path / "out", tmp_path / "moved")
    again = Known()
    moved = align_folder(tmp_path / "raw", tmp_path / "moved", landmarks=again, set_name="test")
    assert (moved, again.asked) == (first, [])
