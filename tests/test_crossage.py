import numpy as np
import pytest

from irlib.data.testsets import (
    below_root,
    face_of,
    identity_of,
    read_agedb,
    read_fgnet,
    read_lag,
)


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_agedb_names(tmp_path):
    touch(tmp_path, "AgeDB-aligned/JohnnyCash/6472_JohnnyCash_10.jpg")
    faces = read_agedb(tmp_path)
    assert faces.names.tolist() == ["AgeDB-aligned/JohnnyCash/6472_JohnnyCash_10.jpg"]
    assert faces.identity.tolist() == ["JohnnyCash"]
    assert faces.age.tolist() == [10.0]
    assert faces.young.tolist() == [True]


def test_agedb_raw_names_carry_a_gender_and_may_end_in_a_space():
    face = face_of("AgeDB-aligned/WillSmith /15_WillSmith _42_m.jpg")
    assert (face.identity, face.age, face.young) == ("WillSmith", 42.0, False)


@pytest.mark.parametrize(
    ("name", "identity", "age"),
    [("047A05.JPG", "047", 5.0), ("001A43b.JPG", "001", 43.0), ("082a00.jpg", "082", 0.0)],
)
def test_fgnet_names(tmp_path, name, identity, age):
    touch(tmp_path, f"FGNET-aligned/{name}")
    faces = read_fgnet(tmp_path)
    assert (faces.identity[0], faces.age[0]) == (identity, age)


def test_lag_names(tmp_path):
    touch(tmp_path, "LAG-aligned/ann_lee/a 1.png", "LAG-aligned/ann_lee/y/a_2.png")
    faces = read_lag(tmp_path)
    assert faces.identity.tolist() == ["ann_lee", "ann_lee"]
    assert faces.young.tolist() == [False, True]
    assert np.isnan(faces.age).all()


def test_thirteen_is_not_young():
    assert face_of("FGNET-aligned/001A12.JPG").young
    assert not face_of("FGNET-aligned/001A13.JPG").young


def test_other_files_are_stray(tmp_path):
    touch(tmp_path, "FGNET-aligned/047A05.JPG", "FGNET-aligned/List.txt", "FGNET-aligned/a.jpg")
    assert read_fgnet(tmp_path).stray == ("FGNET-aligned/List.txt", "FGNET-aligned/a.jpg")


def test_faces_are_sorted(tmp_path):
    touch(tmp_path, *(f"FGNET-aligned/{name}.JPG" for name in ("002A01", "001A30", "001A02")))
    assert read_fgnet(tmp_path).age.tolist() == [2.0, 30.0, 1.0]


def test_a_missing_set_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="AgeDB-aligned: no such folder; expected AgeDB"):
        read_agedb(tmp_path)


def test_an_empty_set_is_named(tmp_path):
    touch(tmp_path, "LAG-aligned/readme.txt")
    with pytest.raises(ValueError, match="LAG-aligned: no image of this set"):
        read_lag(tmp_path)


def test_identity_of_reads_the_path():
    assert identity_of("LAG-aligned/jack_black/y/Agosto_2.png") == "jack_black"


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="no image of a test set"):
        identity_of("LFW/Ann/Ann_0001.jpg")


def test_folders_above_the_set_are_dropped():
    assert below_root("dataset/test/FGNET-aligned/047A05.JPG") == "FGNET-aligned/047A05.JPG"
