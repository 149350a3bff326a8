"""What notebook 01 does to the data of a study: brings sets in, examines, pairs, writes down."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from irlib import prepared, preparing, studies
from irlib.data import open_faces
from irlib.data.manifests import Manifest, read_manifest, write_manifest
from irlib.data.sets import catalog

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


def put_data(root):
    """Two people to train on, of whom one is in the test set, and four to test on."""
    for number in range(3):
        put_crop(root / f"casia/train/AnnLee/{number}.png", 100 + number)
        put_crop(root / f"casia/train/ZoeEng/{number}.png", 200 + number)
    (root / "casia/age-labels.txt").write_text("0 x/AnnLee/1.png 8 0\n1 x/ZoeEng/0.png 40 0\n")
    put_people(root / "test")
    path = root / "test" / DAMAGED
    path.write_bytes(path.read_bytes()[:2000])
    return root


@pytest.fixture
def data(tmp_path):
    return put_data(tmp_path)


@pytest.fixture
def study():
    return studies.find("casia")


@pytest.fixture
def with_val(data, study):
    put_people(data / "casia/val", ("VeraVal", "WimWal"))
    return replace(study, val_dir="casia/val")


def people_in(pairs):
    return {*pairs.first_identity.tolist(), *pairs.second_identity.tolist()}


def faces_of(data):
    return open_faces(data / "casia/train", data / "casia/age-labels.txt")


# Wanted

ASKED = {
    "nothing": (("casia", "", "", ""), []),
    "a training set": (("casia", "casia", "got", ""), [("casia", "got")]),
    "a training set and its ages": (
        ("casia", "casia", "got", "ages.txt"),
        [("casia", "got"), ("casia_ages", "ages.txt")],
    ),
    "ages alone": (("ms1m", "", "", "ages.txt"), [("ms1m_ages", "ages.txt")]),
    "ages as a set": (("casia", "casia_ages", "ages.txt", ""), [("casia_ages", "ages.txt")]),
    "ages with a test set": (
        ("casia", "agedb", "AgeDB.zip", "ages.txt"),
        [("agedb", "AgeDB.zip"), ("casia_ages", "ages.txt")],
    ),
    "a test set for a synthetic study": (("demo", "lfw", "lfw.bin", ""), [("lfw", "lfw.bin")]),
    "a face detector": (("casia", "yunet", "y.onnx", ""), [("yunet", "y.onnx")]),
}


@pytest.mark.parametrize(("given", "expected"), ASKED.values(), ids=ASKED)
def test_what_is_wanted_is_told_with_its_place(given, expected):
    name, *places = given
    assert preparing.wanted(studies.find(name), *places) == expected


def test_a_variant_of_a_study_takes_the_sets_of_the_study():
    variant = studies.find("casia", {"exclude_overlap": True})
    assert preparing.wanted(variant, "casia", "got", "ages.txt") == [
        ("casia", "got"),
        ("casia_ages", "ages.txt"),
    ]


REFUSED = {
    "another study's set": (
        ("demo", "casia", "got", ""),
        "dataset 'casia' belongs to study 'casia', but study is 'demo': give study=casia",
    ),
    "another study's ages": (
        ("casia", "ms1m_ages", "ages.txt", ""),
        "dataset 'ms1m_ages' belongs to study 'ms1m', but study is 'casia': give study=ms1m",
    ),
    "a place without a set": (("casia", "", "got", ""), "root is 'got': expected dataset= too"),
    "a set without a place": (
        ("casia", "casia", "", ""),
        "root is empty: expected where CASIA-WebFace lies",
    ),
    "no such set": (
        ("casia", "cassia", "got", ""),
        "unknown data set 'cassia': did you mean 'casia'?",
    ),
    "ages for a synthetic study": (
        ("demo", "", "", "ages.txt"),
        "ages is 'ages.txt': study 'demo' has age labels of its own",
    ),
}


@pytest.mark.parametrize(("given", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_wanted_is_refused_by_name(given, message):
    name, *places = given
    with pytest.raises(ValueError) as error:
        preparing.wanted(studies.find(name), *places)
    assert str(error.value).startswith(message)


def test_every_training_set_and_label_file_of_the_catalog_has_a_study():
    for key, entry in catalog.CATALOG.items():
        if entry.role in ("training", "age labels"):
            study = studies.find(key.removesuffix("_ages"))
            assert preparing.wanted(study, key, "place", "") == [(key, "place")]


# Examine


def test_each_test_set_that_is_there_has_a_manifest(data, study):
    found = preparing.examine_tests(study, data)
    assert list(found) == ["agedb"]
    assert (found["agedb"].images, found["agedb"].identities) == (15, 4)
    assert [name for name, _ in found["agedb"].quarantined] == [DAMAGED]


def test_the_validation_set_has_one_too(data, with_val):
    found = preparing.examine_tests(with_val, data)
    assert (found["val"].images, found["val"].identities) == (8, 2)


def test_without_test_sets_there_is_nothing_to_examine(data, study):
    (data / "test").rename(data / "put away")
    assert preparing.examine_tests(study, data) == {}


def test_the_manifest_of_an_aligned_set_is_taken_over(data, study):
    told = Manifest(set="AgeDB", images=1, landmarks="detected", color_order="BGR")
    write_manifest(data / "test/AgeDB-aligned", told)
    manifest = preparing.examine_tests(study, data)["agedb"]
    assert (manifest.landmarks, manifest.color_order, manifest.images) == ("detected", "BGR", 15)


def test_a_test_set_without_a_sound_image_is_refused_by_its_folder(data, study):
    for path in (data / "test").rglob("*.png"):
        path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"AgeDB-aligned: no sound image among 16"):
        preparing.examine_tests(study, data)


def test_a_folder_without_images_of_the_set_is_refused_by_its_name(data, study):
    (data / "test/LAG-aligned").mkdir()
    (data / "test/LAG-aligned/readme.md").write_text("words")
    with pytest.raises(ValueError, match=r"LAG-aligned: no image of this set"):
        preparing.examine_tests(study, data)


# Pairs


@pytest.fixture
def manifests(data, study):
    return preparing.examine_tests(study, data)


def put_list(data, *lines):
    (data / "test/pairs").mkdir()
    (data / "test/pairs/agedb20_child.txt").write_text("\n".join(lines))


def test_pairs_of_the_sets_that_are_there_are_made(data, study, manifests, tmp_path):
    made = preparing.make_pairs(study, data, tmp_path / "run", manifests)
    assert list(made) == KEYS
    # each person is a child in two images and 30 years older in one; one of Bob's is damaged
    assert int(made["agedb30_child"].pairs.is_same.sum()) == 4 * 2 - 1
    assert {path.stem for path in (tmp_path / "run/pairs").iterdir()} == set(KEYS)


def test_a_damaged_image_is_in_no_pair(data, study, manifests, tmp_path):
    sound = {"agedb": replace(manifests["agedb"], quarantined=())}
    for known, expected in ((manifests, False), (sound, True)):
        made = preparing.make_pairs(study, data, tmp_path / "run", known)
        images = {name for each in made.values() for name in each.pairs.images}
        assert (DAMAGED in images) is expected


def test_a_listed_pair_of_a_damaged_image_is_rejected_with_its_reason(
    data, study, manifests, tmp_path
):
    put_list(
        data,
        "1 AgeDB-aligned/AnnLee/0_AnnLee_5.png AgeDB-aligned/AnnLee/3_AnnLee_45.png",
        f"1 {DAMAGED} AgeDB-aligned/BobRay/13_BobRay_45.png",
        "0 AgeDB-aligned/AnnLee/0_AnnLee_5.png AgeDB-aligned/BobRay/13_BobRay_45.png",
    )
    made = preparing.make_pairs(study, data, tmp_path / "run", manifests)["agedb20_child"]
    assert (len(made.pairs), made.origin) == (2, "list pairs/agedb20_child.txt")
    [(number, _, reason)] = made.rejected
    assert number == 2
    assert reason.startswith(f"{DAMAGED}: left out: not a readable image")


def test_pairs_of_a_list_outside_the_rule_are_kept_and_counted_in_the_card(
    data, study, manifests, tmp_path
):
    put_list(
        data,
        "1 AgeDB-aligned/AnnLee/0_AnnLee_5.png AgeDB-aligned/AnnLee/3_AnnLee_45.png",
        "1 AgeDB-aligned/AnnLee/0_AnnLee_5.png AgeDB-aligned/AnnLee/2_AnnLee_20.png",  # 15 years
        "1 AgeDB-aligned/CemKay/22_CemKay_20.png AgeDB-aligned/CemKay/23_CemKay_45.png",  # no child
        "0 AgeDB-aligned/AnnLee/1_AnnLee_8.png AgeDB-aligned/CemKay/22_CemKay_20.png",  # 12 years
        "0 AgeDB-aligned/AnnLee/0_AnnLee_5.png AgeDB-aligned/BobRay/13_BobRay_45.png",
    )
    made = preparing.make_pairs(study, data, tmp_path / "run", manifests)
    card = made["agedb20_child"].card()
    assert (card["pairs"], card["rejected"], card["outside_rule"]) == (5, 0, 3)
    assert made["agedb30_child"].card()["outside_rule"] == 0  # made by the rule


def test_excluded_people_are_in_no_pair(data, study, manifests, tmp_path):
    made = preparing.make_pairs(study, data, tmp_path / "run", manifests, exclude={"AnnLee"})
    assert list(made) == KEYS
    assert all(people_in(each.pairs) == {*PEOPLE[1:]} for each in made.values())


def test_too_few_people_left_is_told_with_the_set(data, study, manifests, tmp_path):
    with pytest.raises(ValueError, match=r"pair set agedb20_child \(AgeDB-C20\)"):
        preparing.make_pairs(study, data, tmp_path / "run", manifests, exclude=set(PEOPLE[:3]))
    assert not (tmp_path / "run/pairs").exists()


def test_pairs_repeat(data, study, manifests, tmp_path):
    made = [
        preparing.make_pairs(study, data, tmp_path / name, manifests) for name in ("one", "two")
    ]
    first, second = ({key: each.pairs.sha256 for key, each in run.items()} for run in made)
    assert first == second


def test_another_seed_draws_other_pairs_of_two_people(data, study, manifests, tmp_path):
    other = replace(study, pair_seed=1)
    one = preparing.make_pairs(study, data, tmp_path / "one", manifests)
    two = preparing.make_pairs(other, data, tmp_path / "two", manifests)
    assert one["agedb30_child"].pairs.sha256 != two["agedb30_child"].pairs.sha256


def test_without_test_sets_there_are_no_pairs_and_no_lists(data, study, tmp_path):
    (data / "test").rename(data / "put away")
    assert preparing.make_pairs(study, data, tmp_path / "run", {}) == {}
    assert not (tmp_path / "run").exists()


def test_validation_pairs_are_made_apart_and_without_damaged_images(data, with_val, tmp_path):
    path = data / "casia/val/AgeDB-aligned/VeraVal/0_VeraVal_5.png"
    path.write_bytes(b"nothing")
    manifests = preparing.examine_tests(with_val, data)
    preparing.make_pairs(with_val, data, tmp_path / "run", manifests)
    ready = prepared.Prepared(with_val, data, tmp_path / "run")
    val = ready.val_pairs()
    assert people_in(val) == {"VeraVal", "WimWal"}
    assert "AgeDB-aligned/VeraVal/0_VeraVal_5.png" not in val.images
    assert list(ready.pairs()) == KEYS


# People in both


def numbered(data):
    for number, person in enumerate(("AnnLee", "ZoeEng")):
        (data / "casia/train" / person).rename(data / f"casia/train/{number:06d}")


def test_people_of_both_sets_are_known_by_their_names(data, study):
    assert preparing.shared_people(study, data, faces_of(data)) == ["AnnLee"]


def test_numbers_tell_nobody(data, study):
    numbered(data)
    assert preparing.shared_people(study, data, faces_of(data)) is None


def test_a_list_of_names_tells_who_the_numbers_are(data, study):
    numbered(data)
    (data / "casia/identity-names.txt").write_text("0 Bob Ray\n1 Nobody\n")
    assert preparing.shared_people(study, data, faces_of(data)) == ["BobRay"]


def test_a_list_of_names_of_no_class_is_refused(data, study):
    numbered(data)
    (data / "casia/identity-names.txt").write_text("77 Bob Ray\n")
    with pytest.raises(ValueError, match=r"identity-names\.txt: names none of the 2 classes"):
        preparing.shared_people(study, data, faces_of(data))


def test_without_test_sets_nobody_is_in_both(data, study):
    numbered(data)
    (data / "test").rename(data / "put away")
    assert preparing.shared_people(study, data, faces_of(data)) == []


def test_without_a_training_set_nothing_tells_who_is_in_both(data):
    assert preparing.shared_people(studies.find("benchmark"), data, None) is None


@pytest.fixture
def excluding():
    return studies.find("casia", {"exclude_overlap": True})


def test_a_study_excludes_those_who_are_in_both_if_it_says_so(study, excluding):
    assert list(preparing.people_to_exclude(excluding, ["AnnLee"])) == ["AnnLee"]
    assert list(preparing.people_to_exclude(study, ["AnnLee"])) == []
    assert list(preparing.people_to_exclude(excluding, [])) == []


def test_where_names_tell_nobody_nobody_can_be_excluded(data, study, excluding):
    numbered(data)
    shared = preparing.shared_people(excluding, data, faces_of(data))
    message = r"exclude_overlap: .* tell nobody; .* a file casia/identity-names\.txt"
    with pytest.raises(ValueError, match=message):
        preparing.people_to_exclude(excluding, shared)
    assert list(preparing.people_to_exclude(study, shared)) == []


# Written down


def test_manifests_are_written_by_their_keys(tmp_path):
    made = {key: Manifest(set=key, images=3) for key in ("train", "agedb")}
    preparing.write_manifests(tmp_path, made)
    assert {path.name for path in (tmp_path / "manifests").iterdir()} == {"train", "agedb"}
    assert read_manifest(tmp_path / "manifests/agedb") == made["agedb"]


def test_manifests_of_sets_that_are_gone_are_removed(tmp_path, study):
    for keys in (("train", "agedb", "lfw"), ("train", "lag")):
        made = {key: Manifest(set=key, images=3) for key in keys}
        preparing.write_manifests(tmp_path, made)
    assert set(prepared.Prepared(study, tmp_path, tmp_path).manifests) == {"train", "lag"}


# Fingerprint

LISTS = {
    "first": "AnnLee/0.png 0\nAnnLee/1.png 0\nZoeEng/0.png 1\n",
    "in another order": "ZoeEng/0.png 1\nAnnLee/1.png 0\nAnnLee/0.png 0\n",
    "other counts": "AnnLee/0.png 0\nAnnLee/1.png 1\nZoeEng/0.png 1\n",
    "exchanged": "AnnLee/0.png 0\nZoeEng/0.png 0\nAnnLee/1.png 1\n",  # as many of each as at first
    "other names": "AnnLee/0.png 5\nAnnLee/1.png 5\nZoeEng/0.png 7\n",
}


@pytest.fixture
def digest_of(data, study, manifests, tmp_path):
    """A function that prepares what is there anew, with changes, and gives the fingerprint."""
    (data / "casia/train/list.txt").write_text(LISTS["first"])

    def digest(**changes):
        faces = open_faces(data / "casia/train/list.txt", data / "casia/age-labels.txt")
        made = preparing.make_pairs(study, data, tmp_path / "run", manifests)
        checked = preparing.examine("train", data / "casia/train", faces.images)
        values = {
            "faces": faces,
            "labels": data / "casia/age-labels.txt",
            "manifests": [checked, *manifests.values()],
            "pairs": [each.pairs for each in made.values()],
        }
        return preparing.digest_of(**values | changes)

    return SimpleNamespace(now=digest, data=data, manifests=manifests)


def test_the_fingerprint_repeats(digest_of):
    assert digest_of.now() == digest_of.now()
    assert len(digest_of.now()) == 64


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("first", True),
        ("in another order", True),
        ("other counts", False),
        ("exchanged", False),
        ("other names", False),
    ],
)
def test_who_is_in_which_image_is_in_the_fingerprint(digest_of, name, same):
    before = digest_of.now()
    (digest_of.data / "casia/train/list.txt").write_text(LISTS[name])
    assert (digest_of.now() == before) is same


def test_the_names_of_the_classes_are_in_the_fingerprint(digest_of):
    faces = replace(faces_of(digest_of.data), class_names=("AnnLee", "ZoeEngels"))
    assert digest_of.now(faces=faces) != digest_of.now(faces=faces_of(digest_of.data))


@pytest.mark.parametrize("name", ["casia/train/ZoeEng/0.png", "casia/age-labels.txt"])
def test_each_byte_that_is_read_is_in_the_fingerprint(digest_of, name):
    before, path = digest_of.now(), digest_of.data / name
    path.write_bytes(path.read_bytes() + b"\n")
    assert digest_of.now() != before


def test_each_pair_is_in_the_fingerprint(digest_of):
    before = digest_of.now()
    put_list(
        digest_of.data,
        "1 AgeDB-aligned/AnnLee/0_AnnLee_5.png AgeDB-aligned/AnnLee/3_AnnLee_45.png",
        "0 AgeDB-aligned/AnnLee/0_AnnLee_5.png AgeDB-aligned/CemKay/23_CemKay_45.png",
    )
    assert digest_of.now() != before


def test_each_image_that_is_tested_on_is_in_the_fingerprint(digest_of, study):
    before = digest_of.now()
    put_crop(digest_of.data / "test/AgeDB-aligned/DanFox/33_DanFox_45.png", 999)
    again = preparing.examine_tests(study, digest_of.data)
    assert again["agedb"].list_sha256 == digest_of.manifests["agedb"].list_sha256
    digest_of.manifests.update(again)
    assert digest_of.now() != before


def test_without_a_training_set_images_and_pairs_are_the_fingerprint(digest_of):
    absent = {"faces": None, "labels": digest_of.data / "none.txt"}
    before = digest_of.now(**absent)
    assert before != digest_of.now()
    (digest_of.data / "casia/train/list.txt").write_text(LISTS["exchanged"])
    assert digest_of.now(**absent) == before
    put_list(
        digest_of.data,
        "1 AgeDB-aligned/AnnLee/0_AnnLee_5.png AgeDB-aligned/AnnLee/3_AnnLee_45.png",
        "0 AgeDB-aligned/AnnLee/0_AnnLee_5.png AgeDB-aligned/CemKay/23_CemKay_45.png",
    )
    assert digest_of.now(**absent) != before
