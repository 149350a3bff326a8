"""The report page: sections of text, tables and figures in one self-contained HTML file."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from irlib.report.collected import Found, Result
from irlib.runs import Run

FIGURE_DPI = 150  # of `irlib.plots`; an inch takes 100 px on the page
PACKAGES = ("python", "torch", "numpy", "scikit-learn", "umap-learn")  # told in the records


@dataclass(frozen=True)
class Part:
    """One thing in a section: a text, a note of what is absent, a table or a figure."""

    kind: str  # text, note, table or figure
    text: str  # or the caption
    columns: Sequence[str] = ()
    left: Sequence[bool] = ()  # whether a column holds words, which stand on the left
    rows: Sequence[Sequence[str]] = ()
    image: str = ""  # PNG, base64
    width: int = 0  # of the image, as shown on a wide screen, px


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
    """

    run: Run
    title: str
    label: str = ""
    subtitle: str = ""
    answer: Sequence[str] = ()
    details: Sequence[str] = ()
    tiles: Sequence[tuple[str, str]] = ()
    status: str = ""
    sections: list[Section] = field(default_factory=list)

    def section(self, title: str, *texts: str) -> None:
        """Begin a section with some paragraphs."""
        self.sections.append(Section(title, [Part("text", text) for text in texts]))

    def table(self, name: str, table: pd.DataFrame, caption: str) -> pd.DataFrame:
        """Put a table on the page and into ``<name>.csv``; it is given back for display.

        Args:
            name: of the file.
            table: cells are put as they are; without rows, a note stands in its place.
            caption: what it says and how to read it.
        """
        if len(table):
            self.run.save_table(name, table)
            rows = [[str(cell) for cell in row] for row in table.itertuples(index=False)]
            left = [not any(_is_number(row[at]) for row in rows) for at in range(len(rows[0]))]
            self._add(Part("table", caption, columns=list(table.columns), left=left, rows=rows))
        else:
            self._add(Part("note", f"{caption} No complete run has these numbers yet."))
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
            self._add(Part("note", f"{caption} No complete run has these numbers yet."))
            return None
        figure = self.run.save_figure(name, draw(table), table)
        self.image(self.run.folder / "figures" / f"{name}.png", caption)
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
    records = [
        record(run) for run in [*found.runs, Result("report", page.run.folder, status="this page")]
    ]
    records[-1] |= _facts(page.run.record)
    return template.render(page=page, protocol=protocol, records=records)


def record(run: Result) -> dict[str, Any]:
    """What a reader wants to know of a run, as text by name."""
    return {
        "name": run.folder.name,
        "status": run.status,
        "reason": run.reason,
        "has_folder": run.folder.is_dir(),
        **_facts(run.record),
    }


def _facts(told: dict[str, Any]) -> dict[str, str]:
    git, versions = told.get("git") or {}, told.get("versions") or {}
    hardware = told.get("hardware") or {}
    commit = (git.get("commit") or "")[:10]
    packages = [f"{name} {versions[name]}" for name in PACKAGES if versions.get(name)]
    machine = [hardware.get("processor"), f"{hardware['cores']} cores" if hardware else None]
    memory = told.get("peak_memory_mib")
    return {
        "seed": _text(told.get("seed")),
        "commit": commit + (" + changes" if git.get("dirty") else ""),
        "versions": ", ".join(packages),
        "hardware": ", ".join(filter(None, [*machine, *hardware.get("gpus", ())])),
        "data": (told.get("data") or "")[:12],
        "start": _text(told.get("start")).replace("T", " ").removesuffix("+00:00"),
        "duration": duration(told.get("seconds")),
        "memory": f"{memory / 1024:.2f} GiB" if memory else "",
    }


def duration(seconds: float | None) -> str:
    """Seconds as a person says them, e.g. ``3 min 05 s``; nothing for None."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def _is_number(cell: str) -> bool:
    return cell.lstrip("+\u2212")[:1].isdigit()


def _text(value: Any) -> str:
    return "" if value is None else str(value)
