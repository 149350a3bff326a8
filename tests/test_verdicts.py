"""When a difference counts as told apart from zero."""

import pytest

from irlib.report.verdicts import DISAGREE, INCLUDES_ZERO, ONE_SEED, verdict_of


@pytest.mark.parametrize(("low", "high", "sign"), [(0.1, 0.3, 1), (-0.3, -0.1, -1)])
def test_an_interval_off_zero_with_seeds_of_one_mind_is_told(low, high, sign):
    assert verdict_of(low, high, seeds=2, least=low, most=high) == (sign, "")


def test_one_seed_tells_nothing():
    assert verdict_of(0.1, 0.3, seeds=1, least=0.2, most=0.2) == (0, ONE_SEED)


@pytest.mark.parametrize(("low", "high"), [(-0.1, 0.3), (0.0, 0.3), (float("nan"), float("nan"))])
def test_an_interval_with_zero_tells_nothing(low, high):
    assert verdict_of(low, high, seeds=3, least=0.1, most=0.3) == (0, INCLUDES_ZERO)


@pytest.mark.parametrize(("low", "high"), [(0.1, 0.3), (-0.3, -0.1)])
def test_seeds_that_disagree_tell_nothing(low, high):
    assert verdict_of(low, high, seeds=3, least=-0.4, most=0.4) == (0, DISAGREE)


def test_the_text_follows_the_sign():
    told = verdict_of(-0.3, -0.1, seeds=2, least=-0.3, most=-0.1)
    assert told.text("more", "less") == "less"
    open_ = verdict_of(-0.3, -0.1, seeds=1, least=-0.2, most=-0.2)
    assert open_.text("more", "less") == "cannot be told here (one training a method)"
