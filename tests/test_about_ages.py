import numpy as np

from irlib.analyses.about_ages import age_counts, age_groups

LABELS = np.array([0, 0, 0, 1, 1, 2, 2])
AGES = np.array([5.0, 12.99, 18.0, 13.0, 66.0, np.nan, 3.0])


def test_groups_end_where_the_next_begins():
    table = age_groups(LABELS, AGES, child_below=13.0).set_index("group")
    assert table["images"].to_dict() == {
        "below 13": 3, "13 to 18": 2, "19 to 25": 0, "26 to 35": 0, "36 to 45": 0, "46 to 55": 0,
        "56 to 65": 0, "66 and above": 1, "no label": 1,
    }  # fmt: skip


def test_an_identity_counts_once_in_a_group():
    table = age_groups(LABELS, AGES, child_below=13.0).set_index("group")
    assert table["identities"].to_dict()["below 13"] == 2  # 0 twice, and 2


def test_children_are_the_first_group_whatever_their_age():
    table = age_groups(LABELS, AGES, child_below=20.0)
    assert table.loc[table["is_child"], ["group", "images"]].values.tolist() == [["below 20", 5]]
    assert table["group"].tolist()[1] == "20 to 25"
    assert table["images"].sum() == len(LABELS)


def test_counts_of_images_and_of_people_at_both_ages():
    assert age_counts(LABELS, AGES, child_below=13.0) == {
        "images": 7, "labeled_images": 6, "child_images": 3, "child_share": 0.5, "identities": 3,
        "child_identities": 2, "adult_identities": 2, "both": 1,
    }  # fmt: skip
