"""Photographs at other ages, by a finished synthesis run: ``python -m irlib.aging``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from irlib import devices
from irlib.age_invariant.synthesis.groups import group_names
from irlib.aging.making import Aged, aged, chosen_groups
from irlib.aging.opening import open_run
from irlib.aging.photographs import open_photographs
from irlib.aging.writing import GRID_ROWS, require_free, write_aged

_EPILOG = """\
Each photograph shows one face. Pictures of 112x112 pixels are taken for aligned crops and checked;
in others the detector finds the face. A result is a guess of a network: it tells nobody what a
person looked like or will look like. See "Responsible use" in README.md.
"""
_STRANGE = "unlike the crops that the network was trained on; expect little"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 if it is done, else 1 and one line on what is wrong."""
    options = parser().parse_args(arguments)
    try:
        run_age(options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = argparse.ArgumentParser(
        "python -m irlib.aging",
        description="The faces of photographs in every age group.",
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    add = command.add_argument
    add("photographs", metavar="PHOTO", type=Path, nargs="+", help="one face each")
    add("--run", metavar="FOLDER", type=Path, required=True, help="of a run of notebook 06")
    add("--out", metavar="FOLDER", type=Path, required=True, help="new, for the results")
    add("--groups", metavar="G,G", help="numbers of age groups, from 0 (default: all)")
    add("--detector", metavar="FILE", type=Path, help="YuNet's .onnx file")
    add("--device", default="auto", help="auto, cpu, mps, cuda or cuda:1")
    return command


def run_age(options: argparse.Namespace) -> None:
    """Age photographs and write what came of it.

    Raises:
        FileNotFoundError: a run or detector that is not there.
        ValueError: an unknown group, a run of something else, photographs that cannot be used.
        OSError: the folder cannot be written, or holds files that would be written over.
    """
    groups = None if options.groups is None else _numbers(options.groups)
    run = open_run(options.run, device=devices.pick(options.device))
    count = run.synthesizer.num_groups
    asked = [group_names(count)[group] for group in chosen_groups(groups, count)]
    names = [str(path) for path in options.photographs]
    require_free(options.out, names, asked)
    crops = open_photographs(options.photographs, detector=options.detector, space=run.space)
    unlike = np.zeros(len(crops), dtype=bool) if run.space is None else ~run.space.accepts(crops)
    strange = [f"{names[row]}: {_STRANGE}" for row in np.flatnonzero(unlike)]
    for note in (*run.notes, *strange):
        print(f"note: {note}")
    result = aged(run, crops, groups=groups)
    grid, table, *pictures = write_aged(options.out, names, result)
    _tell(names, result)
    print(f"{grid}, {table} and {len(pictures):,} pictures")
    if len(names) > GRID_ROWS:
        print(f"note: {grid.name} shows the first {GRID_ROWS} of {len(names):,} photographs")


def _numbers(text: str) -> list[int]:
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise ValueError(f"--groups {text}: expected numbers between commas, as 0,3,6") from None


def _tell(names: Sequence[str], result: Aged) -> None:
    for row, name in enumerate(names):
        print(name if result.ages is None else f"{name}: looks {result.ages[row, 0]:.0f} years old")
        for at, group in enumerate(result.groups):
            told = [f"  {group:>8}"]
            if result.ages is not None:
                told.append(f"looks {result.ages[row, at + 1]:.0f}")
            if result.cosines is not None:
                told.append(f"cosine to the photograph {result.cosines[row, at]:+.2f}")
            print(", ".join(told))


if __name__ == "__main__":
    sys.exit(main())
