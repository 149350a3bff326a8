"""Facts about the synthetic faces: growth, determinism, layout, and sets that are whole."""

import json
import re
from dataclasses import asdict, replace

import numpy as np
import pytest

from irlib.data.synthetic import SyntheticSpec, fingerprint, portrait, read_manifest, write
from irlib.data.synthetic import dataset as dataset_module
from irlib.data.synthetic.anatomy import face_measures, traits_at
from irlib.data.synthetic.camera import TEMPLATE
from irlib.data.synthetic.growth import (
    STRAIN_CENTER,
    cardioidal_strain,
    grown,
    maturity,
    strain_coefficient,
)
from irlib.data.synthetic.names import person_names
from irlib.data.synthetic.nuisance import draw_nuisance
from irlib.data.synthetic.population import CHILD_AGE, plan
from irlib.data.synthetic.render import render
from irlib.data.synthetic.traits import draw_identities

SPEC = SyntheticSpec(
    seed=3,
    identities=8,
    images_per_identity=6,
    child_identity_share=0.25,
    child_images=12,
    child_image_share=0.05,
    agedb_identities=3,
    fgnet_identities=3,
    lag_identities=3,
    val_identities=2,
    test_images_per_identity=7,
    difficulty=0.5,
    age_noise=2.5,
    unlabelled_share=0.05,
)
MANY = replace(SPEC, identities=300, images_per_identity=20)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "faces"
    return root, write(SPEC, root)


def _people(count, age):
    people = draw_identities(5, np.arange(count))
    return people, np.full(count, float(age))


# growth


def test_cardioidal_strain_leaves_the_crown_where_it_is():
    x, y = cardioidal_strain(np.array(STRAIN_CENTER[0]), np.array(STRAIN_CENTER[1] - 1.3), 0.3)
    assert (x, y) == (STRAIN_CENTER[0], STRAIN_CENTER[1] - 1.3)  # cos theta = 1: factor 1


def test_cardioidal_strain_moves_the_chin_by_twice_k():
    _, y = cardioidal_strain(np.array(0.0), np.array(STRAIN_CENTER[1] + 2.0), -0.1)
    assert y == pytest.approx(STRAIN_CENTER[1] + 2.0 * (1 - 2 * 0.1))  # cos theta = -1


def test_cardioidal_strain_moves_a_point_beside_the_pole_by_k():
    x, y = cardioidal_strain(np.array(1.5), np.array(STRAIN_CENTER[1]), 0.2)
    assert (x, y) == pytest.approx((1.5 * 1.2, STRAIN_CENTER[1]))  # cos theta = 0


def test_growth_starts_at_birth_ends_at_18_and_never_reverses():
    share = grown(np.arange(0.0, 40.0))
    assert share[0] == 0.0
    assert np.all(share[18:] == 1.0)
    assert np.all(np.diff(share) >= 0.0)


def test_adults_are_not_strained():
    assert np.all(strain_coefficient(np.array([18.0, 35.0, 80.0])) == 0.0)


def test_maturity_runs_from_the_share_at_birth_to_one():
    share = maturity(np.array([[0.0], [25.0], [70.0]]), np.array([0.2]), np.array([12.0]))
    assert share[:, 0] == pytest.approx([0.2, 1.0, 1.0])


# anatomy


def test_children_vary_less_than_adults_in_their_traits():
    people, young = _people(200, 3.0)
    spread = traits_at(people, young)[:, :32].std(axis=0)
    adult = traits_at(people, np.full(200, 35.0))[:, :32].std(axis=0)
    assert np.median(spread / adult) < 0.6


def test_children_vary_less_than_adults_in_their_pixels():
    # Grey level inside the face, skin tone taken out, so that shape is what varies.
    people = draw_identities(5, np.arange(60))
    calm = draw_nuisance(5, np.zeros(60, dtype=int), np.zeros(60, dtype=int), difficulty=0.0)

    def spread(age):
        pictures = render(people, np.full(60, age), calm)[:, 36:92, 32:80].mean(axis=3)
        pictures = pictures / pictures.mean(axis=(1, 2), keepdims=True)
        return pictures.std(axis=0).mean()

    assert spread(3.0) < 0.9 * spread(35.0)


def test_children_have_larger_eyes_and_shorter_chins_for_the_distance_of_their_pupils():
    people, young = _people(100, 2.0)
    child, adult = face_measures(people, young), face_measures(people, young + 33.0)

    def in_pupil_distances(face, name):
        return (face[name] / face["unit"]).mean()

    assert in_pupil_distances(child, "eye_w") > 1.1 * in_pupil_distances(adult, "eye_w")
    drop = ((child["chin_y"] - child["eye_y"]) / child["unit"]).mean()
    assert drop < 0.95 * ((adult["chin_y"] - adult["eye_y"]) / adult["unit"]).mean()


def test_age_brings_wrinkles_grey_hair_and_in_men_hair_loss():
    people, age = _people(100, 75.0)
    old, young = face_measures(people, age), face_measures(people, age - 50.0)
    assert old["wrinkle"].min() > 0.5 > young["wrinkle"].max()
    assert old["grey"].mean() > 0.8 > 0.1 > young["grey"].mean()
    men = people.male > 0.5
    assert old["hair_loss"][men].mean() > 2 * old["hair_loss"][~men].mean()


def test_iris_color_is_kept_for_life():
    people, age = _people(20, 1.0)
    child, adult = face_measures(people, age)["iris"], face_measures(people, age + 40)["iris"]
    assert np.abs(child - adult).max() < 0.06


def test_eyes_are_where_aligned_crops_have_them():
    # The pupils of a calm portrait are the darkest spots beside the template's eyes.
    picture = portrait(5, 3, [30.0])[0].astype(float).sum(axis=2)
    for x, y in TEMPLATE[:2].round().astype(int):
        window = picture[y - 6 : y + 7, x - 6 : x + 7]
        row, column = np.unravel_index(window.argmin(), window.shape)
        assert abs(row - 6) <= 4
        assert abs(column - 6) <= 4


# determinism


def test_a_portrait_does_not_depend_on_its_batch():
    people, age = _people(11, 30.0)
    index = np.arange(11)
    nuisance = draw_nuisance(5, index, index, difficulty=1.0)
    together = render(people, age, nuisance)
    alone = [
        render(
            people.take(index[i : i + 1]), age[:1], {k: v[i : i + 1] for k, v in nuisance.items()}
        )
        for i in index
    ]
    assert np.array_equal(together, np.concatenate(alone))


def test_a_person_does_not_depend_on_who_else_is_drawn():
    alone, among = draw_identities(5, np.array([7])), draw_identities(5, np.arange(10))
    assert np.array_equal(alone.adult[0], among.adult[7])


def test_another_seed_is_another_person():
    assert not np.array_equal(portrait(1, 0, [30.0]), portrait(2, 0, [30.0]))


def test_plans_are_equal_for_equal_descriptions():
    first, second = plan(SPEC, dataset="faces"), plan(SPEC, dataset="faces")
    assert first.names == second.names
    assert first.labels == second.labels
    assert np.array_equal(first.age, second.age)


def test_the_bytes_do_not_depend_on_the_number_of_workers(made, tmp_path):
    assert write(SPEC, tmp_path / "faces", workers=2)["fingerprint"] == made[1]["fingerprint"]


# plan


def test_no_person_is_in_two_parts():
    whole = plan(SPEC, dataset="faces")
    people = [set(whole.person[part].tolist()) for part in whole.parts.values()]
    assert len(set.union(*people)) == sum(len(group) for group in people)


def test_every_path_is_used_once():
    whole = plan(MANY, dataset="faces")
    assert len(set(whole.names)) == len(whole.names)


def test_names_of_people_are_distinct():
    assert len(set(person_names(1, 3000))) == 3000


def test_child_identities_have_their_child_images_and_adult_images_too():
    whole = plan(MANY, dataset="faces")
    part = whole.parts["train"]
    person, age = whole.person[part], whole.age[part]
    children = np.bincount(person[age < CHILD_AGE], minlength=300)
    chosen = children >= MANY.child_images
    assert chosen.sum() == 75  # a quarter of 300
    assert np.all(np.bincount(person[age >= 18.0], minlength=300)[chosen] > 0)


def test_labelled_ages_are_noisy_and_never_negative():
    whole = plan(replace(MANY, child_identity_share=1.0), dataset="faces")
    true = dict(zip(whole.names, whole.age, strict=True))
    fields = [line.split() for line in whole.labels]
    labelled = np.array([float(field[2]) for field in fields])
    error = labelled - [true["train/" + field[1].split("/", 1)[1]] for field in fields]
    adult = labelled > 30
    assert labelled.min() >= 0.0
    assert error[adult].std() == pytest.approx(MANY.age_noise, rel=0.1)


def test_some_images_have_no_label():
    whole = plan(MANY, dataset="faces")
    part = whole.parts["train"]
    missing = 1.0 - len(whole.labels) / (part.stop - part.start)
    assert missing == pytest.approx(MANY.unlabelled_share, abs=0.015)


def test_agedb_and_fgnet_names_carry_the_age_in_whole_years():
    whole = plan(SPEC, dataset="faces")
    for name, age in zip(whole.names, whole.age, strict=True):
        agedb = re.fullmatch(r".*/(\w+)/\d+_(\w+)_(\d+)\.jpg", name)
        fgnet = re.fullmatch(r"test/FGNET-aligned/\d{3}A(\d\d)[b-z]?\.JPG", name)
        if "AgeDB" in name:
            assert agedb[1] == agedb[2]
            assert int(agedb[3]) == int(age)
        elif "FGNET" in name:
            assert int(fgnet[1]) == int(age)


# sets on disk


def test_a_set_lies_in_the_public_layouts(made):
    root, _ = made
    assert (root / "train/000000/00000001.jpg").exists()
    assert next((root / "test/FGNET-aligned").glob("001A*.JPG"))
    assert next((root / "test/LAG-aligned").glob("*/y/*.png"))
    assert next((root / "val/AgeDB-aligned").glob("*/*.jpg"))
    line = (root / "age-labels.txt").read_text().splitlines()[0]
    assert re.fullmatch(r"\d+ faces/\d{6}/\d{8}\.jpg \d+\.\d [01]", line)


def test_the_manifest_counts_and_names_what_is_there(made):
    root, manifest = made
    assert manifest == json.loads((root / "manifest.json").read_text())
    assert manifest["spec"] == asdict(SPEC)
    assert manifest["identities"]["train"] == SPEC.identities
    assert fingerprint(root) == manifest["fingerprint"]


def test_a_set_that_is_there_is_not_made_again(made, monkeypatch):
    monkeypatch.setattr(dataset_module, "plan", None)  # would fail if it were called
    assert write(SPEC, made[0]) == made[1]


def test_a_killed_run_goes_on_and_ends_the_same(made, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset_module, "GROUP", 40)

    def die(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(SPEC, tmp_path / "faces", progress=die)
    assert not (tmp_path / "faces").exists()
    starts = []
    manifest = write(SPEC, tmp_path / "faces", progress=lambda done, total: starts.append(done))
    assert starts[0] > 40  # the first group was kept
    assert manifest["fingerprint"] == made[1]["fingerprint"]


def test_a_set_with_a_missing_image_is_refused(tmp_path):
    root = tmp_path / "faces"
    write(SPEC, root)
    (root / "train/000000/00000001.jpg").unlink()
    with pytest.raises(FileExistsError, match=r"train: .* expected by manifest\.json"):
        read_manifest(root)


def test_a_folder_without_a_manifest_is_not_a_set(tmp_path):
    (tmp_path / "faces/train").mkdir(parents=True)
    with pytest.raises(FileExistsError, match=r"no manifest\.json"):
        write(SPEC, tmp_path / "faces")


def test_a_set_with_other_settings_is_not_replaced(made):
    with pytest.raises(FileExistsError, match="other settings"):
        write(replace(SPEC, seed=4), made[0])


def test_a_full_disk_is_named_before_anything_is_painted(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset_module, "JPEG_BYTES", 10**15)
    with pytest.raises(OSError, match="GiB free"):
        write(SPEC, tmp_path / "faces")


def test_a_description_with_a_share_above_one_is_refused():
    with pytest.raises(ValueError, match=r"unlabelled_share is 1\.5"):
        replace(SPEC, unlabelled_share=1.5)
