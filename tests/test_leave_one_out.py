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
