import io
import pickle

import numpy as np
import pytest
from PIL import Image

from irlib.data.faces import open_faces
from irlib.data.folders import read_folder
from irlib.data.recordio import pack
from irlib.data.sources import Chosen, ImageFiles

# Two people, one of them a child in ten of eleven images. The numbers are not those that records
# count by, 1 to 12: a packed set finds its ages by the names it was packed from.
NAMES = [*(f"000007/{image:08d}.png" for image in range(101, 112)), "000030/00000001.png"]


def pixels(seed, size=(112, 112)):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The same images as a folder, a list and records, with a label file."""
    root = tmp_path_factory.mktemp("sets")
    for seed, name in enumerate(NAMES):
        (root / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(seed)).save(root / "folder" / name)
    lines = (f"folder/{name} {int(name[:6])}\n" for name in reversed(NAMES))
    (root / "list.txt").write_text("".join(lines))
    labels = np.array([int(name[:6]) for name in NAMES])
    pack(ImageFiles(root / "folder", np.array(NAMES)), labels, root / "records")
    ages = [f"7 x/7/{image + 100}.jpg {2 + image / 10} 1\n" for image in range(1, 11)]
    ages += ["7 x/7/111.jpg 13 1\n", "7 x/7/99.jpg 4 1\n"]  # a grown-up, and one that is not here
    (root / "ages.txt").write_text("".join(ages))
    return root


PLACES = ["folder", "list.txt", "records", "records/train.rec"]


@pytest.mark.parametrize("place", PLACES)
def test_a_set_is_the_same_whatever_it_is_distributed_as(root, place):
    faces = open_faces(root / place, root / "ages.txt")
    assert (len(faces), faces.num_classes) == (12, 2)
    assert faces.labels.dtype == np.int64
    assert faces.labels.tolist() == [0] * 11 + [1]
    assert [int(name) for name in faces.class_names] == [7, 30]
    assert faces.ages.dtype == np.float64
    expected = [*(2 + image / 10 for image in range(1, 11)), 13.0, np.nan]
    np.testing.assert_allclose(faces.ages, expected, rtol=1e-15)
    for row in range(12):
        assert np.array_equal(faces.read(row), pixels(row))


@pytest.mark.parametrize("place", PLACES)
def test_children_are_counted_over_the_images_present(root, place):
    faces = open_faces(root / place, root / "ages.txt")
    assert faces.child_ids().tolist() == [0]  # ten images below 13; the eleventh is 13
    assert faces.child_ids(at_least=11).tolist() == []
    assert faces.child_ids(below=13.5, at_least=11).tolist() == [0]
    assert faces.age_labels.listed_child_ids(at_least=11) == ("7",)  # with the absent one


def test_no_label_file_is_no_age(root):
    faces = open_faces(str(root / "folder"))
    assert np.isnan(faces.ages).all()
    assert faces.age_labels is None
    assert faces.child_ids(at_least=1).tolist() == []


def test_an_image_of_any_size_is_read(tmp_path):
    for name, size in (("0/a.png", (30, 40)), ("1/a.png", (112, 112))):
        (tmp_path / name).parent.mkdir()
        Image.fromarray(pixels(0, size)).save(tmp_path / name)
    assert open_faces(tmp_path).read(0).shape == (30, 40, 3)


def test_positions_count_from_either_end(root):
    faces = open_faces(root / "records")
    assert np.array_equal(faces.read(-1), pixels(11))
    with pytest.raises(IndexError):
        faces.read(12)


@pytest.mark.parametrize("place", PLACES)
def test_faces_survive_pickling(root, place):
    copy = pickle.loads(pickle.dumps(open_faces(root / place, root / "ages.txt")))
    assert np.array_equal(copy.read(3), pixels(3))


def test_stray_files_and_absent_images_are_told(tmp_path, root):
    (tmp_path / "0").mkdir()
    Image.fromarray(pixels(0)).save(tmp_path / "0/a.png")
    (tmp_path / "list.txt").write_text("0/a.png 5\n0/b.png 5\n")
    assert open_faces(tmp_path).stray == ("list.txt",)
    listed = open_faces(tmp_path / "list.txt")
    assert listed.stray == ("0/b.png",)
    assert listed.notes == ("1 listed images are not there: 0/b.png",)


def test_two_images_of_one_number_have_no_age(tmp_path):
    (tmp_path / "7").mkdir()
    for name in ("1.png", "001.png", "2.png"):
        Image.fromarray(pixels(0)).save(tmp_path / "7" / name)
    (tmp_path / "ages.txt").write_text("7 7/1.jpg 3 0\n7 7/2.jpg 4 0\n")
    faces = open_faces(tmp_path, tmp_path / "ages.txt")
    assert [faces.images.name(row) for row in range(3)] == ["7/001.png", "7/1.png", "7/2.png"]
    np.testing.assert_array_equal(faces.ages, [np.nan, np.nan, 4.0])
    assert faces.notes == (
        "2 images share their key with another, so none has an age: 7/001.png, 7/1.png",
    )


def test_records_without_names_have_ages_by_label_and_number(root, tmp_path):
    # as in sets from elsewhere: MTLFace's converter names the image of record 1, label 7, 7/1.jpg
    records = bytearray((root / "records/train.rec").read_bytes())
    records[24:32] = bytes(8)  # the second id of record 0, which tells who packed it
    (tmp_path / "train.rec").write_bytes(records)
    (tmp_path / "train.idx").write_bytes((root / "records/train.idx").read_bytes())
    (tmp_path / "ages.txt").write_text("7 a/000007/00000001.jpg 5 1\n30 a/30/12.jpg 40 0\n")
    faces = open_faces(tmp_path, tmp_path / "ages.txt")
    np.testing.assert_array_equal(faces.ages, [5.0, *[np.nan] * 10, 40.0])
    assert faces.images.name(11) == "000030/00000012.jpg"


def test_a_packed_set_that_lost_its_names_gives_no_image_the_age_of_another(root, tmp_path):
    for name in ("train.rec", "train.idx"):
        (tmp_path / name).write_bytes((root / "records" / name).read_bytes())
    (tmp_path / "ages.txt").write_text("7 a/000007/00000001.jpg 5 1\n")
    faces = open_faces(tmp_path, tmp_path / "ages.txt")
    assert np.isnan(faces.ages).all()
    assert faces.notes == ("train.names is missing: no image can have an age",)


def test_packing_keeps_ages_and_names_of_identities_whose_numbers_have_gaps(tmp_path):
    for name in ("0000045/001.png", "0000045/002.png", "0000099/001.png"):
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(0)).save(tmp_path / "folder" / name)
    # 0/1 and 1/3 are what label and record say of the first and the last image once packed
    lines = ["45 c/0000045/001.png 7 0", "99 c/0000099/001.png 50 1", "0 c/0/1.png 1 0"]
    (tmp_path / "ages.txt").write_text("\n".join([*lines, "1 c/1/3.png 2 0\n"]))
    folder = open_faces(tmp_path / "folder", tmp_path / "ages.txt")
    pack(folder.images, folder.labels, tmp_path / "packed")
    packed = open_faces(tmp_path / "packed", tmp_path / "ages.txt")
    np.testing.assert_array_equal(packed.ages, [7.0, np.nan, 50.0])
    np.testing.assert_array_equal(folder.ages, packed.ages)
    assert packed.class_names == folder.class_names == ("0000045", "0000099")


# Quarantine


@pytest.mark.parametrize("place", ["folder", "records"])
def test_images_in_quarantine_are_left_out(root, place):
    whole = open_faces(root / place, root / "ages.txt")
    faces = whole.without([whole.images.name(0), whole.images.name(4)])
    assert len(faces) == 10
    assert np.array_equal(faces.read(0), pixels(1))
    assert np.array_equal(faces.read(3), pixels(5))
    np.testing.assert_array_equal(faces.ages, whole.ages[[1, 2, 3, *range(5, 12)]])
    assert faces.keys.text(3) == whole.keys.text(5)
    assert faces.class_names == whole.class_names
    assert faces.child_ids().tolist() == []  # eight images of a child are left
    assert faces.notes == ()


def test_an_identity_without_an_image_is_no_class_and_is_told(root):
    whole = open_faces(root / "folder")
    faces = whole.without(NAMES[:11])
    assert faces.class_names == ("000030",)
    assert faces.labels.tolist() == [0]
    assert faces.notes == ("no image is left of 1 identities: 000007",)


def test_a_name_that_is_not_here_is_counted(root):
    faces = open_faces(root / "folder").without(["gone.png", NAMES[0]])
    assert len(faces) == 11
    assert faces.notes == ("1 images to leave out are not in the set",)


def test_nothing_to_leave_out_is_the_same_set(root):
    faces = open_faces(root / "folder")
    assert faces.without([]) is faces


def test_a_set_all_in_quarantine_is_refused(root):
    with pytest.raises(ValueError, match="all 12 images are in quarantine"):
        open_faces(root / "folder").without(NAMES)


# Bad input


def test_what_is_not_there_is_named(root):
    with pytest.raises(FileNotFoundError, match="nowhere: no such file or folder; expected a fold"):
        open_faces(root / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"none\.txt: no such file"):
        open_faces(root / "folder", root / "none.txt")


@pytest.mark.parametrize("name", ["train.idx", "lfw.bin"])
def test_a_file_of_another_kind_is_told(tmp_path, name):
    (tmp_path / name).write_bytes(b"0\t0\n")
    with pytest.raises(ValueError, match=f"{name}: no training set by itself; expected a folder"):
        open_faces(tmp_path / name)


def test_a_record_file_without_its_index_is_told(tmp_path, root):
    (tmp_path / "train.rec").write_bytes((root / "records/train.rec").read_bytes())
    with pytest.raises(FileNotFoundError, match=r"train\.idx"):
        open_faces(tmp_path)


@pytest.mark.parametrize("place", ["folder", "records"])
def test_a_damaged_image_is_named(tmp_path, root, place):
    source = ImageFiles(root / "folder", np.array(NAMES))
    content = source.encoded(2)[:500]
    for name in NAMES[:3]:
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).write_bytes(content)
    folder = read_folder(tmp_path / "folder")
    pack(ImageFiles(folder.root, folder.names), folder.labels, tmp_path / "records")
    faces = open_faces(tmp_path / place)
    with pytest.raises(ValueError, match=f"^{faces.images.name(2)}: not a readable image"):
        faces.read(2)


def test_a_file_that_vanishes_while_read_is_named(tmp_path):
    for name in ("0/a.png", "1/a.png"):
        (tmp_path / name).parent.mkdir()
        Image.fromarray(pixels(0)).save(tmp_path / name)
    faces = open_faces(tmp_path)
    (tmp_path / "1/a.png").unlink()
    with pytest.raises(ValueError, match=r"^1/a\.png: no such image"):
        faces.read(1)


def test_a_chosen_source_is_no_copy(root):
    chosen = open_faces(root / "folder").without(NAMES[:1]).images
    assert isinstance(chosen, Chosen)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(chosen.encoded(0)))), pixels(1))
