import numpy as np
import pytest

from irlib.data.sets.crossage import below_root, face_of, read_faces


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_crops_of_agedb(tmp_path):
    touch(tmp_path, "AgeDB-aligned/JohnnyCash/6472_JohnnyCash_10.jpg")
    faces = read_faces(tmp_path, "agedb")
    assert faces.names.tolist() == ["AgeDB-aligned/JohnnyCash/6472_JohnnyCash_10.jpg"]
    assert faces.identity.tolist() == ["JohnnyCash"]
    assert faces.age.tolist() == [10.0]
    assert faces.young.tolist() == [True]
    assert faces.gender.tolist() == [""]
    assert faces.root == tmp_path


def test_agedb_as_distributed_tells_the_gender(tmp_path):
    touch(tmp_path, "6472_JohnnyCash_10_m.jpg", "7096_GladysCooper_9_f.jpg")
    faces = read_faces(tmp_path, "agedb")
    assert faces.names.tolist() == ["6472_JohnnyCash_10_m.jpg", "7096_GladysCooper_9_f.jpg"]
    assert faces.identity.tolist() == ["JohnnyCash", "GladysCooper"]
    assert faces.gender.tolist() == ["m", "f"]
    assert faces.root == tmp_path


@pytest.mark.parametrize(
    "name",
    ["15_WillSmith _42_m.jpg", "WillSmith /15_WillSmith _42_M.jpg", "a/1_WillSmith_42_m.jpg"],
)
def test_some_names_of_agedb_end_in_a_space(tmp_path, name):
    touch(tmp_path, name)
    faces = read_faces(tmp_path, "agedb")
    assert (faces.identity[0], faces.age[0], faces.gender[0]) == ("WillSmith", 42.0, "m")


def test_genders_of_crops_are_read_from_the_table_beside_them(tmp_path):
    touch(tmp_path, "A/1_A_10.jpg", "B/2_B_20.jpg")
    table = "name,gender,source\nA/1_A_10.jpg,f,1_A_10_f.jpg\n"
    (tmp_path / "faces.csv").write_text(table, encoding="utf-8")
    faces = read_faces(tmp_path, "agedb")
    assert faces.gender.tolist() == ["f", ""]
    assert faces.stray == ()


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (b"file,gender\nA/1_A_10.jpg,f\n", "expected columns name and gender"),
        (b"name,gender\nA/1_A_10.jpg,x\n", "gender 'x'; expected m or f"),
        (b"name,gender\n\xff\xfe,f\n", "expected columns name and gender"),
    ],
)
def test_a_broken_table_of_genders_is_refused(tmp_path, table, told):
    touch(tmp_path, "A/1_A_10.jpg")
    (tmp_path / "faces.csv").write_bytes(table)
    with pytest.raises(ValueError, match=f"faces.csv: .*{told}"):
        read_faces(tmp_path, "agedb")


def test_a_number_of_agedb_stands_for_one_image(tmp_path):
    touch(tmp_path, "15_A_42_m.jpg", "A/0015_A_42.jpg")
    with pytest.raises(ValueError, match=r"15_A_42_m\.jpg and A/0015_A_42\.jpg are both image 15"):
        read_faces(tmp_path, "agedb")


def test_a_crop_in_another_person_s_folder_is_stray(tmp_path):
    touch(tmp_path, "A/1_A_10.jpg", "A/2_B_20.jpg")
    assert read_faces(tmp_path, "agedb").stray == ("A/2_B_20.jpg",)


@pytest.mark.parametrize(
    ("name", "identity", "age"),
    [("047A05.JPG", "047", 5.0), ("001A43b.JPG", "001", 43.0), ("082a00.jpg", "082", 0.0)],
)
@pytest.mark.parametrize("folder", ["FGNET-aligned", "images", "."])
def test_fgnet_names(tmp_path, folder, name, identity, age):
    touch(tmp_path, f"{folder}/{name}")
    faces = read_faces(tmp_path, "fgnet")
    assert (faces.identity[0], faces.age[0]) == (identity, age)


def test_fgnet_s_points_are_no_stray_files(tmp_path):
    touch(tmp_path, "images/047A05.JPG", "points/047a05.pts", "Data_files/readme.txt")
    faces = read_faces(tmp_path, "fgnet")
    assert faces.names.tolist() == ["images/047A05.JPG"]
    assert faces.stray == ("Data_files/readme.txt",)


def test_a_stem_of_fgnet_stands_for_one_image(tmp_path):
    touch(tmp_path, "047A05.JPG", "images/047a05.jpg")
    with pytest.raises(ValueError, match="are both image 047A05"):
        read_faces(tmp_path, "fgnet")


def test_lag_names_hold_spaces_and_any_script(tmp_path):
    touch(tmp_path, "ann_lee/a 1.png", "ann_lee/y/å ✓_2.jpg", "宮崎/y/写真.png")
    faces = read_faces(tmp_path, "lag")
    assert faces.identity.tolist() == ["ann_lee", "ann_lee", "宮崎"]
    assert faces.young.tolist() == [False, True, True]
    assert np.isnan(faces.age).all()


def test_thirteen_is_not_young():
    assert face_of("FGNET-aligned/001A12.JPG").young
    assert not face_of("FGNET-aligned/001A13.JPG").young


def test_other_files_are_stray(tmp_path):
    touch(tmp_path, "047A05.JPG", "List.txt", "a.jpg", "._047A06.JPG", ".cache/001A01.JPG")
    stray = ("._047A06.JPG", ".cache/", "List.txt", "a.jpg")
    assert read_faces(tmp_path, "fgnet").stray == stray


def test_links_in_a_circle_and_to_nowhere_are_stray(tmp_path):
    touch(tmp_path, "ann/a.png")
    (tmp_path / "ann" / "y").symlink_to(tmp_path)
    (tmp_path / "ann" / "b.png").symlink_to(tmp_path / "gone.png")
    (tmp_path / "ann" / "c.png").symlink_to("c.png")
    (tmp_path / "loop").symlink_to("loop")
    faces = read_faces(tmp_path, "lag")
    assert faces.names.tolist() == ["ann/a.png"]
    assert faces.stray == ("ann/b.png", "ann/c.png", "ann/y/", "loop")


def test_a_linked_folder_is_entered(tmp_path):
    touch(tmp_path, "far/a.png", "lag/bob/b.png")
    (tmp_path / "lag" / "ann").symlink_to(tmp_path / "far")
    assert read_faces(tmp_path / "lag", "lag").identity.tolist() == ["ann", "bob"]


def test_the_name_of_an_image_does_not_reach_over_a_slash(tmp_path):
    touch(tmp_path, "A/1_A_10.jpg", "2_A/b_10_m.jpg")
    assert read_faces(tmp_path, "agedb").stray == ("2_A/b_10_m.jpg",)


def test_a_name_that_is_no_utf8_is_stray(tmp_path):
    touch(tmp_path, "ann/a.png")
    (tmp_path / "ann" / "b\udcff.png").touch()  # the byte FF on disk
    assert read_faces(tmp_path, "lag").stray == ("ann/b\\udcff.png",)


def test_faces_are_sorted(tmp_path):
    touch(tmp_path, *(f"FGNET-aligned/{name}.JPG" for name in ("002A01", "001A30", "001A02")))
    assert read_faces(tmp_path, "fgnet").age.tolist() == [2.0, 30.0, 1.0]


def test_faces_without_some(tmp_path):
    touch(tmp_path, "001A02.JPG", "001A30.JPG", "002A01.JPG")
    faces = read_faces(tmp_path, "fgnet").without(["001A30.JPG", "003A99.JPG"])
    assert faces.names.tolist() == ["001A02.JPG", "002A01.JPG"]
    assert faces.age.tolist() == [2.0, 1.0]
    assert len(faces.without([])) == 2


def test_a_missing_set_is_named(tmp_path):
    touch(tmp_path, "FGNET-aligned/047A05.JPG")
    with pytest.raises(FileNotFoundError, match="LAG-aligned: no such folder; expected jack_black"):
        read_faces(tmp_path, "lag")  # else FGNET-aligned would be a person
    with pytest.raises(FileNotFoundError, match="AgeDB-aligned: no such folder"):
        read_faces(tmp_path / "none", "agedb")


def test_an_empty_set_is_named(tmp_path):
    touch(tmp_path, "LAG-aligned/readme.txt")
    with pytest.raises(ValueError, match="LAG-aligned: no image of this set"):
        read_faces(tmp_path, "lag")


def test_an_unknown_layout_is_named(tmp_path):
    with pytest.raises(ValueError, match="layout 'morph': expected one of agedb, fgnet, lag"):
        read_faces(tmp_path, "morph")


def test_face_of_knows_the_set_by_its_folder():
    assert face_of("LAG-aligned/jack_black/y/Agosto_2.png").identity == "jack_black"


@pytest.mark.parametrize("name", ["LFW/Ann/Ann_0001.jpg", "FGNET-aligned/a.jpg", "047A05.JPG", ""])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(ValueError, match="no image of a test set"):
        face_of(name)


def test_folders_above_the_set_are_dropped():
    assert below_root("dataset/test/FGNET-aligned/047A05.JPG") == "FGNET-aligned/047A05.JPG"
    assert below_root("LAG-aligned/ann/AgeDB-aligned/a.png").startswith("LAG-aligned/")
    assert below_root("xFGNET-aligned/047A05.JPG") == "xFGNET-aligned/047A05.JPG"
