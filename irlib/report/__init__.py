"""The report: what the runs of a study hold, what it means, and the page that tells it."""

from irlib.report.ablations import ablations
from irlib.report.analyses import Analysis, in_order
from irlib.report.analyses_evaluation import EVALUATION_ANALYSES
from irlib.report.analyses_prototypes import PROTOTYPE_ANALYSES
from irlib.report.collected import Found, collect
from irlib.report.findings import comparisons_made, mechanism, tiles
from irlib.report.gains import CONTROL, GROUPED, MEAN, ORACLE, Replicates
from irlib.report.notes import PAPER, SYNTHETIC, completeness, premise, protocol
from irlib.report.page import Page, render
from irlib.report.records import record_table
from irlib.report.resampling import replicates
from irlib.report.result import Result
from irlib.report.rows import (
    FIVE,
    as_published,
    command,
    cosine_ranges,
    headline,
    plane,
)
from irlib.report.words import (
    QUESTION,
    answer,
    control_pairs,
    details,
    heading,
    published_pairs,
    verdict,
)

ANALYSES = (*PROTOTYPE_ANALYSES, *EVALUATION_ANALYSES)  # A10 is `ablations`

__all__ = [
    "ANALYSES",
    "CONTROL",
    "FIVE",
    "GROUPED",
    "MEAN",
    "ORACLE",
    "PAPER",
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
    "command",
    "comparisons_made",
    "completeness",
    "control_pairs",
    "cosine_ranges",
    "details",
    "heading",
    "headline",
    "in_order",
    "mechanism",
    "plane",
    "premise",
    "protocol",
    "published_pairs",
    "record_table",
    "render",
    "replicates",
    "tiles",
    "verdict",
]
