"""Age groups by number, by name, and places between them."""

import pytest
import torch

from irlib.age_invariant.ages import age_group
from irlib.age_invariant.synthesis import between, check_group, group_names, one_group


def test_one_group_is_a_row_of_the_unit_matrix():
    assert torch.equal(one_group(torch.tensor([2, 0]), 4), torch.eye(4)[[2, 0]])


def test_a_place_between_two_groups_is_shared_out_by_its_distance_to_each():
    found = between(torch.tensor([2.5, 0.25, 3.0]), 4)
    assert found.tolist() == [[0, 0, 0.5, 0.5], [0.75, 0.25, 0, 0], [0, 0, 0, 1]]


@pytest.mark.parametrize("place", [-0.5, 3.5, float("nan")])
def test_a_place_outside_the_groups_is_refused(place):
    with pytest.raises(ValueError, match=r"position: expected 0 to 3, got \["):
        between(torch.tensor([1.0, place]), 4)


def test_names_tell_the_ages_of_seven_groups():
    names = ["0-10", "11-20", "21-30", "31-40", "41-50", "51-60", "over 60"]
    assert group_names(7) == names


@pytest.mark.parametrize("num_groups", [4, 5, 6, 7, 8])
def test_the_first_and_last_age_of_a_name_are_of_that_group(num_groups):
    *names, last = group_names(num_groups)
    bounds = [float(bound) for name in names for bound in name.split("-")]
    expected = [group for group in range(num_groups - 1) for _ in range(2)] + [num_groups - 1]
    ages = torch.tensor([*bounds, float(last.removeprefix("over ")) + 1])
    assert age_group(ages, num_groups).tolist() == expected


def test_a_group_that_there_is_is_given_back():
    assert check_group(6, 7) == 6


@pytest.mark.parametrize("group", [-1, 7, 2.5, True])
def test_an_unknown_group_is_refused_with_the_ages_of_all(group):
    told = rf"group: expected 0 to 6, got {group}; .*0: 0-10, 1: 11-20, .*, 6: over 60"
    with pytest.raises(ValueError, match=told):
        check_group(group, 7)
