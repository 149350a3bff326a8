"""The report: what the runs of a study hold, what it means, and the page that tells it."""

from irlib.report.ablations import ablations
from irlib.report.analyses import Analysis, in_order
from irlib.report.analyses_evaluation import EVALUATION_ANALYSES
from irlib.report.analyses_prototypes import PROTOTYPE_ANALYSES
from irlib.report.collected import Found, collect
from irlib.report.findings import comparisons_made, mechanism, tiles
from irlib.report.gains import CONTROL, GROUPED, MEAN, ORACLE, Replicates, replicates
from irlib.report.notes import PAPER, PROTOCOL, SYNTHETIC, completeness, premise
from irlib.report.page import Page, render
from irlib.report.result import Result
from irlib.report.rows import FIVE, as_published, cosine_ranges, plane
from irlib.report.words import QUESTION, answer, control_pairs, details, verdict

ANALYSES = (*PROTOTYPE_ANALYSES, *EVALUATION_ANALYSES)  # A10 is `ablations`

__all__ = [
    "ANALYSES",
    "CONTROL",
    "FIVE",
    "GROUPED",
    "MEAN",
    "ORACLE",
    "PAPER",
    "PROTOCOL",
    "QUESTION",
    "SYNTHETIC",
    "Analysis",
    "Found",
    "Page",
    "Replicates",
    "Result",
    "ablations",
    "answer",
    "as_published",
    "collect",
    "comparisons_made",
    "completeness",
    "control_pairs",
    "cosine_ranges",
    "details",
    "in_order",
    "mechanism",
    "plane",
    "premise",
    "render",
    "replicates",
    "tiles",
    "verdict",
]
