import pickle

import numpy as np
import pytest
from PIL import Image

from irlib.data.sources import Chosen, ImageFiles, batches, crops


def pixels(seed):
    return np.random.default_rng(seed).integers(0, 256, (112, 112, 3), dtype=np.uint8)


@pytest.fixture
def images(tmp_path):
    for index in range(3):
        (tmp_path / str(index)).mkdir()
        Image.fromarray(pixels(index)).save(tmp_path / f"{index}/a b.png")
    return ImageFiles(tmp_path, np.array([f"{index}/a b.png" for index in range(3)]))


def test_files_are_given_as_they_lie(images, tmp_path):
    assert len(images) == 3
    assert images.name(1) == "1/a b.png"
    assert images.encoded(1) == (tmp_path / "1/a b.png").read_bytes()


def test_chosen_images_keep_their_names_in_a_new_order(images):
    chosen = Chosen(images, np.array([2, 0]))
    assert len(chosen) == 2
    assert [chosen.name(0), chosen.name(1)] == ["2/a b.png", "0/a b.png"]
    assert chosen.encoded(1) == images.encoded(0)


def test_files_may_be_seen_from_a_folder_above(images, tmp_path):
    seen = ImageFiles(tmp_path / "1", np.array(["a b.png"])).seen_from(tmp_path)
    assert seen.name(0) == "1/a b.png"
    assert seen.encoded(0) == images.encoded(1)


def test_sources_survive_pickling(images):
    copy = pickle.loads(pickle.dumps(Chosen(images, np.array([1]))))
    assert copy.encoded(0) == images.encoded(1)


def test_crops_come_in_the_order_asked_for(images):
    assert np.array_equal(crops(images, [2, 0]), np.stack([pixels(2), pixels(0)]))


def test_batches_hold_all_crops_in_order(images):
    found = list(batches(images, batch_size=2))
    assert [len(each) for each in found] == [2, 1]
    assert np.array_equal(np.concatenate(found), np.stack([pixels(i) for i in range(3)]))


LOSSES = {
    "gone": (lambda path: path.unlink(), "no such image below"),
    "folder": (lambda path: (path.unlink(), path.mkdir()), "cannot be read"),
    "loop": (lambda path: (path.unlink(), path.symlink_to(path)), "cannot be read"),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_file_that_vanished_is_named(images, tmp_path, loss):
    damage, message = LOSSES[loss]
    damage(tmp_path / "1/a b.png")
    with pytest.raises(ValueError, match=rf"^1/a b\.png: {message}"):
        crops(images, [0, 1])
