"""Facts about faces made in batches."""

import numpy as np
import pytest
import torch
from torch import nn

from irlib.evaluation.synthesized.faces import (
    blended,
    estimated_ages,
    in_all_groups,
    synthesized,
)

IMAGES = np.random.default_rng(0).integers(0, 200, (70, 112, 112, 3)).astype(np.uint8)


class Brighter(nn.Module):
    """Adds five levels of gray for each group."""

    num_groups = 7

    def forward(self, images, groups):
        step = 10 / 255 * groups @ torch.arange(7.0)
        return images + step[:, None, None, None]


class Gray:
    """Takes the mean level of gray for the age."""

    def years(self, images):
        return (images.mean(dim=(1, 2, 3)) + 1) * 127.5


def test_each_image_is_made_in_its_group_and_their_order_stays():
    groups = np.arange(70) % 7
    made = synthesized(Brighter(), IMAGES, groups, device="cpu")
    assert made.dtype == np.uint8
    assert np.array_equal(made, IMAGES + (5 * groups[:, None, None, None]).astype(np.uint8))


def test_a_place_between_two_groups():
    weights = np.zeros((2, 7))
    weights[:, [2, 4]] = 0.5  # as bright as group 3
    assert np.array_equal(blended(Brighter(), IMAGES[:2], weights, device="cpu"), IMAGES[:2] + 15)


def test_all_groups_come_youngest_first():
    made = in_all_groups(Brighter(), IMAGES[:2], device="cpu")
    assert made.shape == (7, 2, 112, 112, 3)
    assert np.array_equal(made[6], IMAGES[:2] + 30)


def test_ages_are_estimated_in_the_order_of_the_images():
    ages = estimated_ages(Gray(), IMAGES, device="cpu")
    assert ages == pytest.approx(IMAGES.mean(axis=(1, 2, 3)), abs=1e-3)


def test_an_unknown_group_is_refused():
    with pytest.raises(ValueError, match="group: expected 0 to 6, got 7"):
        synthesized(Brighter(), IMAGES[:2], [0, 7], device="cpu")


def test_images_of_another_form_are_refused():
    with pytest.raises(ValueError, match=r"images: uint8 \(1, 96, 112, 3\); expected uint8"):
        estimated_ages(Gray(), np.zeros((1, 96, 112, 3), dtype=np.uint8), device="cpu")
