"""Every figure of the suite, in one style: tables in, matplotlib figures out.

A table is what is saved as CSV beside its figure, one row a mark. Nothing is registered with
pyplot, so a figure shows once in a notebook and leaves nothing behind.
"""

from irlib.plots.analyses_evaluation import (
    failures,
    fold_accuracy,
    gap_accuracy,
    gap_scatter,
    match_curve,
    pair_gallery,
)
from irlib.plots.analyses_methods import method_dots, method_lines
from irlib.plots.analyses_prototypes import (
    age_groups,
    analysis_means,
    costs,
    group_histogram,
    own_angles,
)
from irlib.plots.breakdowns import breakdown, threshold_transfer
from irlib.plots.comparison import comparison
from irlib.plots.curves import det, roc, similarity_histogram, training_curves
from irlib.plots.faces import age_histogram, contact_sheet, face_pairs, impostors
from irlib.plots.prototypes import cosine_histogram, cosine_ranges, projection
from irlib.plots.results import ablation, accuracy_intervals, gains
from irlib.plots.style import Picture
from irlib.plots.synthesis import aging_grid, interpolation, there_and_back, truth_grid
from irlib.plots.synthesis_curves import age_following, identity_kept, synthesis_curves

__all__ = [
    "Picture",
    "ablation",
    "accuracy_intervals",
    "age_following",
    "age_groups",
    "age_histogram",
    "aging_grid",
    "analysis_means",
    "breakdown",
    "comparison",
    "contact_sheet",
    "cosine_histogram",
    "cosine_ranges",
    "costs",
    "det",
    "face_pairs",
    "failures",
    "fold_accuracy",
    "gains",
    "gap_accuracy",
    "gap_scatter",
    "group_histogram",
    "identity_kept",
    "impostors",
    "interpolation",
    "match_curve",
    "method_dots",
    "method_lines",
    "own_angles",
    "pair_gallery",
    "projection",
    "roc",
    "similarity_histogram",
    "synthesis_curves",
    "there_and_back",
    "threshold_transfer",
    "training_curves",
    "truth_grid",
]
