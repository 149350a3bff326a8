import numpy as np
import pytest

from irlib.evaluation.sharing import clustered_mean
from irlib.evaluation.wilson import ends_of, error_rates, wilson_interval

PEOPLE, EACH = 20, 10
PERSON = np.repeat(np.arange(PEOPLE), EACH)
GENUINE = np.ones(len(PERSON), dtype=bool)


def impostor_pairs(rng, people=30, pairs=300):
    first = rng.integers(0, people, pairs)
    return first, (first + rng.integers(1, people, pairs)) % people


def by_matrices(values, is_same, first, second):
    """Variance of one kind's mean from (P, P) matrices, as the module's docstring has it."""
    pairs = len(values)
    sides = [np.stack([first, second]) if not is_same else first[None]]
    member = np.array([(sides[0] == k).any(axis=0) for k in range(int(second.max()) + 1)]) * 1.0
    shared = member.T @ member  # people that two pairs share
    couples, alike = (shared > 0) * 1.0, shared if is_same else shared / 2
    center = np.eye(pairs) - 1 / pairs
    residuals = values - values.mean()
    square, spread = residuals @ couples @ residuals, (residuals**2).mean()
    alone, together = np.trace(couples @ center), np.trace(couples @ center @ alike @ center)
    full = alike.sum()

    def excess(rho):  # of q over what rho lets expect, given the spread of the residuals
        factor = ((1 - rho) * pairs + rho * full) / pairs**2
        single = spread / (1 - factor)
        return square - single * ((1 - rho) * alone + rho * together), single * factor

    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle)[0] > 0 else (low, middle)
    return excess((low + high) / 2)[1]


@pytest.mark.parametrize("genuine", [True, False])
def test_the_variance_is_that_of_sums_over_all_couples(genuine):
    rng = np.random.default_rng(3)
    first, second = impostor_pairs(rng, people=12, pairs=60)
    second = first if genuine else second
    effect = rng.normal(size=12)
    values = (effect[first] + effect[second] + rng.normal(size=60) > 0.5) * 1.0
    found = clustered_mean(values[None], np.full(60, genuine), first, second, events=[1e9])
    assert found.variance[0] == pytest.approx(by_matrices(values, genuine, first, second))
    assert found.design_effect[0] > 1.2  # so that a correlation of 0 would not pass


def test_pairs_that_share_nobody_have_the_textbook_variance():
    values = np.array([1.0, 0.0, 0.0, 1.0, 0.0])
    found = clustered_mean(values[None], np.ones(5, bool), range(5), range(5), events=[1e9])
    assert found.variance[0] == pytest.approx(values.var(ddof=1) / 5)
    assert found.degrees[0] == pytest.approx(4)


def test_people_whose_pairs_all_go_together_count_one_each():
    # ten of twenty always wrong: p (1 - p) / (20 - 1) is the variance of 20 facts
    found = wilson_interval(PERSON % 2 == 0, GENUINE, PERSON, PERSON)
    assert found.effective_pairs == pytest.approx(PEOPLE - 1)
    assert found.degrees == pytest.approx(PEOPLE - 1)


def test_the_variance_is_right_on_average():
    # two effects of variance 1/4 and noise of 1/2; 4,000 lists of the same 300 impostor pairs
    rng = np.random.default_rng(0)
    first, second = impostor_pairs(rng)
    effects = 0.5 * rng.normal(size=(4_000, 30))
    values = effects[:, first] + effects[:, second] + np.sqrt(0.5) * rng.normal(size=(4_000, 300))
    other = np.zeros(300, dtype=bool)
    found = clustered_mean(values, other, first, second, events=np.full(4_000, 1e9))
    truth = values.mean(axis=1).var()  # known to 2 %
    assert found.variance.mean() == pytest.approx(truth, rel=0.06)


def test_two_kinds_share_people_too():
    # whoever is rejected in genuine pairs is also accepted for others: errors add up
    first = np.tile(np.arange(20), 2)
    second = np.concatenate([np.arange(20), (np.arange(20) + 1) % 20])
    is_same = first == second
    bad = np.arange(20) % 4 == 0
    together = np.concatenate([bad, bad])
    apart = np.concatenate([bad, np.roll(bad, 2)])
    values = np.stack([together, apart]) * 1.0
    found = clustered_mean(values, is_same, first, second, events=np.full(2, 1e9))
    assert found.variance[0] > 1.3 * found.variance[1]


def test_ends_are_wilsons():
    # 20 of 100 with z = 1.96: (.2 + .0192073 -+ 1.96 sqrt(.0016 + .00009604)) / 1.0384146
    low, high = ends_of(np.array([0.2]), np.array([100.0]), 1e9)
    assert (low[0], high[0]) == pytest.approx((0.13337, 0.28883), abs=1e-5)


def test_no_error_leaves_a_bound():
    # rho 1/2: (200 + 2,000) / 2 / 200^2 = .0275 of a pair's variance, n* = .9725 / .0275;
    # Student's t with 19 degrees 2.09302; bound t^2 / n* / (1 + t^2 / n*)
    found = wilson_interval(np.zeros(len(PERSON)), GENUINE, PERSON, PERSON)
    odds = 2.09302**2 / (0.9725 / 0.0275)
    assert found.low == 0
    assert found.high == pytest.approx(odds / (1 + odds), abs=1e-5)


def test_accuracy_is_one_less_the_error_rate():
    rng = np.random.default_rng(1)
    wrong = rng.random(len(PERSON)) < 0.2
    of_right = wilson_interval(~wrong, GENUINE, PERSON, PERSON)
    of_wrong = wilson_interval(wrong, GENUINE, PERSON, PERSON)
    assert (of_right.low, of_right.high) == pytest.approx((1 - of_wrong.high, 1 - of_wrong.low))


def test_two_people_tell_nothing_of_a_false_match_rate():
    wrong = np.array([True, False, False, False])
    found = wilson_interval(wrong, np.zeros(4, bool), [0, 0, 1, 1], [1, 1, 0, 0])
    assert (found.low, found.high) == pytest.approx((0, 1), abs=1e-4)


def test_rates_at_a_threshold():
    # genuine .9, .4; impostor .6, .1, .2: one rejected of two, one accepted of three
    found = error_rates(
        [0.9, 0.4, 0.6, 0.1, 0.2], np.array([True, True, False, False, False]),
        [0, 1, 0, 1, 2], [0, 1, 1, 2, 3], threshold=0.5,
    )  # fmt: skip
    assert {name: rate.value for name, rate in found.items()} == pytest.approx(
        {"fnmr": 1 / 2, "fmr": 1 / 3, "accuracy": 3 / 5}
    )


@pytest.mark.parametrize(("change", "message"), [
    ({"share": [0.0, 2.0]}, r"share \(2,\): expected one number in \[0, 1\] a pair"),
    ({"is_same": np.array([True])}, r"expected \(M, P\), then \(P,\) bools"),
    ({"second_identity": ["a", "c"]}, "pair 1: is_same is True of b and c"),
    ({"level": 95}, r"level 95: expected a share in \(0, 1\)"),
])  # fmt: skip
def test_bad_arguments_are_refused(change, message):
    given = {
        "share": [0.0, 1.0], "is_same": np.array([True, True]),
        "first_identity": ["a", "b"], "second_identity": ["a", "b"],
    } | change  # fmt: skip
    with pytest.raises(ValueError, match=message):
        wilson_interval(**given)
