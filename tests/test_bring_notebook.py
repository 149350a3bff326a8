"""Notebook 01 on what a newcomer has in hand: an archive of records and the file of ages.

A kernel takes seconds to start, so many facts share one run.
"""

import csv
import io
import json
import shutil
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from irlib import runs
from irlib.data import open_faces
from irlib.data.manifests import INPUT, Manifest, read_manifest, write_manifest
from irlib.data.recordio.framing import framed, with_header
from irlib.notebooks import execution
from irlib.notebooks import parameters as notebook_parameters

PEOPLE, IMAGES = 12, 12  # of each
CHILDREN = {0: 10, 1: 10, 2: 10, 3: 9}  # child images by person; 3 has a tenth in the labels alone
DAMAGED = "000005/00000064.jpg"  # the image of record 64
LISTED = [
    "1 AgeDB-aligned/AnnLee/0_AnnLee_5.jpg AgeDB-aligned/AnnLee/3_AnnLee_45.jpg",
    "1 AgeDB-aligned/AnnLee/0_AnnLee_5.jpg",
    "0 AgeDB-aligned/AnnLee/0_AnnLee_5.jpg AgeDB-aligned/BobRay/13_BobRay_45.jpg",
    "1 AgeDB-aligned/AnnLee/0_AnnLee_5.jpg AgeDB-aligned/AnnLee/77_AnnLee_60.jpg",
]


def crop(seed):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(60, 190, 3) + rng.integers(-40, 40, (112, 112, 3))
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "JPEG")
    return file.getvalue()


def put_records(folder, *, damaged=0):
    """A record set as InsightFace hands it out, of which one image may be cut short."""
    end = PEOPLE * IMAGES + 1
    contents = [with_header(b"", (end, end + PEOPLE), 0)]
    for key in range(1, end):
        image = crop(key)[:-900] if key == damaged else crop(key)
        contents.append(with_header(image, (key - 1) // IMAGES, key))
    for label in range(PEOPLE):
        first = label * IMAGES + 1
        contents.append(with_header(b"", (first, first + IMAGES), end + label))
    folder.mkdir(parents=True)
    with (folder / "train.rec").open("wb") as records, (folder / "train.idx").open("w") as index:
        for key, content in enumerate(contents):
            index.write(f"{key}\t{records.tell()}\n")
            records.write(framed(content))
    return folder


def put_ages(path):
    """Ages of all people but the last, with two malformed lines and two repeated ones."""
    lines = ["id path age gender"]
    for label in range(PEOPLE - 1):
        for row in range(IMAGES):
            age = 5.5 if row < CHILDREN.get(label, 0) else 31.0
            key = label * IMAGES + row + 1
            lines.append(f"{label} casia/{label:06d}/{key:08d}.jpg {age} 1")
    lines.append("3 casia/000003/00000999.jpg 6 1")  # of an image that is not there
    lines += ["4 casia/000004/00000050.jpg nan 1", "4 casia/000004/00000051.jpg"]
    lines += [lines[1], "4 casia/000004/00000049.jpg 7 1"]  # one repeats, one contradicts
    path.write_text("\n".join(lines) + "\n")
    return path


def put_test_set(root):
    for number, person in enumerate(("AnnLee", "BobRay", "CemKay")):
        for row, age in enumerate((5, 8, 20, 45)):
            name = f"{10 * number + row}_{person}_{age}.jpg"
            (root / "AgeDB-aligned" / person).mkdir(parents=True, exist_ok=True)
            (root / "AgeDB-aligned" / person / name).write_bytes(crop(1000 + 10 * number + row))
    (root / "pairs").mkdir()
    (root / "pairs/agedb20_child.txt").write_text("\r\n".join(LISTED))


def executed_in(home, root, study="casia"):
    """What notebook 01 leaves and says, and why it failed, with all of it in one folder."""
    given = {
        "study": study, "dataset": "casia", "root": str(root), "workers": 1, "device": "cpu",
        "ages": str(put_ages(home / "casia-webface.txt")),
        "data": str(home / "data"), "outputs": str(home / "outputs"),
    }  # fmt: skip
    folder, error = home / f"outputs/{study}/data", ""
    with redirect_stdout(io.StringIO()) as text:
        try:
            execution.execute(notebook_parameters.find("01_data_prep"), folder, given)
        except execution.NotebookError as failure:
            error = str(failure)
    told = [line.removeprefix("[data] ") for line in text.getvalue().splitlines()]
    return SimpleNamespace(folder=folder, data=home / "data", told=told, error=error)


def run_notebook(home, root):
    """What notebook 01 leaves and says once it ran to its end."""
    found = executed_in(home, root)
    assert found.error == ""
    found.cells = json.loads((found.folder / "01_data_prep.ipynb").read_text())["cells"]
    found.metrics = runs.read_json(found.folder / "metrics.json")
    return found


def rows(folder, table):
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# An archive and the ages, and nothing to test on


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    home = tmp_path_factory.mktemp("a newcomer")
    folder = put_records(home / "got/faces_webface_112x112")
    archive = shutil.make_archive(home / "CASIA-WebFace", "zip", home / "got", folder.name)
    return run_notebook(home, Path(archive))


def test_it_ends_complete_and_ready_to_train(first):
    assert runs.read_record(first.folder)["status"] == "complete"
    assert first.told[-1] == "casia: ready to train (no test set yet)"


def test_its_counts_are_on_record(first):
    aged = (PEOPLE - 1) * IMAGES - 1  # one image has two ages, and so none
    assert first.metrics["training_set"] == {
        "images": 144,
        "identities": 12,
        "images with an age": aged,
        "images of children": 39,
        "share of children, of the images with an age": 39 / aged,
        "child identities": 3,
        "child identities by the label file alone": 4,
        "stray files": 0,
        "malformed label lines": 2,
        "repeated label lines": 2,
        "images aged by the number before an underscore": 0,
        "labels without an image": 1,
        "identities of the original": None,
    }


def test_published_counts_stand_beside(first):
    published = {row["count"]: row["published"] for row in rows(first.folder, "training_set")}
    assert float(published["identities"]) == 10_572
    assert float(published["identities of the original"]) == 10_575
    assert float(published["child identities"]) == 229


def test_every_label_line_that_is_not_used_is_listed_by_its_number(first):
    # the header and 132 lines stand before
    found = [(row["what"], row["which"]) for row in rows(first.folder, "left_out")]
    assert found == [("label line", number) for number in ("135", "136", "137", "138", "134")]
    reasons = [row["why"].split(":")[0] for row in rows(first.folder, "left_out")]
    assert reasons[2:] == ["repeats another", "contradicts another", "no image 3/999"]


def test_the_training_set_has_a_manifest(first):
    manifest = read_manifest(first.folder / "manifests/train")
    assert (manifest.set, manifest.images, manifest.identities) == ("casia", 144, 12)
    assert manifest.quarantined == ()
    assert manifest.input == INPUT
    assert len(manifest.content_sha256) == 64
    assert [path.name for path in (first.folder / "manifests").iterdir()] == ["train"]


def test_the_set_is_unpacked_once_and_linked(first):
    assert (first.data / "casia/train").is_symlink()
    assert (first.data / "casia/age-labels.txt").is_symlink()
    assert len(open_faces(first.data / "casia/train")) == 144


def test_a_person_can_see_swapped_channels_and_ages(first):
    figures = {path.name for path in (first.folder / "figures").iterdir()}
    assert {"ages.png", "channels.png"} <= figures
    told = [line for line in first.told if "redder than blue" in line]
    assert len(told) == 1


def test_the_sets_that_are_absent_are_named(first):
    absent = [line for line in first.told if line.startswith("left out: ")]
    assert len(absent) == 7
    assert first.metrics["sets"] == {}
    assert not (first.folder / "pairs").exists()


def test_no_cell_left_an_error_or_a_warning(first):
    kinds = [output for cell in first.cells for output in cell.get("outputs", [])]
    assert [each for each in kinds if each["output_type"] == "error"] == []
    assert [each for each in kinds if each.get("name") == "stderr"] == []


# A damaged image, and a test set with a list of its own


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    home = tmp_path_factory.mktemp("another")
    put_test_set(home / "data/test")
    return run_notebook(home, put_records(home / "got", damaged=64))


def test_a_damaged_image_is_set_aside_by_name(second):
    assert second.metrics["set_aside"] == {"train": 1, "agedb": 0}
    [row] = [row for row in rows(second.folder, "left_out") if row["what"] == "image"]
    assert row["which"] == DAMAGED
    assert "not a readable image" in row["why"]
    assert dict(read_manifest(second.folder / "manifests/train").quarantined).keys() == {DAMAGED}


def test_a_damaged_image_is_not_counted(second, first):
    found = second.metrics["training_set"]
    assert (found["images"], found["images with an age"]) == (143, 130)
    assert found["child identities"] == first.metrics["training_set"]["child identities"]
    assert second.metrics["fingerprint"] != first.metrics["fingerprint"]


def test_a_label_of_a_damaged_image_is_not_one_without_an_image(second):
    assert second.metrics["training_set"]["labels without an image"] == 1
    reasons = [row["why"] for row in rows(second.folder, "left_out")]
    assert [why for why in reasons if why.startswith("no image")] == ["no image 3/999"]


def test_lines_of_a_list_that_cannot_be_used_are_rejected_by_number(second):
    found = [
        (row["set"], row["line"], row["text"]) for row in rows(second.folder, "rejected_lines")
    ]
    assert found == [("agedb20_child", "2", LISTED[1]), ("agedb20_child", "4", LISTED[3])]


def test_each_card_tells_where_its_pairs_come_from(second):
    origin = {key: card["origin"] for key, card in second.metrics["sets"].items()}
    assert origin == {
        "agedb20_child": "list pairs/agedb20_child.txt",
        "agedb30_child": "rule, seed 4885",
        "agedb20_adult": "rule, seed 4885",
    }
    listed = second.metrics["sets"]["agedb20_child"]
    assert (listed["pairs"], listed["positives"], listed["rejected"]) == (2, 1, 2)


def test_classes_that_are_numbers_tell_no_overlap(second):
    assert {card["overlap"] for card in second.metrics["sets"].values()} == {None}


def test_with_a_test_set_it_is_ready_to_evaluate(second):
    assert second.told[-1] == "casia: ready to train and to evaluate"
    assert read_manifest(second.folder / "manifests/agedb").images == 12


# What is refused


def test_a_set_of_swapped_channels_is_refused_and_does_not_count_as_prepared(tmp_path):
    records = put_records(tmp_path / "got")
    write_manifest(records, Manifest(set="mine", images=144, color_order="BGR"))
    found = executed_in(tmp_path, records / "train.rec")
    message = "set 'casia': color_order is 'BGR', but the network was trained for 'RGB'"
    assert message in found.error
    assert not any("ready to train" in line for line in found.told)
    assert (found.folder / "figures/channels.png").exists()  # to see it
    assert read_manifest(found.folder / "manifests/train").color_order == "BGR"
    assert runs.read_record(found.folder)["status"] == "failed"
    assert not (found.folder / "metrics.json").exists()


def test_a_training_set_of_another_study_is_refused_before_anything_is_brought(tmp_path):
    found = executed_in(tmp_path, put_records(tmp_path / "got"), study="demo")
    message = "dataset 'casia' belongs to study 'casia', but study is 'demo': give study=casia"
    assert message in found.error
    assert not found.data.exists()
