from dataclasses import replace

import numpy as np
import pytest
import torch

from irlib.data import sampling
from irlib.data.faces import open_faces
from irlib.data.loading import TrainLoader
from irlib.data.sampling import ChildAware, ClassBalanced, GroupBalanced, Uniform
from irlib.training.config import SAMPLERS

LABELS = np.array([3] * 700 + [5] * 200 + [8] * 100)  # three classes, far apart in size
IS_CHILD = np.arange(1000) % 20 == 7  # 50 of 1000


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture
def faces(crops):
    return replace(open_faces(crops.root), ages=crops.ages)


EACH = pytest.mark.parametrize(
    "sampler",
    [
        Uniform(1000),
        ClassBalanced(LABELS),
        ChildAware(IS_CHILD, 0.3),
        GroupBalanced(np.arange(1000) % 5 - 1, ("a", "b", "c", "d")),
    ],
)


@EACH
def test_an_epoch_has_as_many_images_as_the_set(sampler):
    order = sampler.order(rng())
    assert order.shape == (1000,)
    assert order.dtype == np.int64
    assert (order.min() >= 0) and (order.max() < 1000)


@EACH
def test_an_order_repeats_with_its_generator_and_changes_with_it(sampler):
    first, again, other = (sampler.order(rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_uniform_sampler_is_a_permutation_of_the_generator():
    assert np.array_equal(Uniform(1000).order(rng(3)), rng(3).permutation(1000))


def test_classes_come_equally_often():
    drawn = LABELS[ClassBalanced(LABELS).order(rng())]
    # 1000 over three classes: 333 each and one more
    assert sorted(np.bincount(drawn)[[3, 5, 8]].tolist()) == [333, 333, 334]


def test_images_of_a_class_come_equally_often_on_average():
    sampler, generator = ClassBalanced(LABELS), rng()
    counts = sum(np.bincount(sampler.order(generator), minlength=1000) for _ in range(300))
    # an image of the smallest class: 300 epochs * 333.3 / 100 = 1000 times, deviation 32
    assert abs(counts[900:] - 1000).max() < 5 * 32


def test_classes_do_not_come_in_blocks():
    drawn = LABELS[ClassBalanced(LABELS).order(rng())]
    # of two neighbors in a random order, about a third are of one class: 333, deviation 15
    assert abs((drawn[1:] == drawn[:-1]).sum() - 333) < 5 * 15


@pytest.mark.parametrize("share", [0.01, 0.05, 0.3, 0.9])
def test_images_of_children_have_their_share(share):
    order = ChildAware(IS_CHILD, share).order(rng())
    assert IS_CHILD[order].sum() == round(1000 * share)


def test_each_image_of_a_child_comes_as_often_as_any_other():
    counts = np.bincount(ChildAware(IS_CHILD, 0.32).order(rng()), minlength=1000)
    # 320 over 50 children: six times each, twenty of them once more; others at most once
    assert sorted(counts[IS_CHILD].tolist()) == [6] * 30 + [7] * 20
    assert counts[~IS_CHILD].max() == 1


def test_at_the_natural_share_the_child_aware_epoch_has_every_image_once():
    assert sorted(ChildAware(IS_CHILD, 0.05).order(rng())) == list(range(1000))


def test_children_do_not_come_in_one_block():
    order = ChildAware(IS_CHILD, 0.5).order(rng())
    # 250 of the first 500, deviation 11
    assert abs(IS_CHILD[order[:500]].sum() - 250) < 5 * 11


@pytest.mark.parametrize(("is_child", "count"), [(np.zeros(7, bool), "0"), (np.ones(7, bool), "7")])
def test_a_set_of_one_kind_is_refused(is_child, count):
    with pytest.raises(ValueError, match=f"sampler child_aware: {count} of 7 training images show"):
        ChildAware(is_child, 0.5)


def test_every_sampler_of_the_recipe_can_be_built(faces):
    for name in SAMPLERS:
        built = sampling.build(name, faces, child_below=13, child_share=0.5)
        assert built.order(rng()).shape == (19,)


def test_an_unknown_sampler_is_told_with_the_nearest(faces):
    with pytest.raises(ValueError, match="unknown sampler 'unifrom': did you mean 'uniform'"):
        sampling.build("unifrom", faces, child_below=13, child_share=0.5)


def test_children_are_those_below_the_threshold_with_a_known_age(faces):
    # the first ten images are of 8 years, the others of 40 but for one without an age
    built = sampling.build("child_aware", faces, child_below=13, child_share=0.5)
    assert built.is_child.tolist() == [True] * 10 + [False] * 9


def test_a_set_without_ages_is_refused_by_the_samplers_name(faces):
    ageless = replace(faces, ages=np.full(19, np.nan))
    with pytest.raises(ValueError, match="sampler child_aware: 0 of 19 training images show a"):
        sampling.build("child_aware", ageless, child_below=13, child_share=0.5)


def test_the_loader_gives_out_what_its_sampler_draws(faces):
    sampler = ClassBalanced(faces.labels)
    (batch,) = TrainLoader(faces, batch_size=19, seed=1, sampler=sampler)
    expected = sampler.order(np.random.default_rng([1, 0]))
    assert batch.labels.tolist() == faces.labels[expected].tolist()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_with_a_sampler_goes_on_where_another_stood(faces, workers):
    def loader():
        sampler = sampling.build("child_aware", faces, child_below=13, child_share=0.7)
        return TrainLoader(faces, batch_size=4, seed=1, sampler=sampler, workers=workers)

    whole = loader()
    expected = [batch.images for _ in range(2) for batch in whole]
    first, second = loader(), loader()
    stream = iter(first)
    got = [next(stream).images for _ in range(3)]
    second.load_state_dict(first.state_dict())
    while second.epoch < 2:
        got += [batch.images for batch in second]
    assert all(map(torch.equal, got, expected))
    assert len(got) == len(expected)


def test_groups_are_equally_likely_however_rare_they_are():
    groups = np.array([0] * 900 + [1] * 90 + [2] * 9 + [-1] * 1001)
    order = GroupBalanced(groups, ("a", "b", "c")).order(np.random.default_rng(0))
    counts = np.bincount(groups[order])
    # 2,000 draws of three: 667 each, with a standard deviation of sqrt(2000 / 3 * 2 / 3) = 21
    assert counts.sum() == 2000
    assert np.abs(counts - 2000 / 3).max() < 5 * 21
    assert len(np.unique(order[groups[order] == 2])) == 9  # and each image of it is drawn


def test_images_of_unknown_group_are_never_drawn():
    groups = np.arange(1000) % 5 - 1  # a fifth unknown
    sampler = GroupBalanced(groups, ("a", "b", "c", "d"))
    assert (groups[sampler.order(rng())] >= 0).all()


def test_a_group_without_images_is_refused_by_name():
    with pytest.raises(ValueError, match=r"age group 1 \(b years\) has none of the 2 training"):
        GroupBalanced(np.array([0, 2, -1]), ("a", "b", "c"))
