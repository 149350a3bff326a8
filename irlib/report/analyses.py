"""The analyses behind the paper's tables: each a named figure, a claim, and what is found here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd

from irlib.plots import Picture
from irlib.report.collected import Found


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """One analysis of the report.

    Args:
        id: A1 to A12.
        name: file name of its figure, without ending, e.g. ``a1_child_angles``.
        title: heading.
        claim: what the paper, or the code of its authors, means to show by it; a sentence.
        read: the numbers to draw, one row a mark; empty where no run has them.
        draw: the figure of these numbers.
        finding: what they show here, in one to three sentences made from the numbers.
        absent: what to run to have it, told where there are no numbers.
        label: what the claim is called, for one that is not the paper's or its code's.
        table: the numbers as cells of text, where they are more than the figure can tell.
    """

    id: str
    name: str
    title: str
    claim: str
    read: Callable[[Found], pd.DataFrame]
    draw: Callable[[pd.DataFrame], Picture]
    finding: Callable[[pd.DataFrame], str]
    absent: str
    label: str = "Claim"
    table: Callable[[pd.DataFrame], pd.DataFrame] | None = None


def in_order(analyses: Iterable[Analysis]) -> list[Analysis]:
    """The analyses by the number of their id, A2 before A10; those of one id stay as they are."""
    return sorted(analyses, key=lambda analysis: int(analysis.id[1:]))
