import numpy as np
import pytest
from scipy.io import savemat

from irlib.data.sets.tinyface import DISTRACTOR, read_tinyface

IMAGES = {
    "Probe": ["5_2.jpg", "17_4.jpg", "30_1.jpg"],  # 30 has no mate
    "Gallery_Match": ["17_1.jpg", "5_1.jpg"],
    "Gallery_Distractor": ["a.jpg", "b.jpg"],  # their names say nothing
}


def cells(names):
    found = np.empty((len(names), 1), dtype=object)
    for row, name in enumerate(names):
        found[row, 0] = np.array([name])
    return found


def lists(folder, *, gallery=("5_1.jpg", "17_1.jpg"), ids=(5, 17)):
    savemat(
        folder / "gallery_match_img_ID_pairs.mat",
        {"gallery_set": cells(gallery), "gallery_ids": np.array(ids, dtype=np.uint16)[:, None]},
    )
    savemat(
        folder / "probe_img_ID_pairs.mat",
        {"probe_set": cells(IMAGES["Probe"]), "probe_ids": np.array([[5], [17], [30]])},
    )


@pytest.fixture
def root(tmp_path):
    fill(tmp_path / "Testing_Set")
    return tmp_path


def fill(folder):
    for part, names in IMAGES.items():
        (folder / part).mkdir(parents=True)
        for name in names:
            (folder / part / name).write_bytes(b"image")


def test_probes_and_gallery_with_strangers_last(root):
    test = read_tinyface(root)
    assert test.probes.names.tolist() == ["Probe/17_4.jpg", "Probe/30_1.jpg", "Probe/5_2.jpg"]
    assert test.probe_ids.tolist() == [17, 30, 5]
    assert test.gallery_ids.tolist() == [17, 5, DISTRACTOR, DISTRACTOR]
    assert test.gallery.name(2) == "Gallery_Distractor/a.jpg"
    assert test.gallery.encoded(3) == b"image"
    assert test.counts == {"probes": 3, "mates": 2, "distractors": 2}
    assert test.checked == ()


def test_the_owners_lists_are_held_against_the_names(root):
    lists(root / "Testing_Set")
    test = read_tinyface(root / "Testing_Set")
    assert test.checked == ("probe_img_ID_pairs.mat", "gallery_match_img_ID_pairs.mat")
    assert test.missing == ()


def test_listed_images_that_are_absent_are_named(root):
    lists(root / "Testing_Set", gallery=("5_1.jpg", "17_1.jpg", "9_1.jpg"), ids=(5, 17, 9))
    assert [name for name, _ in read_tinyface(root).missing] == ["Gallery_Match/9_1.jpg"]


def test_aligned_crops_are_taken_first_and_checked_with_the_lists_beside(root):
    fill(root / "aligned_pad_0.1_pad_high")
    lists(root / "Testing_Set")
    test = read_tinyface(root)
    assert test.folder == root / "aligned_pad_0.1_pad_high"
    assert len(test.checked) == 2


def test_other_files_are_stray(root):
    probe = root / "Testing_Set" / "Probe"
    (probe / "Thumbs.db").write_bytes(b"")
    (probe / "1_1.jpg").symlink_to(probe / "1_1.jpg")  # a link to itself
    (probe / "more").mkdir()
    test = read_tinyface(root)
    assert test.stray == ("Probe/1_1.jpg", "Probe/Thumbs.db", "Probe/more/")
    assert len(test.probes) == 3


def test_missing_folders_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="Gallery_Distractor"):
        read_tinyface(tmp_path)


def test_an_empty_folder_is_refused(root):
    for name in IMAGES["Probe"]:
        (root / "Testing_Set" / "Probe" / name).unlink()
    with pytest.raises(ValueError, match="Probe: no image"):
        read_tinyface(root)


@pytest.mark.parametrize("name", ["x_1.jpg", "12.jpg", "-100_1.jpg", "1.5_2.jpg", "²_1.jpg"])
def test_a_name_without_a_person_is_refused(root, name):
    (root / "Testing_Set" / "Probe" / name).write_bytes(b"image")
    with pytest.raises(ValueError, match=r"expected <person>_<image>"):
        read_tinyface(root)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"ids": (5, 18)}, "17_1.jpg shows person 18, by its name 17"),
        ({"gallery": ("5_1.jpg",), "ids": (5,)}, "not listed, as 17_1.jpg"),
        ({"ids": (5, 17, 30)}, "expected one id for each name"),
        ({"gallery": ("5_1.jpg", "5_1.jpg"), "ids": (5, 5)}, "expected one id for each name"),
    ],
)
def test_a_list_that_contradicts_the_names_is_refused(root, values, told):
    lists(root / "Testing_Set", **values)
    with pytest.raises(ValueError, match=told):
        read_tinyface(root)


@pytest.mark.parametrize("content", [b"", b"not a list", b"MATLAB 5.0 MAT-file" + b"\0" * 200])
def test_a_damaged_list_is_named(root, content):
    (root / "Testing_Set" / "probe_img_ID_pairs.mat").write_bytes(content)
    with pytest.raises(ValueError, match=r"probe_img_ID_pairs\.mat: expected a MATLAB file"):
        read_tinyface(root)
