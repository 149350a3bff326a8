"""Couples of batches: every image as a source, and a real face of the age that is asked of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from synthesis_runs import AGES, GROUPS, RECIPE

from irlib.data.faces import open_faces
from irlib.images import Batch
from irlib.training.synthesis.batches import _of_one_size, couples


@pytest.fixture
def faces(crops):
    return replace(open_faces(crops.root), ages=AGES)


def made(faces, **changes):
    return couples(faces, replace(RECIPE, **changes), num_groups=GROUPS, seed=1)


def taken(batches, count):
    couples = iter(batches)
    return [next(couples) for _ in range(count)]


def test_a_couple_has_as_many_targets_as_sources(faces):
    sizes = [(len(c.sources.labels), len(c.targets.labels)) for c in taken(made(faces), 6)]
    assert sizes == [(4, 4)] * 4 + [(3, 3), (4, 4)]  # 19 images an epoch of either


def test_every_image_is_a_source_once_an_epoch_with_or_without_age(faces):
    seen = torch.cat([c.sources.images for c in taken(made(faces), 5)])
    assert len(torch.unique(seen, dim=0)) == 19
    ages = torch.cat([c.sources.ages for c in taken(made(faces), 5)])
    assert int(ages.isnan().sum()) == 1


def test_targets_have_ages(faces):
    assert not any(c.targets.ages.isnan().any() for c in taken(made(faces), 20))


def test_a_group_without_images_is_refused_by_its_ages(faces):
    young = replace(faces, ages=np.where(faces.ages == 45, 35, faces.ages))
    with pytest.raises(
        ValueError, match=r"age group 2 \(41-50 years\) has none of the 18 .*groups"
    ):
        made(young)


def test_targets_are_not_drawn_in_the_order_of_the_sources(faces):
    first = taken(made(faces), 1)[0]
    assert not torch.equal(first.sources.images, first.targets.images)


def test_couples_go_on_from_where_others_stood(faces):
    batches = made(faces)
    taken(batches, 7)
    state, expected = batches.state_dict(), taken(batches, 3)
    other = made(faces)
    other.load_state_dict(state)
    for ours, theirs in zip(taken(other, 3), expected, strict=True):
        assert torch.equal(ours.sources.images, theirs.sources.images)
        assert torch.equal(ours.targets.images, theirs.targets.images)


def test_sources_are_counted(faces):
    batches = made(faces)
    taken(batches, 6)
    assert batches.images_seen == 19 + 4


def batch(count):
    return Batch(torch.zeros(count, 112, 112, 3), torch.arange(count), torch.zeros(count))


def test_a_couple_is_cut_to_the_smaller_batch():
    couple = _of_one_size(batch(4), batch(3))  # a damaged target was left out
    assert couple.sources.labels.tolist() == couple.targets.labels.tolist() == [0, 1, 2]


def test_an_unknown_number_of_groups_is_refused(faces):
    with pytest.raises(ValueError, match="num_groups: expected one of 4, 5, 6, 7, 8, got 3"):
        couples(faces, RECIPE, num_groups=3, seed=1)
