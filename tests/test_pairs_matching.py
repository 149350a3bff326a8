import pytest

from irlib.data.pairs.lists import read_pairs, write_pairs
from irlib.data.pairs.matching import matched, named, stored_list
from irlib.data.pairs.rules import child_adult_pairs, young_adult_pairs
from irlib.data.sets.crossage import read_faces

CROPS = (
    "LAG-aligned/ann_lee/a 1.png",
    "LAG-aligned/ann_lee/y/å_2.png",  # composed
    "LAG-aligned/bob/b.png",
    "LAG-aligned/bob/y/c.png",
)
GENUINE = "1 LAG-aligned/ann_lee/y/å_2.png LAG-aligned/ann_lee/a 1.png"
IMPOSTOR = "0 LAG-aligned/bob/y/c.png LAG-aligned/ann_lee/a 1.png"


@pytest.fixture
def lag(tmp_path):
    for name in CROPS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return read_faces(tmp_path, "lag")


def listed(tmp_path, *lines):
    path = tmp_path / "list.txt"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return read_pairs(path)


def test_pairs_come_with_what_the_set_tells(tmp_path, lag):
    pairs, rejected = matched(listed(tmp_path, GENUINE, IMPOSTOR), lag)
    assert pairs.first.tolist() == ["LAG-aligned/ann_lee/y/å_2.png", "LAG-aligned/bob/y/c.png"]
    assert pairs.first_identity.tolist() == ["ann_lee", "bob"]
    assert pairs.second_identity.tolist() == ["ann_lee", "ann_lee"]
    assert pairs.is_same.tolist() == [True, False]
    assert rejected == []


def test_pairs_of_one_person_come_first(tmp_path, lag):
    pairs, _ = matched(listed(tmp_path, IMPOSTOR, GENUINE), lag)
    assert pairs.is_same.tolist() == [True, False]


@pytest.mark.parametrize("change", [
    ("LAG-aligned", "dataset/test/LAG-aligned"),
    ("å", "a\u030a"),  # decomposed, as some systems unpack it
    (".png", ".JPG"),
    ("bob/y/c", "Bob/y/C"),
])  # fmt: skip
def test_folders_above_suffix_case_and_composition_do_not_count(tmp_path, lag, change):
    pairs, rejected = matched(
        listed(tmp_path, GENUINE.replace(*change), IMPOSTOR.replace(*change)), lag
    )
    assert sorted(pairs.images) == sorted(CROPS[i] for i in (0, 1, 3))
    assert rejected == []


def test_two_files_that_differ_in_the_suffix_alone_are_two_images(tmp_path, lag):
    (tmp_path / "LAG-aligned/bob/y/c.jpg").touch()
    faces = read_faces(tmp_path, "lag")
    pairs, _ = matched(listed(tmp_path, GENUINE, IMPOSTOR), faces)
    assert pairs.first[1] == "LAG-aligned/bob/y/c.png"
    other = IMPOSTOR.replace("c.png", "c.webp")
    _, rejected = matched(listed(tmp_path, GENUINE, IMPOSTOR, other), faces)
    assert "c.webp: no such image" in rejected[0][2]


@pytest.mark.parametrize(("line", "reason"), [
    ("0 LAG-aligned/bob/y/gone.png LAG-aligned/ann_lee/a 1.png", "gone.png: no such image"),
    ("0 LFW/Bob/c.png LAG-aligned/ann_lee/a 1.png", "LFW/Bob/c.png: no such image"),
    ("1 LAG-aligned/ann_lee/y/å_2.png LAG-aligned/bob/b.png", "label 1 for ann_lee and bob"),
    ("0 LAG-aligned/bob/y/c.png LAG-aligned/bob/b.png", "label 0 for bob and bob; expected 1"),
    ("1 LAG-aligned/bob/b.png LAG-aligned/bob/y/c.png", "expected the younger one first"),
    ("1 LAG-aligned/bob/y/c.png LAG-aligned/bob/y/c.jpg", "the same image twice"),
    (GENUINE.replace("LAG-", "test/LAG-"), "it repeats line 1"),
    ("1 LAG-aligned/bob/y/ LAG-aligned/bob/b.png", "not the name of an image"),
])  # fmt: skip
def test_a_line_that_does_not_fit_the_images_is_rejected_by_number(tmp_path, lag, line, reason):
    pairs, rejected = matched(listed(tmp_path, GENUINE, line, IMPOSTOR), lag)
    assert len(pairs) == 2
    [(number, _, told)] = rejected
    assert number == 2
    assert reason in told


def test_images_left_out_take_their_pairs_with_them(tmp_path, lag):
    left_out = {"LAG-aligned/bob/y/c.png": "truncated"}
    again = "0 LAG-aligned/ann_lee/y/å_2.png LAG-aligned/bob/b.png"
    pairs, rejected = matched(listed(tmp_path, GENUINE, IMPOSTOR, again), lag, left_out=left_out)
    assert len(pairs) == 2
    assert rejected == [
        (2, IMPOSTOR, "LAG-aligned/bob/y/c.png: left out: truncated"),
    ]


def test_both_kinds_of_pairs_are_needed(tmp_path, lag):
    with pytest.raises(ValueError, match="1 of 1 pairs show one person; expected some"):
        matched(listed(tmp_path, GENUINE), lag)


def test_a_stored_list_reads_back(tmp_path, lag):
    made = named(lag, young_adult_pairs(lag.identity, lag.young, seed=1))
    write_pairs(tmp_path / "pairs" / "lag.txt", made)
    read = stored_list(tmp_path / "pairs" / "lag.txt", tmp_path)
    assert read.sha256 == made.sha256
    assert read.second_identity.tolist() == made.second_identity.tolist()


def test_a_stored_list_tells_ages(tmp_path):
    names = [f"FGNET-aligned/00{i}A{age}.JPG" for i in (1, 2) for age in ("05", "40")]
    (tmp_path / "FGNET-aligned").mkdir()
    for name in names:
        (tmp_path / name).touch()
    faces = read_faces(tmp_path, "fgnet")
    made = named(faces, child_adult_pairs(faces.identity, faces.age, 20))
    write_pairs(tmp_path / "fgnet.txt", made)
    read = stored_list(tmp_path / "fgnet.txt")
    assert (read.first_age.tolist(), read.second_age.tolist()) == ([5.0] * 4, [40.0] * 4)


@pytest.mark.parametrize(("line", "told"), [
    ("1 LAG-aligned/bob/y/ LAG-aligned/bob/b.png", "line 2: 'LAG-aligned/bob/y/' is not"),
    ("1 LFW/a.png LFW/b.png", "line 2: 'LFW/a.png': no image of a test set"),
    ("1 LAG-aligned/bob/y/c.png LAG-aligned/ann_lee/b.png", "line 2: label 1 for bob and ann_lee"),
    ("1 LAG-aligned/bob/b.png LAG-aligned/bob/y/c.png", "line 2: .*the younger one first"),
])  # fmt: skip
def test_a_stored_list_is_read_strictly(tmp_path, line, told):
    listed(tmp_path, GENUINE, line, IMPOSTOR)
    with pytest.raises(ValueError, match=f"list.txt, {told}"):
        stored_list(tmp_path / "list.txt")


def test_an_image_of_a_stored_list_must_exist(tmp_path, lag):
    listed(tmp_path, GENUINE, IMPOSTOR)
    (tmp_path / CROPS[3]).unlink()
    with pytest.raises(FileNotFoundError, match=r"bob/y/c\.png: no such image, listed in .*list"):
        stored_list(tmp_path / "list.txt", lag.root)
    assert len(stored_list(tmp_path / "list.txt")) == 2
