import pytest

from irlib.data.pairs.lists import read_pairs
from irlib.data.pairs.sets import PAIR_SETS, missing_sets, prepare_pairs, stored_pairs

AGES = (1, 6, 12, 13, 20, 32, 33, 45)


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


@pytest.fixture
def test_dir(tmp_path):
    root = tmp_path / "test"
    touch(root, *(f"FGNET-aligned/{i:03d}A{age:02d}.JPG" for i in range(4) for age in AGES))
    touch(root, *(f"LAG-aligned/p{i}/y/a {j}.png" for i in range(3) for j in range(2)))
    touch(root, *(f"LAG-aligned/p{i}/b {j}.png" for i in range(3) for j in range(2)))
    return root


def test_pair_sets_are_the_paper_s_columns_then_the_controls():
    titles = [pair_set.title for pair_set in PAIR_SETS.values()]
    assert titles[:5] == ["AgeDB-C20", "FG-NET-C20", "AgeDB-C30", "FG-NET-C30", "LAG"]
    assert all(title.endswith("(adult control)") for title in titles[5:])


def test_what_there_are_images_for_is_made_and_stored(tmp_path, test_dir):
    made = prepare_pairs(test_dir, tmp_path / "out", seed=1)
    assert list(made) == ["fgnet20_child", "fgnet30_child", "lag", "fgnet20_adult"]
    assert set(missing_sets(test_dir)) == {"agedb20_child", "agedb30_child", "agedb20_adult"}
    # nine, five and one genuine pairs for each of four people; two for each of three in LAG
    assert [len(each.pairs) for each in made.values()] == [72, 40, 12, 8]
    assert {each.origin for each in made.values()} == {"rule, seed 1"}
    assert not (test_dir / "pairs").exists()
    stored = stored_pairs(tmp_path / "out", test_dir)
    assert {key: each.sha256 for key, each in stored.items()} == {
        key: each.pairs.sha256 for key, each in made.items()
    }


def test_lists_are_made_anew_for_other_settings(tmp_path, test_dir):
    first, second, again = (
        prepare_pairs(test_dir, tmp_path / "out", seed=seed)["lag"].pairs.sha256
        for seed in (1, 2, 1)
    )
    assert first == again != second


def test_a_list_of_a_set_that_is_gone_is_removed(tmp_path, test_dir):
    prepare_pairs(test_dir, tmp_path / "out", seed=1)
    (test_dir / "LAG-aligned").rename(tmp_path / "elsewhere")
    prepare_pairs(test_dir, tmp_path / "out", seed=1)
    assert "lag" not in stored_pairs(tmp_path / "out")


def test_the_authors_list_is_used_where_it_is(tmp_path, test_dir):
    lines = [
        "1 dataset/test/LAG-aligned/p0/y/a 0.png dataset/test/LAG-aligned/p0/b 0.png",
        "1 dataset/test/LAG-aligned/p0/y/a dataset/test/LAG-aligned/p0/b",
        "0 dataset/test/LAG-aligned/p1/y/a 0.png dataset/test/LAG-aligned/p0/b 0.png",
    ]
    (test_dir / "pairs").mkdir()
    (test_dir / "pairs" / "lag.txt").write_text("\n".join(lines))
    made = prepare_pairs(test_dir, tmp_path / "out", seed=1, keys=["lag"])["lag"]
    assert made.origin == "list pairs/lag.txt"
    [(number, _, reason)] = made.rejected
    assert (number, reason[-29:]) == (2, "' is not the name of an image")
    assert made.seed is None
    assert made.card()["rejected"] == 1
    assert read_pairs(tmp_path / "out" / "lag.txt").left.tolist() == [
        "LAG-aligned/p0/y/a 0.png",
        "LAG-aligned/p1/y/a 0.png",
    ]


@pytest.mark.parametrize("has_list", [False, True])
def test_quarantined_images_and_excluded_people_are_in_no_pair(tmp_path, test_dir, has_list):
    if has_list:
        prepare_pairs(test_dir, test_dir / "made", seed=1, keys=["lag"])
        (test_dir / "made").rename(test_dir / "pairs")
    made = prepare_pairs(
        test_dir,
        tmp_path / "out",
        seed=1,
        keys=["lag"],
        quarantined={"LAG-aligned/p0/y/a 1.png": "truncated"},
        exclude_identities=["p2"],
    )["lag"]
    assert "LAG-aligned/p0/y/a 1.png" not in made.pairs.images
    assert not any("/p2/" in name for name in made.pairs.images)
    reasons = {reason.partition(": left out: ")[2] for *_, reason in made.rejected}
    assert reasons == ({"truncated", "p2 is excluded"} if has_list else set())


def test_positives_given_up_are_counted(tmp_path):
    touch(tmp_path, *(f"FGNET-aligned/001A{age}.JPG" for age in ("05", "30", "40")))
    touch(tmp_path, "FGNET-aligned/002A35.JPG")
    with pytest.warns(UserWarning, match="1 of 2 positive pairs are given up"):
        made = prepare_pairs(tmp_path, tmp_path / "out", seed=1, keys=["fgnet20_child"])
    assert made["fgnet20_child"].dropped == 1
    assert made["fgnet20_child"].card()["dropped"] == 1


def test_the_set_that_cannot_be_made_is_named_and_nothing_is_written(tmp_path, test_dir):
    touch(test_dir, "AgeDB-aligned/A/1_A_10.jpg", "AgeDB-aligned/B/2_B_60.jpg")
    with pytest.raises(ValueError, match=r"pair set agedb20_child \(AgeDB-C20\): no person"):
        prepare_pairs(test_dir, tmp_path / "out", seed=1)
    assert not (tmp_path / "out").exists()


def test_a_folder_without_any_images_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="AgeDB-aligned, FGNET-aligned, LAG-aligned"):
        prepare_pairs(tmp_path, tmp_path / "out", seed=1)


def test_an_unknown_set_is_named(tmp_path, test_dir):
    with pytest.raises(ValueError, match="pair set 'agedb40': expected one of agedb20_child"):
        prepare_pairs(test_dir, tmp_path / "out", seed=1, keys=["agedb40"])


def test_the_authors_lists_are_not_written_over(tmp_path, test_dir):
    with pytest.raises(ValueError, match="the place of lists that others made"):
        prepare_pairs(test_dir, test_dir / "pairs", seed=1)


def test_an_empty_image_folder_counts_as_absent(tmp_path):
    (tmp_path / "LAG-aligned").mkdir()
    assert missing_sets(tmp_path, ["lag"]) == {"lag": tmp_path / "LAG-aligned"}


def test_no_stored_lists_are_named_with_who_makes_them(tmp_path):
    with pytest.raises(FileNotFoundError, match="no pair list; notebooks/01_data_prep"):
        stored_pairs(tmp_path)
