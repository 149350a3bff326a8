import numpy as np
import pytest

from irlib.evaluation.open_set import open_set, open_set_curve, open_set_replicates
from irlib.evaluation.searching import Ranked


def ranked(mates, strangers, rank=None):
    """Mated probes a0, a1, ... with these cosines, and strangers b0, b1, ..."""
    mates, strangers = np.array(mates, np.float32), np.array(strangers, np.float32)
    names = [f"a{k}" for k in range(len(mates))] + [f"b{k}" for k in range(len(strangers))]
    rank = np.ones(len(mates)) if rank is None else np.array(rank)
    return Ranked(
        identity=np.array(names),
        rank=np.append(rank, np.zeros(len(strangers))).astype(np.int64),
        mate=np.append(mates, np.full(len(strangers), -np.inf, np.float32)),
        other=np.append(np.full(len(mates), -1, np.float32), strangers),
    )


def drawn(seed, mated=300, strangers=200):
    # two decimals, so that many cosines are equal
    rng = np.random.default_rng(seed)
    return ranked(
        rng.normal(0.5, 0.2, mated).round(2),
        rng.normal(0.3, 0.1, strangers).round(2),
        rng.choice([1, 1, 1, 2], mated),
    )


def literal(found, fpir):
    """TPIR and FPIR of the lowest threshold, among all cosines, that keeps to the bound."""
    mated = found.is_mated
    best = (0.0, 0.0)
    for threshold in sorted({*found.mate[mated].tolist(), *found.other[~mated].tolist()})[::-1]:
        alarms = np.mean([float(cosine) >= threshold for cosine in found.other[~mated]])
        if alarms > fpir:
            break
        hits = [
            r == 1 and float(m) >= threshold for r, m in zip(found.rank, found.mate, strict=True)
        ]
        best = (np.sum(hits) / mated.sum(), alarms)
    return best


@pytest.mark.parametrize("seed", range(5))
def test_tpir_is_that_of_a_literal_loop(seed):
    found = drawn(seed)
    at = open_set(found, (0.005, 0.01, 0.1, 0.37, 1.0))
    for place, fpir in enumerate(at.fpirs):
        assert (at.tpir[place], at.fpir[place]) == literal(found, fpir)
    assert at.resolved.all()


def test_every_mate_above_the_next_stranger_is_found():
    # at 1/4 one stranger may raise an alarm: what exceeds the second one's .6 is accepted
    found = ranked([0.9, 0.75, 0.65, 0.6], [0.7, 0.6, 0.5, 0.4])
    at = open_set(found, [0.25])
    assert at.tpir.tolist() == [0.75]
    assert at.threshold == pytest.approx([0.65])


def test_the_kth_highest_stranger_as_threshold_leaves_out_the_mates_below_it():
    # floor(4 / 4) = 1: the threshold is the first stranger's .7
    found = ranked([0.9, 0.75, 0.65, 0.6], [0.7, 0.6, 0.5, 0.4])
    at = open_set(found, [0.25], rule="kth_highest")
    assert at.tpir.tolist() == [0.5]
    assert at.threshold == pytest.approx([0.7])


def test_the_kth_highest_stranger_counts_ties():
    # floor(4 / 2) = 2: the second is .7, and so is the third: three alarms of four
    at = open_set(ranked([0.9], [0.8, 0.7, 0.7, 0.1]), [0.5], rule="kth_highest")
    assert at.fpir.tolist() == [0.75]


def test_who_does_not_come_first_is_not_found():
    assert open_set(ranked([0.9, 0.9], [0.1], rank=[1, 2]), [1.0]).tpir.tolist() == [0.5]


def test_a_rate_of_three_in_a_thousand_is_three():
    # in floating point 1000 * 0.003 and the like may fall short
    found = ranked([0.9975], 1 - np.arange(1000) / 1000)
    assert open_set(found, [0.003]).fpir.tolist() == [0.003]


def test_too_few_strangers_are_told():
    with pytest.warns(UserWarning, match=r"4 non-mated probes are too few to tell FPIR 0\.01"):
        at = open_set(ranked([0.9, 0.2], [0.7, 0.6, 0.5, 0.4]), [0.01, 0.25])
    assert at.resolved.tolist() == [False, True]
    assert at.fpir[0] == 0.0
    assert at.tpir[0] == 0.5  # by counting: above every stranger


def test_nothing_accepted_has_an_infinite_threshold():
    assert open_set(ranked([0.1, 0.2], [0.9, 0.9]), [0.5]).threshold.tolist() == [np.inf]


def test_the_curve_has_a_point_for_each_number_of_alarms():
    # strangers .7, .5, .5: none, one, three alarms; mates found above .7, above .5, all
    _, fpir, fnir = open_set_curve(ranked([0.9, 0.6, 0.3, 0.8], [0.5, 0.7, 0.5], [1, 1, 1, 2]))
    assert fpir.tolist() == [0, 1 / 3, 1]
    assert fnir.tolist() == [0.75, 0.5, 0.25]


@pytest.mark.parametrize("rule", ["at_most", "kth_highest"])
def test_replicates_are_those_of_probes_repeated(rule):
    # a probe whose person is drawn twice stands there twice
    found = drawn(7, mated=30, strangers=25)
    replicates = open_set_replicates(found, [0.1, 0.3], seed=3, repeats=80, rule=rule)
    people = np.unique(found.identity)
    counts = np.random.default_rng(3).multinomial(len(people), np.full(55, 1 / 55), 80)
    for row in (0, 41, 79):
        again = np.repeat(np.arange(55), counts[row][np.searchsorted(people, found.identity)])
        taken = Ranked(*(part[again] for part in (
            found.identity, found.rank, found.mate, found.other
        )))  # fmt: skip
        expected = open_set(taken, [0.1, 0.3], rule=rule).tpir
        assert replicates[row + 1] == pytest.approx(expected, abs=1e-12)


def test_the_first_replicate_is_of_the_probes_as_they_are():
    found = drawn(8)
    assert open_set_replicates(found, seed=0, repeats=1)[0].tolist() == pytest.approx(
        open_set(found).tpir.tolist()
    )


def test_one_kind_of_probe_is_refused():
    with pytest.raises(ValueError, match="2 of 2 probes are mated"):
        open_set(ranked([0.1, 0.2], []))


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match="expected at_most or kth_highest"):
        open_set(drawn(0), rule="nearest")
