import io

import numpy as np
import pytest
from PIL import Image

from irlib.data.alignment.similarity import TEMPLATE
from irlib.data.sets import columns
from irlib.data.sets.ijb import read_ijb

POINTS = " ".join(f"{value:.4f}" for value in np.ravel(TEMPLATE))

# Three images of two templates: 7 holds two of one photograph, 9 holds one.
FILES = {
    "face_tid_mid.txt": "1.jpg 7 70\n2.jpg 7 70\n3.jpg 9 90\n",
    "name_5pts_score.txt": "".join(f"{k}.jpg {POINTS} 0.{k}\n" for k in (1, 2, 3)),
    "template_pair_label.txt": "7 9 0\n9 7 1\n7 7 1\n",
}
LISTS = {
    "1N_gallery_S1.csv": "TEMPLATE_ID,SUBJECT_ID,FILENAME\n7,1,img/a.jpg\n7,1,img/b.jpg\n",
    "1N_gallery_S2.csv": "TEMPLATE_ID,SUBJECT_ID,FILENAME\n9,2,img/c.jpg\n",
    "1N_probe_mixed.csv": "TEMPLATE_ID,SUBJECT_ID\n9,2\n7,1\n",
}


def jpeg(size=(112, 112), color=(200, 120, 90)):
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@pytest.fixture
def release(tmp_path):
    (tmp_path / "meta").mkdir()
    (tmp_path / "loose_crop").mkdir()
    for name, content in {**FILES, **LISTS}.items():
        (tmp_path / "meta" / f"ijbb_{name}").write_text(content)
    for k in (1, 2, 3):
        (tmp_path / "loose_crop" / f"{k}.jpg").write_bytes(jpeg())
    return tmp_path


def change(release, name, content):
    content = content if isinstance(content, bytes) else content.encode()
    (release / "meta" / f"ijbb_{name}").write_bytes(content)


def test_images_templates_and_pairs(release):
    ijb = read_ijb(release, "IJBB")
    assert ijb.names.tolist() == ["1.jpg", "2.jpg", "3.jpg"]
    assert ijb.template_ids.tolist() == [7, 7, 9]
    assert ijb.media_ids.tolist() == [70, 70, 90]
    assert ijb.scores.tolist() == [0.1, 0.2, 0.3]
    assert ijb.pairs.dtype == np.int64
    assert ijb.pairs.tolist() == [[7, 9], [9, 7], [7, 7]]
    assert ijb.is_same.tolist() == [False, True, True]
    assert ijb.counts == {"images": 3, "templates": 2, "pairs": 3, "genuine pairs": 2}
    assert ijb.landmarks.shape == (3, 5, 2)
    # x1 y1 x2 y2 ...: the right eye in the picture is the second point
    assert ijb.landmarks[0, 1].tolist() == [73.5318, 51.5014]


def test_galleries_and_probes_hold_each_template_once(release):
    ijb = read_ijb(release, "IJBB")
    assert {key: len(found) for key, found in ijb.galleries.items()} == {"S1": 1, "S2": 1}
    assert ijb.probes.template_ids.tolist() == [7, 9]
    assert ijb.probes.subject_ids.tolist() == [1, 2]
    assert ijb.absent == ()


def test_the_lists_for_search_may_be_absent_and_that_is_told(release):
    (release / "meta" / "ijbb_1N_gallery_S2.csv").unlink()
    (release / "meta" / "ijbb_1N_probe_mixed.csv").unlink()
    ijb = read_ijb(release, "IJBB")
    assert list(ijb.galleries) == ["S1"]
    assert ijb.probes is None
    assert ijb.absent == ("ijbb_1n_gallery_s2.csv", "ijbb_1n_probe_mixed.csv")


def test_pieces_join_to_the_same_pairs(release, monkeypatch):
    whole = read_ijb(release, "IJBB")
    monkeypatch.setattr(columns, "ROWS", 1)
    pieced = read_ijb(release, "IJBB")
    assert pieced.pairs.tolist() == whole.pairs.tolist()
    assert pieced.is_same.tolist() == whole.is_same.tolist()
    assert pieced.landmarks.tolist() == whole.landmarks.tolist()


def test_byte_order_marks_windows_line_ends_and_other_case_change_nothing(release):
    for name, content in FILES.items():
        (release / "meta" / f"ijbb_{name}").unlink()
        (release / "meta" / f"IJBB_{name.upper()}").write_bytes(
            b"\xef\xbb\xbf" + content.replace("\n", "\r\n").encode()
        )
    change(release, "1N_probe_mixed.csv", b"\xef\xbb\xbf" + b"A,B\r\n9,2\r\n\r\n")
    ijb = read_ijb(release, "IJBB")
    assert ijb.template_ids.tolist() == [7, 7, 9]
    assert ijb.is_same.tolist() == [False, True, True]
    assert ijb.probes.subject_ids.tolist() == [2]


def test_the_folder_above_will_do(release, tmp_path_factory):
    above = tmp_path_factory.mktemp("above")
    (above / "IJBB").symlink_to(release)
    assert len(read_ijb(above, "IJBB").images) == 3


def test_a_crop_whose_landmarks_are_the_template_stays_as_it_is(release):
    crop = read_ijb(release, "IJBB").crop(0)
    assert crop.shape == (112, 112, 3)
    assert np.abs(crop[8:104, 8:104].astype(int) - (200, 120, 90)).max() <= 3


def test_a_damaged_crop_is_named(release):
    (release / "loose_crop" / "2.jpg").write_bytes(jpeg()[:200])
    with pytest.raises(ValueError, match=r"2\.jpg"):
        read_ijb(release, "IJBB").crop(1)


TWICE = "1.jpg 7 70\n2.jpg 7 70\n\n1.jpg 7 71\n"
SWAPPED = "".join(f"{k}.jpg {POINTS} 0.5\n" for k in (1, 3, 2))
LONG = FILES["name_5pts_score.txt"] + f"4.jpg {POINTS} 0.5\n"
INFINITE = FILES["name_5pts_score.txt"].replace("0.2\n", "inf\n")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("template_pair_label.txt", "7 9 0\n7 8 1\n", "line 2: a template without images: '7 8 1'"),
        ("template_pair_label.txt", "7 9 0\n7 9 2\n", "line 2: expected a label 0 or 1: '7 9 2'"),
        ("template_pair_label.txt", "7 9 0\n7 9\n", "line 2: expected `template1"),
        ("template_pair_label.txt", "7 9 0 1\n", "line 1: expected `template1"),
        ("template_pair_label.txt", "", "no line"),
        ("face_tid_mid.txt", "1.jpg -7 70\n2.jpg 7 70\n", "line 1: ids must not be negative"),
        ("face_tid_mid.txt", TWICE, "line 4: an earlier line has this image"),
        ("face_tid_mid.txt", "1.jpg 7 x\n", "line 1: expected `image template media`"),
        ("face_tid_mid.txt", FILES["face_tid_mid.txt"] + "4.jpg 9 90\n", "1 of 4 images .* 4.jpg"),
        ("name_5pts_score.txt", SWAPPED, r"line 2: expected 2\.jpg"),
        ("name_5pts_score.txt", SWAPPED[: len(SWAPPED) // 3], r"1 lines for 3 images; 2\.jpg"),
        ("name_5pts_score.txt", LONG, "line 4: only 3 images have a template"),
        ("name_5pts_score.txt", INFINITE, "line 2: landmarks and score must be finite"),
        ("1N_probe_mixed.csv", "9,2\n7,1\n", "line 1: no header"),
        ("1N_probe_mixed.csv", "A,B\n9,2\n8,1\n", "line 3: template 8 has no images"),
        ("1N_probe_mixed.csv", "A,B\n9,2\n9,3\n", "line 3: template 9 shows subject 3, .* 2"),
        ("1N_probe_mixed.csv", "A,B\n9\n", "line 2: '9'; expected a header row"),
        ("1N_probe_mixed.csv", "A,B\n", "no template"),
    ],
)
def test_what_contradicts_is_refused_with_file_and_line(release, name, content, told):
    change(release, name, content)
    with pytest.raises(ValueError, match=rf"(ijbb_{name}|loose_crop).*{told}"):
        read_ijb(release, "IJBB")


def test_all_absent_parts_are_named(release):
    (release / "meta" / "ijbb_face_tid_mid.txt").unlink()
    (release / "loose_crop").rename(release / "crops")
    told = r"loose_crop/, meta/ijbb_face_tid_mid\.txt absent"
    with pytest.raises(FileNotFoundError, match=told):
        read_ijb(release, "IJBB")


def test_the_files_of_the_other_set_are_not_taken(release):
    with pytest.raises(FileNotFoundError, match=r"meta/ijbc_face_tid_mid\.txt"):
        read_ijb(release, "IJBC")


def test_an_unknown_name_is_refused(release):
    with pytest.raises(ValueError, match="expected IJBB or IJBC"):
        read_ijb(release, "IJBA")


def test_two_files_that_differ_in_case_are_refused(release):
    (release / "META").mkdir()
    with pytest.raises(ValueError, match="expected one"):
        read_ijb(release, "IJBB")
