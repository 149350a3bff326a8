"""Facts about the pairs of adults that a synthetic set has in a `.bin` file."""

from dataclasses import replace

import numpy as np
import pytest

from irlib import prepared, preparing, runs, studies
from irlib.data.sets.bins import bins_in, read_bin
from irlib.data.synthetic import SyntheticSpec, write
from irlib.data.synthetic.adults import FILE, adult_blocks, write_adults
from irlib.data.synthetic.population import plan

SPEC = SyntheticSpec(
    seed=3,
    identities=2,
    images_per_identity=2,
    child_identity_share=0.0,
    child_images=0,
    child_image_share=0.0,
    agedb_identities=20,
    fgnet_identities=2,
    lag_identities=20,
    val_identities=2,
    test_images_per_identity=9,
    difficulty=0.5,
    age_noise=2.5,
    unlabelled_share=0.0,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "demo"
    write(SPEC, root)
    return root


@pytest.fixture(scope="module")
def whole():
    return plan(SPEC, dataset="demo")


@pytest.fixture(scope="module")
def blocks(whole):
    return adult_blocks(SPEC, whole)


def test_both_are_adults_of_like_age(blocks, whole):
    age = whole.age[np.concatenate(blocks)]
    assert age.min() >= 18
    assert np.abs(age[:, 0] - age[:, 1]).max() < 10


def test_a_block_has_pairs_of_one_person_and_then_as_many_of_two(blocks, whole):
    for block in blocks:
        same = whole.person[block[:, 0]] == whole.person[block[:, 1]]
        half = len(block) // 2
        assert same.tolist() == [True] * half + [False] * half


def test_ten_blocks_of_one_size_share_no_person(blocks, whole):
    people = [set(whole.person[block].ravel().tolist()) for block in blocks]
    assert len({len(block) for block in blocks}) == 1
    assert len(blocks) == 10
    assert len(set.union(*people)) == sum(map(len, people))


def test_people_are_those_of_the_agedb_and_lag_like_sets(blocks, whole):
    names = [whole.names[row] for row in np.concatenate(blocks).ravel()]
    assert {name.split("/")[1] for name in names} == {"AgeDB-aligned", "LAG-aligned"}


def test_the_file_holds_the_painted_portraits(made, blocks, whole):
    pairs = read_bin(made / FILE)
    row = blocks[1][0, 1]
    place = 2 * len(blocks[0]) + 1
    assert pairs.images.encoded(place) == (made / whole.names[row]).read_bytes()
    assert len(pairs) == sum(map(len, blocks))


def test_a_set_that_lacks_the_pairs_is_completed_without_painting(made, monkeypatch):
    before = (made / FILE).read_bytes()
    (made / FILE).unlink()
    monkeypatch.setattr("irlib.data.synthetic.dataset.render", None)  # would fail if it painted
    write(SPEC, made)
    assert (made / FILE).read_bytes() == before


def test_too_few_people_have_no_pairs(tmp_path):
    few = replace(SPEC, agedb_identities=3, lag_identities=3)
    write_adults(few, tmp_path, plan(few, dataset="demo"))
    assert bins_in(tmp_path / "test") == {}


def test_notebook_1_examines_them_with_the_test_sets(made, tmp_path):
    study = studies.find("demo")
    manifests = preparing.examine_tests(study, made.parent)
    assert set(manifests) == {"agedb", "fgnet", "lag", "val", "adults"}
    assert manifests["adults"].images == 2 * len(read_bin(made / FILE))
    home = tmp_path / "demo"
    preparing.write_manifests(home / "data", {"adults": manifests["adults"]})
    runs.write_json(home / "data/metrics.json", {})
    assert prepared.load(study, home, made.parent).bins() == {"adults": made / FILE}


def test_a_bin_that_notebook_1_did_not_see_is_not_used(made, tmp_path):
    runs.write_json(tmp_path / "demo/data/metrics.json", {})
    assert prepared.load(studies.find("demo"), tmp_path / "demo", made.parent).bins() == {}
