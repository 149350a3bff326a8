import pytest

from irlib.data.sets.cacd_vs import PAIRS, read_cacd_vs


def fill(folder, numbers, suffix="jpg"):
    for number in numbers:
        for side in (0, 1):
            (folder / f"{number:04d}_{side}.{suffix}").write_bytes(b"image")
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("whole"), range(PAIRS))


def test_ten_folds_of_four_hundred_with_positives_first(whole):
    pairs = read_cacd_vs(whole)
    assert len(pairs.left) == len(pairs.right) == PAIRS
    assert pairs.is_same.sum() == 2000
    assert pairs.is_same[[0, 199, 200, 399, 400, 3999]].tolist() == [
        True, True, False, False, True, False,
    ]  # fmt: skip
    assert pairs.fold[[0, 399, 400, 3999]].tolist() == [0, 0, 1, 9]
    assert (pairs.left[400], pairs.right[400]) == ("0400_0.jpg", "0400_1.jpg")
    assert pairs.rejected == ()
    assert [pairs.images.name(row) for row in (2, 3)] == ["0001_0.jpg", "0001_1.jpg"]


def test_a_pair_without_both_images_is_rejected_and_moves_no_other(tmp_path):
    fill(tmp_path, (0, 1, 200, 400))
    (tmp_path / "0001_1.jpg").unlink()
    pairs = read_cacd_vs(tmp_path)
    assert pairs.left.tolist() == ["0000_0.jpg", "0200_0.jpg", "0400_0.jpg"]
    assert pairs.is_same.tolist() == [True, False, True]
    assert pairs.fold.tolist() == [0, 0, 1]
    assert len(pairs.rejected) == PAIRS - 3
    assert pairs.rejected[0] == (1, "no image 0001_1")
    assert pairs.rejected[1] == (2, "no image 0002_0 and 0002_1")


def test_other_files_are_stray(tmp_path):
    fill(tmp_path, (0,))
    (tmp_path / "readme.txt").write_text("")
    (tmp_path / "0001_2.jpg").write_bytes(b"")
    (tmp_path / "more").mkdir()
    (tmp_path / "manifest.json").write_text("{}")  # of the alignment, as is the folder
    (tmp_path / ".alignment").mkdir()
    assert read_cacd_vs(tmp_path).stray == ("0001_2.jpg", "more/", "readme.txt")


def test_a_number_past_the_end_is_refused(tmp_path):
    with pytest.raises(ValueError, match="pairs 0 to 4000; expected 0000_0"):
        read_cacd_vs(fill(tmp_path, (0, 4000)))


def test_a_set_that_may_be_counted_from_one_is_refused(tmp_path):
    with pytest.raises(ValueError, match="pairs 1 to 3; expected 0000_0"):
        read_cacd_vs(fill(tmp_path, (1, 2, 3)))


def test_two_files_for_one_image_are_refused(tmp_path):
    fill(tmp_path, (0,))
    fill(tmp_path, (0,), suffix="png")
    with pytest.raises(ValueError, match=r"0000_0\.jpg and 0000_0\.png are one image"):
        read_cacd_vs(tmp_path)


def test_half_pairs_alone_are_refused(tmp_path):
    fill(tmp_path, (0,))
    (tmp_path / "0000_1.jpg").unlink()
    with pytest.raises(ValueError, match="no pair has both images"):
        read_cacd_vs(tmp_path)


def test_a_folder_without_the_set_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no image of the set"):
        read_cacd_vs(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such folder"):
        read_cacd_vs(tmp_path / "none")
