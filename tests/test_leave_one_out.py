import numpy as np
import pytest

from irlib.data.sets.leave_one_out import leave_one_out, read_fgnet_loo

PEOPLE = ["001", "002", "001", "003", "002", "002"]


def test_every_image_with_a_mate_is_a_probe_and_the_others_are_named():
    protocol = leave_one_out(PEOPLE, names=list("abcdef"))
    assert protocol.probes.tolist() == [0, 1, 2, 4, 5]
    assert protocol.alone == ("d",)


def test_the_gallery_is_all_but_the_probe():
    protocol = leave_one_out(PEOPLE)
    assert np.flatnonzero(~protocol.gallery(2)).tolist() == [2]
    assert np.flatnonzero(protocol.mates(1)).tolist() == [4, 5]


@pytest.mark.parametrize(
    ("similarity", "rank"),
    [
        ([9, 0.1, 0.8, 0.2, 0.3, 0.4], 1),  # the mate, image 2, is the nearest
        ([9, 0.9, 0.8, 0.7, 0.3, 0.4], 2),  # image 1 is nearer
        ([9, 0.8, 0.8, 0.9, 0.3, 0.4], 3),  # image 3 is nearer, image 1 as near
        ([np.nan, 0.1, 0.8, 0.2, 0.3, 0.4], 1),  # the probe itself is not looked at
    ],
)
def test_the_rank_counts_others_that_are_at_least_as_near_as_the_mate(similarity, rank):
    assert leave_one_out(PEOPLE).rank(0, similarity) == rank


def test_the_nearest_of_several_mates_counts():
    # image 5 at 0.9 is nearer than the other mate, 4, and than everyone else
    assert leave_one_out(PEOPLE).rank(1, [0.8, 9, 0.7, 0.6, 0.1, 0.9]) == 1


@pytest.mark.parametrize("similarity", [[1.0] * 5, [0.0, np.nan, 0, 0, 0, 0]])
def test_similarities_that_are_not_finite_numbers_for_each_image_are_refused(similarity):
    with pytest.raises(ValueError, match="expected 6 finite numbers"):
        leave_one_out(PEOPLE).rank(0, similarity)


def test_an_image_without_a_mate_has_no_rank():
    with pytest.raises(ValueError, match="no other image shows 003"):
        leave_one_out(PEOPLE).rank(3, [0.0] * 6)


def test_nobody_with_two_images_is_refused():
    with pytest.raises(ValueError, match="no person has two of the 3 images"):
        leave_one_out([1, 2, 3])


def test_lengths_that_differ_are_refused():
    with pytest.raises(ValueError, match="expected one of each for every image"):
        leave_one_out([1, 1], [3.0])


def test_fgnet_by_its_names(tmp_path):
    folder = tmp_path / "FGNET-aligned"
    folder.mkdir()
    for name in ("001A02.JPG", "001A40a.JPG", "002A05.JPG"):
        (folder / name).write_bytes(b"image")
    protocol = read_fgnet_loo(folder)
    assert protocol.identities.tolist() == ["001", "001", "002"]
    assert protocol.ages.tolist() == [2.0, 40.0, 5.0]
    assert protocol.probes.tolist() == [0, 1]
    assert len(protocol.alone) == 1
    assert protocol.alone[0].endswith("002A05.JPG")
    assert protocol.images.encoded(2) == b"image"
