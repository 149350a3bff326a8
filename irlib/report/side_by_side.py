"""Models made elsewhere beside the methods of the study: what each is, and every two compared.

Shapes: P pairs.
"""

from itertools import combinations

import pandas as pd

from irlib import tables
from irlib.evaluation.corrections import holm
from irlib.evaluation.paired import paired_difference
from irlib.report import phrases, readings
from irlib.report.cautions import with_doubt
from irlib.report.collected import BROUGHT, TABLE, Found
from irlib.report.gains import GROUPED, MEAN, PAIRS, Replicates
from irlib.report.words import QUESTION

FEW = 4  # methods of the tables that all are compared with each model; of more, two
COLUMNS = (
    "set", "first", "second", "value", "low", "high", "p", "first_only", "second_only", "people",
    "errors",
)  # fmt: skip


def shown(found: Found) -> list[str]:
    """Titles that stand side by side: the rows of the tables, then the models made elsewhere."""
    return found.of_kind(TABLE, BROUGHT)


def network_table(found: Found) -> pd.DataFrame:
    """What each of them is: file, family, embedding size and color order, as text."""
    told = readings.networks(found.complete("evaluate"))
    rows = []
    for title in shown(found):
        own = told[told["method"] == title]
        if len(own):
            seeds = tables.count_of_seeds(set(own["seed"]))
            known = _agreed(own)
            about = {name.replace("_", " "): known[name] for name in readings.NETWORK}
            rows.append({"model": title, "seeds": seeds, **about})
    return pd.DataFrame(rows)


def accuracy_table(found: Found, accuracies: pd.DataFrame) -> pd.DataFrame:
    """Accuracy by both rules with intervals over people, a row a model and rule, as text.

    Args:
        found: the runs.
        accuracies: as `Replicates.accuracies` gives them.
    """
    table = with_doubt(accuracies[accuracies["method"].isin(shown(found))])
    order = {title: place for place, title in enumerate(shown(found))}
    table = table.sort_values("method", key=lambda names: names.map(order), kind="stable")
    table = table.sort_values("set", key=lambda titles: titles != MEAN, kind="stable")
    cells = [
        tables.rate(row.value, row.low, row.high) + (tables.DOUBT if row.doubt else "")
        for row in table.itertuples()
    ]
    seeds = [str(number) if number else tables.FILE for number in table["seeds"]]
    told = table.assign(cell=cells, seeds=seeds, threshold=table["rule"])
    return tables.crossed(told, ["method", "seeds", "threshold"], "set", "cell")


def compared(found: Found) -> list[str]:
    """Titles of the comparisons: the models, and the methods of the tables that stand for all."""
    methods = found.of_kind(TABLE)
    ours = found.title(QUESTION)
    if len(methods) > FEW:
        methods = [title for title in methods if title in (found.baselines.get(ours), ours)]
    return [*found.brought, *methods]


def comparisons(draws: Replicates) -> pd.DataFrame:
    """Every two of `compared` on each set, one of them at least made elsewhere.

    Thresholds are chosen on other people. Of a method with several trainings the share of them
    that judges a pair rightly is compared.

    Args:
        draws: the runs, and what they judge rightly.

    Returns:
        `COLUMNS`, p_holm, which is adjusted for all rows, and doubt; first less second, fractions.
    """
    titles, brought = compared(draws.found), set(draws.found.brought)
    rows = []
    for key in draws.keys:
        pairs = [draws.pairs[key][name] for name in PAIRS]
        shares = {title: draws.shares(title, key, GROUPED) for title in titles}
        judged = [title for title, share in shares.items() if share is not None]
        people = len({*pairs[1], *pairs[2]})
        for first, second in combinations(judged, 2):
            if not brought & {first, second}:
                continue
            told = paired_difference(shares[first], shares[second], *pairs)
            names = {"set": readings.title_of(key), "first": first, "second": second}
            errors = told.first_only + told.second_only
            rows.append({**names, **vars(told), "people": people, "errors": errors})
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return with_doubt(table.assign(p_holm=holm(table["p"].astype(float))))


def rule_of_comparison(found: Found) -> str:
    """Who is compared with whom, and how, in words."""
    methods = [title for title in compared(found) if title not in found.brought]
    others = f", and each of them with {phrases.names(methods)}" if methods else ""
    several = "; of a method with several trainings, the share of them that does" * bool(methods)
    return (
        f"Every two models made elsewhere are compared{others}. What is compared is whether each "
        f"pair is judged rightly, with thresholds chosen on other people{several}. Differences are "
        "the first less the second, in points, with Student's 95 % intervals over people; p is "
        "adjusted by Holm's rule for all comparisons of the table, and * stands where it stays "
        "below 0.05. Errors behind an interval are the pairs that both judge differently."
    )


def _agreed(own: pd.DataFrame) -> pd.Series:
    # of several trainings, what those that tell have in common
    told = own.replace(tables.NONE, None)
    return told.bfill().iloc[0].where(told.nunique() == 1, tables.NONE)
