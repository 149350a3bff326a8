import io
import re
import zipfile
from pathlib import Path

import pytest
from PIL import Image

import irlib
from irlib.data.sets.catalog import ABSENT, CATALOG, find, present, recognize
from irlib.data.sets.entry import ROLES

README = (Path(irlib.__file__).parents[1] / "data" / "README.md").read_text()
SPACED = " ".join(README.split())  # lines may break anywhere

JPEG = {}
for size in (112, 250):
    buffer = io.BytesIO()
    Image.new("RGB", (size, size)).save(buffer, "JPEG")
    JPEG[size] = buffer.getvalue()


def put(root, *names, size=112):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(JPEG[size])
    return root


@pytest.mark.parametrize("entry", CATALOG.values(), ids=CATALOG)
def test_the_readme_says_what_the_catalog_says(entry):
    row = next(line for line in README.splitlines() if f"| `{entry.key}` |" in line)
    assert entry.title in row
    assert f"| `{entry.place}` |" in row
    for meaning, count in entry.counts.items():
        assert f"{count:,}" in README, meaning
    for home in re.findall(r"[\w.-]+\.(?:com|io|uk|it)/[\w./-]*\w", entry.ask):
        assert home in SPACED, home


@pytest.mark.parametrize("entry", CATALOG.values(), ids=CATALOG)
def test_an_entry_says_whose_it_is_and_how_to_have_it(entry):
    assert entry.role in ROLES
    assert all((entry.title, entry.what, entry.owner, entry.terms, entry.ask, entry.forms))
    assert not Path(entry.place).is_absolute()
    assert "http" not in entry.ask


def test_every_set_has_a_place_of_its_own():
    places = [entry.place for entry in CATALOG.values()]
    assert len(set(places)) == len(places) == 17


def test_an_unknown_set_is_told_with_the_nearest():
    with pytest.raises(ValueError, match="unknown data set 'fg-net': did you mean 'fgnet'"):
        find("fg-net")


@pytest.mark.parametrize(
    ("key", "names", "form"),
    [
        ("casia", ["train.rec"], "record set"),
        ("casia", ["faces_webface_112x112/train.rec"], "record set"),
        ("casia", ["000012/00000735.jpg"], "image folder"),
        ("casia", ["imgs/7/1.jpg", "imgs/8/1.jpg", "readme.txt"], "image folder"),
        ("casia", ["7/1.jpg"], "image folder"),
        ("agedb", ["1_JohnnyCash_10_m.jpg"], "raw AgeDB"),
        ("agedb", ["AgeDB/1_Will Smith _10_m.jpg"], "raw AgeDB"),
        ("agedb", ["1_JohnnyCash_10_M.JPG"], "raw AgeDB"),
        ("agedb", ["WillSmith /1_WillSmith _10_F.jpg", "B/2_B_9_m.jpg"], "raw AgeDB"),
        ("agedb", ["JohnnyCash/1_JohnnyCash_10.jpg", "A/2_A_7.jpg"], "aligned AgeDB"),
        ("fgnet", ["images/001A02.JPG", "points/001a02.pts"], "raw FG-NET"),
        ("fgnet", ["001A02a.JPG"], "aligned FG-NET"),
        ("lag", ["jack_black/y/1.png", "jack_black/2.png"], "aligned LAG"),
        ("lag", ["LAG/jack black/y/1.png", "LAG/b/y/2.png"], "aligned LAG"),
        ("calfw", ["calfw.bin", "lfw.bin"], "pair file"),
        ("ijbb", ["IJBB/meta/a.txt", "IJBB/loose_crop/1.jpg", "IJBC/x.jpg"], "IJB release"),
        ("tinyface", [f"tinyface/Testing_Set/{part}/1_1.jpg" for part in
                      ("Probe", "Gallery_Match", "Gallery_Distractor")], "aligned TinyFace"),
        ("cacd_vs", ["CACD_VS/0000_0.jpg"], "aligned CACD-VS"),
        ("yunet", ["yunet_n_640_640.onnx"], "ONNX model"),
    ],
)  # fmt: skip
def test_the_form_of_a_set_is_recognized(tmp_path, key, names, form):
    put(tmp_path, *names)
    found = recognize(key, tmp_path)
    assert found.name == form
    assert found.name in find(key).forms
    assert found.path.exists()


@pytest.mark.parametrize(
    ("key", "names", "form", "layout"),
    [
        ("fgnet", ["001A02.JPG"], "raw FG-NET", "fgnet"),
        ("lag", ["a/y/1.png"], "raw LAG", "lag"),
        ("cacd_vs", ["0000_0.jpg"], "raw CACD-VS", "any"),
        ("agedb", ["A/2_A_7.jpg"], "raw AgeDB", "any"),
        ("agedb", ["2_A_7_f.jpg"], "raw AgeDB", "agedb"),
    ],
)
def test_images_of_another_size_are_raw_and_say_how_to_align_them(
    tmp_path, key, names, form, layout
):
    found = recognize(key, put(tmp_path, *names, size=250))
    assert (found.name, found.layout) == (form, layout)


def test_the_path_is_that_of_the_set_itself(tmp_path):
    put(tmp_path, "out/faces/000012/1.jpg")
    assert recognize("casia", tmp_path).path == tmp_path / "out" / "faces"
    (tmp_path / "lfw.bin").write_bytes(b"pickle")
    assert recognize("lfw", tmp_path).path == tmp_path / "lfw.bin"


def test_single_files_are_recognized(tmp_path):
    (tmp_path / "list.txt").write_text("\ufeffimages/ä b.jpg 3\n")
    assert recognize("casia", tmp_path / "list.txt").name == "list"
    (tmp_path / "ages").write_text("12 casia-webface/000012/00000735.jpg 27.4 1\n")
    assert recognize("casia_ages", tmp_path / "ages").name == "age labels"
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("1/1.jpg", b"")
    assert recognize("casia", tmp_path / "a.zip").name == "archive"


LIST = "imgs/1.jpg 0\nimgs/2.jpg 1\n"


@pytest.mark.parametrize("above", ["", "casia/"])
@pytest.mark.parametrize("name", ["list.txt", "imgs/list.lst", "my list", "list.tsv"])
def test_a_list_beside_its_images_is_the_set(tmp_path, above, name):
    put(tmp_path, f"{above}imgs/1.jpg", f"{above}imgs/2.jpg")
    (tmp_path / above / name).write_text(LIST)
    (tmp_path / above / "readme.txt").write_text("CASIA WebFace 2014\n")
    found = recognize("casia", tmp_path)
    assert (found.name, found.path) == ("list", tmp_path / above / name)


@pytest.mark.parametrize("line", [
    "12 casia-webface/000012/00000735.jpg 27.4 1",  # of an age file
    "1\t64",  # of an index
    "Version 2",
    "path label",
    "1.jpg two",
])  # fmt: skip
def test_another_text_beside_the_images_is_no_list(tmp_path, line):
    put(tmp_path, "7/1.jpg", "8/1.jpg")
    (tmp_path / "about.txt").write_text(f"{line}\n")
    assert recognize("casia", tmp_path).name == "image folder"


@pytest.mark.parametrize("name", ["train.idx", "train.bin"])
def test_an_index_is_no_list(tmp_path, name):
    (tmp_path / name).write_text(LIST)
    with pytest.raises(ValueError, match="expected CASIA-WebFace as record set or list"):
        recognize("casia", tmp_path / name)


def test_lists_that_contradict_each_other_are_refused(tmp_path):
    put(tmp_path, "imgs/1.jpg")
    for name in ("val.txt", "train.txt"):
        (tmp_path / name).write_text(LIST)
    with pytest.raises(ValueError, match=r"holds the lists train\.txt and val\.txt; name one"):
        recognize("casia", tmp_path)


def test_one_class_is_refused_where_a_list_tells_more(tmp_path):
    put(tmp_path, "imgs/1.jpg", "imgs/2.jpg", "more/deep/3.jpg")
    (tmp_path / "imgs/list.txt").write_text("1.jpg 0\n2.jpg 1\n")
    with pytest.raises(ValueError, match=r"all images lie in imgs/, .*imgs/list\.txt tells"):
        recognize("casia", tmp_path)


@pytest.mark.parametrize(
    ("key", "names", "told"),
    [
        ("casia", ["1.jpg", "2.jpg"], r"a folder with 0 folders and 2 files, such as 1\.jpg"),
        ("casia", [".hidden/1.jpg"], "a folder with 1 folders and 0 files"),
        ("agedb", ["001A02.JPG"], "expected AgeDB as raw AgeDB or aligned AgeDB"),
        ("lfw", ["calfw.bin"], "expected LFW as pair file"),
        ("ijbb", ["meta/ijbb_face_tid_mid.txt"], "expected IJB-B as IJB release"),
        ("tinyface", ["Probe/1_1.jpg"], "expected TinyFace"),
        ("lag", ["a/1.png"], "expected LAG"),
    ],
)
def test_something_else_is_told_with_what_was_expected(tmp_path, key, names, told):
    with pytest.raises(ValueError, match=f"{tmp_path}: .*{told}"):
        recognize(key, put(tmp_path, *names))


@pytest.mark.parametrize("key", CATALOG)
@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08\x00", b"\xfd7zXZ\x00ab", b"PK\x03\x04\0"])
def test_a_damaged_file_is_no_form_of_any_set(tmp_path, key, content):
    (tmp_path / "file.txt").write_bytes(content)
    with pytest.raises(ValueError, match=f"a file of {len(content)} bytes; expected"):
        recognize(key, tmp_path / "file.txt")


def test_a_folder_that_leads_into_itself_ends(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="a folder with 1 folders"):
        recognize("casia", tmp_path)
    (tmp_path / "loop").unlink()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(ValueError, match="0 folders and 1 files"):
        recognize("casia", tmp_path)


def test_nothing_at_a_place_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing is there; expected LFW as pair file"):
        recognize("lfw", tmp_path / "none")


def test_what_is_present_by_key(tmp_path):
    put(
        tmp_path,
        "casia/train/1/1.jpg",
        "test/FGNET-aligned/readme.jpg",
        "test/LAG-aligned/a/y/b.png",
    )
    (tmp_path / "test" / "AgeDB-aligned").mkdir()
    states = present(tmp_path)
    assert states.keys() == CATALOG.keys()
    assert states["casia"] == "image folder"
    assert states["lag"] == "aligned LAG"
    assert states["fgnet"].startswith("cannot be used: ")
    assert states["agedb"] == states["ijbc"] == ABSENT
