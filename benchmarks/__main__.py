"""Run every benchmark and write the tables with hardware and versions to ``benchmarks/RESULTS.md``.

python -m benchmarks
"""

from pathlib import Path
from typing import Any

import torch

from benchmarks import (
    ages,
    coverage,
    embedding,
    inter_prototype,
    loading,
    methods,
    pairs,
    records,
    rendering,
    templates,
    training,
    verification,
)
from irlib import provenance, runs

TABLES = (
    ("Painting synthetic faces", rendering.__doc__, rendering.measure),
    ("Training iteration and loader", training.__doc__, training.measure),
    ("Training step of each method", methods.__doc__, methods.measure),
    ("Batches from record files", loading.__doc__, loading.measure),
    ("Opening and reading record files", records.__doc__, records.measure),
    ("Age labels", ages.__doc__, ages.measure),
    ("Pairs of test sets", pairs.__doc__, pairs.measure),
    ("Embedding the images of pair lists", embedding.__doc__, embedding.measure),
    ("Verification accuracy and TAR at FAR", verification.__doc__, verification.measure),
    ("Templates and galleries", templates.__doc__, templates.measure),
    ("Coverage of intervals", coverage.__doc__, coverage.measure),
    ("Inter-Prototype loss and gradient", inter_prototype.__doc__, inter_prototype.measure),
)


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
    """A number with three significant digits, large ones whole."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def main() -> None:
    """Measure everything; some minutes."""
    machine, found = provenance.hardware(), provenance.versions()
    gpus = ", ".join(machine["gpus"]) or "no GPU"
    text = (
        "# Results of the benchmarks\n\n"
        "Written by `python -m benchmarks`. The figures to compare are the ratios: both sides of "
        "each were measured in turn in one process.\n\n"
        f"{machine['processor']}, {machine['cores']} cores, {gpus}; {machine['system']}; "
        f"Python {found['python']}, torch {torch.__version__}, numpy {found['numpy']}, "
        f"Pillow {found['pillow']}.\n"
    )
    for title, about, measure in TABLES:
        print(title, flush=True)
        text += f"\n## {title}\n\n{about.split('Run `')[0].split('    python')[0].strip()}\n\n"
        text += table(measure())
    runs.write_text(Path(__file__).with_name("RESULTS.md"), text.rstrip() + "\n")


if __name__ == "__main__":
    main()
