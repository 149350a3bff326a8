"""Aligned crops to faces at other ages: a grid, a picture each, and what two networks say of them.

Shapes: N faces, A of the age groups; crops of 112x112. Units: ages in years.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from irlib import plots, runs
from irlib.age_invariant.synthesis.groups import check_group, group_names
from irlib.aging.opening import SynthesisRun
from irlib.data.alignment.cutting import encode
from irlib.evaluation.embedding import embed
from irlib.evaluation.synthesized.faces import estimated_ages, synthesized
from irlib.evaluation.synthesized.means import cosines

GRID, TABLE = "grid.png", "ages.csv"  # files of `write_aged`
_BATCH = 64


@dataclass(frozen=True, eq=False)
class Aged:
    """Faces at other ages.

    Args:
        sources: (N, 112, 112, 3) uint8 RGB.
        faces: (N, A, 112, 112, 3) uint8 RGB.
        groups: A names of age groups.
        ages: (N, 1 + A) that the estimator reads in source and faces; None without one.
        cosines: (N, A) of each face with its source, by the judge; None without one.
    """

    sources: NDArray[np.uint8]
    faces: NDArray[np.uint8]
    groups: tuple[str, ...]
    ages: NDArray[np.float64] | None = None
    cosines: NDArray[np.float64] | None = None


def chosen_groups(groups: Sequence[int] | None, num_groups: int) -> tuple[int, ...]:
    """The age groups that are asked for; all of them for None.

    Raises:
        ValueError: an unknown group, one given twice, or none at all.
    """
    if groups is None:
        return tuple(range(num_groups))
    if not groups:
        raise ValueError("groups: none given; expected at least one")
    if twice := sorted({each for each in groups if list(groups).count(each) > 1}):
        raise ValueError(f"groups: {twice[0]} is given twice")
    return tuple(check_group(each, num_groups) for each in groups)


def aged(
    run: SynthesisRun, crops: NDArray[np.uint8], *, groups: Sequence[int] | None = None
) -> Aged:
    """Every face in some age groups.

    Args:
        run: makes the faces and looks at them.
        crops: (N, 112, 112, 3) uint8 RGB, aligned; see `open_photographs`.
        groups: numbers of groups; None for all.

    Raises:
        ValueError: an unknown group, or crops of another form.
    """
    count = run.synthesizer.num_groups
    asked = chosen_groups(groups, count)
    made = [
        synthesized(run.synthesizer, crops, np.full(len(crops), group), device=run.device)
        for group in asked
    ]
    every = np.stack([crops, *made], axis=1)  # (N, 1 + A, 112, 112, 3)
    names = tuple(group_names(count)[group] for group in asked)
    return Aged(crops, every[:, 1:], names, _ages(run, every), _cosines(run, every))


def _ages(run: SynthesisRun, every: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    if run.estimator is None:
        return None
    flat = every.reshape(-1, *every.shape[2:])
    return estimated_ages(run.estimator, flat, device=run.device).reshape(every.shape[:2])


def _cosines(run: SynthesisRun, every: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    if run.judge is None:
        return None
    flat = every.reshape(-1, *every.shape[2:])
    batches = (flat[start : start + _BATCH] for start in range(0, len(flat), _BATCH))
    rows = embed(run.judge, batches, device=run.device).reshape(*every.shape[:2], -1)
    return cosines(rows[:, 1:], rows[:, :1])


def write_aged(folder: Path, names: Sequence[str], result: Aged) -> tuple[Path, ...]:
    """Write the grid, the table and a picture of each face in each group; the paths.

    Args:
        folder: made if it is missing.
        names: N, of the photographs.
        result: what is written.

    Raises:
        ValueError: not as many names as faces.
        OSError: the folder cannot be written.
    """
    if len(names) != len(result.sources):
        raise ValueError(f"{len(names)} names for {len(result.sources)} faces")
    pictures = [
        [folder / f"{label}-{group.replace(' ', '-')}.png" for group in result.groups]
        for label in _labels(names)
    ]
    for paths, faces in zip(pictures, result.faces, strict=True):
        for path, face in zip(paths, faces, strict=True):
            with runs.atomic_path(path) as temporary:
                temporary.write_bytes(encode(face, ".png"))
    _write_grid(folder / GRID, result)
    with runs.atomic_path(folder / TABLE) as temporary:
        _table(names, pictures, result).to_csv(temporary, index=False)
    return folder / GRID, folder / TABLE, *(path for paths in pictures for path in paths)


# what the pictures of a photograph are called: by its own name, numbered where two have the same
def _labels(names: Sequence[str]) -> list[str]:
    stems = [Path(name).stem for name in names]
    if len({stem.lower() for stem in stems}) == len(stems):
        return stems
    return [f"{number:02d}-{stem}" for number, stem in enumerate(stems, 1)]


def _write_grid(path: Path, result: Aged) -> None:
    estimated = None if result.ages is None else result.ages[:, 1:]
    figure = plots.aging_grid(
        result.sources, result.faces, groups=result.groups, estimated=estimated
    )
    with runs.atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})


# a row each for the source and for its faces
def _table(names: Sequence[str], pictures: Sequence[Sequence[Path]], result: Aged) -> pd.DataFrame:
    files = [file for paths in pictures for file in ("", *(path.name for path in paths))]
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
