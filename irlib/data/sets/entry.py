"""What the catalog says of a data set."""

from collections.abc import Mapping
from dataclasses import dataclass, field

ROLES = (
    "training",
    "age labels",
    "cross-age test",
    "pairs",
    "templates",
    "identification",
    "detector",
)


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A set that users bring, and on what terms.

    Args:
        key: its name in this library.
        title: its name in papers.
        role: one of `ROLES`.
        what: what it holds, in a sentence.
        owner: who made it and gives it out.
        terms: licence or conditions.
        ask: how to come by it.
        counts: published numbers, to hold beside what is found.
        place: where to put it, relative to the data folder.
        forms: what can be put there or be named as ``root=``; see `recognize`.
        unchecked: statements above that were not checked against the owners' own words or copy.
    """

    key: str
    title: str
    role: str
    what: str
    owner: str
    terms: str
    ask: str
    place: str
    forms: tuple[str, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    unchecked: tuple[str, ...] = ()
