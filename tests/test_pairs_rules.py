from pathlib import Path

import numpy as np
import pytest

from irlib.data import pairs as pairs_module
from irlib.data.pairs import (
    PAIR_SETS,
    adult_pairs,
    child_adult_pairs,
    distinct_images,
    ensure_pairs,
    lag_pairs,
    missing_sets,
    read_pairs,
    write_pairs,
)
from irlib.data.testsets import face_of, read_agedb, read_fgnet, read_lag

AGES = (1, 6, 12, 13, 20, 32, 33, 45)


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


@pytest.fixture
def fgnet(tmp_path):
    touch(tmp_path, *(f"FGNET-aligned/{i:03d}A{age:02d}.JPG" for i in range(4) for age in AGES))
    return read_fgnet(tmp_path)


@pytest.fixture
def lag(tmp_path):
    # person i has i young and 2 adult images
    young = [f"LAG-aligned/p{i}/y/{j}.png" for i in range(5) for j in range(i)]
    adult = [f"LAG-aligned/p{i}/a {j}.png" for i in range(5) for j in range(2)]
    touch(tmp_path, *young, *adult)
    return read_lag(tmp_path)


def listed(pairs):
    return set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


@pytest.mark.parametrize("gap", [20, 30])
def test_genuine_pairs_are_all_that_the_rule_allows(fgnet, gap):
    pairs = child_adult_pairs(fgnet, gap=gap, seed=1)
    genuine = {
        (child, older)
        for child in fgnet.names.tolist()
        for older in fgnet.names.tolist()
        if face_of(child).identity == face_of(older).identity
        and face_of(child).age < 13
        and face_of(older).age - face_of(child).age >= gap
    }
    assert listed(pairs) >= genuine
    assert pairs.is_same.sum() == len(genuine)


def test_impostor_pairs_satisfy_the_conditions(fgnet):
    pairs = child_adult_pairs(fgnet, gap=20, seed=1)
    impostor = ~pairs.is_same
    assert (pairs.first_identity != pairs.second_identity)[impostor].all()
    assert (pairs.first_age < 13).all()
    assert (pairs.second_age - pairs.first_age >= 20).all()


def test_pairs_are_balanced_without_repeats_and_genuine_first(fgnet):
    pairs = child_adult_pairs(fgnet, gap=20, seed=1)
    half = len(pairs) // 2
    assert pairs.is_same.tolist() == [True] * half + [False] * half
    assert len(listed(pairs)) == len(pairs)


def test_impostor_pairs_are_uniform_over_the_eligible(fgnet):
    # 9 genuine pairs a person, 36 in all; 12 child images by 9 of others: 108 eligible.
    # Over 600 seeds each is drawn 200 +- 11.5 times; 6 standard deviations never fail by chance.
    drawn = {}
    for seed in range(600):
        pairs = child_adult_pairs(fgnet, gap=20, seed=seed)
        for pair in zip(pairs.first[~pairs.is_same], pairs.second[~pairs.is_same], strict=True):
            drawn[pair] = drawn.get(pair, 0) + 1
    assert len(drawn) == 108
    counts = np.array(list(drawn.values()))
    assert counts.sum() == 600 * 36
    assert np.abs(counts - 200).max() < 6 * np.sqrt(600 * (1 / 3) * (2 / 3))


def test_a_seed_repeats_and_another_differs(fgnet):
    first, again = (child_adult_pairs(fgnet, gap=20, seed=1).sha256 for _ in range(2))
    assert first == again
    assert first != child_adult_pairs(fgnet, gap=20, seed=2).sha256


def test_adult_pairs_hold_adults_only(fgnet):
    pairs = adult_pairs(fgnet, gap=20, seed=1, limit=100)
    assert pairs.first_age.min() >= 18
    assert (pairs.second_age - pairs.first_age >= 20).all()
    assert pairs.is_same.sum() == 4  # 20 and 45, for each of four people


def test_adult_pairs_keep_to_the_limit(fgnet):
    pairs = adult_pairs(fgnet, gap=10, seed=1, limit=5)
    assert (pairs.is_same.sum(), len(pairs)) == (5, 10)


def test_a_set_without_genuine_pairs_is_refused(fgnet):
    with pytest.raises(ValueError, match="no person has two images 60 years apart"):
        child_adult_pairs(fgnet, gap=60, seed=1)


def test_too_few_impostor_pairs_are_refused(tmp_path):
    touch(tmp_path, *(f"FGNET-aligned/001A{age:02d}.JPG" for age in AGES))
    with pytest.raises(ValueError, match="0 impostor pairs 20 years apart; expected as many"):
        child_adult_pairs(read_fgnet(tmp_path), gap=20, seed=1)


def test_lag_matches_each_image_once(lag):
    pairs = lag_pairs(lag, seed=1)
    genuine = pairs.is_same
    # min(young, adult) of 0..4 young and 2 adult images: 0 + 1 + 2 + 2 + 2
    assert genuine.sum() == 7
    assert (pairs.first_identity == pairs.second_identity)[genuine].all()
    assert len(set(pairs.first[genuine])) == len(set(pairs.second[genuine])) == 7


def test_lag_impostors_use_a_young_image_once(lag):
    pairs = lag_pairs(lag, seed=1)
    impostor = ~pairs.is_same
    assert impostor.sum() == 7
    assert len(set(pairs.first[impostor])) == 7
    assert (pairs.first_identity != pairs.second_identity)[impostor].all()
    assert all("/y/" in name for name in pairs.first)
    assert not any("/y/" in name for name in pairs.second)


@pytest.mark.parametrize("person", [1, 2, 4])
def test_lag_impostors_reach_every_adult_of_others(lag, person):
    # each of the eight adult images of the other four, and no other
    met = set()
    for seed in range(200):
        pairs = lag_pairs(lag, seed=seed)
        theirs = (pairs.first_identity == f"p{person}") & ~pairs.is_same
        met.update(pairs.second[theirs].tolist())
    others = set(range(5)) - {person}
    assert met == {f"LAG-aligned/p{i}/a {j}.png" for i in others for j in range(2)}


def test_cosine_of_pairs(fgnet):
    pairs = child_adult_pairs(fgnet, gap=20, seed=1)
    embeddings = np.zeros((len(pairs.images), 2))
    embeddings[:, 0] = 3.0
    embeddings[pairs.images == pairs.first[0]] = (1.0, 1.0)
    similarity = pairs.cosine(pairs.images, embeddings)
    touches = (pairs.first == pairs.first[0]) | (pairs.second == pairs.first[0])
    assert similarity[touches] == pytest.approx(np.sqrt(0.5))
    assert similarity[~touches] == pytest.approx(1.0)


def test_cosine_needs_every_image(fgnet):
    pairs = child_adult_pairs(fgnet, gap=20, seed=1)
    with pytest.raises(ValueError, match=f"{pairs.images[-1]}: no embedding"):
        pairs.cosine(pairs.images[:-1], np.ones((len(pairs.images) - 1, 2)))


def test_distinct_images_are_sorted_and_once(fgnet):
    twenty, thirty = (child_adult_pairs(fgnet, gap=gap, seed=1) for gap in (20, 30))
    images = distinct_images([twenty, thirty]).tolist()
    assert images == sorted({*twenty.first, *twenty.second, *thirty.first, *thirty.second})


@pytest.mark.parametrize("faces", ["fgnet", "lag"])  # names in lag contain spaces
def test_a_written_list_reads_back(faces, request, tmp_path):
    faces = request.getfixturevalue(faces)
    made = lag_pairs(faces, seed=1) if faces.young.sum() == 10 else None
    made = made or child_adult_pairs(faces, gap=20, seed=1)
    write_pairs(tmp_path / "pairs" / "list.txt", made)
    read = read_pairs(tmp_path / "pairs" / "list.txt", root=tmp_path)
    assert read.sha256 == made.sha256
    np.testing.assert_array_equal(read.first_age, made.first_age)
    np.testing.assert_array_equal(read.second_identity, made.second_identity)


GENUINE = "1 FGNET-aligned/000A01.JPG FGNET-aligned/000A32.JPG"
IMPOSTOR = "0 FGNET-aligned/000A01.JPG FGNET-aligned/001A32.JPG"


@pytest.mark.usefixtures("fgnet")
def test_the_authors_paths_are_accepted(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text(f"{GENUINE}\n{IMPOSTOR}\n".replace("FGNET", "dataset/test/FGNET"))
    assert read_pairs(path, root=tmp_path).first[0] == "FGNET-aligned/000A01.JPG"


@pytest.mark.usefixtures("fgnet")
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 FGNET-aligned/000A01.JPG", "expected `<1|0> <younger"),
        ("2 FGNET-aligned/000A01.JPG FGNET-aligned/000A32.JPG", "expected `<1|0> <younger"),
        ("1 LAG-aligned/a/y/her photo.png LAG-aligned/a/b.png", "expected `<1|0> <younger"),
        ("1 LAG-aligned/a/y/her LAG-aligned/a/b.png", "no image of a test set"),
        ("1 FGNET-aligned/000A01.JPG FGNET-aligned/001A32.JPG", "expected 1 for one person"),
        ("0 FGNET-aligned/000A01.JPG FGNET-aligned/000A32.JPG", "expected 1 for one person"),
        ("1 FGNET-aligned/000A45.JPG FGNET-aligned/000A32.JPG", "expected the younger one first"),
        ("1 LAG-aligned/a/b.png LAG-aligned/a/y/c.png", "expected the younger one first"),
    ],
)
def test_a_line_that_is_no_pair_is_refused(tmp_path, line, message):
    path = tmp_path / "list.txt"
    path.write_text(f"{GENUINE}\n{line}\n{IMPOSTOR}\n")
    with pytest.raises(ValueError, match=f"list.txt, line 2: .*{message.replace('|', '.')}"):
        read_pairs(path, root=tmp_path)


@pytest.mark.usefixtures("fgnet")
def test_a_listed_image_must_exist(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text(f"{GENUINE}\n{IMPOSTOR.replace('32', '44')}\n")
    with pytest.raises(FileNotFoundError, match=r"001A44\.JPG: no such image, listed in .*list"):
        read_pairs(path, root=tmp_path)


@pytest.mark.usefixtures("fgnet")
def test_a_list_needs_both_kinds(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text(f"{GENUINE}\n")
    with pytest.raises(ValueError, match=r"list\.txt: 1 of 1 pairs are genuine"):
        read_pairs(path, root=tmp_path)


def test_pair_sets_are_the_paper_s_columns_then_the_controls():
    titles = [pair_set.title for pair_set in PAIR_SETS.values()]
    assert titles[:5] == ["AgeDB-C20", "FG-NET-C20", "AgeDB-C30", "FG-NET-C30", "LAG"]
    assert all(title.endswith("(adult control)") for title in titles[5:])


@pytest.mark.usefixtures("fgnet", "lag")
def test_ensure_pairs_makes_what_there_are_images_for(tmp_path):
    made = ensure_pairs(tmp_path, 1)
    assert list(made) == ["fgnet20_child", "fgnet30_child", "lag", "fgnet20_adult"]
    assert set(missing_sets(tmp_path)) == {"agedb20_child", "agedb30_child", "agedb20_adult"}
    assert sorted(path.name for path in (tmp_path / "pairs").iterdir()) == [
        "fgnet20_adult.txt",
        "fgnet20_child.txt",
        "fgnet30_child.txt",
        "lag.txt",
    ]


@pytest.mark.usefixtures("fgnet")
def test_ensure_pairs_keeps_a_list_that_exists(tmp_path, monkeypatch):
    made = ensure_pairs(tmp_path, 1)
    monkeypatch.setattr(pairs_module, "read_faces", None)  # making one again would call it
    assert ensure_pairs(tmp_path, 2)["fgnet20_child"].sha256 == made["fgnet20_child"].sha256


def test_ensure_pairs_takes_a_choice_of_sets(tmp_path):
    names = (f"p{i}/{i}{age}_p{i}_{age}.jpg" for i in range(3) for age in AGES)
    touch(tmp_path, *(f"AgeDB-aligned/{name}" for name in names))
    made = ensure_pairs(tmp_path, 1, ["agedb20_child"])
    assert listed(made["agedb20_child"]) == listed(
        child_adult_pairs(read_agedb(tmp_path), gap=20, seed=1)
    )


def test_ensure_pairs_names_the_set_it_cannot_make(tmp_path):
    touch(tmp_path, "FGNET-aligned/001A01.JPG", "FGNET-aligned/002A40.JPG")
    with pytest.raises(ValueError, match=r"pair set fgnet20_child \(FG-NET-C20\): .*no person"):
        ensure_pairs(tmp_path, 1)


def test_ensure_pairs_without_any_images(tmp_path):
    with pytest.raises(FileNotFoundError, match="AgeDB-aligned, FGNET-aligned, LAG-aligned"):
        ensure_pairs(tmp_path, 1)


def test_an_unknown_set_is_named(tmp_path):
    with pytest.raises(ValueError, match="pair set 'agedb40': expected one of agedb20_child"):
        ensure_pairs(Path(tmp_path), 1, ["agedb40"])


def test_an_empty_image_folder_counts_as_absent(tmp_path):
    (tmp_path / "LAG-aligned").mkdir()
    assert missing_sets(tmp_path, ["lag"]) == {"lag": tmp_path / "LAG-aligned"}
