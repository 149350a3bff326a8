"""How much of an accuracy is owed to the choice of the threshold and of the checkpoint."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from irlib import tables
from irlib.evaluation.paired import paired_difference
from irlib.report.cautions import with_doubt
from irlib.report.collected import Found
from irlib.report.gains import GROUPED, MEAN, ORACLE, PAIRS, Replicates
from irlib.report.readings import title_of

RULES = {"oracle_accuracy": ORACLE, "fold_accuracy": GROUPED}  # column of the scores to its rule


def flattery(draws: Replicates) -> pd.DataFrame:
    """Accuracy at the best threshold on the test pairs less that at thresholds from other people.

    Intervals are Student's over people, paired; the mean over the child-adult sets has none.

    Returns:
        method, set, value, low, high (fractions), people, errors (pairs that one of the rules
        alone judges rightly) and doubt.
    """
    rows = []
    for method in draws.found.methods:
        values = {}
        for key in draws.keys:
            best, other = (draws.shares(method, key, rule) for rule in (ORACLE, GROUPED))
            if best is None:
                continue
            pairs = [draws.pairs[key][name] for name in PAIRS]
            told = paired_difference(best, other, *pairs)
            people = len({*pairs[1], *pairs[2]})
            basis = {"people": people, "errors": told.first_only + told.second_only}
            ends = {"value": told.value, "low": told.low, "high": told.high}
            rows.append({"method": method, "set": title_of(key), **ends, **basis})
            values[key] = told.value
        child = [value for key, value in values.items() if not key.endswith("_adult")]
        if child:
            mean = {"value": float(np.mean(child)), "low": np.nan, "high": np.nan}
            rows.append({"method": method, "set": MEAN, **mean, "people": np.nan, "errors": np.nan})
    columns = ["method", "set", "value", "low", "high", "people", "errors"]
    return with_doubt(pd.DataFrame(rows, columns=columns))


def flattery_table(table: pd.DataFrame) -> pd.DataFrame:
    """The same as text, in points: a row a method, a column a set.

    Args:
        table: as `flattery` gives it.
    """
    cells = [
        tables.points(row.value, row.low, row.high) + (tables.DOUBT if row.doubt else "")
        for row in table.itertuples()
    ]
    order = [*(title for title in dict.fromkeys(table["set"]) if title != MEAN), MEAN]
    told = tables.crossed(table.assign(cell=cells), ["method"], "set", "cell")
    return told[["method", *(title for title in order if title in told)]]


def best_less_last(found: Found, sets: Sequence[str]) -> pd.DataFrame:
    """Accuracy of the best checkpoint less that of the last in points, by both rules, as text.

    Args:
        found: the runs; those that kept no best checkpoint add nothing.
        sets: titles in the order of the columns.
    """
    scores = found.scores
    gains = {f"more_{name}": scores[f"best_{name}"] - scores[name] for name in RULES}
    told = {f"more_{name}": rule for name, rule in RULES.items()}
    return tables.stacked(scores.assign(**gains), told, sets=sets, kind="threshold")


def tell_flattery(table: pd.DataFrame) -> str:
    """How much the best threshold adds, on average and at most.

    Args:
        table: as `flattery` gives it.
    """
    single = table[table["set"] != MEAN]
    if single.empty:
        return ""
    mean = table.loc[table["set"] == MEAN, "value"].mean()
    largest = single.loc[single["value"].idxmax()]
    text = (
        f"The paper's rule adds {100 * mean:.1f} points on average over the child\u2013adult sets "
        "and methods" if not np.isnan(mean) else "The paper's rule adds"
    )  # fmt: skip
    joined = "; most" if not np.isnan(mean) else " most"
    return (
        f"{text}{joined}, {100 * largest['value']:.1f} points, on {largest['set']} "
        f"({largest['method']})."
    )
