"""The accuracy after an epoch, in one process and in two."""

import numpy as np
import pytest
import ranks
import torch
from torch import nn

from irlib.data.pairs.rules import PairList
from irlib.evaluation.validation import PairAccuracy

CPU = torch.device("cpu")


def pairs_of(crops):
    """Nine images of two people: each with the next one, and with the one after four more."""
    names = np.array([path.relative_to(crops.root).as_posix() for path in crops.paths[1:10]])
    people = crops.labels[1:10]  # 0000 11111
    first = np.concatenate([np.arange(8), np.arange(4)])
    second = np.concatenate([np.arange(1, 9), np.arange(5, 9)])
    unknown = np.full(len(first), np.nan)
    is_same = people[first] == people[second]
    told = people.astype(str)
    return PairList(
        names[first], names[second], is_same, told[first], told[second], unknown, unknown
    )


def measured(root, pairs):
    """Accuracies by the mean color and by all but that, and the images decoded here."""
    validate = PairAccuracy(root, pairs, CPU)
    color = nn.Sequential(nn.AvgPool2d(112), nn.Flatten())
    noise = nn.Sequential(nn.AvgPool2d(28), nn.InstanceNorm2d(3), nn.Flatten())
    return validate(color), validate(noise), sum(map(len, validate.images))


@pytest.fixture(scope="module")
def two(crops):
    return ranks.run(measured, 2, crops.root, pairs_of(crops))


def test_colors_tell_people_of_one_color_each_apart(crops):
    assert measured(crops.root, pairs_of(crops))[0] == {"val_accuracy": 1.0}


def test_two_processes_find_the_accuracies_of_one(crops, two):
    expected = measured(crops.root, pairs_of(crops))[:2]
    assert [found[:2] for found in two] == [expected] * 2


def test_each_of_two_processes_decodes_half_of_the_images(two):
    assert [found[2] for found in two] == [5, 5]  # nine, and the first once more
