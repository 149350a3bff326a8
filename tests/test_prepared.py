"""What notebook 01 left for the others: manifests, pairs and faces without what is set aside."""

from dataclasses import replace

import numpy as np
import pytest
from test_preparing import DAMAGED, put_data

from irlib import prepared, preparing, runs, studies
from irlib.data.manifests import INPUT, Manifest, read_manifest


@pytest.fixture
def data(tmp_path):
    return put_data(tmp_path)


@pytest.fixture
def study():
    return studies.find("casia")


@pytest.fixture
def manifests(data, study):
    return preparing.examine_tests(study, data)


# What others read


@pytest.fixture
def ready(data, study, manifests, tmp_path):
    folder = tmp_path / "outputs/casia/data"
    preparing.make_pairs(study, data, folder, manifests)
    train = Manifest(set="casia", images=5, quarantined=(("ZoeEng/2.png", "cut short"),))
    preparing.write_manifests(folder, {"train": train, **manifests})
    runs.write_json(folder / "metrics.json", {"fingerprint": "abc"})
    return prepared.load(study, tmp_path / "outputs/casia", data)


def test_manifests_are_read_as_they_were_written(ready, manifests):
    assert set(ready.manifests) == {"train", "agedb"}
    assert ready.manifests["agedb"] == manifests["agedb"]
    assert read_manifest(ready.folder / "manifests/agedb") == manifests["agedb"]


def test_the_training_faces_come_with_ages_and_without_what_was_set_aside(ready):
    faces = ready.faces()
    names = [faces.images.name(row) for row in range(len(faces))]
    assert names == ["AnnLee/0.png", "AnnLee/1.png", "AnnLee/2.png", "ZoeEng/0.png", "ZoeEng/1.png"]
    assert np.nan_to_num(faces.ages, nan=-1).tolist() == [-1, 8, -1, 40, -1]


def test_the_test_faces_come_without_what_was_set_aside(ready):
    faces = ready.test_faces("agedb")
    assert len(faces) == 15
    assert DAMAGED not in faces.names


def test_the_pairs_are_those_that_were_written(ready, data, study, manifests, tmp_path):
    made = preparing.make_pairs(study, data, tmp_path / "again", manifests)
    assert {k: p.sha256 for k, p in ready.pairs().items()} == {
        k: each.pairs.sha256 for k, each in made.items()
    }


def test_a_study_without_a_validation_set_has_no_validation_pairs(ready):
    assert ready.val_pairs() is None


def test_the_fingerprint_is_that_on_record(ready):
    assert ready.fingerprint == "abc"


def test_layouts_are_told_once_each():
    assert prepared.layouts_of(["agedb30_child", "agedb20_child", "lag"]) == ["agedb", "lag"]


def with_manifest(ready, key):
    preparing.write_manifests(ready.folder, ready.manifests | {key: Manifest(set=key, images=2)})
    return prepared.Prepared(ready.study, ready.data, ready.folder)


def test_cacd_vs_is_a_general_set_where_notebook_01_examined_it(ready, data):
    assert ready.general_sets() == {}
    again = with_manifest(ready, "cacd_vs")
    assert again.general_sets() == {"cacd_vs": data / "test/CACD-VS"}
    assert again.bins() == {}


def test_a_pair_file_is_a_general_set_where_notebook_01_examined_it(ready, data):
    (data / "test/bin").mkdir()
    for key in ("lfw", "calfw"):
        (data / f"test/bin/{key}.bin").write_bytes(b"")
    assert with_manifest(ready, "lfw").general_sets() == {"lfw": data / "test/bin/lfw.bin"}


# Refusals


def test_a_study_of_test_sets_alone_has_no_training_faces(data, tmp_path):
    ready = prepared.Prepared(studies.find("benchmark"), data, tmp_path)
    with pytest.raises(ValueError, match="study 'benchmark' has no training set"):
        ready.faces()


def test_a_network_may_be_given_what_it_was_trained_for(ready):
    ready.require_same_input(INPUT, ["train", "agedb"])


def test_only_the_sets_that_are_asked_about_must_fit(ready):
    preparing.write_manifests(
        ready.folder, ready.manifests | {"lfw": Manifest(set="lfw", images=2, color_order="BGR")}
    )
    again = prepared.Prepared(ready.study, ready.data, ready.folder)
    again.require_same_input(INPUT, ["train", "agedb"])
    with pytest.raises(ValueError, match="set 'lfw': color_order is 'BGR'"):
        again.require_same_input(INPUT, ["train", "lfw"])


def test_a_set_without_a_manifest_is_refused_by_its_place(ready):
    message = r"manifests/lag: no manifest; run notebooks/01_data_prep\.ipynb"
    with pytest.raises(FileNotFoundError, match=message):
        ready.require_same_input(INPUT, ["train", "lag"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"color_order": "BGR"}, "color_order is 'BGR', but the network was trained for 'RGB'"),
        ({"template": "eyes-96"}, "template is 'eyes-96', but the network was trained for 'arcf"),
        ({"size": (96, 112)}, r"size is \[96, 112\], but the network was trained for \[112, 112\]"),
        ({"normalization": "x / 255"}, "normalization is 'x / 255', but"),
    ],
)
@pytest.mark.parametrize("key", ["train", "agedb"])
def test_another_input_is_refused_by_the_name_of_the_set(ready, key, change, told):
    other = replace(ready.manifests[key], set="Dark Set", **change)
    preparing.write_manifests(ready.folder, {key: other})
    again = prepared.Prepared(ready.study, ready.data, ready.folder)
    with pytest.raises(ValueError, match=f"set 'Dark Set': {told}"):
        again.require_same_input(INPUT, [key])


def test_without_notebook_01_nothing_is_loaded(data, study, tmp_path):
    with pytest.raises(FileNotFoundError, match="01_data_prep"):
        prepared.load(study, tmp_path / "outputs/casia", data)


def test_without_its_images_nothing_is_loaded(ready, data, study, tmp_path):
    (data / "casia/train").rename(data / "casia/gone")
    with pytest.raises(FileNotFoundError, match=r"casia/train is gone: run notebook 01 again"):
        prepared.load(study, tmp_path / "outputs/casia", data)


def test_pairs_of_images_that_are_gone_are_refused(ready, data):
    (data / "test/AgeDB-aligned/CemKay").rename(data / "CemKay")
    with pytest.raises(FileNotFoundError, match=r"CemKay.*: no such image, listed in"):
        ready.pairs()


def test_pairs_may_be_asked_for_without_their_images(ready, data):
    before = {key: pairs.sha256 for key, pairs in ready.pairs().items()}
    (data / "test/AgeDB-aligned/CemKay").rename(data / "CemKay")
    found = ready.pairs(present=False)
    assert {key: pairs.sha256 for key, pairs in found.items()} == before


def test_a_damaged_manifest_is_refused_by_its_name(ready):
    path = ready.folder / "manifests/agedb/manifest.json"
    path.write_text(path.read_text()[:100])
    again = prepared.Prepared(ready.study, ready.data, ready.folder)
    with pytest.raises(ValueError, match=r"manifests/agedb/manifest\.json: not valid JSON"):
        again.require_same_input(INPUT, ["train"])
