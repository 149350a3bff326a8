"""Every figure of the suite, in one style: tables in, matplotlib figures out.

A table is what is saved as CSV beside its figure, one row a mark. Nothing is registered with
pyplot, so a figure shows once in a notebook and leaves nothing behind.
"""

from irlib.plots.curves import roc, similarity_histogram, training_curves
from irlib.plots.faces import age_histogram, contact_sheet, impostors
from irlib.plots.prototypes import cosine_histogram, projection
from irlib.plots.results import accuracy_intervals, gains
from irlib.plots.style import Picture

__all__ = [
    "Picture",
    "accuracy_intervals",
    "age_histogram",
    "contact_sheet",
    "cosine_histogram",
    "gains",
    "impostors",
    "projection",
    "roc",
    "similarity_histogram",
    "training_curves",
]
