import numpy as np
import pytest

from irlib.evaluation.transfer import transfer

TRUTH = np.array([True, True, False, False])
SIMILARITY = {
    "low": np.array([0.4, 0.3, 0.2, 0.1]),  # best at 0.3
    "high": np.array([0.8, 0.7, 0.6, 0.5]),  # best at 0.7
}


@pytest.fixture
def table():
    return transfer(SIMILARITY, dict.fromkeys(SIMILARITY, TRUTH)).set_index(["fitted_on", "set"])


def test_a_threshold_is_carried_from_row_to_column(table):
    # at 0.3 the high set accepts all of its pairs, at 0.7 the low set none: half are right
    assert table.loc[("low", "high")].tolist() == [0.3, 0.5, 0.5]
    assert table.loc[("high", "low")].tolist() == [0.7, 0.5, 0.5]


def test_at_its_own_threshold_a_set_loses_nothing(table):
    assert table.loc[("low", "low")].tolist() == [0.3, 1.0, 0.0]


def test_sets_have_to_be_the_same():
    with pytest.raises(ValueError, match="high in one only"):
        transfer(SIMILARITY, {"low": TRUTH})
