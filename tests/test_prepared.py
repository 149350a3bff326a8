"""What notebook 01 leaves for the others: manifests, pairs and faces without what is set aside."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from irlib import prepared, runs, studies
from irlib.data.manifests import INPUT, Manifest, read_manifest, write_manifest

PEOPLE = ("AnnLee", "BobRay", "CemKay", "DanFox")
AGES = (5, 8, 20, 45)  # of each of them: two children, and adults 25 years apart
KEYS = ["agedb20_child", "agedb30_child", "agedb20_adult"]
DAMAGED = "AgeDB-aligned/BobRay/11_BobRay_8.png"


def put_crop(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def put_people(root, people=PEOPLE, ages=AGES, seed=0):
    for number, (person, age) in enumerate((p, a) for p in people for a in ages):
        name = f"{number % len(ages) + 10 * people.index(person)}_{person}_{age}.png"
        put_crop(root / "AgeDB-aligned" / person / name, seed + number)


@pytest.fixture
def data(tmp_path):
    """Two people to train on, of whom one is in the test set, and four to test on."""
    for number in range(3):
        put_crop(tmp_path / f"casia/train/AnnLee/{number}.png", 100 + number)
        put_crop(tmp_path / f"casia/train/ZoeEng/{number}.png", 200 + number)
    (tmp_path / "casia/age-labels.txt").write_text("0 x/AnnLee/1.png 8 0\n1 x/ZoeEng/0.png 40 0\n")
    put_people(tmp_path / "test")
    path = tmp_path / "test" / DAMAGED
    path.write_bytes(path.read_bytes()[:2000])
    return tmp_path


@pytest.fixture
def study():
    return studies.find("casia")


@pytest.fixture
def with_val(data, study):
    put_people(data / "casia/val", ("VeraVal", "WimWal"))
    return replace(study, val_dir="casia/val")


def people_in(pairs):
    return {*pairs.first_identity.tolist(), *pairs.second_identity.tolist()}


# Examine


def test_each_test_set_that_is_there_has_a_manifest(data, study):
    found = prepared.examine_tests(study, data)
    assert list(found) == ["agedb"]
    assert (found["agedb"].images, found["agedb"].identities) == (15, 4)
    assert [name for name, _ in found["agedb"].quarantined] == [DAMAGED]


def test_the_validation_set_has_one_too(data, with_val):
    found = prepared.examine_tests(with_val, data)
    assert (found["val"].images, found["val"].identities) == (8, 2)


def test_without_test_sets_there_is_nothing_to_examine(data, study):
    (data / "test").rename(data / "put away")
    assert prepared.examine_tests(study, data) == {}


def test_the_manifest_of_an_aligned_set_is_taken_over(data, study):
    told = Manifest(set="AgeDB", images=1, landmarks="detected", color_order="BGR")
    write_manifest(data / "test/AgeDB-aligned", told)
    manifest = prepared.examine_tests(study, data)["agedb"]
    assert (manifest.landmarks, manifest.color_order, manifest.images) == ("detected", "BGR", 15)


def test_a_test_set_without_a_sound_image_is_refused_by_its_folder(data, study):
    for path in (data / "test").rglob("*.png"):
        path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"AgeDB-aligned: no sound image among 16"):
        prepared.examine_tests(study, data)


def test_a_folder_without_images_of_the_set_is_refused_by_its_name(data, study):
    (data / "test/LAG-aligned").mkdir()
    (data / "test/LAG-aligned/readme.md").write_text("words")
    with pytest.raises(ValueError, match=r"LAG-aligned: no image of this set"):
        prepared.examine_tests(study, data)


# Pairs


@pytest.fixture
def manifests(data, study):
    return prepared.examine_tests(study, data)


def test_pairs_of_the_sets_that_are_there_are_made(data, study, manifests, tmp_path):
    made = prepared.make_pairs(study, data, tmp_path / "run", manifests)
    assert list(made) == KEYS
    # each person is a child in two images and 30 years older in one; one of Bob's is damaged
    assert int(made["agedb30_child"].pairs.is_same.sum()) == 4 * 2 - 1
    assert {path.stem for path in (tmp_path / "run/pairs").iterdir()} == set(KEYS)


def test_a_damaged_image_is_in_no_pair(data, study, manifests, tmp_path):
    sound = {"agedb": replace(manifests["agedb"], quarantined=())}
    for known, expected in ((manifests, False), (sound, True)):
        made = prepared.make_pairs(study, data, tmp_path / "run", known)
        images = {name for each in made.values() for name in each.pairs.images}
        assert (DAMAGED in images) is expected


def test_a_listed_pair_of_a_damaged_image_is_rejected_with_its_reason(
    data, study, manifests, tmp_path
):
    lines = [
        "1 AgeDB-aligned/AnnLee/0_AnnLee_5.png AgeDB-aligned/AnnLee/3_AnnLee_45.png",
        f"1 {DAMAGED} AgeDB-aligned/BobRay/13_BobRay_45.png",
        "0 AgeDB-aligned/AnnLee/0_AnnLee_5.png AgeDB-aligned/BobRay/13_BobRay_45.png",
    ]
    (data / "test/pairs").mkdir()
    (data / "test/pairs/agedb20_child.txt").write_text("\n".join(lines))
    made = prepared.make_pairs(study, data, tmp_path / "run", manifests)["agedb20_child"]
    assert (len(made.pairs), made.origin) == (2, "list pairs/agedb20_child.txt")
    [(number, _, reason)] = made.rejected
    assert number == 2
    assert reason.startswith(f"{DAMAGED}: left out: not a readable image")


def test_excluded_people_are_in_no_pair(data, study, manifests, tmp_path):
    made = prepared.make_pairs(study, data, tmp_path / "run", manifests, exclude={"AnnLee"})
    assert list(made) == KEYS
    assert all(people_in(each.pairs) == {*PEOPLE[1:]} for each in made.values())


def test_too_few_people_left_is_told_with_the_set(data, study, manifests, tmp_path):
    with pytest.raises(ValueError, match=r"pair set agedb20_child \(AgeDB-C20\)"):
        prepared.make_pairs(study, data, tmp_path / "run", manifests, exclude=set(PEOPLE[:3]))
    assert not (tmp_path / "run/pairs").exists()


def test_pairs_repeat(data, study, manifests, tmp_path):
    made = [prepared.make_pairs(study, data, tmp_path / name, manifests) for name in ("one", "two")]
    first, second = ({key: each.pairs.sha256 for key, each in run.items()} for run in made)
    assert first == second


def test_another_seed_draws_other_pairs_of_two_people(data, study, manifests, tmp_path):
    other = replace(study, pair_seed=1)
    one = prepared.make_pairs(study, data, tmp_path / "one", manifests)
    two = prepared.make_pairs(other, data, tmp_path / "two", manifests)
    assert one["agedb30_child"].pairs.sha256 != two["agedb30_child"].pairs.sha256


def test_without_test_sets_there_are_no_pairs_and_no_lists(data, study, tmp_path):
    (data / "test").rename(data / "put away")
    assert prepared.make_pairs(study, data, tmp_path / "run", {}) == {}
    assert not (tmp_path / "run").exists()


def test_validation_pairs_are_made_apart_and_without_damaged_images(data, with_val, tmp_path):
    path = data / "casia/val/AgeDB-aligned/VeraVal/0_VeraVal_5.png"
    path.write_bytes(b"nothing")
    manifests = prepared.examine_tests(with_val, data)
    prepared.make_pairs(with_val, data, tmp_path / "run", manifests)
    ready = prepared.Prepared(with_val, data, tmp_path / "run")
    val = ready.val_pairs()
    assert people_in(val) == {"VeraVal", "WimWal"}
    assert "AgeDB-aligned/VeraVal/0_VeraVal_5.png" not in val.images
    assert list(ready.pairs()) == KEYS


# People in both


def test_people_of_both_sets_are_known_by_their_names(data, study):
    faces = prepared.Prepared(study, data, data / "run").faces()
    assert prepared.shared_people(study, data, faces) == ["AnnLee"]


def numbered(data):
    for number, person in enumerate(("AnnLee", "ZoeEng")):
        (data / "casia/train" / person).rename(data / f"casia/train/{number:06d}")


def test_numbers_tell_nobody(data, study):
    numbered(data)
    faces = prepared.Prepared(study, data, data / "run").faces()
    assert prepared.shared_people(study, data, faces) is None


def test_a_list_of_names_tells_who_the_numbers_are(data, study):
    numbered(data)
    (data / "casia/identity-names.txt").write_text("0 Bob Ray\n1 Nobody\n")
    faces = prepared.Prepared(study, data, data / "run").faces()
    assert prepared.shared_people(study, data, faces) == ["BobRay"]


# What others read


@pytest.fixture
def ready(data, study, manifests, tmp_path):
    folder = tmp_path / "outputs/casia/data"
    prepared.make_pairs(study, data, folder, manifests)
    train = Manifest(set="casia", images=5, quarantined=(("ZoeEng/2.png", "cut short"),))
    prepared.write_manifests(folder, {"train": train, **manifests})
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
    made = prepared.make_pairs(study, data, tmp_path / "again", manifests)
    assert {k: p.sha256 for k, p in ready.pairs().items()} == {
        k: each.pairs.sha256 for k, each in made.items()
    }


def test_a_study_without_a_validation_set_has_no_validation_pairs(ready):
    assert ready.val_pairs() is None


def test_the_fingerprint_is_that_on_record(ready):
    assert ready.fingerprint == "abc"


def test_layouts_are_told_once_each():
    assert prepared.layouts_of(["agedb30_child", "agedb20_child", "lag"]) == ["agedb", "lag"]


# Refusals


def test_a_network_may_be_given_what_it_was_trained_for(ready):
    ready.require_same_input(INPUT)


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
    prepared.write_manifests(ready.folder, {key: other})
    again = prepared.Prepared(ready.study, ready.data, ready.folder)
    with pytest.raises(ValueError, match=f"set 'Dark Set': {told}"):
        again.require_same_input(INPUT)


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


def test_a_damaged_manifest_is_refused_by_its_name(ready):
    path = ready.folder / "manifests/agedb/manifest.json"
    path.write_text(path.read_text()[:100])
    again = prepared.Prepared(ready.study, ready.data, ready.folder)
    with pytest.raises(ValueError, match=r"manifests/agedb/manifest\.json: not valid JSON"):
        again.require_same_input(INPUT)
