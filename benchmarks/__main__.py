"""Run the benchmarks and write their tables, with hardware and versions, to ``RESULTS.md``.

python -m benchmarks                  # all of them: half an hour on two cores
python -m benchmarks training head    # these alone; the other sections stay as they are
"""

import argparse
from importlib import import_module
from types import ModuleType

from benchmarks import results
from irlib import devices
from irlib.values import unknown

TITLES = {
    "rendering": "Painting synthetic faces",
    "training": "Training iteration",
    "head": "Head and loss",
    "parallel": "Several processes",
    "methods": "Training step of each method",
    "synthesis": "Training step of face age synthesis",
    "facespace": "Check of aligned crops",
    "loading": "Batches from record files",
    "records": "Opening and reading record files",
    "ages": "Age labels",
    "pairs": "Pairs of test sets",
    "embedding": "Embedding the images of pair lists",
    "verification": "Verification accuracy and TAR at FAR",
    "templates": "Templates and galleries",
    "coverage": "Coverage of intervals",
    "inter_prototype": "Inter-Prototype loss and gradient",
}


def write(name: str, module: ModuleType) -> None:
    """Measure a table and put it in its section."""
    title = results.title_here(TITLES[name])
    print(title, flush=True)
    text = results.section(module.__doc__ or "", module.measure())
    results.replace(results.PATH, title, text, list(TITLES.values()))


def main() -> None:
    """Measure what the command line names; all, if it names nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(TITLES)}")
    names = parser.parse_args().names
    for name in names:
        if name not in TITLES:
            parser.error(unknown("benchmark", name, TITLES))
    devices.keep_freed_memory()  # as every training does
    for name in names or TITLES:
        write(name, import_module(f"benchmarks.{name}"))


if __name__ == "__main__":
    main()
