"""Which channels the age groups own and share, and what routers let through."""

import pytest
import torch

from irlib.age_invariant.synthesis.sharing import ConditionalBlock, Router, unit_mapping

STARTS = (0, 115, 230, 345, 460, 575, 690)  # of the released code, 7 groups of 128 units


def test_the_masks_at_full_size_are_the_authors():
    expected = torch.zeros(7, 819)
    for group, start in enumerate(STARTS):
        expected[group, start : start + 128] = 1
    assert torch.equal(unit_mapping(7, 128), expected)


def test_neighbors_share_thirteen_channels_and_others_none():
    mapping = unit_mapping(7, 128)
    shared = mapping @ mapping.T
    near = torch.diag(torch.full((6,), 13.0), 1)
    expected = 128 * torch.eye(7) + near + near.T
    assert torch.equal(shared, expected)


@pytest.mark.parametrize(("num_groups", "channels"), [
    (4, 59), (5, 73), (6, 88), (7, 102), (8, 116),
])  # fmt: skip
def test_every_group_has_its_units_whatever_the_number_of_groups(num_groups, channels):
    # 16 units: 16 G - 1.6 (G - 1), cut
    mapping = unit_mapping(num_groups, 16)
    assert mapping.shape == (num_groups, channels)
    assert mapping.sum(dim=1).tolist() == [16] * num_groups


def test_units_too_few_to_share_are_refused():
    with pytest.raises(ValueError, match="units: expected at least 10, so that groups share, got"):
        unit_mapping(7, 9)


def test_a_router_keeps_the_channels_of_each_images_group():
    maps = torch.randn(2, 102, 3, 3)
    routed = Router(7, 16)(maps, torch.eye(7)[[0, 2]])
    expected = torch.zeros_like(maps)
    expected[0, :16] = maps[0, :16]
    expected[1, 28:44] = maps[1, 28:44]  # starts 0, 14, 28
    assert torch.equal(routed, expected)


def test_halfway_between_two_groups_the_shared_channels_are_whole_and_the_others_half():
    maps = torch.ones(1, 102, 1, 1)
    routed = Router(7, 16)(maps, torch.tensor([[0.5, 0.5, 0, 0, 0, 0, 0]])).flatten()
    expected = [0.5] * 14 + [1.0] * 2 + [0.5] * 14 + [0.0] * 72
    assert routed.tolist() == expected


def test_a_block_gives_nothing_outside_the_group():
    torch.manual_seed(0)
    groups = torch.eye(7)[[3]]
    maps = Router(7, 16)(torch.randn(1, 102, 7, 7), groups)
    out = ConditionalBlock(7, 16)(maps, groups)
    used = out.abs().amax(dim=(0, 2, 3)) > 0
    assert used.nonzero().flatten().tolist() == list(range(42, 58))  # the fourth start is 42


def test_a_block_with_a_silent_residual_activates_what_it_was_given():
    block = ConditionalBlock(7, 16).eval()
    torch.nn.init.zeros_(block.conv2[1].weight)  # its bias is zero from the start
    groups = torch.eye(7)[[0]]
    maps = Router(7, 16)(torch.randn(1, 102, 7, 7), groups)
    # a PReLU starts with a slope of 1/4 below zero
    assert torch.equal(block(maps, groups), torch.where(maps < 0, maps / 4, maps))
