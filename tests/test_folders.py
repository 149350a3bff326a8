import os

import numpy as np
import pytest

from irlib.data.folders import read_folder


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_numbered_classes_are_ordered_as_numbers(tmp_path):
    touch(tmp_path, "10/1.jpg", "2/1.jpg", "1/1.jpg")
    assert read_folder(tmp_path).class_names == ("1", "2", "10")


def test_padded_and_unpadded_numbers_mix(tmp_path):
    touch(tmp_path, "000010/1.jpg", "9/1.jpg")
    assert read_folder(tmp_path).class_names == ("9", "000010")


def test_named_classes_are_ordered_as_text(tmp_path):
    touch(tmp_path, "10/1.jpg", "2/1.jpg", "Ann/1.jpg")
    assert read_folder(tmp_path).class_names == ("10", "2", "Ann")


def test_labels_follow_the_names(tmp_path):
    touch(tmp_path, "0/b.jpg", "0/a.png", "1/c.JPG")
    faces = read_folder(tmp_path)
    assert faces.names.tolist() == ["0/a.png", "0/b.jpg", "1/c.JPG"]
    assert faces.labels.tolist() == [0, 0, 1]
    assert faces.num_classes == 2
    assert faces.paths()[2] == tmp_path / "1" / "c.JPG"


@pytest.mark.parametrize("backwards", [False, True])
def test_the_order_is_not_the_file_system_s(tmp_path, monkeypatch, backwards):
    touch(tmp_path, "0/a.jpg", "0/b.jpg", "1/c.jpg", "2/d.jpg")
    scandir = os.scandir

    class Entries(list):
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    def ordered(folder):
        return Entries(sorted(scandir(folder), key=lambda entry: entry.name, reverse=backwards))

    monkeypatch.setattr(os, "scandir", ordered)
    faces = read_folder(tmp_path)
    assert faces.names.tolist() == ["0/a.jpg", "0/b.jpg", "1/c.jpg", "2/d.jpg"]
    assert faces.class_names == ("0", "1", "2")


def test_stray_things_are_listed_and_no_class(tmp_path):
    touch(tmp_path, "0/a.jpg", ".DS_Store", "notes.txt", "0/b.txt", "0/._a.jpg", "0/more/c.jpg")
    touch(tmp_path, ".ipynb_checkpoints/d.jpg")
    (tmp_path / "1").mkdir()
    faces = read_folder(tmp_path)
    assert faces.class_names == ("0",)
    assert faces.names.tolist() == ["0/a.jpg"]
    assert faces.stray == (
        ".DS_Store",
        ".ipynb_checkpoints/",
        "0/._a.jpg",
        "0/b.txt",
        "0/more/",
        "1/",
        "notes.txt",
    )


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"faces: no such folder; expected one sub-folder"):
        read_folder(tmp_path / "faces")


def test_a_folder_without_images_is_named(tmp_path):
    touch(tmp_path, "0/readme.txt", "1.jpg")
    with pytest.raises(ValueError, match=f"{tmp_path.name}: no image in any sub-folder"):
        read_folder(tmp_path)


def test_two_names_of_one_number_are_refused(tmp_path):
    touch(tmp_path, "1/a.jpg", "01/a.jpg", "2/a.jpg")
    with pytest.raises(ValueError, match="mean one number"):
        read_folder(tmp_path)


def test_labels_are_class_indices(tmp_path):
    touch(tmp_path, "5/a.jpg", "7/a.jpg")  # gaps in the numbers leave none in the labels
    labels = read_folder(tmp_path).labels
    assert labels.dtype == np.int64
    assert labels.tolist() == [0, 1]
