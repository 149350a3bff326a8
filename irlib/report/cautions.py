"""What a reader must be told beside a number: few people, few errors, few impostors, old runs."""

import numpy as np
import pandas as pd

from irlib.evaluation.reliability import reliable, reliable_percentiles
from irlib.report.collected import Found
from irlib.report.phrases import count, names
from irlib.tables import DOUBT

TOO_FEW = 10  # impostor pairs above a threshold, below which TAR comes out too high
RATES = (0.1, 0.01, 0.001)  # FAR of the tables
SHOWN = 6  # runs that are named


def with_doubt(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the column doubt: why an interval is not to be taken at its word, or nothing.

    Args:
        table: people and errors behind each interval; NaN where they are not told.
    """
    told = zip(table["people"], table["errors"], strict=True)
    doubt = ["" if np.isnan(people) else reliable(int(people), errors) for people, errors in told]
    return table.assign(doubt=np.array(doubt, dtype=object))


def doubts(table: pd.DataFrame) -> str:
    """A sentence on the intervals to be doubted, with the weakest of them; empty without any.

    Args:
        table: set, people, errors and doubt, as `with_doubt` makes it.
    """
    weak = table[table["doubt"] != ""]
    if not len(weak):
        return ""
    weakest = weak.sort_values(["people", "errors"], kind="stable").iloc[0]
    return (
        f"Of {count(len(table), 'interval')} {len(weak)} (in tables with {DOUBT}) must be read "
        f"with care; the weakest, on {weakest['set']}: {weakest['doubt']}."
    )


def means_doubted(accuracies: pd.DataFrame) -> str:
    """A sentence on the percentiles that stand for means over sets; empty without any.

    Args:
        accuracies: as `Replicates.accuracies` gives them.
    """
    people = accuracies["people"].dropna()
    if not len(people) or len(people) == len(accuracies):
        return ""
    return f"Of means over sets {reliable_percentiles(int(people.min()))}."


def few_impostors(scores: pd.DataFrame) -> str:
    """A sentence on true accept rates that rest on too few false accepts; empty without any.

    Args:
        scores: `Found.scores`.
    """
    if not {"pairs", "positives"} <= set(scores):
        return ""
    impostors = (scores["pairs"] - scores["positives"]).groupby(scores["set"], sort=False).min()
    told = []
    for rate in RATES:
        few = [title for title, number in impostors.items() if 1 <= number * rate < TOO_FEW]
        told += [f"at FAR {100 * rate:g} % on {names(few)}"] if few else []
    if not told:
        return ""
    return (
        f"Fewer than {TOO_FEW} false accepts decide the rate {', '.join(told)}: there it comes out "
        "too high, by 2 to 7 points in simulations with 200 impostor pairs at FAR 1 %."
    )


def lacking(found: Found, name: str) -> str:
    """A sentence on complete evaluations that left no such figure; empty if all did.

    Args:
        found: the runs.
        name: of the figure, e.g. ``transfer``.
    """
    without = [
        run.title
        for run in found.complete("evaluate")
        if not (run.folder / "figures" / f"{name}.csv").exists()
    ]
    if not without:
        return ""
    rest = f" and {len(without) - SHOWN} more" if len(without) > SHOWN else ""
    return (
        f"Left out, as their evaluations were made before this was kept: "
        f"{'; '.join(without[:SHOWN])}{rest}. Run notebook 03 of them again."
    )
