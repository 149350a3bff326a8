import numpy as np
import pytest

from irlib.evaluation.corrections import holm


def test_each_p_is_multiplied_by_how_many_are_left():
    # sorted .005, .01, .03, .04 times 4, 3, 2, 1: .02, .03, .06, .04, which may not fall
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_none_is_above_one():
    assert holm([0.6, 0.9]).tolist() == [1.0, 1.0]


def test_nan_stays_and_does_not_count():
    assert holm([0.02, np.nan, 0.5]) == pytest.approx([0.04, np.nan, 0.5], nan_ok=True)


def test_a_family_counts_comparisons_that_are_not_shown():
    assert holm([0.01, 0.02], family=10) == pytest.approx([0.1, 0.18])


def test_no_comparison_has_no_p():
    assert holm([]).shape == (0,)


@pytest.mark.parametrize(("p", "family", "message"), [
    ([0.1, 1.2], None, r"expected numbers in \[0, 1\]"),
    ([0.1, 0.2], 1, "family 1: expected at least 2"),
])  # fmt: skip
def test_bad_arguments_are_refused(p, family, message):
    with pytest.raises(ValueError, match=message):
        holm(p, family=family)
