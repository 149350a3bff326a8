"""Accuracies and gains with intervals over people, paired between methods and across sets.

Each replicate of the vertex bootstrap draws the people of a test collection once; all methods,
seeds and sets of that collection are judged on this draw, so that a gain, and the mean over sets
that share people, have intervals of their own. `irlib.report.resampling` makes them. The accuracy
on a single set has a better interval than the percentiles of its draws (docs/statistics.md).

Shapes: P pairs, R replicates. Every statistic is (1 + R,): the pairs as they are, then the
    replicates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from irlib.data.pairs.sets import PAIR_SETS
from irlib.evaluation.bootstrap import Interval, percentile_interval
from irlib.evaluation.clustered import share_intervals
from irlib.evaluation.student import student_interval
from irlib.report.collected import Found
from irlib.report.readings import title_of
from irlib.report.together import together
from irlib.tables import NO_SEED

RULES = {"best_threshold_accuracy": "on the test pairs", "fold_accuracy": "on other people"}
ORACLE, GROUPED = RULES.values()
MEAN, CONTROL = "mean of child\u2013adult sets", "mean of adult controls"

PAIRS = ("is_same", "first_identity", "second_identity")  # of a set, (P,) each
Pairs = Sequence[tuple[str, str]]  # titles: a method, and what it is compared with

_ENDS = ("low", "high")
GAINS = ("rule", "method", "baseline", "set", "gain", *_ENDS)
_SEEDS = ("least", "most", "train_low", "train_high", "seeds")


@dataclass(frozen=True)
class Replicates:
    """What every evaluation judges rightly, and its accuracies under the bootstrap.

    Args:
        found: the runs.
        values: (method, seed, key, rule) to (1 + R,) fractions.
        right: (method, seed, key) to (2, P), whether each pair is judged rightly by each rule.
        pairs: key to is_same, first_identity and second_identity, (P,) each.
    """

    found: Found
    values: Mapping[tuple[str, int, str, str], NDArray[np.float64]]
    right: Mapping[tuple[str, int, str], NDArray[np.bool_]]
    pairs: Mapping[str, Mapping[str, NDArray]]

    def accuracies(self) -> pd.DataFrame:
        """Mean over seeds: rule, set, method, value, low, high (fractions), seeds, people, errors.

        people are those of the set and errors the pairs judged wrongly (rightly, if they are
        fewer), a mean over seeds; neither is told of a mean over sets.
        """
        rows = []
        for rule, key, method in product(RULES.values(), self._told(), self.found.methods):
            seeds = self._seeds(method, key)
            if seeds:
                told = _named("value", self._interval(method, seeds, key, rule))
                rest = {"seeds": self._number(seeds), **self._basis(method, key, rule)}
                rows.append({"rule": rule, "set": title_of(key), "method": method} | told | rest)
        columns = ["rule", "set", "method", *_ENDS, "value", "seeds", "people", "errors"]
        return pd.DataFrame(rows, columns=columns)

    def shares(self, method: str, key: str, rule: str) -> NDArray[np.float64] | None:
        """(P,) in how many of its trainings a method judges each pair rightly; None without any.

        Args:
            method: title.
            key: of a set.
            rule: of `RULES`.
        """
        seeds = self._seeds(method, key)
        place = list(RULES.values()).index(rule)
        each = [self.right[method, seed, key][place] for seed in seeds]
        return np.mean(each, axis=0) if each else None

    @property
    def keys(self) -> list[str]:
        """The sets that any run has, in the order of the tables."""
        present = {key for _, _, key, _ in self.values}
        return [key for key in PAIR_SETS if key in present] + sorted(present - set(PAIR_SETS))

    def gains(self, pairs: Pairs | None = None) -> pd.DataFrame:
        """A method less another over the seeds of both.

        Args:
            pairs: titles of a method and of what it is compared with; without them each method
                and its baseline.

        Returns:
            rule, method, baseline, set, gain, low, high (fractions), before and after (the two
            accuracies), least and most (the gain of single seeds), train_low and train_high
            (Student's interval over trainings), seeds; and wide_low, wide_high and p, which hold
            for a family of rows together (see `irlib.report.together`): by one rule, all means
            over child-adult sets, which the page is about, or all other rows. The means over
            child-adult sets and over controls come last.
        """
        rows, samples = [], []
        compared = list(self.found.baselines.items()) if pairs is None else pairs
        for (method, baseline), rule, key in product(compared, RULES.values(), self._told()):
            seeds = [
                seed for seed in self._seeds(method, key) if seed in self._seeds(baseline, key)
            ]
            if seeds:
                names = {"rule": rule, "method": method, "baseline": baseline}
                row, sample = self._gain(method, baseline, seeds, key, rule)
                rows.append(names | row)
                samples.append(sample)
        table = pd.DataFrame(rows, columns=[*GAINS, "before", "after", *_SEEDS])
        table[["wide_low", "wide_high", "p"]] = np.nan
        for _, family in table.groupby(["rule", table["set"] == MEAN]):
            held = together(np.array([samples[at] for at in family.index]))
            table.loc[family.index, ["wide_low", "wide_high", "p"]] = np.stack(
                [held.low, held.high, held.p], axis=1
            )
        return table

    def _gain(
        self, method: str, baseline: str, seeds: list[int], key: str, rule: str
    ) -> tuple[dict[str, str | float | int], NDArray[np.float64]]:
        after, before = (self._mean(name, seeds, key, rule) for name in (method, baseline))
        alone = [
            float(self._mean(method, [seed], key, rule)[0])
            - float(self._mean(baseline, [seed], key, rule)[0])
            for seed in seeds
        ]
        levels = {"before": float(before[0]), "after": float(after[0]), "seeds": len(seeds)}
        low, high = student_interval(alone)
        spread = {"least": min(alone), "most": max(alone), "train_low": low, "train_high": high}
        gain = after - before
        told = _named("gain", percentile_interval(float(gain[0]), gain[1:]))
        return {"set": title_of(key), **levels, **spread, **told}, gain

    def _interval(self, method: str, seeds: list[int], key: str, rule: str) -> Interval:
        values = self._mean(method, seeds, key, rule)
        if key in (MEAN, CONTROL):
            return percentile_interval(float(values[0]), values[1:])
        shares, pairs = self.shares(method, key, rule), self.pairs[key]
        return share_intervals(shares[:, None], *(pairs[name] for name in PAIRS))[0]

    def _basis(self, method: str, key: str, rule: str) -> dict[str, float]:
        if key in (MEAN, CONTROL):
            return {"people": np.nan, "errors": np.nan}
        shares, pairs = self.shares(method, key, rule), self.pairs[key]
        people = np.unique(np.concatenate([pairs[side] for side in PAIRS[1:]]))
        return {"people": len(people), "errors": float(min(shares.sum(), (1 - shares).sum()))}

    @staticmethod
    def _number(seeds: list[int]) -> int:
        return 0 if NO_SEED in seeds else len(seeds)

    def _told(self) -> list[str]:
        # every set, then the mean of each kind that there is
        return self.keys + [mean for mean in (MEAN, CONTROL) if self._members(mean)]

    def _members(self, key: str) -> list[str]:
        if key not in (MEAN, CONTROL):
            return [key]
        return [k for k in self.keys if k.endswith("_adult") == (key == CONTROL)]

    def _seeds(self, method: str, key: str) -> list[int]:
        # those with every set that the key stands for
        return [
            seed
            for seed in (*self.found.seeds, NO_SEED)
            if all((method, seed, member, ORACLE) in self.values for member in self._members(key))
        ]

    def _mean(self, method: str, seeds: list[int], key: str, rule: str) -> NDArray[np.float64]:
        members = self._members(key)
        each = [self.values[method, seed, member, rule] for seed in seeds for member in members]
        return np.mean(each, axis=0)


def _named(name: str, found: Interval) -> dict[str, float]:
    return {name: found.value, "low": found.low, "high": found.high}
