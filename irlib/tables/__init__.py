"""Tables as a reader wants them: percent, mean and deviation over seeds, who says so.

Units: fractions come in; percent (accuracies, rates) and points (gains) come out, as text.
"""

from irlib.tables.accuracy import as_printed, best_cells, by_method, stacked, with_published
from irlib.tables.gains import HELD, ablation, comparisons, gains, p_value
from irlib.tables.numbers import ARROW, NONE, interval, points, signed, spread
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
    "HELD",
    "IMPOSTORS",
    "NEIGHBOURS",
    "NONE",
    "ablation",
    "as_printed",
    "best_cells",
    "by_method",
    "by_quantity",
    "changes",
    "comparisons",
    "gains",
    "interval",
    "p_value",
    "pair_cards",
    "points",
    "signed",
    "spread",
    "stacked",
    "with_published",
]
