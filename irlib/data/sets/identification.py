"""Lists of templates and their subjects, for search in a gallery.

Shapes: G templates.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

EXPECTED = "expected a header row, then rows that begin `template,subject`"


@dataclass(frozen=True, eq=False)
class TemplateList:
    """A gallery, or probes.

    Args:
        template_ids: (G,) each once, ascending.
        subject_ids: (G,) person in each template.
    """

    template_ids: NDArray[np.int64]
    subject_ids: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of templates, G."""
        return len(self.template_ids)


def read_template_list(path: Path, known: NDArray[np.int64]) -> TemplateList:
    """The templates of a .csv file; one that has a row for each of its images counts once.

    Args:
        path: the file: a header row, then template and subject in the first two columns.
        known: ids of the templates that have images.

    Raises:
        ValueError: no header or no row, a row that does not begin with two ids, a template
            without images, or one with two subjects; the message names file and line.
    """
    templates = set(known.tolist())
    subjects: dict[int, int] = {}
    for number, template, subject in _rows(path):
        if template not in templates:
            raise ValueError(f"{path}, line {number}: template {template} has no images")
        if subjects.setdefault(template, subject) != subject:
            raise ValueError(
                f"{path}, line {number}: template {template} shows subject {subject}, in an "
                f"earlier line subject {subjects[template]}"
            )
    if not subjects:
        raise ValueError(f"{path}: no template; {EXPECTED}")
    found = np.array(sorted(subjects.items()), dtype=np.int64)  # (G, 2)
    return TemplateList(found[:, 0].copy(), found[:, 1].copy())


def _rows(path: Path) -> Iterator[tuple[int, int, int]]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        rows = csv.reader(text)
        header = _fields(path, rows)
        if header is not None and header[:1] and _id(header[0]) is not None:
            raise ValueError(f"{path}, line 1: no header: {','.join(header)!r}; {EXPECTED}")
        while (row := _fields(path, rows)) is not None:
            if not any(row):
                continue
            ids = [_id(field) for field in row[:2]]
            if len(ids) < 2 or None in ids:
                raise ValueError(f"{path}, line {rows.line_num}: {','.join(row)!r}; {EXPECTED}")
            yield rows.line_num, *ids


def _fields(path: Path, rows: Iterator[list[str]]) -> list[str] | None:
    try:
        return next(rows, None)
    except csv.Error as error:
        raise ValueError(f"{path}, line {rows.line_num}: {error}; {EXPECTED}") from None


def _id(field: str) -> int | None:
    text = field.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
