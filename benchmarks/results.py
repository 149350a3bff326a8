"""The file of results: a section for each table, replaced one at a time."""

from pathlib import Path
from typing import Any

import torch

from irlib import provenance, runs

PATH = Path(__file__).with_name("RESULTS.md")
HEAD = (
    "# Results of the benchmarks\n\n"
    "Written by `python -m benchmarks`, or section by section by `python -m benchmarks NAME ...`. "
    "The figures to compare are the ratios: both sides of each were measured in turn in one "
    "process."
)


def hardware() -> str:
    """One line: processor, GPUs, system and versions."""
    machine, found = provenance.hardware(), provenance.versions()
    cores = "1 core" if machine["cores"] == 1 else f"{machine['cores']} cores"
    return (
        f"{machine['processor']}, {cores}, {', '.join(gpus()) or 'no GPU'}; {machine['system']}; "
        f"Python {found['python']}, torch {torch.__version__}, numpy {found['numpy']}, "
        f"Pillow {found['pillow']}."
    )


def gpus() -> list[str]:
    """The GPUs that torch can use, by name."""
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]


def title_here(title: str) -> str:
    """The title of a section measured on this machine: with a GPU it stands beside the other."""
    return f"{title} ({gpus()[0]})" if gpus() else title


def section(about: str, rows: list[dict[str, Any]]) -> str:
    """The text below a title: what was measured, on what, and the numbers.

    Args:
        about: docstring of the module that measured.
        rows: column to value.
    """
    told = about.split("Run `")[0].split("Run as `")[0].split("    python")[0].strip()
    return f"{told}\n\n{hardware()}\n\n{table(rows)}".rstrip()


def table(rows: list[dict[str, Any]]) -> str:
    """Rows as Markdown; one table a set of columns."""
    text = ""
    for columns in dict.fromkeys(tuple(row) for row in rows):
        text += "| " + " | ".join(columns) + " |\n|" + "---|" * len(columns) + "\n"
        for row in rows:
            if tuple(row) == columns:
                text += "| " + " | ".join(map(told, row.values())) + " |\n"
        text += "\n"
    return text


def told(value: Any) -> str:
    """A number with three significant digits, large ones whole; a dash for what there is not."""
    if not isinstance(value, float):
        return str(value)
    if value != value:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def sections(path: Path) -> dict[str, str]:
    """Title to text of a file of results, in its order; empty if there is none."""
    if not path.exists():
        return {}
    parts = path.read_text(encoding="utf-8").split("\n## ")[1:]
    pairs = (part.split("\n", 1) for part in parts)
    return {title.strip(): text.strip() for title, text in pairs}


def replace(path: Path, title: str, text: str, order: list[str]) -> None:
    """Write a section into a file of results; the others stay as they are.

    Args:
        path: the file, made if it is missing.
        title: of the section.
        text: what stands below it.
        order: of the titles; one that a GPU's name was added to follows its own.
    """
    found = {**sections(path), title: text}
    places = {name: at for at, name in enumerate(order)}
    titles = sorted(found, key=lambda name: (_place(name, places), name))
    body = "".join(f"\n\n## {name}\n\n{found[name]}" for name in titles)
    runs.write_text(path, f"{HEAD}{body}\n")


def _place(title: str, places: dict[str, int]) -> int:
    own = [at for name, at in places.items() if title == name or title.startswith(f"{name} (")]
    return min(own, default=len(places))
