"""The report: what the runs of a study hold, what it means, and the page that tells it."""

from irlib.report.collected import Found, Result, collect
from irlib.report.gains import CONTROL, GROUPED, MEAN, ORACLE, Replicates, replicates
from irlib.report.page import Page, render
from irlib.report.words import (
    PROTOCOL,
    SYNTHETIC,
    answer,
    completeness,
    details,
    premise,
    tiles,
    verdict,
)

__all__ = [
    "CONTROL",
    "GROUPED",
    "MEAN",
    "ORACLE",
    "PROTOCOL",
    "SYNTHETIC",
    "Found",
    "Page",
    "Replicates",
    "Result",
    "answer",
    "collect",
    "completeness",
    "details",
    "premise",
    "render",
    "replicates",
    "tiles",
    "verdict",
]
