import numpy as np
import pytest

from irlib.data.pairs.rules import PairList
from irlib.evaluation.metrics import set_metrics
from irlib.evaluation.protocols import accuracy


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    first = rng.integers(0, 30, 400)
    is_same = np.arange(400) < 200
    second = np.where(is_same, first, (first + rng.integers(1, 30, 400)) % 30)
    names, ages = np.array([f"{i}.png" for i in range(400)]), np.full(400, np.nan)
    return PairList(names, names, is_same, first.astype(str), second.astype(str), ages, ages)


@pytest.fixture
def similarity(pairs):
    return np.random.default_rng(1).normal(0.3 * pairs.is_same, 0.25)


def test_flattery_is_what_the_oracle_adds(pairs, similarity):
    found = set_metrics(similarity, pairs)
    people = np.stack([pairs.first_identity, pairs.second_identity], axis=1)
    oracle = accuracy(similarity, pairs.is_same, "oracle").mean
    folds = accuracy(similarity, pairs.is_same, "identity_folds", people).mean
    assert found["flattery"] == oracle - folds > 0


def test_at_the_equal_error_threshold_both_errors_are_about_that_rate(pairs, similarity):
    found = set_metrics(similarity, pairs)
    is_accepted = similarity >= found["eer_threshold"]
    assert (~is_accepted[pairs.is_same]).mean() == pytest.approx(found["eer"], abs=1 / 200)
    assert is_accepted[~pairs.is_same].mean() == pytest.approx(found["eer"], abs=1 / 200)


@pytest.mark.filterwarnings("error")
def test_rates_that_too_few_impostors_show_are_no_number(pairs, similarity):
    found = set_metrics(similarity, pairs)["tar"]
    assert np.isfinite(found["0.01"])  # 200 impostor pairs
    assert np.isnan(found["0.001"])
