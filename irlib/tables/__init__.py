"""Tables as a reader wants them: percent, mean and deviation over seeds, who says so.

Units: fractions come in; percent (accuracies, rates) and points (gains) come out, as text.
"""

from irlib.tables.accuracy import (
    FILE,
    NO_SEED,
    as_printed,
    best_cells,
    by_method,
    count_of_seeds,
    stacked,
    with_published,
)
from irlib.tables.crossed import DOUBT, crossed, pairwise
from irlib.tables.gains import HELD, ablation, comparisons, gains, p_value
from irlib.tables.numbers import ARROW, NONE, interval, points, rate, signed, spread
from irlib.tables.quantities import (
    CHANGES,
    COSINES,
    IMPOSTORS,
    NEIGHBOURS,
    by_quantity,
    changes,
    pair_cards,
)

__all__ = [
    "ARROW",
    "CHANGES",
    "COSINES",
    "DOUBT",
    "FILE",
    "HELD",
    "IMPOSTORS",
    "NEIGHBOURS",
    "NONE",
    "NO_SEED",
    "ablation",
    "as_printed",
    "best_cells",
    "by_method",
    "by_quantity",
    "changes",
    "comparisons",
    "count_of_seeds",
    "crossed",
    "gains",
    "interval",
    "p_value",
    "pair_cards",
    "pairwise",
    "points",
    "rate",
    "signed",
    "spread",
    "stacked",
    "with_published",
]
