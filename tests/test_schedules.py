import math
from itertools import pairwise

import pytest
import torch

from irlib.training.config import TrainConfig
from irlib.training.schedules import learning_rate

STEPS = TrainConfig(epochs=6, milestones=(2, 4, 5), lr=0.3)


def rates(config, steps_per_epoch=10):
    steps = range(config.epochs * steps_per_epoch)
    return [learning_rate(config, step, steps_per_epoch) for step in steps]


def test_steps_are_those_of_torchs_schedule_bit_for_bit():
    parameter = torch.nn.Parameter(torch.zeros(()))
    optimizer = torch.optim.SGD([parameter], lr=0.3)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 4, 5], gamma=0.1)
    expected = []
    for _ in range(6):
        expected += schedule.get_last_lr() * 10
        optimizer.step()
        schedule.step()
    assert rates(STEPS) == expected


def test_a_polynomial_falls_with_the_power_of_what_is_left():
    config = TrainConfig(epochs=2, schedule="polynomial", power=3.0, lr=0.8)
    # half of the way: 0.8 * 0.5 ** 3
    assert learning_rate(config, 10, 10) == pytest.approx(0.1, rel=1e-12)


def test_a_cosine_is_at_a_half_in_the_middle_and_at_a_quarter_after_two_thirds():
    config = TrainConfig(epochs=3, schedule="cosine", lr=0.8)
    # (1 + cos(pi / 2)) / 2 and (1 + cos(2 pi / 3)) / 2
    assert learning_rate(config, 15, 10) == pytest.approx(0.4, rel=1e-12)
    assert learning_rate(config, 20, 10) == pytest.approx(0.2, rel=1e-12)


@pytest.mark.parametrize("schedule", ["polynomial", "cosine"])
def test_a_smooth_schedule_starts_at_lr_and_falls_in_every_step(schedule):
    found = rates(TrainConfig(epochs=2, schedule=schedule, lr=0.8))
    assert found[0] == 0.8
    assert all(later < earlier for earlier, later in pairwise(found))


def test_the_warm_up_rises_in_a_straight_line_to_the_full_rate():
    config = TrainConfig(epochs=6, milestones=(), lr=0.4, warmup_epochs=0.4)
    # four of ten steps an epoch
    assert rates(config)[:6] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.4], rel=1e-12)


def test_a_warm_up_may_last_no_whole_number_of_steps():
    config = TrainConfig(epochs=6, milestones=(), lr=0.5, warmup_epochs=0.25)
    # 2.5 steps
    assert rates(config)[:4] == pytest.approx([0.2, 0.4, 0.5, 0.5], rel=1e-12)


def test_a_smooth_schedule_falls_from_the_end_of_the_warm_up_on():
    config = TrainConfig(epochs=3, schedule="cosine", lr=0.8, warmup_epochs=1.0)
    # the middle of the twenty steps after the ten of the warm-up
    assert learning_rate(config, 10, 10) == 0.8
    assert learning_rate(config, 20, 10) == pytest.approx(0.4, rel=1e-12)


def test_falls_of_a_schedule_with_a_warm_up_stay_at_their_epochs():
    config = TrainConfig(epochs=6, milestones=(2,), lr=0.4, warmup_epochs=1.0)
    assert [rates(config)[step] for step in (19, 20)] == pytest.approx([0.4, 0.04], rel=1e-12)


def test_the_rate_does_not_fall_below_the_floor():
    config = TrainConfig(epochs=6, milestones=(1, 2, 3), lr=0.4, lr_floor=0.01)
    # 0.4, 0.04, and 0.004 and 0.0004 below the floor
    found = rates(config)[::10]
    assert found == pytest.approx([0.4, 0.04, 0.01, 0.01, 0.01, 0.01], rel=1e-12)


def test_the_floor_does_not_cut_the_warm_up():
    config = TrainConfig(epochs=6, milestones=(), lr=0.4, lr_floor=0.3, warmup_epochs=0.4)
    assert rates(config)[0] == pytest.approx(0.1, rel=1e-12)


@pytest.mark.parametrize("schedule", ["polynomial", "cosine"])
def test_a_warm_up_through_the_whole_training_is_finite(schedule):
    config = TrainConfig(epochs=2, schedule=schedule, lr=0.8, warmup_epochs=2.0)
    assert all(map(math.isfinite, rates(config)))
    assert max(rates(config)) == pytest.approx(0.8)
