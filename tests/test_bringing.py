"""What an owner hands out, brought to where a study looks, and opened from there."""

import io
import pickle
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from pictures import jpeg, put
from PIL import Image

from irlib.data import open_faces, read_bin
from irlib.data.bringing import bring
from irlib.data.manifests import read_manifest
from irlib.data.recordio import pack
from irlib.data.recordio.framing import framed, with_header
from irlib.data.sets import catalog
from irlib.data.sets.crossage import read_faces

MODEL = Path(__file__).parents[2] / "shared/models/yunet_n_640_640.onnx"
detects = pytest.mark.skipif(not MODEL.is_file(), reason=f"needs {MODEL}")

AGES = "0 casia/000000/00000001.jpg 8 1\n1 casia/000001/00000003.jpg 31.5 0\n"  # of two of six
POINTS = {31: (30, 40), 36: (70, 40), 67: (50, 65), 48: (35, 85), 54: (65, 85)}  # of FG-NET's 68


# Six images of three people; the keys of the records count from 1, as the files here do.


def image_folder(home):
    for index in range(6):
        put(home / f"imgs/{index // 2:06d}/{index + 1:08d}.jpg", jpeg(index))
    return home / "imgs"


def record_folder(home):
    """As InsightFace hands it out: record 0, the images, and a record for each person."""
    contents = [with_header(b"", (7, 10), 0)]
    contents += [with_header(jpeg(index), index // 2, index + 1) for index in range(6)]
    contents += [with_header(b"", (2 * row + 1, 2 * row + 3), 7 + row) for row in range(3)]
    records, index = b"", ""
    for key, content in enumerate(contents):
        index += f"{key}\t{len(records)}\n"
        records += framed(content)
    put(home / "faces_112x112/train.idx", index.encode())
    return put(home / "faces_112x112/train.rec", records).parent


def packed_folder(home):
    faces = open_faces(image_folder(home))
    pack(faces.images, faces.labels, home / "packed")
    return home / "packed"


def packed_file(home):
    return packed_folder(home) / "train.rec"


def record_file(home):
    return record_folder(home) / "train.rec"


def record_file_of_another_name(home):
    folder = record_folder(home)
    for ending in ("rec", "idx"):
        (folder / f"train.{ending}").rename(folder / f"casia.{ending}")
    return folder / "casia.rec"


def record_file_linked_to(home):
    # as a download cache keeps it: names that are links to files named by their hash
    folder = record_folder(home)
    for index, name in enumerate(("train.rec", "train.idx")):
        (folder / name).rename(folder / f"{index}")
        (folder / name).symlink_to(folder / f"{index}")
    return folder / "train.rec"


def zip_of_records(home):
    return Path(shutil.make_archive(home / "casia", "zip", record_folder(home)))


def zip_of_wrapped_records(home):
    folder = record_folder(home)
    return Path(shutil.make_archive(home / "casia", "zip", home, folder.name))


def tar_of_wrapped_records(home):
    folder = record_folder(home)
    return Path(shutil.make_archive(home / "casia", "gztar", home, folder.name))


def tar_of_images(home):
    return Path(shutil.make_archive(home / "casia", "tar", home, image_folder(home).name))


def folder_of_a_list(home):
    image_folder(home)
    names = [f"imgs/{index // 2:06d}/{index + 1:08d}.jpg {index // 2}" for index in range(6)]
    put(home / "list.txt", "\n".join(names).encode())
    return home


def archive_of_a_list_and_one_folder(home):
    names = [f"{index + 1:08d}.jpg" for index in range(6)]
    for index, name in enumerate(names):
        put(home / f"casia/imgs/{name}", jpeg(index))
    lines = [f"imgs/{name}\t{index // 2}\n" for index, name in enumerate(names)]
    put(home / "casia/list.lst", "".join(lines).encode())
    return Path(shutil.make_archive(home / "casia", "zip", home, "casia"))


def list_file(home):
    image_folder(home)
    names = [f"imgs/{index // 2:06d}/{index + 1:08d}.jpg {index // 2}" for index in range(6)]
    return put(home / "my list.txt", "\n".join(names).encode())


FORMS = [
    image_folder, record_folder, record_file, record_file_of_another_name, record_file_linked_to,
    packed_folder, packed_file, zip_of_records, zip_of_wrapped_records, tar_of_wrapped_records,
    tar_of_images, list_file, folder_of_a_list, archive_of_a_list_and_one_folder,
]  # fmt: skip
each_form = pytest.mark.parametrize("form", FORMS, ids=lambda each: each.__name__)


@each_form
def test_a_training_set_is_open_to_a_study_in_whatever_form_it_came(tmp_path, form):
    data = tmp_path / "data"
    bring("casia", form(tmp_path / "got"), data)
    bring("casia_ages", put(tmp_path / "got/casia-webface.txt", AGES.encode()), data)
    faces = open_faces(data / "casia/train", data / "casia/age-labels.txt")
    assert faces.labels.tolist() == [0, 0, 1, 1, 2, 2]
    if form is not archive_of_a_list_and_one_folder:  # whose folders are no identities
        assert np.nan_to_num(faces.ages, nan=-1).tolist() == [8, -1, 31.5, -1, -1, -1]
    expected = np.asarray(Image.open(io.BytesIO(jpeg(3))))
    # two decoders of JPEG may differ by a step or two
    assert np.abs(faces.read(3).astype(int) - expected).max() <= 4


@each_form
def test_what_was_brought_is_known_by_the_catalog(tmp_path, form):
    bring("casia", form(tmp_path / "got"), tmp_path / "data")
    assert catalog.present(tmp_path / "data")["casia"] in catalog.find("casia").forms


@each_form
def test_a_set_that_is_there_already_is_no_fault(tmp_path, form):
    root = form(tmp_path / "got")
    first = bring("casia", root, tmp_path / "data")
    assert bring("casia", root, tmp_path / "data") == first


def test_a_training_set_is_open_without_ages(tmp_path):
    bring("casia", zip_of_records(tmp_path / "got"), tmp_path / "data")
    assert np.isnan(open_faces(tmp_path / "data/casia/train").ages).all()


def test_what_can_be_read_where_it_is_is_not_copied(tmp_path):
    root = record_folder(tmp_path / "got")
    place = bring("casia", root, tmp_path / "data")
    assert (place, place.is_symlink()) == (tmp_path / "data/casia/train", True)
    assert place.resolve() == root.resolve()


def test_an_archive_is_unpacked_once(tmp_path):
    root = zip_of_records(tmp_path / "got")
    place = bring("casia", root, tmp_path / "data")
    before = (place / "train.rec").stat().st_mtime_ns
    told = []
    bring("casia", root, tmp_path / "data", progress=lambda *counts: told.append(counts))
    assert (told, (place / "train.rec").stat().st_mtime_ns) == ([], before)


def test_what_the_unpacking_left_undone_is_begun_anew(tmp_path):
    root = zip_of_records(tmp_path / "got")

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring("casia", root, tmp_path / "data", progress=stop)
    assert len(open_faces(bring("casia", root, tmp_path / "data"))) == 6


def test_what_a_killed_unpacking_left_is_begun_anew(tmp_path):
    root = zip_of_records(tmp_path / "got")
    partial = tmp_path / "data/unpacked/casia.partial"
    put(partial / "train.rec", b"half of it")
    put(partial / "imgs/1.jpg", b"of another archive")
    assert len(open_faces(bring("casia", root, tmp_path / "data"))) == 6
    assert not partial.exists()
    assert not (tmp_path / "data/unpacked/casia/imgs").exists()


def test_an_unpacking_that_is_at_work_is_left_alone(tmp_path):
    root = zip_of_records(tmp_path / "got")
    found = []

    def meanwhile(done, total):
        if not found:
            with pytest.raises(FileExistsError, match=r"unpacked/casia: another process is unpack"):
                bring("casia", root, tmp_path / "data")
            found.append((tmp_path / "data/unpacked/casia.partial").is_dir())

    bring("casia", root, tmp_path / "data", progress=meanwhile)
    assert found == [True]
    assert len(open_faces(tmp_path / "data/casia/train")) == 6


def test_an_empty_folder_in_the_place_of_a_set_is_replaced(tmp_path):
    (tmp_path / "data/casia/train").mkdir(parents=True)
    bring("casia", record_folder(tmp_path / "got"), tmp_path / "data")
    assert len(open_faces(tmp_path / "data/casia/train")) == 6


@pytest.mark.parametrize("target", ["gone", "train"])
def test_a_link_that_leads_nowhere_is_replaced(tmp_path, target):
    (tmp_path / "data/casia").mkdir(parents=True)
    (tmp_path / "data/casia/train").symlink_to(target)
    bring("casia", record_folder(tmp_path / "got"), tmp_path / "data")
    assert len(open_faces(tmp_path / "data/casia/train")) == 6


def test_what_lies_in_its_place_already_needs_no_bringing(tmp_path):
    place = tmp_path / "data/casia/train"
    shutil.move(image_folder(tmp_path / "got"), put(tmp_path / "data/casia/x", b"").parent)
    (tmp_path / "data/casia/imgs").rename(place)
    assert bring("casia", place, tmp_path / "data") == place
    assert not place.is_symlink()


@pytest.mark.parametrize("inner", ["list.txt", "imgs"])
def test_a_set_inside_its_own_place_is_told_to_move(tmp_path, inner):
    place = folder_of_a_list(tmp_path / "data/casia/train")
    if inner == "imgs":
        (place / "list.txt").unlink()
    with pytest.raises(FileExistsError, match=rf"{inner}: lies inside .*/casia/train, .*; move"):
        bring("casia", place, tmp_path / "data")
    assert (place / inner).exists()


# Another set in the place


def test_another_set_is_not_replaced(tmp_path):
    first = record_folder(tmp_path / "first")
    place = bring("casia", first, tmp_path / "data")
    with pytest.raises(FileExistsError, match=r"casia/train: a set lies there already"):
        bring("casia", image_folder(tmp_path / "second"), tmp_path / "data")
    assert place.resolve() == first.resolve()


def test_another_archive_does_not_pass_for_the_one_that_was_unpacked(tmp_path):
    bring("casia", zip_of_records(tmp_path / "first"), tmp_path / "data")
    put(tmp_path / "second/imgs/000007/1.jpg", jpeg(99))
    other = shutil.make_archive(tmp_path / "second/casia", "zip", tmp_path / "second", "imgs")
    with pytest.raises(FileExistsError, match=r"unpacked/casia: .*take it away"):
        bring("casia", Path(other), tmp_path / "data")
    assert len(open_faces(tmp_path / "data/casia/train")) == 6


# What is no set


def test_a_root_where_nothing_is_is_told_with_what_was_expected(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.zip: nothing is there; expected CASIA"):
        bring("casia", tmp_path / "gone.zip", tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_root_that_leads_to_itself_is_nothing(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(FileNotFoundError, match=r"loop: nothing is there"):
        bring("casia", tmp_path / "loop", tmp_path / "data")


@pytest.mark.parametrize("name", ["notes/readme.md", "notes/a.jpg/deeper/b.txt"])
def test_a_folder_of_other_things_is_told_with_what_is_in_it(tmp_path, name):
    put(tmp_path / "got" / name, b"words")
    with pytest.raises(ValueError, match=r"got: a folder with 1 folders and 0 files"):
        bring("casia", tmp_path / "got", tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_an_archive_of_other_things_names_the_place_of_its_content(tmp_path):
    put(tmp_path / "got/readme.md", b"words")
    archive = shutil.make_archive(tmp_path / "casia", "zip", tmp_path / "got")
    with pytest.raises(ValueError, match=r"unpacked/casia: a folder with 0 folders and 1 files"):
        bring("casia", Path(archive), tmp_path / "data")


@pytest.mark.parametrize("root", [".", "data"])
def test_what_holds_the_data_folder_is_no_set(tmp_path, root):
    # such as the repository, which a forgotten root= stands for
    image_folder(tmp_path)
    (tmp_path / "data").mkdir()
    with pytest.raises(ValueError, match=r"holds the data folder .*/data; expected the set"):
        bring("casia", tmp_path / root, tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []


def test_an_unknown_set_is_told_with_the_nearest(tmp_path):
    with pytest.raises(ValueError, match=r"'cassia': did you mean 'casia'"):
        bring("cassia", tmp_path, tmp_path / "data")


def test_an_archive_that_climbs_out_leaves_nothing(tmp_path):
    with tarfile.open(tmp_path / "casia.tar", "w") as archive:
        member = tarfile.TarInfo("../evil.txt")
        archive.addfile(member, io.BytesIO())
    with pytest.raises(ValueError, match=r"casia\.tar: '\.\./evil\.txt' leads out of the folder"):
        bring("casia", tmp_path / "casia.tar", tmp_path / "data")
    assert not list(tmp_path.rglob("evil.txt"))
    assert not list(tmp_path.rglob("train"))


# Test sets


def test_aligned_crops_are_linked(tmp_path):
    put(tmp_path / "crops/AnnLee/1_AnnLee_8.jpg", jpeg(1))
    place = bring("agedb", tmp_path / "crops", tmp_path / "data")
    assert (place, place.is_symlink()) == (tmp_path / "data/test/AgeDB-aligned", True)
    assert read_faces(tmp_path / "data/test", "agedb").identity.tolist() == ["AnnLee"]


def test_a_pair_file_is_linked_from_itself_or_from_its_folder(tmp_path):
    source = put(tmp_path / "got/lfw.bin", pickle.dumps(([jpeg(1), jpeg(2)], [True])))
    place = bring("lfw", source.parent, tmp_path / "data")
    assert place == tmp_path / "data/test/bin/lfw.bin"
    assert read_bin(place).is_same.tolist() == [True]
    assert bring("lfw", source, tmp_path / "data") == place


def test_the_pair_file_of_another_set_is_not_taken(tmp_path):
    put(tmp_path / "got/calfw.bin", b"")
    with pytest.raises(ValueError, match=r"got: a folder with .* such as calfw\.bin"):
        bring("lfw", tmp_path / "got", tmp_path / "data")


def test_a_detector_keeps_its_name(tmp_path):
    model = put(tmp_path / "got/face.onnx", b"weights")
    place = bring("yunet", model, tmp_path / "data")
    assert (place, place.read_bytes()) == (tmp_path / "data/models/face.onnx", b"weights")


# Photographs


def portrait(side, left=0):
    data = pytest.importorskip("skimage.data")
    picture = Image.fromarray(data.astronaut()).crop((left, 0, 512, 512 - left))
    file = io.BytesIO()
    picture.resize((side, side)).save(file, "JPEG", quality=95)
    return file.getvalue()


@pytest.fixture
def agedb(tmp_path):
    """Raw AgeDB of three photographs, of which one shows no face."""
    put(tmp_path / "AgeDB/1_EileenCollins _35_f.jpg", portrait(512))
    put(tmp_path / "AgeDB/2_EileenCollins_36_f.jpg", portrait(300, left=60))
    put(tmp_path / "AgeDB/3_EileenCollins_37_f.jpg", jpeg(0, 200))
    return tmp_path / "AgeDB"


@detects
@pytest.mark.parametrize("named", [True, False])
def test_photographs_are_aligned_by_the_detector_named_or_brought(tmp_path, agedb, named):
    if not named:
        bring("yunet", MODEL, tmp_path / "data")
    place = bring("agedb", agedb, tmp_path / "data", detector=MODEL if named else None)
    faces = read_faces(tmp_path / "data/test", "agedb")
    assert faces.names.tolist() == [
        "AgeDB-aligned/EileenCollins/1_EileenCollins_35.jpg",
        "AgeDB-aligned/EileenCollins/2_EileenCollins_36.jpg",
    ]
    assert faces.gender.tolist() == ["f", "f"]
    sizes = {Image.open(tmp_path / "data/test" / name).size for name in faces.names}
    assert sizes == {(112, 112)}
    manifest = read_manifest(place)
    assert manifest.quarantined == (("3_EileenCollins_37_f.jpg", "no face found"),)
    assert manifest.detector["name"] == MODEL.name


def test_photographs_without_a_detector_say_what_is_missing(tmp_path, agedb):
    with pytest.raises(FileNotFoundError, match=r"models: nothing is there; expected YuNet"):
        bring("agedb", agedb, tmp_path / "data")
    assert not (tmp_path / "data/test").exists()


def fgnet(home, count=3):
    """Raw FG-NET with its points; the pictures are noise, and one file of points is damaged."""
    xy = [POINTS.get(row, (50, 50)) for row in range(68)]
    lines = "".join(f"{x} {y}\n" for x, y in xy)
    for index in range(count):
        name = f"{index // 20 + 1:03d}A{index % 20:02d}"
        put(home / f"images/{name}.JPG", jpeg(index, 100))
        text = f"version: 1\nn_points: 68\n{{\n{lines}}}\n" if index else "nothing"
        put(home / f"points/{name.lower()}.pts", text.encode())
    return home


def test_fgnets_own_points_need_no_detector(tmp_path):
    place = bring("fgnet", fgnet(tmp_path / "FGNET"), tmp_path / "data")
    manifest = read_manifest(place)
    assert (manifest.images, manifest.landmarks) == (2, "fgnet-68")
    assert [name for name, _ in manifest.quarantined] == ["images/001A00.JPG"]
    assert read_faces(tmp_path / "data/test", "fgnet").age.tolist() == [1.0, 2.0]


def test_photographs_in_an_archive_are_unpacked_and_aligned(tmp_path):
    fgnet(tmp_path / "got/FGNET")
    archive = shutil.make_archive(tmp_path / "fgnet", "zip", tmp_path / "got")
    bring("fgnet", Path(archive), tmp_path / "data")
    assert len(read_faces(tmp_path / "data/test", "fgnet")) == 2


def test_an_alignment_that_was_stopped_goes_on(tmp_path):
    source = fgnet(tmp_path / "FGNET", count=70)

    def stop(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring("fgnet", source, tmp_path / "data", progress=stop)
    made = list((tmp_path / "data/test/FGNET-aligned").glob("*.JPG"))
    assert 0 < len(made) < 69
    before = {path: path.stat().st_mtime_ns for path in made}
    place = bring("fgnet", source, tmp_path / "data")
    assert read_manifest(place).images == 69
    assert {path: path.stat().st_mtime_ns for path in made} == before


def test_crops_of_another_source_are_not_mixed_with(tmp_path):
    put(tmp_path / "crops/001A05.JPG", jpeg(1))
    bring("fgnet", tmp_path / "crops", tmp_path / "data")
    with pytest.raises(ValueError, match=r"FGNET-aligned: holds 001A05\.JPG, which was not made"):
        bring("fgnet", fgnet(tmp_path / "FGNET"), tmp_path / "data")
    assert [path.name for path in (tmp_path / "crops").iterdir()] == ["001A05.JPG"]
