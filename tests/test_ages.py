import json
from pathlib import Path

import numpy as np
import pytest

from irlib.data.ages import child_ids, image_key, read_age_labels
from irlib.data.folders import read_folder

FIXTURES = Path(__file__).parent / "fixtures"
EXPECTED = json.loads((FIXTURES / "age_labels_expected.json").read_text())


def labels_of(tmp_path, text):
    path = tmp_path / "labels.txt"
    path.write_text(text)
    return read_age_labels(path)


def faces_of(tmp_path, *names):
    for name in names:
        (tmp_path / "faces" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "faces" / name).touch()
    return read_folder(tmp_path / "faces")


@pytest.fixture(params=["as listed", "padded"])
def sample(request, tmp_path):
    # the 75 images of the fixture, one of them (3/99999) without a line in the label file
    names = [tuple(name.split("/")) for name in EXPECTED["items_unpadded"]]
    if request.param == "padded":
        names = [(folder.zfill(6), image.rjust(12, "0")) for folder, image in names]
    faces = faces_of(tmp_path, *(f"{folder}/{image}" for folder, image in names))
    return faces, read_age_labels(FIXTURES / "age_labels_sample.txt")


def test_sample_is_read_whole():
    labels = read_age_labels(FIXTURES / "age_labels_sample.txt")
    assert len(labels.ages) == EXPECTED["n_age_entries"]
    assert labels.malformed == labels.duplicates == ()


def test_sample_ages_are_the_listed_ones(sample):
    faces, labels = sample
    keys = [image_key(*name.split("/")) for name in faces.names.tolist()]
    ages = dict(zip(keys, labels.ages_of(faces), strict=True))
    expected = {
        image_key(*name.split("/")): age for name, (_, age) in EXPECTED["items_unpadded"].items()
    }
    expected["3/99999"] = np.nan  # the authors' loader makes it 30
    assert ages == pytest.approx(expected, abs=0, nan_ok=True)


@pytest.mark.parametrize("min_images", [1, 2, 5, 10, 11])
def test_sample_child_ids(sample, min_images):
    faces, labels = sample
    found = child_ids(faces.labels, labels.ages_of(faces), min_images=min_images)
    expected = EXPECTED[f"child_identity_filter{min_images}"]
    assert found.tolist() == sorted(expected)


def test_thirteen_is_no_child():
    assert child_ids([0, 1], [12.999, 13.0], min_images=1).tolist() == [0]


def test_an_unknown_age_is_no_child():
    assert child_ids([0, 0], [5.0, np.nan], min_images=2).tolist() == []


def test_only_present_images_count(tmp_path):
    lines = "".join(f"0 s/000000/{number:08d}.jpg 5.0 1\n" for number in range(10))
    labels = labels_of(tmp_path, lines)
    faces = faces_of(tmp_path, *(f"0/{number}.jpg" for number in range(9)))
    assert child_ids(faces.labels, labels.ages_of(faces)).tolist() == []  # nine of ten are there


def test_padding_does_not_matter():
    assert image_key("000012", "00000735.jpg") == image_key("12", "735.png") == "12/735"


def test_number_zero_has_a_key():
    assert image_key("000000", "00000000.jpg") == "0/0"


@pytest.mark.parametrize(
    "line",
    [
        "id path age gender",
        "1 s/000001/00000002.jpg 30.0",
        "1 s/000001/00000002.jpg old 1",
        "1 s/000001/00000002.jpg nan 1",
        "1 s/000001/00000002.jpg -3 1",
        "1 00000002.jpg 30.0 1",
        "1 s/000001/00000002.jpg 30.0 1 extra",
    ],
)
def test_malformed_lines_are_kept_with_their_number(tmp_path, line):
    labels = labels_of(tmp_path, f"0 s/000000/00000001.jpg 20.0 1\n{line}\n")
    assert labels.malformed == ((2, line),)
    assert len(labels.rows) == 1


def test_a_repeated_line_is_counted_and_its_age_kept(tmp_path):
    labels = labels_of(tmp_path, "0 s/0/1.jpg 20.0 1\n0 s/0/01.jpg 20.0 1\n")
    assert labels.duplicates == ((2, "0 s/0/01.jpg 20.0 1"),)
    assert labels.ages_of(faces_of(tmp_path, "0/1.jpg")).tolist() == [20.0]


def test_contradicting_lines_give_no_age(tmp_path):
    labels = labels_of(tmp_path, "0 s/0/1.jpg 20.0 1\n0 s/0/1.jpg 8.0 1\n0 s/0/2.jpg 9.0 1\n")
    ages = labels.ages_of(faces_of(tmp_path, "0/1.jpg", "0/2.jpg"))
    assert np.isnan(ages[0])
    assert ages[1] == 9.0


def test_unmatched_lines_are_named(tmp_path):
    labels = labels_of(tmp_path, "0 s/0/1.jpg 20.0 1\n\n4 s/000004/00000007.jpg 9.0 0\n")
    assert labels.unmatched(faces_of(tmp_path, "0/1.jpg")) == [(3, "4/7")]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"ages\.txt: no such file"):
        read_age_labels(tmp_path / "ages.txt")


def test_a_file_without_ages_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"labels\.txt: no line gives an age"):
        labels_of(tmp_path, "nothing here\n")
