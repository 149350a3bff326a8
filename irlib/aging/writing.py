"""Faces at other ages to files: a picture each, a table, and a grid to look at.

Shapes: N photographs, A of the age groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from irlib import plots, runs
from irlib.aging.making import Aged
from irlib.data.alignment.cutting import encode

GRID, TABLE = "grid.png", "ages.csv"
GRID_ROWS = 50  # photographs on the grid; some hundreds are more than a picture may have pixels


@dataclass(frozen=True)
class Targets:
    """The files that aged photographs go to.

    Args:
        grid: of the first `GRID_ROWS` photographs.
        table: of all.
        pictures: N rows of A files.
    """

    grid: Path
    table: Path
    pictures: tuple[tuple[Path, ...], ...]

    @classmethod
    def of(cls, folder: Path, names: Sequence[str], groups: Sequence[str]) -> Self:
        """Those in a folder.

        Args:
            folder: need not be there.
            names: N, of the photographs; a picture is called by its photograph's, and numbered
                where two have the same.
            groups: A names of age groups.
        """
        rows = (
            tuple(folder / f"{label}-{group.replace(' ', '-')}.png" for group in groups)
            for label in _labels(names)
        )
        return cls(folder / GRID, folder / TABLE, tuple(rows))

    @property
    def all(self) -> tuple[Path, ...]:
        """Grid, table, then the pictures photograph by photograph."""
        return self.grid, self.table, *(path for row in self.pictures for path in row)


def require_free(folder: Path, names: Sequence[str], groups: Sequence[str]) -> None:
    """Refuse a folder where `write_aged` would write over a file, be it a photograph's or not.

    Args:
        folder: need not be there.
        names: N, of the photographs.
        groups: A names of age groups.

    Raises:
        FileExistsError: files that are there, by name; or what is called so is no folder.
    """
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder}: not a folder; expected one, or a new name")
    if taken := [path.name for path in Targets.of(folder, names, groups).all if path.exists()]:
        raise FileExistsError(
            f"{folder}: {', '.join(taken[:5])}{', ...' if len(taken) > 5 else ''} "
            f"{'is' if len(taken) == 1 else 'are'} there already, and nothing is written over; "
            "name another folder"
        )


def write_aged(folder: Path, names: Sequence[str], result: Aged) -> tuple[Path, ...]:
    """Write a picture of each face in each group, the table and the grid; `Targets.all`.

    What an earlier call left under the same names is replaced, all else stays; `require_free`
    tells beforehand.

    Args:
        folder: made if it is missing.
        names: N, of the photographs.
        result: what is written.

    Raises:
        ValueError: not as many names as faces, or a photograph itself would be replaced.
        OSError: the folder cannot be written.
    """
    if len(names) != len(result.sources):
        raise ValueError(f"{len(names)} names for {len(result.sources)} faces")
    targets = Targets.of(folder, names, result.groups)
    _require_no_photograph(targets, names)
    for paths, faces in zip(targets.pictures, result.faces, strict=True):
        for path, face in zip(paths, faces, strict=True):
            with runs.atomic_path(path) as temporary:
                temporary.write_bytes(encode(face, ".png"))
    with runs.atomic_path(targets.table) as temporary:
        _table(names, targets, result).to_csv(temporary, index=False)
    _write_grid(targets.grid, result)
    return targets.all


def _require_no_photograph(targets: Targets, names: Sequence[str]) -> None:
    photographs = {Path(name).resolve() for name in names}
    if lost := [path for path in targets.all if path.resolve() in photographs]:
        raise ValueError(f"{lost[0]}: is a photograph given; name another folder for the results")


# what the pictures of a photograph are called: by its own name, numbered where two have the same
def _labels(names: Sequence[str]) -> list[str]:
    stems = [Path(name).stem for name in names]
    if len({stem.lower() for stem in stems}) == len(stems):
        return stems
    return [f"{number:02d}-{stem}" for number, stem in enumerate(stems, 1)]


def _write_grid(path: Path, result: Aged) -> None:
    estimated = None if result.ages is None else result.ages[:GRID_ROWS, 1:]
    shown = result.sources[:GRID_ROWS], result.faces[:GRID_ROWS]
    figure = plots.aging_grid(*shown, groups=result.groups, estimated=estimated)
    with runs.atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})


# a row each for the source and for its faces
def _table(names: Sequence[str], targets: Targets, result: Aged) -> pd.DataFrame:
    files = [file for row in targets.pictures for file in ("", *(path.name for path in row))]
    groups = ("source", *result.groups)
    told = {
        "photograph": np.repeat(names, len(groups)),
        "group": np.tile(groups, len(names)),
        "picture": files,
    }
    if result.ages is not None:
        told["estimated_age"] = result.ages.ravel().round(1)
    if result.cosines is not None:
        told["cosine"] = np.insert(result.cosines, 0, np.nan, axis=1).ravel().round(4)
    return pd.DataFrame(told)
