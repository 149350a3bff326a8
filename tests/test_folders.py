import os
import tracemalloc

import numpy as np
import pytest

from irlib.data.folders import is_list, lists_in, read_folder


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
    assert len(faces) == 3


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("imgs/a b.jpg\t3", True),
        ("\ufeff\r\n  李/第 1.PNG   07 \r\nwords", True),
        ("12 casia-webface/000012/00000735.jpg 27.4 1", False),  # of an age file
        ("1\t64", False),  # of an index
        ("a.jpg", False),
        ("a.jpg -1", False),
        ("a.jpg \u0663", False),
        ("a.jpg 1\n\0", False),
        ("", False),
    ],
)
def test_a_list_is_known_by_its_first_line(tmp_path, text, expected):
    (tmp_path / "list.lst").write_text(text, newline="")
    assert is_list(tmp_path / "list.lst") is expected
    assert lists_in(tmp_path) == [tmp_path / "list.lst"][:expected]


def test_what_belongs_to_a_record_set_or_is_hidden_is_no_list(tmp_path):
    for name in ("train.idx", "train.REC", "lfw.bin", "a.jpg", ".list.txt"):
        (tmp_path / name).write_text("a.jpg 1")
    assert lists_in(tmp_path) == []
    assert not is_list(tmp_path / "gone.txt")
    assert not is_list(tmp_path)


def test_labels_are_class_indices(tmp_path):
    touch(tmp_path, "5/a.jpg", "7/a.jpg")  # gaps in the numbers leave none in the labels
    labels = read_folder(tmp_path).labels
    assert labels.dtype == np.int64
    assert labels.tolist() == [0, 1]


def test_links_that_lead_nowhere_are_stray(tmp_path):
    touch(tmp_path, "0/a.jpg", "1/a.jpg")
    (tmp_path / "0/dead.jpg").symlink_to(tmp_path / "gone.jpg")
    (tmp_path / "0/itself.jpg").symlink_to(tmp_path / "0/itself.jpg")
    (tmp_path / "0/up").symlink_to(tmp_path)
    (tmp_path / "round").symlink_to(tmp_path)
    (tmp_path / "knot").symlink_to(tmp_path / "knot")
    faces = read_folder(tmp_path)
    assert faces.names.tolist() == ["0/a.jpg", "1/a.jpg"]
    # what `round` holds is listed under its name as well: it was looked into once
    assert {"0/dead.jpg", "0/itself.jpg", "0/up/", "round/", "knot"} <= set(faces.stray)


def test_links_to_images_are_images(tmp_path):
    touch(tmp_path / "store", "a.jpg")
    touch(tmp_path / "set", "0/b.jpg")
    (tmp_path / "set/0/a.jpg").symlink_to(tmp_path / "store/a.jpg")
    assert read_folder(tmp_path / "set").names.tolist() == ["0/a.jpg", "0/b.jpg"]


def test_what_is_neither_file_nor_folder_is_stray(tmp_path):
    touch(tmp_path, "0/a.jpg")
    os.mkfifo(tmp_path / "0/b.jpg")  # reading it would wait for ever
    faces = read_folder(tmp_path)
    assert faces.names.tolist() == ["0/a.jpg"]
    assert faces.stray == ("0/b.jpg",)


def test_a_name_that_is_not_utf_8_is_stray(tmp_path):
    touch(tmp_path, "0/a.jpg")
    (tmp_path / os.fsdecode(b"0/caf\xe9.jpg")).touch()
    faces = read_folder(tmp_path)
    assert faces.names.tolist() == ["0/a.jpg"]
    assert faces.stray == ("0/caf\\udce9.jpg",)


def test_any_script_and_spaces(tmp_path):
    touch(tmp_path, "李 明/第 1.jpg", "Ödön/á.png")
    assert read_folder(tmp_path).names.tolist() == ["Ödön/á.png", "李 明/第 1.jpg"]


LAYOUTS = ["000012/00000735.jpg", "0000045/001.jpg", "m.0107_f/3-FaceId-0.jpg"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_published_layouts(tmp_path, layout):
    touch(tmp_path, layout)
    assert read_folder(tmp_path).names.tolist() == [layout]


def test_a_folder_around_the_identities_is_told(tmp_path):
    touch(tmp_path, "imgs/0/a.jpg", "imgs/1/a.jpg", "readme.txt")
    with pytest.raises(ValueError, match="imgs holds such folders"):
        read_folder(tmp_path)


def test_no_folder_is_told_where_there_are_two(tmp_path):
    touch(tmp_path, "a/0/a.jpg", "b/0/a.jpg")
    with pytest.raises(ValueError, match=r"00000735\.jpg$"):
        read_folder(tmp_path)


def test_one_long_name_costs_no_more_than_its_length(tmp_path):
    # at a fixed width the 3,001 names would take 200 x 4 bytes each, 2.4 MB
    for folder in range(30):
        (tmp_path / str(folder)).mkdir()
        for image in range(100):
            (tmp_path / f"{folder}/{image:08d}.jpg").touch()
    touch(tmp_path, f"0/{'x' * 190}.jpg")
    tracemalloc.start()
    faces = read_folder(tmp_path)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(faces) == 3001
    assert held < 500_000
