import dataclasses
import json

import numpy as np
import pytest

from irlib.class_groups import (
    AdultClasses,
    AllClasses,
    Children,
    ChildrenBy,
    ImagesWhere,
    Labelled,
    RandomClasses,
)

UNKNOWN = np.nan


def labelled(ages_of, *, child_ids=(), **rule):
    """What is known of images whose ages are given class by class."""
    labels = np.repeat(np.arange(len(ages_of)), [len(ages) for ages in ages_of])
    ages = np.concatenate([np.array(ages, dtype=float) for ages in ages_of])
    return Labelled(labels, ages, len(ages_of), np.array(child_ids, dtype=np.int64), **rule)


def many(num_classes, num_children):
    """Classes of one adult image each, of which the first are said to be children's."""
    return labelled([[30]] * num_classes, child_ids=range(num_children), child_at_least=1)


def elderly(ages):
    return ages >= 66


def young(ages):
    return ~(ages >= 20)


def as_numbers(ages):
    return 1.0 * (ages > 20)


def one_answer(ages):
    return (ages > 20).any()


def test_children_are_those_of_the_study():
    faces = labelled([[5], [40], [5]], child_ids=[0, 2])
    assert Children().select(faces, seed=1).tolist() == [0, 2]


def test_children_by_a_threshold_and_filter_of_ones_own():
    faces = labelled([[9, 9.9, 40], [9, 10, 40], [40], [1, 2, 3]], child_ids=[0, 1, 3])
    # strictly below 10: two images, one, none, three
    assert ChildrenBy(below=10, at_least=2).select(faces, seed=1).tolist() == [0, 3]


@pytest.mark.parametrize("below", [0, -1, 130.5, UNKNOWN])
def test_a_threshold_out_of_range_is_refused(below):
    with pytest.raises(ValueError, match="below: expected years above 0, at most"):
        ChildrenBy(below=below)


@pytest.mark.parametrize("group", [ChildrenBy, lambda at_least: ImagesWhere(elderly, at_least)])
def test_a_filter_below_one_is_refused(group):
    with pytest.raises(ValueError, match="at_least: expected at least 1 image, got 0"):
        group(at_least=0)


def test_random_classes_are_as_many_as_children_and_each_once():
    chosen = RandomClasses().select(many(50, 20), seed=1)
    assert len(set(chosen.tolist())) == 20
    assert chosen.tolist() == sorted(chosen)


def test_random_classes_are_drawn_from_all():
    drawn = [RandomClasses().select(many(50, 20), seed=seed) for seed in range(20)]
    assert set(np.concatenate(drawn).tolist()) == set(range(50))


def test_the_seed_decides_the_random_classes():
    first, again, other = (RandomClasses().select(many(50, 20), seed=s).tolist() for s in (1, 1, 2))
    assert first == again != other


def test_all_classes():
    assert AllClasses().select(many(4, 1), seed=1).tolist() == [0, 1, 2, 3]


ADULTS = [
    [40, 50, 60],  # a class of adults
    [40, 50, 17],  # too few images of 18 and more
    [40, 50, 60, 5],  # a child among them
    [40, 50, UNKNOWN],  # too few that are known
    [18, 18, 18, UNKNOWN],  # a class of adults
]


def test_adult_classes_have_no_child_image_and_enough_adult_ones():
    faces = labelled(ADULTS, child_ids=[1, 2, 3], child_at_least=3)
    assert AdultClasses().select(faces, seed=1).tolist() == [0, 4]


def test_the_studys_threshold_says_who_is_no_adult_class():
    faces = labelled(ADULTS, child_ids=[1, 2, 3], child_below=5.0, child_at_least=3)
    assert AdultClasses().select(faces, seed=1).tolist() == [0, 2, 4]


def test_adult_classes_are_no_more_than_children():
    chosen = [AdultClasses().select(many(50, 3), seed=seed) for seed in (1, 1, 2)]
    assert [len(ids) for ids in chosen] == [3, 3, 3]
    assert chosen[0].tolist() == chosen[1].tolist() != chosen[2].tolist()


def test_a_predicate_on_ages_chooses_classes():
    faces = labelled([[66, 70], [65.9, 70], [80, 90, 3]])
    assert ImagesWhere(elderly, at_least=2).select(faces, seed=1).tolist() == [0, 2]


def test_an_image_without_an_age_never_answers_to_a_predicate():
    # young() says yes to NaN
    faces = labelled([[5, UNKNOWN], [UNKNOWN, UNKNOWN]])
    assert ImagesWhere(young, at_least=1).select(faces, seed=1).tolist() == [0]


@pytest.mark.parametrize("predicate", [as_numbers, one_answer])
def test_a_predicate_that_does_not_answer_for_each_age_is_refused(predicate):
    faces = labelled([[66, 70], [30, UNKNOWN]])
    with pytest.raises(ValueError, match=rf"predicate {predicate.__name__}: expected \(3,\) bool"):
        ImagesWhere(predicate).select(faces, seed=1)


def test_a_predicate_without_a_name_of_its_own_is_refused():
    with pytest.raises(ValueError, match=r"predicate: expected a function .*, got .*<lambda>"):
        ImagesWhere(lambda ages: ages > 5)


def test_the_settings_of_a_predicate_are_its_name_and_filter():
    settings = ImagesWhere(elderly, at_least=3).settings
    assert settings == {"predicate": f"{__name__}.elderly", "at_least": 3}


def test_the_sources_of_a_predicate_hold_its_code():
    assert ImagesWhere(elderly).sources == ("irlib.class_groups", __name__)


@pytest.mark.parametrize(
    "group", [Children(), ChildrenBy(), RandomClasses(), AllClasses(), AdultClasses()]
)
def test_the_settings_of_a_group_are_its_fields_as_json(group):
    assert json.loads(json.dumps(group.settings)) == dataclasses.asdict(group)


@pytest.mark.parametrize("group", [Children(), RandomClasses(), AdultClasses(), ImagesWhere(young)])
def test_a_group_that_finds_nothing_selects_no_class(group):
    faces = labelled([[UNKNOWN, UNKNOWN], [UNKNOWN]], child_ids=[])
    assert group.select(faces, seed=1).tolist() == []
