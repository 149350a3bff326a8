"""Analyses A6, A8, A9 and A12: searches, general sets, age gaps, errors."""

from functools import partial

import pandas as pd

from irlib import plots
from irlib.report.about_gaps import NARROW, TREND, WIDE, read_bands, read_errors
from irlib.report.about_searches import read_benchmarks, read_searches
from irlib.report.analyses import Analysis
from irlib.report.paired import OVER_SETS
from irlib.report.tabled import table_bands, table_benchmarks, table_searches
from irlib.report.told_evaluation import tell_bands, tell_benchmarks, tell_errors, tell_searches

ABSENT = "Notebook 03 of a trained method makes it: ./run_all.sh with the study's name."
ABSENT_BINS = (
    "No general set was judged: put lfw.bin, cfp_fp.bin, agedb_30.bin, calfw.bin or cplfw.bin into "
    "test/bin of the data folder, then run notebook 01 and 03 again."
)


def draw_bands(table: pd.DataFrame) -> plots.Picture:
    """Accuracies and gains by age gap, four panels a set."""
    own = table[~table["band"].isin([TREND]) & (table["set"] != OVER_SETS)]
    own = own.assign(x=own["band"], joined=own["band"].isin([NARROW, "20-30", WIDE]))
    parts = []
    for title, part in own.groupby("set", sort=False):
        for signed, names in (
            (False, ("value", "low", "high")),
            (True, ("gain", "gain_low", "gain_high")),
        ):
            for kind, rows in part.groupby("kind", sort=False):
                what = f"{title}, {kind}" + (": gain over its baseline" if signed else "")
                renamed = rows.assign(
                    panel=what, signed=signed, value=rows[names[0]], low=rows[names[1]],
                    high=rows[names[2]],
                )  # fmt: skip
                parts.append(renamed.dropna(subset="value"))
    return plots.method_lines(pd.concat(parts), xlabel="age gap, years", ylabel="accuracy, %")


def draw_errors(table: pd.DataFrame) -> plots.Picture:
    """False rejects by age gap, a panel a set, then both kinds of error in all sets."""
    return plots.method_lines(
        table.assign(signed=False), xlabel="age gap, years", ylabel="share of the pairs, %"
    )


EVALUATION_ANALYSES: tuple[Analysis, ...] = (
    Analysis(
        id="A6",
        name="a6_identification",
        title="Searching a gallery of adults for a child",
        claim=(
            "With Inter-Prototype the adult whom a child became is found more often, among the "
            "first one, five or ten of a gallery, than without it."
        ),
        read=read_searches,
        draw=partial(plots.method_dots, xlabel="mate found, %"),
        finding=tell_searches,
        table=table_searches,
        absent=ABSENT,
    ),
    Analysis(
        id="A8",
        name="a8_benchmarks",
        title="General sets of adults",
        claim="Inter-Prototype costs nothing on adults: no loss on general verification sets.",
        read=read_benchmarks,
        draw=partial(plots.method_dots, xlabel="accuracy, %"),
        finding=tell_benchmarks,
        table=table_benchmarks,
        absent=ABSENT_BINS,
    ),
    Analysis(
        id="A9",
        name="a9_gap_bands",
        title="Accuracy over the age gap",
        claim=(
            "What Inter-Prototype gains on child-adult pairs grows with the age gap; pairs of "
            "adults with the same gap are the control."
        ),
        read=read_bands,
        draw=draw_bands,
        finding=tell_bands,
        table=table_bands,
        absent=ABSENT,
    ),
    Analysis(
        id="A12",
        name="a12_errors",
        title="What is still judged wrongly",
        claim=(
            "An analysis of errors, without a claim of its own: which of both errors is made, at "
            "which gaps, and where the network looks."
        ),
        read=read_errors,
        draw=draw_errors,
        finding=tell_errors,
        absent=ABSENT,
    ),
)
