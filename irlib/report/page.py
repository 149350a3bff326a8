"""The report page: sections of text, tables and figures in one self-contained HTML file."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from irlib.report.analyses import Analysis
from irlib.report.collected import Found
from irlib.report.latex import latex
from irlib.report.records import records
from irlib.runs import Run, write_text
from irlib.tables import best_cells

FIGURE_DPI = 150  # of `irlib.plots`; an inch takes 100 px on the page
ABSENT = "No complete run has these numbers yet."
TALL = 24  # rows; a longer table scrolls within itself on a screen


@dataclass(frozen=True)
class Part:
    """One thing in a section: a text, a note of what is absent, a table or a figure."""

    kind: str  # heading, text, note, table or figure
    text: str  # or the caption
    columns: Sequence[str] = ()
    left: Sequence[bool] = ()  # whether a column holds words, which stand on the left
    rows: Sequence[Sequence[str]] = ()
    bold: Sequence[Sequence[bool]] = ()  # of the rows' shape
    image: str = ""  # PNG, base64
    width: int = 0  # of the image, as shown on a wide screen, px

    @property
    def tall(self) -> bool:
        """Whether a table has more rows than a screen."""
        return len(self.rows) > TALL


@dataclass
class Section:
    """A heading with what stands below it."""

    title: str
    parts: list[Part] = field(default_factory=list)


@dataclass
class Page:
    """A page that is filled from top to bottom; tables and figures are saved on the way.

    Args:
        run: where tables and figures go as files of their own.
        title: heading.
        label: what every reader has to know first, e.g. that faces are synthetic; may be empty.
        subtitle: which study it is.
        answer: what was found, below the heading.
        details: what stands behind it, in smaller print.
        tiles: a few numbers, each with what it is.
        status: what the numbers rest on, one sentence.
        source: what the numbers come from, e.g. ``synthetic faces``; it ends the caption of a
            LaTeX table, which leaves the page and its label behind.
    """

    run: Run
    title: str
    label: str = ""
    subtitle: str = ""
    answer: Sequence[str] = ()
    details: Sequence[str] = ()
    tiles: Sequence[tuple[str, str]] = ()
    status: str = ""
    source: str = ""
    sections: list[Section] = field(default_factory=list)

    def section(self, title: str, *texts: str) -> None:
        """Begin a section with some paragraphs; empty ones are left out."""
        self.sections.append(Section(title))
        self.text(*texts)

    def text(self, *texts: str) -> None:
        """Put paragraphs below what is there; empty ones are left out."""
        self.sections[-1].parts += [Part("text", text) for text in texts if text]

    def table(
        self,
        name: str,
        table: pd.DataFrame,
        caption: str,
        *,
        best: Sequence[str] = (),
        source: str | None = None,
    ) -> pd.DataFrame:
        """Put a table on the page and into ``tables/``, as CSV and LaTeX; given back for display.

        Args:
            name: of the files.
            table: cells are put as they are; without rows, a note stands in its place.
            caption: what it says and how to read it.
            best: columns whose largest number is bold, among the rows of one source.
            source: where the numbers come from, if not where those of the page do.
        """
        if not len(table):
            self._add(Part("note", f"{caption} {ABSENT}"))
            return table
        told = self.source if source is None else source
        bold = best_cells(table, best)
        self.keep(name, table, f"{caption} Source: {told}." if told else caption, bold=bold)
        rows = [[_unbroken(str(cell)) for cell in row] for row in table.itertuples(index=False)]
        columns, marks = list(table.columns), bold.to_numpy().tolist()
        left = _words(table)
        self._add(Part("table", caption, columns=columns, left=left, rows=rows, bold=marks))
        return table

    def keep(
        self, name: str, table: pd.DataFrame, caption: str, *, bold: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        """Put a table into ``tables/`` alone, as CSV and LaTeX; given back for display.

        Args:
            name: of the files.
            table: cells are put as they are.
            caption: of the LaTeX table.
            bold: of the table's shape, the cells in bold.
        """
        self.run.save_table(f"tables/{name}", table)
        text = latex(table, caption=caption, label=name, left=_words(table), bold=bold)
        write_text(self.run.folder / "tables" / f"{name}.tex", text)
        return table

    def figure(
        self,
        name: str,
        draw: Callable[[pd.DataFrame], Figure],
        table: pd.DataFrame,
        caption: str,
    ) -> Figure | None:
        """Draw a table, put the figure on the page and into ``figures/``; for display.

        Args:
            name: of the files.
            draw: a function of `irlib.plots`.
            table: what it draws; without rows, a note stands in its place and None is returned.
            caption: what it shows and how to read it.
        """
        if not len(table):
            self._add(Part("note", f"{caption} {ABSENT}"))
            return None
        figure = self.run.save_figure(name, draw(table), table)
        self.image(self.run.folder / "figures" / f"{name}.png", caption)
        return figure

    def analysis(self, analysis: Analysis, found: Found) -> Figure | None:
        """Put an analysis on the page: the claim it tests, its figure, what it shows, its table.

        Args:
            analysis: what to read, draw and say.
            found: the runs; where they hold no numbers for it, a note says what to run.
        """
        self._add(Part("heading", f"{analysis.id}: {analysis.title}"))
        self._add(Part("text", f"{analysis.label}: {analysis.claim}"))
        table = analysis.read(found)
        if not len(table):
            self._add(Part("note", analysis.absent))
            return None
        caption = f"{analysis.id}: {analysis.title}."
        figure = self.figure(analysis.name, analysis.draw, table, caption)
        self._add(Part("text", f"Here: {analysis.finding(table)}"))
        if analysis.table is not None:
            told = f"{caption} The numbers of the figure; shares in percent, gains in points."
            self.table(analysis.name, analysis.table(table), told)
        return figure

    def image(self, path: Path, caption: str) -> None:
        """Put the figure of an earlier run on the page, or a note that it is absent."""
        if not path.exists():
            made_by = path.parent.parent.name
            self._add(Part("note", f"{caption} Not there: the run {made_by} has not made it."))
            return
        content = path.read_bytes()
        width = int.from_bytes(content[16:20], "big")  # PNG: the header chunk's first number
        encoded = base64.b64encode(content).decode("ascii")
        self._add(Part("figure", caption, image=encoded, width=width * 100 // FIGURE_DPI))

    def _add(self, part: Part) -> None:
        self.sections[-1].parts.append(part)


def render(page: Page, found: Found, *, protocol: Sequence[str] = ()) -> str:
    """The page as HTML that needs no other file, no script and no address outside.

    Args:
        page: its content.
        found: the runs, whose records end the page; links are relative to the study's folder.
        protocol: notes on what the numbers support and what not.
    """
    environment = Environment(
        loader=PackageLoader("irlib.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html.j2")
    return template.render(page=page, protocol=protocol, records=records(found, page.run))


def _unbroken(cell: str) -> str:
    # a line may end before an interval, not within it
    return cell.replace(", ", ",\u00a0").replace(" \u00b1 ", "\u00a0\u00b1\u00a0")


def _words(table: pd.DataFrame) -> list[bool]:
    # whether a column holds no number at all
    return [not any(_is_number(str(cell)) for cell in table[name]) for name in table]


def _is_number(cell: str) -> bool:
    return cell.lstrip("+\u2212[")[:1].isdigit()
