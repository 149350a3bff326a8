import pytest

from irlib.data.overlap import overlap, plain_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("JohnnyCash", "johnny_cash"),
        ("Penélope Cruz", "PenelopeCruz"),
        ("Penélope", "Pene\u0301lope"),  # composed and not
        ("O'Toole, Peter", "otoole peter"),
        ("Søren", "SOREN"),
        ("Straße", "STRASSE"),
        ("宮崎 駿", "宮崎駿"),
    ],
)
def test_names_of_one_person(one, other):
    assert plain_name(one) == plain_name(other) != ""


@pytest.mark.parametrize(("one", "other"), [("AnnLee", "AnnLea"), ("क", "क़"), ("か", "が")])
def test_names_of_two_people(one, other):
    assert plain_name(one) != plain_name(other)


def test_people_of_both_sets_as_the_test_set_writes_them():
    classes = ["Johnny_Cash", "Albert Camus", "Nobody"]
    tested = ["JohnnyCash", "johnny_cash", "MuhammadAli", "AlbertCamus"]
    assert overlap(tested, classes) == ["AlbertCamus", "JohnnyCash", "johnny_cash"]
    assert overlap(["MuhammadAli"], classes) == []


@pytest.mark.parametrize(
    "classes", [["000001", "17"], ["m.0abc", "m.01_x"], ["n000045", "person-3"], []]
)
def test_numbers_tell_nothing(classes):
    assert overlap(["JohnnyCash"], classes) is None
    assert overlap(classes, ["JohnnyCash"]) is None


def test_numbers_with_a_file_of_names(tmp_path):
    names = tmp_path / "identity-names.txt"
    lines = '0000045 Johnny_Cash\r\n\r\nm.0abc\t"Albert Camus"@en\nm.0abc "A. Camus"\n9 No One\n'
    names.write_bytes(lines.encode("utf-8-sig"))
    tested = ["JohnnyCash", "AlbertCamus", "NoOne"]
    # class 9 is not in the training set
    assert overlap(tested, ["45", "m.0abc"], names) == ["AlbertCamus", "JohnnyCash"]


def test_a_class_that_the_file_leaves_out_keeps_its_name(tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("1 Ann Lee\n")
    assert overlap(["AnnLee", "BobRay"], ["1", "Bob_Ray"], names) == ["AnnLee", "BobRay"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"1 Ann\n2\n", "line 2: '2' has no name; expected lines `class name`"),
        (b"1 Ann\n2 \xff\n", "line 2: not UTF-8"),
        (b"7 Ann\n", "names none of the 2 classes"),
        (b"", "names none of the 2 classes"),
    ],
)
def test_a_broken_file_of_names_is_refused(tmp_path, content, told):
    path = tmp_path / "names.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"names.txt.*{told}"):
        overlap(["Ann"], ["1", "2"], path)


def test_a_missing_file_of_names_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"names\.txt: no such file; expected lines"):
        overlap(["Ann"], ["1"], tmp_path / "names.txt")
